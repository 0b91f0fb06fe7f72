"""Seeks in a video, and checks that every frame after the seek equals the one of a pass from the beginning."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from fractions import Fraction
from itertools import takewhile

from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from framedream.media.read.frame_index import DecodedFrame, FrameIndex

_WORTH = 300
"""Number of frames before the target from which seeking is faster than decoding."""

_RUN_UPS = (24, 300)
"""Frames before the target at which to look for a key frame; the second is tried if the first fails.

Frames that are displayed before the key frame they follow in the file cannot be decoded after a seek to it; a
deinterlacer needs neighbours; and with intra refresh, pictures become complete only gradually.
"""


def is_seek_worthwhile(frame_index: FrameIndex | None, first: int) -> bool:
    """Whether a pass that starts at a frame number should seek."""
    return (
        frame_index is not None
        and bool(frame_index.checksums)
        and max(_WORTH, frame_index.first) <= first < frame_index.stop
    )


def frames_after_seek(
    begin: Callable[[Fraction], Generator[DecodedFrame]], frame_index: FrameIndex, first: int, stop: int
) -> Generator[DecodedFrame]:
    """Yield frames after a seek, as long as each equals the indexed one: same time, same pixels to the bit.

    So whatever an index, an open group of pictures or a decoder's state does to a seek, a wrong frame is never
    yielded; if this ends before ``stop``, the caller has to decode from the beginning.

    Args:
        begin: Decodes from the last key frame before a time in seconds of the whole file.
        frame_index: The frame index, with checksums.
        first: Number in the file of the first frame to yield.
        stop: Number in the file of the frame after the last one.
    """
    tick = (frame_index.times[-1] - frame_index.times[0]) / max(1, len(frame_index.times) - 1) or Fraction(1, 25)
    for run_up in takewhile(lambda frames: frames < first, _RUN_UPS):
        known = max(frame_index.first, first - run_up)
        moment = frame_index.times[known - frame_index.first] - (known - (first - run_up)) * tick
        number = first
        with closing(begin(moment)) as coming:
            for picture in _known(coming, frame_index, first, stop):
                yield picture
                number += 1
        if number > first:
            return


def seek(container: InputContainer, stream: VideoStream, time: Fraction) -> bool:
    """Seek to a key frame before a time of the file's clock, in seconds; return False if the file cannot seek."""
    assert stream.time_base is not None
    try:
        container.seek(int(time // stream.time_base), stream=stream)
    except (FFmpegError, OSError):
        return False
    return True


def _known(coming: Iterable[DecodedFrame], frame_index: FrameIndex, first: int, stop: int) -> Generator[DecodedFrame]:
    number = first
    for picture in coming:
        if number == first and picture.time < frame_index.times[first - frame_index.first]:
            continue
        if not frame_index.matches(number, picture):
            return
        yield picture
        number += 1
        if number == stop:
            return
