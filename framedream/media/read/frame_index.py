"""What a pass over a video has seen of its frames: enough to know each of them again, and so to begin in the middle."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import cast

import av
import numpy as np


@dataclass(frozen=True)
class IndexedFrame:
    """A frame as decoded.

    Attributes:
        frame: In the file's pixel format; deinterlaced.
        time: When it is shown, in seconds of the whole file.
        duration: How long, where the file says so.
    """

    frame: av.VideoFrame
    time: Fraction
    duration: Fraction | None


@dataclass(frozen=True)
class FrameIndex:
    """Neighbouring frames of a file, all that are kept of it, as a pass from its beginning on has seen them.

    Attributes:
        first: Number in the file of the first one.
        times: When each is shown, in seconds of the whole file; rising.
        marks: The checksum of each; none if they were not noted, or the file is damaged.
        end: When the frame behind the last one is shown; None if the file ends.
    """

    first: int
    times: Sequence[Fraction]
    marks: Sequence[int] = ()
    end: Fraction | None = None

    @property
    def stop(self) -> int:
        """Number in the file of the frame behind the last."""
        return self.first + len(self.times)

    def knows(self, number: int, picture: IndexedFrame) -> bool:
        """Whether a picture is the frame with a number in the file: at its time, and the same to the last bit."""
        index = number - self.first
        return picture.time == self.times[index] and frame_checksum(picture) == self.marks[index]

    def unmarked(self) -> FrameIndex:
        """The same without marks."""
        return replace(self, marks=())

    def cut(self, first: int, stop: int, end: Fraction | None) -> FrameIndex:
        """Some of these frames, by their numbers in the file, and when the one behind them is shown."""
        kept = slice(first - self.first, stop - self.first)
        return replace(self, first=first, times=self.times[kept], marks=self.marks[kept], end=end)


class FrameIndexer:
    """Notes what a pass sees, from the beginning of a file on.

    Attributes:
        is_sound: Whether nothing is damaged: of what is, passes may decode this or that.
    """

    def __init__(self) -> None:
        self.is_sound = True
        self._times: list[Fraction] = []
        self._marks = array("I")

    def take(self, picture: IndexedFrame) -> None:
        """Note the next frame."""
        self._times.append(picture.time)
        self._marks.append(frame_checksum(picture))

    def seen(self) -> FrameIndex | None:
        """The index after a complete pass; None for footage that is not a video."""
        return FrameIndex(0, self._times, self._marks if self.is_sound else ()) if self._times else None


def frame_checksum(picture: IndexedFrame) -> int:
    """A checksum of all that a frame's pixels in RGB and its duration follow from: 32 bits."""
    frame = picture.frame
    tags = (int(frame.colorspace), int(frame.color_range), int(frame.color_primaries), int(frame.color_trc))
    form = (frame.format.name, frame.width, frame.height, frame.interlaced_frame, *tags, str(picture.duration))
    mark, widths = zlib.crc32(repr(form).encode()), _widths(frame.format)
    for index, plane in enumerate(frame.planes):
        lines = np.frombuffer(cast(bytes, plane), np.uint8).reshape(plane.height, -1)
        # What lies behind the end of a line is anything.
        mark = zlib.crc32(np.ascontiguousarray(lines[:, : widths.get(index)]).data, mark)
    return mark


def _widths(form: av.VideoFormat) -> dict[int, int]:
    """Bytes of a line by the number of its plane; a palette has no lines."""
    planes: dict[int, int] = {}
    for component in form.components:
        planes[component.plane] = planes.get(component.plane, 0) + component.width * -(-component.bits // 8)
    if len(planes) == 1:
        return {0: -(-form.width * form.padded_bits_per_pixel // 8)}
    return planes
