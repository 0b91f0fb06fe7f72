"""Decodes a video track to its end and skips what is damaged."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import av
from av.codec.context import CodecContext
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream


@dataclass
class DecodingDamage:
    """The damage found in one pass over a file.

    Attributes:
        packets: Packets that hold a picture.
        errors: Packets that failed to decode.
        corrupt: Frames that the decoder concealed errors in.
        hidden: Frames that the file hides on purpose.
        exact: Whether the file states its number of frames.
        vague: Whether the number of frames can only be guessed.
    """

    packets: int = 0
    errors: int = 0
    corrupt: int = 0
    hidden: int = 0
    exact: bool = False
    vague: bool = False

    @property
    def is_met(self) -> bool:
        """Whether any packet or frame is damaged."""
        return bool(self.errors or self.corrupt)

    def slack(self, expected: int) -> int:
        """Return how many frames may be missing from the expected number before that counts as damage."""
        if self.vague:
            return expected
        return 0 if self.exact else max(2, expected // 50)


def decode(container: InputContainer, stream: VideoStream, damage: DecodingDamage) -> Iterator[av.VideoFrame]:
    """Decode all packets, skipping those that fail; a truncated file ends early."""
    damage.exact, damage.vague = stream.frames > 0, container.format.name == "mpegts"
    decoder = _decoder(stream)
    decoding_times = _DecodingTimes() if container.format.name == "avi" else None
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except (FFmpegError, OSError):
            damage.errors += 1
            packet = None
        if decoding_times is not None and packet is not None:
            decoding_times.take(packet)
        frames: list[av.VideoFrame] = []
        try:
            frames = decoder.decode(packet)
        except EOFError:
            return
        except FFmpegError:
            damage.errors += 1
        if packet is not None:
            damage.packets += packet.size > 0
            damage.hidden += packet.is_discard
        for frame in frames:
            damage.corrupt += frame.is_corrupt
            if decoding_times is not None:
                decoding_times.give(frame)
            yield frame
        if packet is None:
            return


class _DecodingTimes:
    """Assigns times to the frames of an AVI, which stores only decoding times: the same times in display order."""

    def __init__(self) -> None:
        self._waiting: list[int] = []

    def take(self, packet: Packet[VideoStream]) -> None:
        """Take the time of a packet that is about to be decoded."""
        if packet.size and packet.dts is not None:
            heapq.heappush(self._waiting, packet.dts)

    def give(self, frame: av.VideoFrame) -> None:
        """Assign the earliest unused time to the next displayed frame."""
        if self._waiting:
            frame.pts = heapq.heappop(self._waiting)


def _decoder(stream: VideoStream) -> VideoCodecContext:
    """Return the decoder of a stream: libvpx for VP8 and VP9 with alpha, which FFmpeg's own decoders ignore."""
    own = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(stream.codec_context.codec.canonical_name)
    if own is None or stream.metadata.get("alpha_mode") != "1":
        return stream.codec_context
    decoder = cast(VideoCodecContext, CodecContext.create(own, "r"))
    decoder.extradata = stream.codec_context.extradata
    return decoder
