"""Calibrates the dream of a zoom: the strength and spectrum of its stills, dreamed from scratch."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from framedream.render.color_matching import match_color
from framedream.render.inputs import SettingsAt
from framedream.render.state_store import StateStore, calibration_name
from framedream.render.video.frame_state import load_reference
from framedream.render.video.strength_control import StrengthReference
from framedream.render.zoom.spectrum import Spectrum
from framedream.render.zoom.zoom_spec import ZoomSpec

if TYPE_CHECKING:
    from framedream.nn.ascent.dreamer import Dreamer

_INTERVAL = 24
"""Every how many frames there is a calibration frame where settings change."""


@dataclass(frozen=True)
class ZoomReference:
    """What the dream of a frame should be like.

    Attributes:
        strength: Its strength.
        spectrum: Its frequency bands and mean color.
    """

    strength: StrengthReference
    spectrum: Spectrum

    def interpolate(self, other: ZoomReference, share: float) -> ZoomReference:
        """Interpolate linearly between this reference and another; ``share`` is that of the other, 0…1."""
        return ZoomReference(
            self.strength.interpolate(other.strength, share), self.spectrum.interpolate(other.spectrum, share)
        )


class ZoomCalibrator:
    """Finds the references of one zoom: at each still, and every second where settings change; interpolates between.

    Args:
        spec: The zoom.
        dreamer: Dreams a single frame.
        settings_at: Returns the settings of each frame.
        store: Where results are stored.
    """

    def __init__(self, spec: ZoomSpec, dreamer: Dreamer, settings_at: SettingsAt, store: StateStore) -> None:
        self._spec, self._dreamer, self._settings_at, self._store = spec, dreamer, settings_at, store
        self._numbers = sorted({*spec.still_frames, *self._changing_frames()})
        self._references: dict[int, ZoomReference] = {}

    def at(self, number: int) -> ZoomReference:
        """Return the reference of a frame; dreams the calibration frames that it needs."""
        index = bisect.bisect_right(self._numbers, number) - 1
        before, after = self._numbers[index], self._numbers[min(index + 1, len(self._numbers) - 1)]
        if before in (number, after):
            return self._reference(before)
        return self._reference(before).interpolate(self._reference(after), (number - before) / (after - before))

    def _reference(self, number: int) -> ZoomReference:
        if self._spec.loop:
            number %= self._spec.frames
        if number not in self._references:
            stored = self._store.load(calibration_name(number))
            if stored is None:
                stored = self._calibrate(number)
                self._store.save(calibration_name(number), stored)
            self._references[number] = ZoomReference(load_reference(stored), Spectrum.from_arrays(stored))
        return self._references[number]

    def _calibrate(self, number: int) -> dict[str, np.ndarray]:
        frames = self._spec.still_frames
        nearest = min(range(len(frames)), key=lambda index: abs(frames[index] - number))
        still = self._spec.padded_frame.still(nearest % len(self._spec.stills))
        settings = self._settings_at(number).dream
        dream = self._dreamer.dream(still, settings=settings)
        pixels = match_color(dream.pixels, still, settings.color)
        spectrum = Spectrum(still.mean((0, 1), dtype=np.float64), Spectrum.measure(pixels).deviations)
        reference = [self._dreamer.strength(pixels, settings=settings), *dream.losses]
        return spectrum.to_arrays() | {"reference": np.array(reference)}

    def _changing_frames(self) -> list[int]:
        """The frames before and after a change of settings, on a grid of about a second."""
        last = self._spec.frames - 1
        settings = {number: self._settings_at(number).dream for number in sorted({*range(0, last, _INTERVAL), last})}
        numbers = list(settings)
        return [
            number
            for index, number in enumerate(numbers)
            if any(settings[near] != settings[number] for near in numbers[max(index - 1, 0) : index + 2])
        ]
