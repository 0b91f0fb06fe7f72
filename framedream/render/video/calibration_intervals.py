"""A shot in stretches: for how long one of its frames tells what dreams from nothing reach."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from framedream.config.settings import Settings

SettingsAt = Callable[[int], Settings]
"""Gives the settings with which a frame is dreamed, by its number in the footage."""

_LONGEST = 128
"""Frames for which one of them tells, at most; somewhat more in a shot that is hardly longer."""

_SLACK = 8

_LONGEST_CHANGING = 24
"""The same where the settings change; frames that are dreamed alike for as long are none of these."""


@dataclass(frozen=True)
class CalibrationInterval:
    """Neighbouring frames of a shot.

    Attributes:
        first: The first of them.
        stop: The frame behind the last.
        knots: Where all that is told of the stretch is so; between knots it changes gradually.
        is_steady: Whether all are dreamed alike, so that any of them may tell.
    """

    first: int
    stop: int
    knots: tuple[float, ...]
    is_steady: bool = True


def calibration_intervals(shot: tuple[int, int], look: SettingsAt) -> list[CalibrationInterval]:
    """Divide a shot.

    Args:
        shot: Its first frame, and the frame behind its last.
        look: How each frame is dreamed.
    """
    found: list[CalibrationInterval] = []
    for first, stop, is_steady in _spans(shot, look):
        count = max(
            1, -(-(stop - first - _SLACK) // _LONGEST) if is_steady else -(-(stop - first) // _LONGEST_CHANGING)
        )
        bounds = [first + (stop - first) * number // count for number in range(count + 1)]
        for start, end in itertools.pairwise(bounds):
            center = (start + end - 1) / 2 if is_steady else float((start + end - 1) // 2)
            # What is told of frames that are dreamed alike is told of the last of them before a change, too.
            before = (float(start),) if is_steady and start == first > shot[0] else ()
            behind = (float(end - 1),) if is_steady and end == stop < shot[1] else ()
            knots = tuple(sorted({*before, center, *behind}))
            found.append(CalibrationInterval(start, end, knots, is_steady))
    return found


def _spans(shot: tuple[int, int], look: SettingsAt) -> list[tuple[int, int, bool]]:
    """Frames that are dreamed alike, and between them those that are not: first, stop, which of both."""
    starts = [shot[0]]
    for number in range(shot[0] + 1, shot[1]):
        if look(number).dream != look(number - 1).dream:
            starts.append(number)
    runs = list(itertools.pairwise([*starts, shot[1]]))
    found = []
    for is_long, group in itertools.groupby(runs, lambda run: run[1] - run[0] >= _LONGEST_CHANGING):
        short = list(group)
        if is_long or len(short) == 1:
            found += [(first, stop, True) for first, stop in short]
        else:
            found.append((short[0][0], short[-1][1], False))
    return found
