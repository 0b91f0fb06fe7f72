"""Encodes films in pieces, which are stored until the film is assembled.

A run that was stopped need not encode stored pieces again. Where a piece begins depends only on
the footage, so the film is the same however often the run was stopped.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import av
import numpy as np
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from framedream.media.alpha import over_black
from framedream.media.frames import Frame
from framedream.media.write.image_writer import encode_png
from framedream.media.write.output_spec import OutputSpec
from framedream.media.write.video_encoder import VideoEncoder


@dataclass(frozen=True)
class EncodedFrame:
    """An encoded picture.

    Attributes:
        data: The data of its codec, or a PNG.
        pts: When it is shown, in ticks of the film.
        duration: How long it is shown, in ticks.
        is_key: Whether decoding can start with it.
    """

    data: bytes
    pts: int
    duration: int
    is_key: bool


@dataclass(frozen=True)
class Piece:
    """Consecutive encoded frames of a film, in decoding order."""

    pictures: tuple[EncodedFrame, ...]

    def packed(self) -> dict[str, NDArray[Any]]:
        """Return arrays to store: ``data`` as uint8, and ``table``, N×4 int64: bytes, pts, duration, key."""
        rows = [(len(each.data), each.pts, each.duration, each.is_key) for each in self.pictures]
        joined = np.frombuffer(b"".join(each.data for each in self.pictures), np.uint8)
        return {"data": joined, "table": np.array(rows, np.int64).reshape(-1, 4)}

    @classmethod
    def unpacked(cls, stored: dict[str, NDArray[Any]]) -> Piece:
        """Return the piece from arrays made by `packed`."""
        data, pictures, start = stored["data"].tobytes(), [], 0
        for size, pts, duration, key in stored["table"].tolist():
            pictures.append(EncodedFrame(data[start : start + size], pts, duration, bool(key)))
            start += size
        return cls(tuple(pictures))

    @property
    def delay(self) -> int:
        """Most pictures that are decoded before a picture shown earlier: 0 without references to later pictures."""
        shown = [picture.pts for picture in self.pictures]
        return max((sum(pts > own for pts in shown[:index]) for index, own in enumerate(shown)), default=0)


class PieceEncoder(Protocol):
    """Encodes the frames of one piece."""

    def add(self, frame: Frame, duration: Fraction) -> None:
        """Encode the next frame, which is shown for ``duration`` seconds."""
        ...

    def finish(self) -> Piece:
        """Return the piece."""
        ...


class EncodedPieceWriter:
    """Encodes a piece with the film's own codec."""

    def __init__(self, spec: OutputSpec) -> None:
        """Open the encoder with the settings of the film's container; writes no file."""
        self._output = av.open(os.devnull, "w", format=spec.container.format)
        try:
            self._pictures = VideoEncoder(spec, self._output)
        except BaseException:
            self._output.close()
            raise
        self._packets: list[Packet[VideoStream]] = []

    def add(self, frame: Frame, duration: Fraction) -> None:
        """Encode the next frame."""
        self._packets += self._pictures.encode(frame, duration)

    def finish(self) -> Piece:
        """Flush the encoder and return the piece."""
        self._packets += self._pictures.flush()
        self.close()
        return Piece(
            tuple(
                EncodedFrame(bytes(packet), packet.pts or 0, packet.duration or 1, packet.is_keyframe)
                for packet in self._packets
            )
        )

    def close(self) -> None:
        """Close the encoder."""
        self._output.close()


class PngPieceWriter:
    """Stores a piece as PNGs, for animated images and folders.

    Args:
        time_base: Seconds per tick of the film.
        depth: Bits per channel to keep: more than 8 become 16.
        keeps_alpha: Whether to keep alpha, or composite over black.
    """

    def __init__(self, time_base: Fraction, depth: int = 8, *, keeps_alpha: bool = False) -> None:
        self._base, self._depth, self._keeps_alpha = time_base, depth, keeps_alpha
        self._pictures: list[EncodedFrame] = []

    def add(self, frame: Frame, duration: Fraction) -> None:
        """Encode the next frame as PNG."""
        pixels, alpha = frame.pixels, frame.alpha
        if not self._keeps_alpha:
            pixels, alpha = over_black(pixels, alpha), None
        data = encode_png(pixels, alpha, self._depth)
        ticks = max(1, round(duration / self._base))
        self._pictures.append(EncodedFrame(data, round(frame.time / self._base), ticks, True))

    def finish(self) -> Piece:
        """Return the piece."""
        return Piece(tuple(self._pictures))
