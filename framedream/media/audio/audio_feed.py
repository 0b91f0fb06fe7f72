"""Writes a film's sound: packets are copied unchanged if the container can hold them."""

from __future__ import annotations

import logging
from collections.abc import Generator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet

from framedream.errors import InputError
from framedream.media.audio.audio_encoders import add_audio_encoder, describe_audio_loss
from framedream.media.audio.audio_resampler import FormatResampler
from framedream.media.audio.pcm import PcmTrack
from framedream.media.audio.time_stretch import TimeStretchedSound
from framedream.media.containers import Container, track_names
from framedream.media.frames import Sound
from framedream.media.read.demuxing import open_video

log = logging.getLogger(__name__)

_TOO_MANY_PLANES = 8
"""Planes of a frame beyond which PyAV reads out of bounds."""

_LATEST = 30 * 24 * 3600
"""Latest plausible time in seconds from a film's beginning."""


def container_has_sound(container: Container, path: Path) -> bool:
    """Whether a container can hold sound; logs a note if not."""
    if container.sound_codec is None:
        log.info("%s: %s files cannot hold sound; the film has none", path, path.suffix)
    return container.sound_codec is not None


def is_copied(codec: str, container: Container) -> bool:
    """Whether a container can hold sound of a codec, by FFmpeg's name, as it is."""
    return container.sound is None or codec in container.sound


def load_sound(path: Path, end: Fraction | None = None) -> Sound:
    """Return the sound of a file for use in another film, from its beginning.

    Args:
        path: Any file with sound.
        end: Length of the film in seconds, if known.

    Raises:
        InputError: The file is missing, cannot be read, or has no sound.
    """
    with open_video(path, "sound") as container:
        track = next((stream for stream in container.streams.audio if stream.codec_context), None)
        if track is None:
            raise InputError(f"{path}: this file has no sound; name a sound file, or a film with sound")
        return Sound(path, (track.start_time or 0) * (track.time_base or Fraction(0)), Fraction(0), end)


class AudioFeed:
    """Feeds sound into a film's container in step with the pictures.

    Args:
        sound: The file and part that hold the sound.
        output: The film's container, before its header is written.
        container: What the container can hold.
        path: The film, for notes.
        copied: Whether packets are copied if the container can hold them; it may refuse damaged ones.

    Raises:
        InputError: The file that holds the sound can no longer be read.
    """

    def __init__(
        self, sound: Sound, output: OutputContainer, container: Container, path: Path, *, copied: bool = True
    ) -> None:
        self._sound = sound
        self._shift = sound.origin + (sound.start or 0)
        self._output = output
        self._source = open_video(sound.path)
        self._early = container.keeps_early_sound or sound.stretch != 1
        self._tracks: dict[int, _AudioTrack] = {}
        end = None if sound.end is None else sound.end - (sound.start or 0)
        for stream in self._source.streams.audio:
            track = _track(stream, output, container, path, end, sound.stretch, copied=copied)
            if track is not None:
                self._tracks[stream.index] = track
        if self._tracks and sound.stretch != 1:
            log.info(
                "%s: the sound is made %g times as long, at its pitch, and encoded as %s",
                *(path, sound.stretch, container.sound_codec),
            )
        self._packets = self._read()
        self._next = next(self._packets, None)

    def feed(self, until: Fraction) -> None:
        """Write the sound up to a film time in seconds."""
        while self._next is not None and self._time(self._next) * self._sound.stretch <= until:
            track = self._tracks[self._next.stream.index]
            self._output.mux(track.packets(self._next, self._shift))
            self._next = next(self._packets, None)

    def finish(self) -> None:
        """Write the remaining sound."""
        while self._next is not None:
            self.feed(self._time(self._next) * self._sound.stretch)
        for track in self._tracks.values():
            self._output.mux(track.flush())

    def close(self) -> None:
        """Close the source file."""
        self._packets.close()
        self._source.close()

    def _read(self) -> Generator[Packet[AudioStream]]:
        streams = [stream for stream in self._source.streams.audio if stream.index in self._tracks]
        try:
            for packet in self._source.demux(streams) if streams else ():
                heard = cast("Packet[AudioStream]", packet)
                if packet.pts is not None and packet.size and self._kept(heard):
                    yield heard
        except (FFmpegError, OSError) as error:
            log.warning("%s: the sound ends early here (%s)", self._sound.path, error.strerror)

    def _time(self, packet: Packet[AudioStream]) -> Fraction:
        """Return the time of a packet in the part, before stretching, in seconds."""
        return (packet.pts or 0) * packet.time_base - self._shift

    def _kept(self, packet: Packet[AudioStream]) -> bool:
        time = self._time(packet)
        length = (packet.duration or 0) * packet.time_base
        if abs(time) > _LATEST:
            return False
        early = self._early or isinstance(self._tracks[packet.stream.index], _Encoded)
        start, end = self._sound.start or Fraction(0), self._sound.end
        if end is not None and time + start >= end:
            return False
        if self._sound.start is None:
            return early or time >= 0 or time + length > 0
        # Start one packet early if the container can store it: the decoder needs it to warm up.
        return time >= 0 or (early and time + 2 * length > 0)


class _AudioTrack(Protocol):
    """A sound track that is written into the film."""

    def packets(self, packet: Packet[AudioStream], shift: Fraction) -> list[Packet[AudioStream]]: ...

    def flush(self) -> list[Packet[AudioStream]]: ...


@dataclass
class _Copied:
    stream: AudioStream
    plain: PcmTrack | None
    last: int | None = None

    def packets(self, packet: Packet[AudioStream], shift: Fraction) -> list[Packet[AudioStream]]:
        ticks = round(shift / packet.time_base)
        packet.pts = (packet.pts or 0) - ticks
        packet.dts = packet.pts if packet.dts is None else packet.dts - ticks
        if self.last is not None and packet.dts <= self.last:
            return []  # Muxers stop at times that do not increase; drop such packets.
        self.last = packet.dts
        packets = [packet] if self.plain is None else self.plain.trim(packet)
        for each in packets:
            each.stream = self.stream
        return packets

    def flush(self) -> list[Packet[AudioStream]]:
        return []


@dataclass
class _Encoded:
    stream: AudioStream
    even: FormatResampler
    end: Fraction | None
    last: int | None = None

    def packets(self, packet: Packet[AudioStream], shift: Fraction) -> list[Packet[AudioStream]]:
        return self._rising([encoded for frame in _decoded(packet) for encoded in self._encode(frame, shift)])

    def flush(self) -> list[Packet[AudioStream]]:
        left = [packet for frame in self.even.resample(None) for packet in self.stream.encode(frame)]
        return self._rising([*left, *self.stream.encode(None)])

    def _encode(self, frame: AudioFrame, shift: Fraction) -> list[Packet[AudioStream]]:
        if frame.pts is not None and frame.time_base:
            frame.pts -= round(shift / frame.time_base)
            frame = _part(frame, self.end)
        if not frame.samples:
            return []
        return [packet for part in self.even.resample(frame) for packet in self.stream.encode(part)]

    def _rising(self, packets: list[Packet[AudioStream]]) -> list[Packet[AudioStream]]:
        """Drop packets whose times do not increase, as `_Copied` does."""
        kept = []
        for packet in packets:
            if packet.dts is None or self.last is None or packet.dts > self.last:
                kept.append(packet)
                self.last = packet.dts if packet.dts is not None else self.last
        return kept


@dataclass
class _Stretched:
    stream: AudioStream
    sound: TimeStretchedSound

    def packets(self, packet: Packet[AudioStream], shift: Fraction) -> list[Packet[AudioStream]]:
        heard = [made for frame in _decoded(packet) for made in self.sound.take(frame, shift)]
        return [encoded for frame in heard for encoded in self.stream.encode(frame)]

    def flush(self) -> list[Packet[AudioStream]]:
        return [encoded for frame in (*self.sound.flush(), None) for encoded in self.stream.encode(frame)]


def _decoded(packet: Packet[AudioStream]) -> list[AudioFrame]:
    """Decode what can be decoded of a packet."""
    try:
        return packet.decode()
    except FFmpegError:
        return []


def _part(frame: AudioFrame, end: Fraction | None) -> AudioFrame:
    """Trim a frame to the film; the result may have no samples."""
    begin, rate = (frame.pts or 0) * (frame.time_base or Fraction(0)), frame.sample_rate
    first = min(frame.samples, max(0, round(-begin * rate)))
    stop = frame.samples if end is None else max(first, min(frame.samples, round((end - begin) * rate)))
    if stop - first == frame.samples:
        return frame
    if frame.format.is_planar and frame.layout.nb_channels >= _TOO_MANY_PLANES:
        (frame,) = AudioResampler(frame.format.packed, frame.layout, rate).resample(frame) or (frame,)
    step = 1 if frame.format.is_planar else frame.layout.nb_channels
    samples: Any = np.ascontiguousarray(frame.to_ndarray()[:, first * step : stop * step])
    part = AudioFrame.from_ndarray(samples, format=frame.format.name, layout=frame.layout.name)
    part.sample_rate, part.time_base = rate, frame.time_base
    part.pts = (frame.pts or 0) + round(Fraction(first, rate) / (frame.time_base or 1))
    return part


def _track(
    source: AudioStream,
    output: OutputContainer,
    container: Container,
    path: Path,
    end: Fraction | None,
    stretch: Fraction,
    *,
    copied: bool,
) -> _AudioTrack | None:
    if container.sound_codec is None or source.codec_context is None:
        return None
    if stretch != 1:
        stream = add_audio_encoder(source, output, container.sound_codec, most=_TOO_MANY_PLANES - 1)
        _describe(stream, source, container)
        return _Stretched(stream, TimeStretchedSound(source.rate, stream.layout.name, stretch, end))
    codec = source.codec_context.codec.canonical_name
    if copied and is_copied(codec, container):
        try:
            track = output.add_stream_from_template(source)
        except ValueError:
            pass  # The muxer refuses the codec after all: encode it.
        else:
            _describe(track, source, container)
            return _Copied(track, PcmTrack.of(source.codec_context, container, end))
    encoded = add_audio_encoder(source, output, container.sound_codec)
    _describe(encoded, source, container)
    context = encoded.codec_context
    if copied:
        log.info(
            "%s: %s cannot hold %s sound; it is encoded as %s%s",
            *(path, path.suffix, codec, container.sound_codec, describe_audio_loss(source, context)),
        )
    return _Encoded(encoded, FormatResampler(context.format, context.layout, context.rate), end)


def _describe(stream: AudioStream, source: AudioStream, container: Container) -> None:
    stream.metadata.update(track_names(container, source.metadata))
    stream.disposition = source.disposition
