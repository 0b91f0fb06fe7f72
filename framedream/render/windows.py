"""Footage in pieces that fit the memory: what a pass backwards can see at once."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Generator, Iterable, Sequence
from dataclasses import dataclass

from framedream.errors import InputError
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
    """Neighbouring frames of one shot, by their numbers in the footage.

    Attributes:
        first: The first of them.
        stop: The frame behind the last that belongs to this window; the next one begins there.
        end: The frame behind the last that is looked at; ``stop`` where a shot ends.
        begins_shot: Whether a shot begins with the first.
    """

    first: int
    stop: int
    end: int
    begins_shot: bool


def windows(count: int, cuts: Collection[int], height: int, width: int) -> list[Window]:
    """Divide footage at its cuts, and long shots into windows that look a few frames ahead.

    Args:
        count: Number of frames.
        cuts: The frames that begin a new shot.
        height: Height of a frame in pixels.
        width: Width of a frame in pixels.
    """
    length = window_length(height, width)
    found = []
    shots = [0, *sorted(cut for cut in set(cuts) if 0 < cut < count), count]
    for start, end in itertools.pairwise(shots):
        first = start
        while first < end:
            last = end - first <= length + _AHEAD
            stop = end if last else first + length
            found.append(Window(first, stop, end if last else stop + _AHEAD, first == start))
            first = stop
    return found


def gathered(frames: Iterable[Frame], divided: Sequence[Window]) -> Generator[tuple[Window, list[Frame]]]:
    """Each window with its frames.

    Args:
        frames: Frames of the footage, from the first one of the first window on.
        divided: Neighbouring windows.

    Raises:
        InputError: There are fewer frames than the windows have.
    """
    if not divided:
        return
    kept: list[Frame] = []
    at, coming = divided[0].first, iter(frames)
    for window in divided:
        kept = kept[window.first - at :]
        at = window.first
        while len(kept) < window.end - at:
            frame = next(coming, None)
            if frame is None:
                raise InputError(
                    f"the footage ends at frame {at + len(kept)}, sooner than when it was looked through; "
                    "see that it is not being changed, and run again"
                )
            kept.append(frame)
        yield window, list(kept)


def window_length(height: int, width: int) -> int:
    """Frames of a window: as many as fit, within reason."""
    return min(max(int(_BYTES / (height * width * _BYTES_PER_PIXEL)) - _AHEAD, _SHORTEST), _LONGEST)
