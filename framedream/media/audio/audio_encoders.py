"""Chooses and opens encoders for sound that a container cannot hold as it is."""

from __future__ import annotations

from typing import cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError

_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""The common layout for each number of channels."""


def add_audio_encoder(source: AudioStream, output: OutputContainer, codec: str, most: int = 8) -> AudioStream:
    """Add an encoded stream for a track, with as many channels and samples as the encoder supports.

    Args:
        source: The track.
        output: The container, before its header is written.
        codec: FFmpeg's name of the encoder.
        most: Most channels.
    """
    stream = output.add_stream(codec, rate=_rate(codec, source.rate))
    assert isinstance(stream, AudioStream)
    stream.layout = _layout(codec, stream.rate, source, most)
    stream.bit_rate = 96_000 * max(2, stream.codec_context.channels)
    return stream


def _rate(codec: str, rate: int) -> int:
    """Return the sample rate to encode: the same, or the next lower one that the encoder supports."""
    known = av.Codec(codec, "w").audio_rates
    if codec == "libopus" or not known:
        return 48_000 if codec == "libopus" else rate
    return max((each for each in known if each <= rate), default=min(known))


def _layout(codec: str, rate: int, source: AudioStream, most: int) -> str:
    """Return the channel layout to encode: the same, or 5.1 if those are too many, or stereo."""
    channels = source.codec_context.channels
    own, usual = source.layout.name, _LAYOUTS.get(channels, "stereo")
    wishes = (usual, own) if usual in ("mono", "stereo", "5.1") else (own, usual)
    if channels > most:
        wishes = ("5.1", "stereo")
    return next((layout for layout in wishes if _takes(codec, rate, layout)), "stereo")


def _takes(codec: str, rate: int, layout: str) -> bool:
    try:
        context = cast(AudioCodecContext, av.CodecContext.create(codec, "w"))
        context.sample_rate, context.layout = rate, layout
        context.format = next(iter(context.codec.audio_formats or ()))
        context.open()
    except (FFmpegError, ValueError):
        return False
    return True


def describe_audio_loss(source: AudioStream, context: AudioCodecContext) -> str:
    """Describe what encoding a track loses; empty if it loses nothing."""
    words = f", in {context.layout.name}" if context.channels < source.codec_context.channels else ""
    return words + (f", at {context.sample_rate} Hz" if context.sample_rate < source.rate else "")
