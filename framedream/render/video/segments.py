"""Divides footage into segments, which can be rendered independently of each other.

Shots are independent, since no dream crosses a cut. A long shot is divided at *anchor frames* (keys):
frames that are dreamed before all others, in which its segments meet (`framedream.render.video.anchors`).
The division depends only on the footage and the settings, never on the devices.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

SegmentLength = int | Literal["auto", "none"]
"""The most frames of a segment; ``auto`` chooses, ``none`` leaves shots whole."""

_SHORTEST = 64
"""The fewest frames of a segment that ``auto`` makes."""


@dataclass(frozen=True)
class Segment:
    """Neighbouring frames of one shot, by their numbers in the footage.

    Attributes:
        first: The first frame.
        stop: The frame after the last one.
        shot: First frame of the shot, and the frame after its last.
    """

    first: int
    stop: int
    shot: tuple[int, int]

    @property
    def begins_shot(self) -> bool:
        """Whether a shot begins with the first frame."""
        return self.first == self.shot[0]

    @property
    def ends_shot(self) -> bool:
        """Whether a shot ends with the last frame."""
        return self.stop == self.shot[1]

    @property
    def keys(self) -> tuple[int, ...]:
        """The anchor frames at its ends: its own first frame, and that of the next segment."""
        return (self.first,) * (not self.begins_shot) + (self.stop,) * (not self.ends_shot)

    @property
    def end(self) -> int:
        """The frame after the last one that the backward pass starts from."""
        return min(self.stop + 1, self.shot[1])


def divide_into_segments(count: int, cuts: Collection[int], length: SegmentLength = "auto") -> list[Segment]:
    """Divide footage at its cuts, and long shots into segments of equal length.

    Args:
        count: Number of frames.
        cuts: The frames that begin a new shot.
        length: The most frames of a segment. ``auto`` divides by 2, by 4, or by a multiple of
            8, which as many devices share evenly, into segments of 64 to 128 frames.
    """
    shots = [0, *sorted(cut for cut in set(cuts) if 0 < cut < count), count]
    segments = []
    for start, end in itertools.pairwise(shots):
        parts = _part_count(end - start, length)
        bounds = [start + (end - start) * part // parts for part in range(parts + 1)]
        segments += [Segment(first, stop, (start, end)) for first, stop in itertools.pairwise(bounds) if stop > first]
    return segments


def _part_count(frames: int, length: SegmentLength) -> int:
    if length == "none":
        return 1
    if length != "auto":
        return max(1, -(-frames // length))
    most = frames // _SHORTEST
    return most // 8 * 8 if most >= 8 else max(size for size in (1, 2, 4) if size <= max(most, 1))
