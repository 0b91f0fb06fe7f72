"""Division of a film into parts that are made in parallel, each made of windows and encoded pieces.

The plan depends only on the survey and the settings, so every process that works on a film,
now or after a crash, computes the same plan.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from framedream.config.settings import Settings
from framedream.film.survey import Survey
from framedream.render.video.segments import Segment, divide_into_segments
from framedream.render.video.windows import Window, divide_into_windows


@dataclass(frozen=True)
class PlanLimits:
    """How finely a film is divided.

    Attributes:
        piece_frames: The fewest frames of an encoded piece; each piece starts with a key frame.
        longest_window: The most frames of a window. Default: see `divide_into_windows`.
        shortest_window: The fewest frames of a window. Default: see `divide_into_windows`.
    """

    piece_frames: int = 24
    longest_window: int | None = None
    shortest_window: int | None = None


@dataclass(frozen=True)
class Part:
    """Consecutive segments that one worker makes.

    Attributes:
        number: Number of the part in the film, from 0.
        windows: The windows, in order.
        pieces: Numbers in the film of the encoded pieces.
        ends: For each piece, the frame after its last one.
    """

    number: int
    windows: tuple[Window, ...]
    pieces: range
    ends: tuple[int, ...]

    @property
    def first(self) -> int:
        """The first frame."""
        return self.windows[0].first

    @property
    def stop(self) -> int:
        """The frame after the last one."""
        return self.windows[-1].stop


class Plan:
    """The parts of a film.

    Attributes:
        survey: The survey of the footage.
        is_chain: Whether each frame depends only on the one before it, as in a zoom: then there is one part.
        limits: How finely films are divided; the same for every process that works on a film.
        parts: The parts, in order. Shots too short for a piece of their own share one part.
    """

    limits: ClassVar[PlanLimits] = PlanLimits()

    def __init__(self, survey: Survey, settings: Settings, *, is_chain: bool = False) -> None:
        """Divide a film.

        Args:
            survey: The survey of the footage.
            settings: How the film is dreamed.
            is_chain: Whether each frame depends only on the one before it.
        """
        self.survey, self.is_chain = survey, is_chain
        self.parts: list[Part] = []
        pieces = 0
        chain = [_divide_chain(len(survey.times), self.limits)] if is_chain else None
        for windows in chain or _divide(survey, settings, self.limits):
            ends = _piece_ends(windows, self.limits.piece_frames)
            self.parts.append(Part(len(self.parts), windows, range(pieces, pieces + len(ends)), ends))
            pieces += len(ends)

    @property
    def keys(self) -> list[int]:
        """Numbers of the anchor frames of all shots, rising."""
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
        """Number of the shot that contains a frame, from 1."""
        return bisect.bisect_right(self.survey.cuts, frame) + 1


def _divide(survey: Survey, settings: Settings, limits: PlanLimits) -> list[tuple[Window, ...]]:
    cuts = survey.cuts if settings.motion.flow != "none" else ()
    segments = divide_into_segments(len(survey.times), cuts, settings.run.segment)
    longest, shortest = limits.longest_window, limits.shortest_window
    return [
        tuple(divide_into_windows(group, survey.height, survey.width, longest=longest, shortest=shortest))
        for group in _group_segments(segments, limits.piece_frames)
    ]


def _divide_chain(frames: int, limits: PlanLimits) -> tuple[Window, ...]:
    """Windows of one piece each, none of which looks ahead."""
    whole, count = Segment(0, frames, (0, frames)), max(1, frames // limits.piece_frames)
    bounds = [frames * number // count for number in range(count + 1)]
    return tuple(Window(first, stop, stop, whole) for first, stop in itertools.pairwise(bounds))


def _group_segments(segments: Sequence[Segment], piece_frames: int) -> list[list[Segment]]:
    """Group neighbours until each group has enough frames for a piece; the last group may have fewer."""
    groups: list[list[Segment]] = []
    for segment in segments:
        if groups and groups[-1][-1].stop - groups[-1][0].first < piece_frames:
            groups[-1].append(segment)
        else:
            groups.append([segment])
    return groups


def _piece_ends(windows: Sequence[Window], piece_frames: int) -> tuple[int, ...]:
    """The frame after the last one of each piece: whole windows, enough of them to be worth a key frame."""
    ends, first = [], windows[0].first
    for window in windows:
        if window.stop - first >= piece_frames or window is windows[-1]:
            ends.append(window.stop)
            first = window.stop
    return tuple(ends)
