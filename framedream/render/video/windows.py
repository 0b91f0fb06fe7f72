"""Divides segments into windows that fit the memory: the frames that a backward pass has at once."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass

from framedream.media.frames import Frame
from framedream.motion.optical_flow import WORKING_SIDE
from framedream.render.inputs import too_short_error
from framedream.render.video.segments import Segment

_LONGEST, _SHORTEST = 128, 16
"""Bounds of the number of frames that a window delivers; a longer window spends less on looking ahead."""

_AHEAD = 8
"""Frames that a window looks ahead, in which a dream matures before it is needed."""

_MAX_BYTES = 1.5 * 2**30
_BYTES_PER_PIXEL = 19
"""A frame in float32, its backward dream in half as much, the age of that in a byte."""

_BYTES_OF_FLOW = 8
"""Flow to the next frame and back, for each pixel of the size at which it is computed."""


@dataclass(frozen=True)
class Window:
    """Neighbouring frames of one segment, by their numbers in the footage.

    Attributes:
        first: The first frame.
        stop: The frame after the last that this window delivers; the next window begins there.
        end: The frame after the last that it looks ahead to; the segment's own end at most.
        segment: The segment it belongs to.
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
    segments: Iterable[Segment], height: int, width: int, *, longest: int | None = None, shortest: int | None = None
) -> list[Window]:
    """Divide segments into windows of about equal length that look a few frames ahead.

    Args:
        segments: The segments.
        height: Height of a frame in pixels.
        width: Width of a frame in pixels.
        longest: The most frames a window delivers, whatever fits the memory. Default: 128.
        shortest: The fewest frames a window delivers, even where memory is short. Default: 16.
    """
    length = window_length(height, width, longest=longest, shortest=shortest)
    windows = []
    for segment in segments:
        frames = segment.stop - segment.first
        count = 1 if frames <= length + _AHEAD else -(-frames // length)
        bounds = [segment.first + frames * number // count for number in range(count + 1)]
        for first, stop in itertools.pairwise(bounds):
            end = segment.end if stop == segment.stop else min(stop + _AHEAD, segment.end)
            windows.append(Window(first, stop, end, segment))
    return windows


def gather_windows(frames: Iterable[Frame], windows: Sequence[Window]) -> Generator[tuple[Window, list[Frame]]]:
    """Collect the frames of each window.

    Args:
        frames: Frames of the footage, from the first frame of the first window on.
        windows: Neighbouring windows.

    Raises:
        InputError: There are fewer frames than the windows need.
    """
    if not windows:
        return
    buffer: list[Frame] = []
    start, source = windows[0].first, iter(frames)
    for window in windows:
        buffer = buffer[window.first - start :]
        start = window.first
        while len(buffer) < window.end - start:
            frame = next(source, None)
            if frame is None:
                raise too_short_error(start + len(buffer))
            buffer.append(frame)
        yield window, list(buffer)


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
    return min(max(int(_MAX_BYTES / frame) - _AHEAD, shortest or _SHORTEST), longest or _LONGEST)
