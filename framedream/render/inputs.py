"""What renderers are given: the frames of the footage by number, and the settings of each frame."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing

from framedream.config.settings import Settings
from framedream.errors import InputError
from framedream.media.frames import Frame

FrameReader = Callable[[int], Generator[Frame]]
"""Reads the frames of the footage in order, starting at a frame number."""

SettingsAt = Callable[[int], Settings]
"""Returns the settings of a frame, given its number in the footage."""


def read_frames(read: FrameReader, first: int, stop: int) -> Generator[Frame]:
    """Read a range of frames.

    Args:
        read: Reads the footage.
        first: Number of the first frame.
        stop: Number of the frame after the last one.

    Raises:
        InputError: The footage has fewer frames.
    """
    with closing(read(first)) as frames:
        for number in range(first, stop):
            frame = next(frames, None)
            if frame is None:
                raise too_short_error(number)
            yield frame


def too_short_error(count: int) -> InputError:
    """Return the error for footage that now has only ``count`` frames, fewer than when it was surveyed."""
    return InputError(
        f"the footage ends at frame {count}, sooner than when it was looked through; "
        "check that nothing is changing it, and run again"
    )
