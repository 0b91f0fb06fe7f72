"""Computes the frame times of a film that is slower than its footage or has another rate, and what its frames show."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Protocol

from framedream.media.read.footage import Footage

_ROUNDING = Fraction(1, 1000)
"""Seconds by which frame times may be rounded: Matroska stores whole milliseconds."""

_SAME_RATE = Fraction(201, 200)
"""Ratio of the film's rate to the footage's above which frames are interpolated."""

_USUAL_RATE = Fraction(25)

_HALF = Fraction(1, 2)


@dataclass(frozen=True)
class SourcePosition:
    """The position in the footage that a frame of a film shows.

    Attributes:
        index: Number of a frame of the footage.
        share: Position between it and the next frame, 0 or more and below 1.
    """

    index: int
    share: Fraction

    @property
    def nearest(self) -> int:
        """The nearer frame of the footage; the earlier one half-way."""
        return self.index + (self.share > _HALF)


class FrameTiming(Protocol):
    """Maps the frames of a film to positions in its footage."""

    @property
    def rate(self) -> Fraction | None:
        """Nominal frames per second, or None."""
        ...

    @property
    def time_base(self) -> Fraction:
        """Seconds per tick; times are whole numbers of ticks."""
        ...

    @property
    def last_duration(self) -> Fraction | None:
        """How long the last frame is shown, in seconds, if known."""
        ...

    @property
    def frame_count(self) -> int | None:
        """The number of frames, if known."""
        ...

    def place(self, number: int) -> SourcePosition | None:
        """Return what a frame shows; None after the last frame, if that is known."""
        ...

    def time(self, number: int, shown: Fraction) -> Fraction:
        """Return the time of a frame, in seconds of the film; ``shown`` is the time of its position in the footage."""
        ...

    def times(self, own: Sequence[Fraction]) -> Iterator[Fraction]:
        """Return the times of all frames, in seconds, rising, given those of the footage's frames."""
        ...

    def first_frame_of(self, index: int) -> int:
        """Return the first frame that shows a frame of the footage, or is nearer to it than to the one before."""
        ...


class SlowMotionTiming:
    """Slow motion by a whole factor: each frame of the footage but the last becomes that many frames.

    Times are stretched exactly, even uneven ones, so they are whole numbers of the footage's ticks.

    Args:
        footage: The footage.
        factor: Length of the film relative to that of the footage.
    """

    def __init__(self, footage: Footage, factor: int) -> None:
        self._factor = factor
        self.rate, self.time_base = footage.format.rate, footage.format.time_base
        self.last_duration = footage.format.last_duration and footage.format.last_duration * factor
        self.frame_count = footage.frame_count and (footage.frame_count - 1) * factor + 1

    def place(self, number: int) -> SourcePosition:
        """Return what a frame shows."""
        index, step = divmod(number, self._factor)
        return SourcePosition(index, Fraction(step, self._factor))

    def time(self, number: int, shown: Fraction) -> Fraction:
        """Return the time of a frame, in seconds of the film."""
        return shown * self._factor

    def times(self, own: Sequence[Fraction]) -> Iterator[Fraction]:
        """Return the times of all frames, in seconds, rising."""
        for before, after in itertools.pairwise(own):
            yield from (before * self._factor + step * (after - before) for step in range(self._factor))
        yield from (last * self._factor for last in own[-1:])

    def first_frame_of(self, index: int) -> int:
        """Return the first frame that is nearer to a frame of the footage than to the one before."""
        return (index - 1) * self._factor + self._factor // 2 + 1


class ConstantRateTiming:
    """Frames at a constant rate. If that is higher than the footage's rate, frames are interpolated.

    Otherwise each frame repeats the source frame at its time. The film begins with the footage, or less than
    a frame before it, and is as long, to half a frame.

    Args:
        footage: The footage. All its times are read once the first is needed.
        rate: Frames per second of the film.
        factor: Length of the film relative to that of the footage.
    """

    def __init__(self, footage: Footage, rate: Fraction, factor: Fraction) -> None:
        self._footage, self._factor = footage, factor
        self._given_times: Sequence[Fraction] | None = None
        self.rate, self.time_base = rate, 1 / rate
        self.last_duration = self.time_base
        own = footage.format.rate or _USUAL_RATE
        self.frame_count = footage.frame_count and max(1, round(footage.frame_count / own * factor * rate))
        step = self.time_base / factor
        self._interpolates = 1 / step > own * _SAME_RATE
        self._rounding = min(_ROUNDING, step / 4)

    def place(self, number: int) -> SourcePosition | None:
        """Return what a frame shows; None after the last frame."""
        if number >= self._count:
            return None
        times, moment = self._times, (self._begin + number) * self.time_base / self._factor
        index = max(0, bisect.bisect_right(times, moment + self._rounding) - 1)
        offset = moment - times[index]
        if not self._interpolates or offset <= self._rounding or index + 1 == len(times):
            return SourcePosition(index, Fraction(0))
        return SourcePosition(index, offset / (times[index + 1] - times[index]))

    def time(self, number: int, shown: Fraction) -> Fraction:
        """Return the time of a frame, in seconds of the film."""
        return (self._begin + number) * self.time_base

    def times(self, own: Sequence[Fraction]) -> Iterator[Fraction]:
        """Return the times of all frames, in seconds, rising."""
        self._given_times = own
        return ((self._begin + number) * self.time_base for number in range(self._count))

    def first_frame_of(self, index: int) -> int:
        """Return the first frame that shows a frame of the footage, or is nearer to it than to the one before."""

        def nearest(number: int) -> int:
            place = self.place(number)
            assert place is not None
            return place.nearest

        return bisect.bisect_left(range(self._count), index, key=nearest)

    @property
    def _times(self) -> Sequence[Fraction]:
        """Times of the footage's frames."""
        if self._given_times is None:
            with closing(self._footage.times()) as times:
                self._given_times = list(times)
        return self._given_times

    @cached_property
    def _begin(self) -> int:
        """The film's first time, in ticks."""
        return int(min(self._times, default=Fraction(0)) * self._factor // self.time_base)

    @cached_property
    def _count(self) -> int:
        times = self._times
        if not times:
            return 0
        step = times[-1] - times[-2] if len(times) > 1 else 1 / (self._footage.format.rate or _USUAL_RATE)
        end = (times[-1] + (self._footage.format.last_duration or step)) * self._factor
        return max(1, round(end / self.time_base - self._begin))
