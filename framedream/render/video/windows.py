"""Segments in pieces that fit the memory: what a pass backwards can see at once."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass

from framedream.errors import InputError
from framedream.media.frames import Frame
from framedream.motion.optical_flow import WORKING_SIDE
from framedream.render.video.segments import Segment

_LONGEST, _SHORTEST = 128, 16
"""Frames of a window that are delivered; a long one spends less on what lies ahead of it."""

_AHEAD = 8
"""Frames beyond them, in which a dream grows up before it is needed."""

_BYTES = 1.5 * 2**30
_BYTES_PER_PIXEL = 19
"""A frame in float32, what was foreseen of it in half as much, its maturity in a byte."""

_BYTES_OF_FLOW = 8
"""Flow to the next frame and back, for each pixel of the size at which it is found."""


@dataclass(frozen=True)
class Window:
    """Neighbouring frames of one segment, by their numbers in the footage.

    Attributes:
        first: The first of them.
        stop: The frame behind the last that belongs to this window; the next one begins there.
        end: The frame behind the last that is looked at; the segment's own where it ends.
        segment: What it is part of.
    """

    first: int
    stop: int
    end: int
    segment: Segment

    @property
    def begins_segment(self) -> bool:
        """Whether a segment begins with the first frame."""
        return self.first == self.segment.first

    @property
    def ends_segment(self) -> bool:
        """Whether a segment ends with the last frame."""
        return self.stop == self.segment.stop


def divide_into_windows(
    parts: Iterable[Segment], height: int, width: int, *, longest: int | None = None, shortest: int | None = None
) -> list[Window]:
    """Divide segments into windows of about equal length that look a few frames ahead.

    Args:
        parts: The segments.
        height: Height of a frame in pixels.
        width: Width of a frame in pixels.
        longest: The most frames a window delivers, whatever fits the memory. Default: 128.
        shortest: The fewest frames a window delivers, even where memory is short. Default: 16.
    """
    length = window_length(height, width, longest=longest, shortest=shortest)
    found = []
    for part in parts:
        frames = part.stop - part.first
        count = 1 if frames <= length + _AHEAD else -(-frames // length)
        bounds = [part.first + frames * number // count for number in range(count + 1)]
        for first, stop in itertools.pairwise(bounds):
            found.append(Window(first, stop, part.end if stop == part.stop else min(stop + _AHEAD, part.end), part))
    return found


def gather_windows(frames: Iterable[Frame], divided: Sequence[Window]) -> Generator[tuple[Window, list[Frame]]]:
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
                raise too_short_error(at + len(kept))
            kept.append(frame)
        yield window, list(kept)


def too_short_error(count: int) -> InputError:
    """The error that footage has only so many frames, though there were more when it was divided."""
    return InputError(
        f"the footage ends at frame {count}, sooner than when it was looked through; "
        "see that it is not being changed, and run again"
    )


def window_length(height: int, width: int, *, longest: int | None = None, shortest: int | None = None) -> int:
    """Number of frames a window delivers: as many as fit the memory, within bounds.

    Args:
        height: Height of a frame in pixels.
        width: Width of a frame in pixels.
        longest: The upper bound. Default: 128.
        shortest: The lower bound. Default: 16.
    """
    shrunk = min(1.0, WORKING_SIDE / min(height, width)) ** 2
    frame = height * width * (_BYTES_PER_PIXEL + shrunk * _BYTES_OF_FLOW)
    return min(max(int(_BYTES / frame) - _AHEAD, shortest or _SHORTEST), longest or _LONGEST)
