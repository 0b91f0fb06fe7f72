"""Packets → pictures: a video track decoded to its end, past whatever is damaged."""

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
    """The damage that a pass over a file met.

    Attributes:
        packets: Packets that hold a picture.
        errors: Packets that failed.
        corrupt: Frames that the decoder patched up.
        hidden: Frames that are not shown on purpose.
        exact: Whether the file states its number of frames.
        vague: Whether its number of frames can only be guessed.
    """

    packets: int = 0
    errors: int = 0
    corrupt: int = 0
    hidden: int = 0
    exact: bool = False
    vague: bool = False

    @property
    def is_met(self) -> bool:
        """Whether something could not be decoded as it was encoded."""
        return bool(self.errors or self.corrupt)

    def slack(self, expected: int) -> int:
        """Frames that may be missing from an estimate before it means damage; in a transport stream all may."""
        if self.vague:
            return expected
        return 0 if self.exact else max(2, expected // 50)


def decode(container: InputContainer, stream: VideoStream, damage: DecodingDamage) -> Iterator[av.VideoFrame]:
    """Decode to the end, past packets that fail; a file that breaks off ends there."""
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
    """Times for frames of AVI, which knows only when they are decoded: the same times, in the order they are shown."""

    def __init__(self) -> None:
        self._waiting: list[int] = []

    def take(self, packet: Packet[VideoStream]) -> None:
        """A packet is going to be decoded."""
        if packet.size and packet.dts is not None:
            heapq.heappush(self._waiting, packet.dts)

    def give(self, frame: av.VideoFrame) -> None:
        """Give the next frame that is shown the earliest time that is left."""
        if self._waiting:
            frame.pts = heapq.heappop(self._waiting)


def _decoder(stream: VideoStream) -> VideoCodecContext:
    """What decodes a stream: for VP8 and VP9 with alpha not FFmpeg's own decoder, which does not know of it."""
    own = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(stream.codec_context.codec.canonical_name)
    if own is None or stream.metadata.get("alpha_mode") != "1":
        return stream.codec_context
    decoder = cast(VideoCodecContext, CodecContext.create(own, "r"))
    decoder.extradata = stream.codec_context.extradata
    return decoder
