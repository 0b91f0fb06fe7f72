"""Reads footage in step with the times of other footage."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from contextlib import closing
from fractions import Fraction

from framedream.media.frames import Frame
from framedream.media.once_logger import OnceLogger
from framedream.media.read.footage import Footage

_ROUNDING = Fraction(1, 1000)
"""Tolerance in seconds for late frames: Matroska stores whole milliseconds."""

_USUAL_RATE = 25


class SyncedReader:
    """Reads the frames of footage at rising times, such as the frames of a mask.

    Args:
        footage: The footage to read.
        notes: Logs once if the footage is too short.
    """

    def __init__(self, footage: Footage, notes: OnceLogger) -> None:
        self._footage, self._notes = footage, notes
        self._frames: Generator[Frame] | None = None
        self._shown: Frame | None = None
        self._coming: Frame | None = None
        self._is_still = True

    def at(self, moment: Fraction) -> Frame:
        """Return the frame shown at a moment: the first frame before the beginning, the last one after the end.

        Args:
            moment: Time in the whole footage, in seconds; not earlier than in the call before.

        Raises:
            InputError: The file can no longer be read.
        """
        moment += _ROUNDING
        if self._frames is None:
            self._begin(moment)
        assert self._frames is not None and self._shown is not None
        while self._coming is not None and self._coming.time <= moment:
            self._shown, self._coming = self._coming, next(self._frames, None)
            self._is_still = False
        if self._coming is None and not self._is_still and moment >= self._end:
            self._notes.warning(
                f"ends after {float(self._end):g} seconds, before the footage; framedream repeats its last frame"
            )
        return self._shown

    def close(self) -> None:
        """Close the file."""
        if self._frames is not None:
            self._frames.close()

    def _begin(self, moment: Fraction) -> None:
        """Start at the frame shown at the first moment; earlier frames are not converted to RGB."""
        with closing(self._footage.times()) as times:
            first = max(0, sum(1 for _ in itertools.takewhile(lambda time: time <= moment, times)) - 1)
        self._frames = self._footage.frames(first)
        self._shown, self._coming = next(self._frames), next(self._frames, None)
        self._is_still = first == 0 and self._coming is None

    @property
    def _end(self) -> Fraction:
        """End of the current frame, in seconds, if it is the last one."""
        assert self._shown is not None
        known = self._shown.duration or self._footage.format.last_duration
        return self._shown.time + (known or 1 / (self._footage.format.rate or Fraction(_USUAL_RATE)))
