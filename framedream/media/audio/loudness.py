"""Measures loudness over time: of the whole sound, of its bands, and of its beats.

Beats are found by spectral flux, the rise of all frequencies from one moment to the next
(Bello et al. 2005, "A tutorial on onset detection in music signals"; Dixon 2006, "Onset
detection revisited"): peaks that stand out from the flux around them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Generator, Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framedream.errors import InputError
from framedream.media.audio.audio_samples import read_mono

BANDS = {"bass": (20, 150), "mid": (150, 2000), "treble": (2000, 16_000), "all": (20, 16_000)}
"""Lowest and highest frequency of each band, in hertz."""

LEVELS = (*BANDS, "beat")
"""The levels that can be measured."""

_RATE, _WINDOW, _HOP = 44_100, 2048, 512
_SILENT = -65.0
"""Decibels below full scale that count as silence."""

_FAINT = 40.0
"""Decibels below the loud parts of the whole sound at which a band counts as silent."""

_RARE, _STRONG = 0.1, 15.0
"""A band that sounds for less than this share of the time must be this close to the whole, in decibels, to count as
loud: a drum is, the edge of a tone in another band is not.
"""

_LEAST_RANGE = 12.0
"""Least range in decibels from level 0 to 1, so that a steady sound is always loud."""

_RELEASE, _BEAT_RELEASE = 0.15, 0.1
"""Seconds in which a level falls to a third without new sound."""

_AROUND, _LOUDEST_AROUND, _ALONE = 0.5, 2.5, 0.06
"""Seconds on each side over which a beat is compared with the mean, with the strongest beat, and stands alone."""


class Loudness:
    """The loudness of a sound over time.

    Attributes:
        duration: Length of the sound in seconds.
    """

    def __init__(self, duration: Fraction, levels: dict[str, NDArray[np.float32]]) -> None:
        """Store levels.

        Args:
            duration: Length of the sound in seconds.
            levels: For each name in `LEVELS`, its level at every hop.
        """
        self.duration = duration
        self._levels = levels

    @classmethod
    def of(cls, path: Path | str) -> Loudness:
        """Measure a file's first sound track; the result is cached until the file changes.

        Raises:
            InputError: The file is missing or damaged, or has no sound.
        """
        path = Path(path)
        try:
            facts = path.stat()
        except OSError:
            raise InputError(f"{path}: there is no such file; check the name") from None
        return _found(path, facts.st_size, facts.st_mtime_ns)

    def level(self, band: str, seconds: float) -> float:
        """Return the loudness at a time.

        Args:
            band: One of `LEVELS`.
            seconds: Time from the beginning of the sound; outside of it is silence.

        Returns:
            0 for silence, up to 1 for the loud parts of this sound.
        """
        levels = self._levels[band]
        if not 0 <= seconds <= self.duration:
            return 0.0
        at = min(seconds * _RATE / _HOP, len(levels) - 1.0)
        before = int(at)
        after = min(before + 1, len(levels) - 1)
        return float(levels[before] + (at - before) * (levels[after] - levels[before]))


@functools.lru_cache(maxsize=4)
def _found(path: Path, size: int, changed: int) -> Loudness:
    samples, power, flux = 0, [], []
    before = np.zeros((1, _WINDOW // 2 + 1), np.float32)
    window = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
    frequencies = np.fft.rfftfreq(_WINDOW, 1 / _RATE)
    masks = [(low <= frequencies) & (frequencies < high) for low, high in BANDS.values()]
    scale = np.float32(2 / window.sum())
    waiting = np.zeros(_WINDOW // 2, np.float32)  # Centers the first window on the beginning.
    for block in _padded(read_mono(path, _RATE)):
        samples += len(block)
        waiting = np.concatenate([waiting, block])
        hops = (len(waiting) - _WINDOW) // _HOP + 1
        if hops < 1:
            continue
        seen = np.lib.stride_tricks.sliding_window_view(waiting, _WINDOW)[: hops * _HOP : _HOP]
        magnitude = np.abs(np.fft.rfft(seen * window, axis=1)).astype(np.float32) * scale
        power.append(np.stack([(magnitude[:, mask] ** 2).sum(axis=1) for mask in masks]))
        flux.append(np.maximum(np.diff(magnitude, axis=0, prepend=before), 0).sum(axis=1))
        before, waiting = magnitude[-1:], waiting[hops * _HOP :]
    samples -= _WINDOW // 2
    if samples <= 0:
        raise InputError(f"{path}: cannot decode any sound; check that the file plays, or copy it again")
    decibels = 10 * np.log10(np.maximum(np.concatenate(power, axis=1), 1e-20))
    levels = {name: _level(row, decibels[-1]) for name, row in zip(BANDS, decibels, strict=True)}
    levels["beat"] = _beats(np.concatenate(flux), decibels[-1] > _SILENT)
    return Loudness(Fraction(samples, _RATE), levels)


def _level(band: NDArray[np.float32], whole: NDArray[np.float32]) -> NDArray[np.float32]:
    """Map a band's decibels to levels 0…1, with a fast rise and a slow fall."""
    sounding = whole > _SILENT
    if not sounding.any():
        return np.zeros_like(band)
    loud = float(np.percentile(whole[sounding], 95))
    floor = max(_SILENT, loud - _FAINT)
    heard = band > floor
    if not heard.any():
        return np.zeros_like(band)
    low, high = np.percentile(band[heard], (5, 95))
    if heard.sum() < _RARE * sounding.sum():
        high = max(high, loud - _STRONG)
    low = max(floor - _LEAST_RANGE, min(low, high - _LEAST_RANGE))
    levels = np.where(heard, np.clip((band - low) / (high - low), 0, 1), 0)
    return _falling(levels, _RELEASE)


def _beats(flux: NDArray[np.float32], heard: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return beats where the flux stands out from its surroundings: 1 at a clear beat, falling afterwards."""
    wide = np.pad(flux, 1)
    flux = (wide[:-2] / 2 + flux + wide[2:] / 2).astype(np.float32)  # A click may lie between two windows.
    mean = _around(flux, _AROUND)
    rise = np.where(heard, np.maximum(flux - mean, 0), 0)
    # Compare with the strongest beat around, or with the flux itself if none stands out.
    beside = np.maximum(_highest(rise, _LOUDEST_AROUND), mean)
    strength = np.divide(rise, beside, out=np.zeros_like(rise), where=beside > 0)
    is_peak = (strength > 0.1) & (rise >= _highest(rise, _ALONE))
    found = np.zeros_like(flux)
    found[is_peak] = strength[is_peak]
    return _falling(found, _BEAT_RELEASE)


def _falling(levels: NDArray[np.floating], seconds: float) -> NDArray[np.float32]:
    """Let levels rise at once and fall to a third within some seconds."""
    kept = math.exp(-_HOP / _RATE / seconds)
    found, last = [], 0.0
    for level in levels.tolist():
        last = max(level, last * kept)
        found.append(last)
    return np.array(found, np.float32)


def _around(values: NDArray[np.float32], seconds: float) -> NDArray[np.float32]:
    """Return the mean within some seconds of each value."""
    reach = round(seconds * _RATE / _HOP)
    sums = np.concatenate([[0], np.cumsum(values, dtype=np.float64)])
    index = np.arange(len(values))
    first, stop = np.maximum(index - reach, 0), np.minimum(index + reach + 1, len(values))
    mean: NDArray[np.float32] = ((sums[stop] - sums[first]) / (stop - first)).astype(np.float32)
    return mean


def _highest(values: NDArray[np.float32], seconds: float) -> NDArray[np.float32]:
    """Return the maximum within some seconds of each value."""
    reach = round(seconds * _RATE / _HOP)
    padded = np.pad(values, reach)
    highest: NDArray[np.float32] = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(axis=1)
    return highest


def _padded(blocks: Iterable[NDArray[np.float32]]) -> Generator[NDArray[np.float32]]:
    """Add half a window, so that the last window is centered on the end."""
    count = 0
    for block in blocks:
        count += 1
        yield block
    if count:
        yield np.zeros(_WINDOW // 2, np.float32)
