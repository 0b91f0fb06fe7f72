"""Stretches sound at its pitch with FFmpeg's filter ``atempo``, in step to a few milliseconds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, TypeAlias

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.filter import Graph
from numpy.typing import NDArray

_MOST = 2.0
"""Largest factor of one filter."""

_WINDOWS = 24
"""Windows of the filter per second; their length is the next power of two in samples."""

_JITTER = Fraction(1, 50)
"""Error in seconds of a frame's time beyond which silence is inserted or samples are dropped."""

_LEAD = Fraction(1, 4)
"""Share of a window by which the filter runs ahead, in unstretched time; measured, equal for all factors."""

Samples: TypeAlias = NDArray[np.float32]
"""Channels × samples, in −1…1."""


class TimeStretchedSound:
    """Stretches decoded sound, from film time 0 on.

    Gaps, and the time before a late start, become silence.

    Args:
        rate: Samples per second of the sound.
        layout: Channel layout of the result, by FFmpeg's name.
        stretch: How many times as long it becomes, above 1.
        end: Where the sound is cut off, in seconds before stretching; None keeps all.
    """

    def __init__(self, rate: int, layout: str, stretch: Fraction, end: Fraction | None) -> None:
        self._rate, self._layout, self._stretch = rate, av.AudioLayout(layout), stretch
        self._end = None if end is None else round(end * rate)
        self._resampler = AudioResampler("fltp", layout, rate)
        self._graph = _chain(rate, layout, stretch)
        self._window = 1 << (rate // _WINDOWS - 1).bit_length()
        self._taken = self._put = self._given = 0

    def take(self, frame: AudioFrame, shift: Fraction) -> Iterator[AudioFrame]:
        """Take the next decoded frame.

        Args:
            frame: The frame, with its time.
            shift: Start of the part, in seconds of the frame's clock.

        Yields:
            Finished frames of 32-bit floats, with their times in the film.
        """
        for even in self._resampler.resample(frame):
            samples = _samples(even)
            if even.pts is not None and even.time_base:
                missing = round((even.pts * even.time_base - shift) * self._rate) - self._taken
                if not self._taken or abs(missing) > _JITTER * self._rate:
                    for begin in range(0, missing, self._rate):
                        yield from self._add(self._silence(min(self._rate, missing - begin)))
                    samples = samples[:, max(0, -missing) :]
            yield from self._add(samples)

    def flush(self) -> Iterator[AudioFrame]:
        """Yield the end of the sound."""
        left = round(self._taken * self._stretch) - self._given
        if not self._taken:
            return
        # The filter holds back its last windows; silence pushes them out.
        for frame in (*self._stretched(self._silence(2 * self._window)), *self._stretched(None)):
            if 0 < frame.samples <= left:
                yield frame
            elif left > 0:
                yield self._framed(_samples(frame)[:, :left], frame.pts)
            left -= frame.samples

    def _add(self, samples: Samples) -> Iterator[AudioFrame]:
        if self._end is not None:
            samples = samples[:, : max(0, self._end - self._taken)]
        if samples.shape[1]:
            if not self._taken:
                yield from self._stretched(self._silence(round(_LEAD * self._window)))
            self._taken += samples.shape[1]
            yield from self._stretched(samples)

    def _stretched(self, samples: Samples | None) -> Iterator[AudioFrame]:
        """Push samples and yield what comes out; None ends the sound."""
        self._graph.push(None if samples is None else self._framed(samples, self._put))
        self._put += 0 if samples is None else samples.shape[1]
        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            assert isinstance(frame, AudioFrame)
            frame.pts, frame.time_base = self._given, Fraction(1, self._rate)
            self._given += frame.samples
            yield frame

    def _silence(self, length: int) -> Samples:
        return np.zeros((self._layout.nb_channels, length), np.float32)

    def _framed(self, samples: Samples, at: int | None) -> AudioFrame:
        planes: Any = np.ascontiguousarray(samples)
        frame = AudioFrame.from_ndarray(planes, format="fltp", layout=self._layout.name)
        frame.sample_rate, frame.time_base, frame.pts = self._rate, Fraction(1, self._rate), at
        return frame


def _samples(frame: AudioFrame) -> Samples:
    return np.asarray(frame.to_ndarray(), np.float32)


def _chain(rate: int, layout: str, stretch: Fraction) -> Graph:
    """Make a chain of filters that each stretch by the same factor."""
    count = math.ceil(math.log(stretch, _MOST) - 1e-9)
    graph = Graph()
    source = graph.add_abuffer(sample_rate=rate, format="fltp", layout=layout, time_base=Fraction(1, rate))
    tempo = max(1 / _MOST, float(stretch) ** (-1 / count))
    filters = [graph.add("atempo", repr(tempo)) for _ in range(count)]
    graph.link_nodes(source, *filters, graph.add("aformat", "sample_fmts=fltp"), graph.add("abuffersink")).configure()
    return graph
