"""Footage that is shown beside other footage, in step with its times."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from contextlib import closing
from fractions import Fraction

from framedream.media.frames import Frame
from framedream.media.once_logger import OnceLogger
from framedream.media.read.footage import Footage

_ROUNDING = Fraction(1, 1000)
"""Seconds by which a frame may be late: in Matroska, times are whole milliseconds."""

_USUAL_RATE = 25


class SyncedReader:
    """The frames of some footage at the moments of other footage, read one by one as these come.

    Args:
        footage: What is read.
        notes: Who says so, if it is shorter.
    """

    def __init__(self, footage: Footage, notes: OnceLogger) -> None:
        self._footage, self._notes = footage, notes
        self._frames: Generator[Frame] | None = None
        self._shown: Frame | None = None
        self._coming: Frame | None = None
        self._is_still = True

    def at(self, moment: Fraction) -> Frame:
        """The frame that is shown at a moment; before the first it is that one, behind the last the last.

        Args:
            moment: Seconds of the whole footage; never earlier than the one asked for before.

        Raises:
            InputError: The file cannot be read any more.
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
        """Let go of the file."""
        if self._frames is not None:
            self._frames.close()

    def _begin(self, moment: Fraction) -> None:
        """Go to the frame that is shown at the first moment; those before it are not brought to RGB."""
        with closing(self._footage.times()) as times:
            first = max(0, sum(1 for _ in itertools.takewhile(lambda time: time <= moment, times)) - 1)
        self._frames = self._footage.frames(first)
        self._shown, self._coming = next(self._frames), next(self._frames, None)
        self._is_still = first == 0 and self._coming is None

    @property
    def _end(self) -> Fraction:
        """When the frame that is shown ends if it is the last, in seconds."""
        assert self._shown is not None
        known = self._shown.duration or self._footage.format.last_duration
        return self._shown.time + (known or 1 / (self._footage.format.rate or Fraction(_USUAL_RATE)))
