"""The frame index of a video: times and checksums of its frames, so that a later pass can start in the middle."""

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
class DecodedFrame:
    """A decoded frame.

    Attributes:
        frame: The frame in the file's pixel format, deinterlaced.
        time: When it is shown, in seconds of the whole file.
        duration: How long it is shown, in seconds, if the file says so.
    """

    frame: av.VideoFrame
    time: Fraction
    duration: Fraction | None


@dataclass(frozen=True)
class FrameIndex:
    """Times and checksums of consecutive frames of a file, recorded in a pass from its beginning.

    Attributes:
        first: Number in the file of the first frame.
        times: When each frame is shown, in seconds of the whole file, rising.
        checksums: The checksum of each frame; empty if none were recorded, or the file is damaged.
        end: When the frame after the last one is shown; None if the file ends there.
    """

    first: int
    times: Sequence[Fraction]
    checksums: Sequence[int] = ()
    end: Fraction | None = None

    @property
    def stop(self) -> int:
        """Number in the file of the frame after the last one."""
        return self.first + len(self.times)

    def matches(self, number: int, picture: DecodedFrame) -> bool:
        """Whether a picture is the frame with this number in the file: same time, same pixels to the bit."""
        index = number - self.first
        return picture.time == self.times[index] and frame_checksum(picture) == self.checksums[index]

    def without_checksums(self) -> FrameIndex:
        """Return the index without checksums."""
        return replace(self, checksums=())

    def cut(self, first: int, stop: int, end: Fraction | None) -> FrameIndex:
        """Return the index of a range of these frames.

        Args:
            first: Number in the file of the first frame.
            stop: Number in the file of the frame after the last one.
            end: When that frame is shown, in seconds; None if the file ends there.
        """
        kept = slice(first - self.first, stop - self.first)
        return replace(self, first=first, times=self.times[kept], checksums=self.checksums[kept], end=end)


class FrameIndexer:
    """Records a frame index during a pass from the beginning of a file.

    Attributes:
        is_intact: Whether the file is undamaged; damaged frames can decode differently in each pass.
    """

    def __init__(self) -> None:
        self.is_intact = True
        self._times: list[Fraction] = []
        self._marks = array("I")

    def take(self, picture: DecodedFrame) -> None:
        """Record the next frame."""
        self._times.append(picture.time)
        self._marks.append(frame_checksum(picture))

    def index(self) -> FrameIndex | None:
        """Return the index after a complete pass; None if the footage is not a video."""
        return FrameIndex(0, self._times, self._marks if self.is_intact else ()) if self._times else None


def frame_checksum(picture: DecodedFrame) -> int:
    """Return a 32-bit checksum of everything that determines a frame's RGB pixels and duration."""
    frame = picture.frame
    tags = (int(frame.colorspace), int(frame.color_range), int(frame.color_primaries), int(frame.color_trc))
    form = (frame.format.name, frame.width, frame.height, frame.interlaced_frame, *tags, str(picture.duration))
    mark, widths = zlib.crc32(repr(form).encode()), _widths(frame.format)
    for index, plane in enumerate(frame.planes):
        lines = np.frombuffer(cast(bytes, plane), np.uint8).reshape(plane.height, -1)
        # The padding behind the end of a line is undefined.
        mark = zlib.crc32(np.ascontiguousarray(lines[:, : widths.get(index)]).data, mark)
    return mark


def _widths(form: av.VideoFormat) -> dict[int, int]:
    """Return the bytes per line of each plane; a palette has no lines."""
    planes: dict[int, int] = {}
    for component in form.components:
        planes[component.plane] = planes.get(component.plane, 0) + component.width * -(-component.bits // 8)
    if len(planes) == 1:
        return {0: -(-form.width * form.padded_bits_per_pixel // 8)}
    return planes
