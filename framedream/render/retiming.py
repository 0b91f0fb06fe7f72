"""When the frames of a film are shown that is slower than its footage, or has another rate, and what they show."""

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
"""Seconds by which a frame of the footage may be off: in Matroska, times are whole milliseconds."""

_SAME_RATE = Fraction(201, 200)
"""How many times the footage's rate may be reached without frames being made."""

_USUAL_RATE = Fraction(25)

_HALF = Fraction(1, 2)


@dataclass(frozen=True)
class SourcePosition:
    """What a frame of a film shows.

    Attributes:
        index: Number of a frame of the footage.
        share: How far it is to the next one, 0 or more and below 1.
    """

    index: int
    share: Fraction

    @property
    def nearest(self) -> int:
        """The frame of the footage that is nearer; half-way it is the earlier one."""
        return self.index + (self.share > _HALF)


class FrameTiming(Protocol):
    """How the frames of a film follow from those of its footage."""

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
        """How long the last frame is shown, in seconds, where known beforehand."""
        ...

    @property
    def frame_count(self) -> int | None:
        """How many frames there are, as far as known."""
        ...

    def place(self, number: int) -> SourcePosition | None:
        """What a frame shows; None behind the last, as far as that is known."""
        ...

    def time(self, number: int, shown: Fraction) -> Fraction:
        """When a frame is shown, in seconds of the film; ``shown`` is the time of its place in the footage."""
        ...

    def times(self, own: Sequence[Fraction]) -> Iterator[Fraction]:
        """Times of all frames, in seconds, rising, by those of the footage's frames."""
        ...

    def first_of(self, index: int) -> int:
        """The first frame that shows a frame of the footage, or what is nearer to it than to the one before."""
        ...


class SlowMotionTiming:
    """As many frames for each of the footage, but for the last, as the film is times as long.

    Times are stretched exactly, however uneven they are; so they are whole numbers of the footage's ticks.

    Args:
        footage: The footage.
        factor: How many times as long the film is.
    """

    def __init__(self, footage: Footage, factor: int) -> None:
        self._factor = factor
        self.rate, self.time_base = footage.rate, footage.time_base
        self.last_duration = footage.last_duration and footage.last_duration * factor
        self.frame_count = footage.frame_count and (footage.frame_count - 1) * factor + 1

    def place(self, number: int) -> SourcePosition:
        """What a frame shows."""
        index, step = divmod(number, self._factor)
        return SourcePosition(index, Fraction(step, self._factor))

    def time(self, number: int, shown: Fraction) -> Fraction:
        """When a frame is shown, in seconds of the film."""
        return shown * self._factor

    def times(self, own: Sequence[Fraction]) -> Iterator[Fraction]:
        """Times of all frames, in seconds; rising."""
        for before, after in itertools.pairwise(own):
            yield from (before * self._factor + step * (after - before) for step in range(self._factor))
        yield from (last * self._factor for last in own[-1:])

    def first_of(self, index: int) -> int:
        """The first frame that is nearer to a frame of the footage than to the one before."""
        return (index - 1) * self._factor + self._factor // 2 + 1


class ConstantRateTiming:
    """Frames of one rate. Where they are more than the footage has, they show what lies between its frames.

    Where they are not, each shows what is shown at its moment. The film begins with the footage, or less than
    a frame before it, and is as long, to half a frame.

    Args:
        footage: The footage. All its times are looked at once the first is needed.
        rate: Frames per second of the film.
        factor: How many times as long the film is.
    """

    def __init__(self, footage: Footage, rate: Fraction, factor: Fraction) -> None:
        self._footage, self._factor = footage, factor
        self._known: Sequence[Fraction] | None = None
        self.rate, self.time_base = rate, 1 / rate
        self.last_duration = self.time_base
        own = footage.rate or _USUAL_RATE
        self.frame_count = footage.frame_count and max(1, round(footage.frame_count / own * factor * rate))
        step = self.time_base / factor
        self._makes_frames = 1 / step > own * _SAME_RATE
        self._rounding = min(_ROUNDING, step / 4)

    def place(self, number: int) -> SourcePosition | None:
        """What a frame shows; None behind the last."""
        if number >= self._count:
            return None
        times, moment = self._times, (self._begin + number) * self.time_base / self._factor
        index = max(0, bisect.bisect_right(times, moment + self._rounding) - 1)
        past = moment - times[index]
        if not self._makes_frames or past <= self._rounding or index + 1 == len(times):
            return SourcePosition(index, Fraction(0))
        return SourcePosition(index, past / (times[index + 1] - times[index]))

    def time(self, number: int, shown: Fraction) -> Fraction:
        """When a frame is shown, in seconds of the film."""
        return (self._begin + number) * self.time_base

    def times(self, own: Sequence[Fraction]) -> Iterator[Fraction]:
        """Times of all frames, in seconds; rising."""
        self._known = own
        return ((self._begin + number) * self.time_base for number in range(self._count))

    def first_of(self, index: int) -> int:
        """The first frame that shows a frame of the footage, or what is nearer to it than to the one before."""

        def nearest(number: int) -> int:
            place = self.place(number)
            assert place is not None
            return place.nearest

        return bisect.bisect_left(range(self._count), index, key=nearest)

    @property
    def _times(self) -> Sequence[Fraction]:
        """Times of the footage's frames."""
        if self._known is None:
            with closing(self._footage.times()) as times:
                self._known = list(times)
        return self._known

    @cached_property
    def _begin(self) -> int:
        """The film's first moment, in ticks."""
        return int(min(self._times, default=Fraction(0)) * self._factor // self.time_base)

    @cached_property
    def _count(self) -> int:
        times = self._times
        if not times:
            return 0
        step = times[-1] - times[-2] if len(times) > 1 else 1 / (self._footage.rate or _USUAL_RATE)
        end = (times[-1] + (self._footage.last_duration or step)) * self._factor
        return max(1, round(end / self.time_base - self._begin))
