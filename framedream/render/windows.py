"""Footage in pieces that fit the memory: what a pass backwards can see at once."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable
from dataclasses import dataclass

from framedream.media.frames import Frame

_LONGEST, _SHORTEST = 128, 16
"""Frames of a window that are delivered; a long one spends less on what lies ahead of it."""

_AHEAD = 8
"""Frames beyond them, in which a dream grows up before it is needed."""

_BYTES = 1.5 * 2**30
_BYTES_PER_PIXEL = 19
"""A frame in float32, what was foreseen of it in float16, its maturity in a byte."""


@dataclass(frozen=True)
class Window:
    """Neighbouring frames of one shot.

    Attributes:
        frames: The frames, in their order.
        count: How many of them, from the first, belong to this window; the next one begins
            behind them.
        begins_shot: Whether a shot begins with the first.
    """

    frames: list[Frame]
    count: int
    begins_shot: bool


def windows(frames: Iterable[Frame], cuts: Collection[int]) -> Generator[Window]:
    """Divide footage at its cuts, and long shots into windows that look a few frames ahead.

    Args:
        frames: The footage's frames, all of one size.
        cuts: Indices of the frames that begin a new shot.
    """
    kept: list[Frame] = []
    begins = True
    for index, frame in enumerate(frames):
        if index in cuts and kept:
            yield Window(kept, len(kept), begins)
            kept, begins = [], True
        kept.append(frame)
        length = window_length(*frame.pixels.shape[:2])
        if len(kept) > length + _AHEAD:
            yield Window(kept[:-1], length, begins)
            kept, begins = kept[length:], False
    if kept:
        yield Window(kept, len(kept), begins)


def window_length(height: int, width: int) -> int:
    """Frames of a window: as many as fit, within reason."""
    return min(max(int(_BYTES / (height * width * _BYTES_PER_PIXEL)) - _AHEAD, _SHORTEST), _LONGEST)
