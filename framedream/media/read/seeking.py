"""Video read from its middle on, with every frame known to be the one that a pass from the beginning gives."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from fractions import Fraction
from itertools import takewhile

from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from framedream.media.read.frame_index import FrameIndex, IndexedFrame

_WORTH = 300
"""Frames in front of the wanted one from which on they are jumped over."""

_RUN_UPS = (24, 300)
"""Frames before the wanted one from which the key frame is looked for; the next one where the first does not do.

Pictures that are shown before the key frame they follow in the file cannot be decoded after a jump to it; a
deinterlacer wants neighbours; and with intra refresh, pictures become whole only by and by.
"""


def is_seek_worthwhile(seen: FrameIndex | None, first: int) -> bool:
    """Whether a pass that begins with a frame, by its number in the file, should jump there."""
    return seen is not None and bool(seen.marks) and max(_WORTH, seen.first) <= first < seen.stop


def frames_after_seek(
    begin: Callable[[Fraction], Generator[IndexedFrame]], seen: FrameIndex, first: int, stop: int
) -> Generator[IndexedFrame]:
    """Frames from one on, for as long as each is the one that was seen before: at its time, the same to the last bit.

    So whatever a container's index, open groups of pictures or a decoder's memory make of a jump, no other frame is
    given; where this ends before ``stop``, the file has to be read from its beginning.

    Args:
        begin: Gives what follows a key frame that is shown before a moment, in seconds of the whole file.
        seen: What was seen, with marks.
        first: Number in the file of the first frame wanted.
        stop: Number of the frame behind the last.
    """
    tick = (seen.times[-1] - seen.times[0]) / max(1, len(seen.times) - 1) or Fraction(1, 25)
    for run_up in takewhile(lambda frames: frames < first, _RUN_UPS):
        known = max(seen.first, first - run_up)
        moment = seen.times[known - seen.first] - (known - (first - run_up)) * tick
        number = first
        with closing(begin(moment)) as coming:
            for picture in _known(coming, seen, first, stop):
                yield picture
                number += 1
        if number > first:
            return


def seek(container: InputContainer, stream: VideoStream, time: Fraction) -> bool:
    """Go to a key frame before a time of the file's own clock, in seconds; False where that cannot be done."""
    assert stream.time_base is not None
    try:
        container.seek(int(time // stream.time_base), stream=stream)
    except (FFmpegError, OSError):
        return False
    return True


def _known(coming: Iterable[IndexedFrame], seen: FrameIndex, first: int, stop: int) -> Generator[IndexedFrame]:
    number = first
    for picture in coming:
        if number == first and picture.time < seen.times[first - seen.first]:
            continue
        if not seen.knows(number, picture):
            return
        yield picture
        number += 1
        if number == stop:
            return
