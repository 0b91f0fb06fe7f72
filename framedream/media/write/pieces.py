"""A film in pieces: frames that were encoded for themselves, kept until the film is put together.

A piece can be stored, so that a run that was stopped need not encode it again. Where each
begins depends on the footage alone, so the film is the same however often it was stopped.
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
        data: As its codec, or PNG, writes it.
        pts: When it is shown, in ticks of the film.
        duration: How long, in ticks.
        is_key: Whether decoding can begin with it.
    """

    data: bytes
    pts: int
    duration: int
    is_key: bool


@dataclass(frozen=True)
class Piece:
    """Some consecutive frames of a film, in the order in which they are decoded."""

    pictures: tuple[EncodedFrame, ...]

    def packed(self) -> dict[str, NDArray[Any]]:
        """Arrays to be stored: ``data`` as uint8, and ``table``, N×4 int64: bytes, pts, duration, key."""
        rows = [(len(each.data), each.pts, each.duration, each.is_key) for each in self.pictures]
        joined = np.frombuffer(b"".join(each.data for each in self.pictures), np.uint8)
        return {"data": joined, "table": np.array(rows, np.int64).reshape(-1, 4)}

    @classmethod
    def unpacked(cls, stored: dict[str, NDArray[Any]]) -> Piece:
        """What `packed` gave."""
        data, pictures, start = stored["data"].tobytes(), [], 0
        for size, pts, duration, key in stored["table"].tolist():
            pictures.append(EncodedFrame(data[start : start + size], pts, duration, bool(key)))
            start += size
        return cls(tuple(pictures))

    @property
    def delay(self) -> int:
        """Pictures that are decoded before one that is shown earlier, at most: 0 where none refers to later ones."""
        shown = [picture.pts for picture in self.pictures]
        return max((sum(pts > own for pts in shown[:index]) for index, own in enumerate(shown)), default=0)


class PieceEncoder(Protocol):
    """Encodes the frames of one piece."""

    def add(self, frame: Frame, duration: Fraction) -> None:
        """Take the next frame, and how long it is shown, in seconds."""
        ...

    def finish(self) -> Piece:
        """The piece."""
        ...


class EncodedPieceWriter:
    """A piece in the film's own codec."""

    def __init__(self, spec: OutputSpec) -> None:
        """Open the encoder as the film's container would have it; nothing is written there."""
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
        """Encode what the encoder held back."""
        self._packets += self._pictures.rest()
        self.close()
        return Piece(
            tuple(
                EncodedFrame(bytes(packet), packet.pts or 0, packet.duration or 1, packet.is_keyframe)
                for packet in self._packets
            )
        )

    def close(self) -> None:
        """Let go of the encoder."""
        self._output.close()


class PngPieceWriter:
    """A piece of lossless pictures, for animated images and folders.

    Args:
        time_base: Ticks of the film.
        depth: Bits of a channel that are kept: more than 8 are 16.
        keeps_alpha: Whether alpha is, or laid over black.
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
        """All frames taken."""
        return Piece(tuple(self._pictures))
