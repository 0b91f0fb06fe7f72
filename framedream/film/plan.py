"""How the work at a film is divided: parts to be made side by side, each of windows and of encoded pieces.

The plan follows from the footage and the settings alone, so every process that works at a
film, today or after a crash, comes to the same one.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from framedream.config.settings import Settings
from framedream.film.survey import Survey
from framedream.render.video.segments import Segment, divide_into_segments
from framedream.render.video.windows import Window, divide_into_windows

_PIECE = 24
"""Frames of an encoded piece, at least: each begins with a key frame."""


@dataclass(frozen=True)
class Part:
    """Neighbouring segments that one worker makes.

    Attributes:
        number: Its place in the film, from 0.
        windows: Its windows, in order.
        pieces: Numbers of its encoded pieces in the film.
        ends: The frame behind the last of each of these pieces.
    """

    number: int
    windows: tuple[Window, ...]
    pieces: range
    ends: tuple[int, ...]

    @property
    def first(self) -> int:
        """Its first frame."""
        return self.windows[0].first

    @property
    def stop(self) -> int:
        """The frame behind its last."""
        return self.windows[-1].stop


class Plan:
    """The parts of a film.

    Attributes:
        survey: What it was made of.
        is_chain: Whether every frame is made of the one before it alone, as in a zoom: that is one part.
        parts: In the order of the film. Shots too short to be worth a piece of their own go together.
    """

    def __init__(self, survey: Survey, settings: Settings, *, is_chain: bool = False) -> None:
        """Divide a film.

        Args:
            survey: What has to be known of it.
            settings: How it is dreamed.
            is_chain: Whether every frame is made of the one before it alone.
        """
        self.survey, self.is_chain = survey, is_chain
        self.parts: list[Part] = []
        pieces = 0
        for parts in [_chain(len(survey.times))] if is_chain else _divided(survey, settings):
            ends = _piece_ends(parts)
            self.parts.append(Part(len(self.parts), parts, range(pieces, pieces + len(ends)), ends))
            pieces += len(ends)

    @property
    def keys(self) -> list[int]:
        """The keys of all shots, rising."""
        return sorted({key for part in self.parts for window in part.windows for key in window.segment.keys})

    @property
    def pieces(self) -> int:
        """Number of pieces of the film."""
        return self.parts[-1].pieces.stop if self.parts else 0

    @property
    def shots(self) -> int:
        """Number of shots of the film."""
        return len(self.survey.cuts) + 1

    def shot_of(self, frame: int) -> int:
        """Number of the shot that a frame belongs to, from 1."""
        return bisect.bisect_right(self.survey.cuts, frame) + 1


def _divided(survey: Survey, settings: Settings) -> list[tuple[Window, ...]]:
    cuts = survey.cuts if settings.motion.flow != "none" else ()
    found = divide_into_segments(len(survey.times), cuts, settings.run.segment)
    return [tuple(divide_into_windows(group, survey.height, survey.width)) for group in _groups(found)]


def _chain(frames: int) -> tuple[Window, ...]:
    """Windows of a piece each, none of which looks ahead."""
    whole, count = Segment(0, frames, (0, frames)), max(1, frames // _PIECE)
    bounds = [frames * number // count for number in range(count + 1)]
    return tuple(Window(first, stop, stop, whole) for first, stop in itertools.pairwise(bounds))


def _groups(found: Sequence[Segment]) -> list[list[Segment]]:
    """Neighbours that have enough frames for a piece together; the last may have fewer."""
    groups: list[list[Segment]] = []
    for segment in found:
        if groups and groups[-1][-1].stop - groups[-1][0].first < _PIECE:
            groups[-1].append(segment)
        else:
            groups.append([segment])
    return groups


def _piece_ends(parts: Sequence[Window]) -> tuple[int, ...]:
    """The frame behind the last of each piece: whole windows, enough of them to be worth a key frame."""
    ends, first = [], parts[0].first
    for window in parts:
        if window.stop - first >= _PIECE or window is parts[-1]:
            ends.append(window.stop)
            first = window.stop
    return tuple(ends)
