"""Copies what a film has besides pictures and sound: subtitles, chapters, titles, fonts."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import AttachmentStream, Disposition, Stream
from av.subtitles.codeccontext import SubtitleCodecContext
from av.subtitles.stream import SubtitleStream
from av.video.stream import VideoStream

from framedream.media.containers import Container, track_names
from framedream.media.frames import TimeRange
from framedream.media.read.demuxing import open_video

if TYPE_CHECKING:
    from av.container.core import Chapter

log = logging.getLogger(__name__)

_OWN = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration"}
"""Metadata that a muxer writes itself."""

_TEXT = {"subrip", "ass", "ssa", "webvtt", "mov_text", "text", "ttml"}
"""Codecs of text subtitles."""

_TICK = Fraction(1, 1000)


class ExtrasFeed:
    """Feeds extras into a film's container: titles and chapters at once, subtitles in step with the pictures.

    Args:
        extras: The file and part that hold the extras.
        output: The film's container, before its header is written.
        pictures: The film's video stream.
        container: What the container can hold.
        path: The film, for notes.

    Raises:
        InputError: The file that holds the extras can no longer be read.
    """

    def __init__(
        self, extras: TimeRange, output: OutputContainer, pictures: VideoStream, container: Container, path: Path
    ) -> None:
        self._extras, self._output, self._container = extras, output, container
        self._source = open_video(extras.path)
        output.metadata.update(_titles(self._source.metadata))
        own = next((stream for stream in self._source.streams.video if not _is_cover(stream)), None)
        known = own.metadata if own is not None else {}
        self._keeps_timecode = not extras.start and container.format != "mpegts"
        pictures.metadata.update(track_names(container, known))
        if self._keeps_timecode and "timecode" in known:
            pictures.metadata["timecode"] = known["timecode"]
        if container.chapters:
            output.set_chapters(list(_chapters(self._source, extras)))
        self._tracks: dict[int, _SubtitleTrack] = {}
        lost = [
            self._take(stream)
            for stream in self._source.streams
            if stream is not own and (stream.type != "audio" or stream.codec_context is None)
        ]
        if self._source.chapters() and not container.chapters:
            lost.append("chapters")
        if any(lost):
            kinds = ", ".join(sorted({kind for kind in lost if kind}))
            log.info("%s: cannot hold %s of %s", path, kinds, extras.path)
        self._packets = self._read()
        self._next = next(self._packets, None)

    def feed(self, until: Fraction) -> None:
        """Write the subtitles up to a film time in seconds."""
        while self._next is not None and self._shown(self._next) <= until:
            packet = self._next
            self._output.mux(self._tracks[packet.stream.index].packets(packet, self._extras))
            self._next = next(self._packets, None)

    def finish(self) -> None:
        """Write the remaining subtitles."""
        while self._next is not None:
            self.feed(self._shown(self._next))

    def close(self) -> None:
        """Close the source file."""
        self._packets.close()
        self._source.close()

    def _take(self, stream: Stream) -> str:
        """Add a stream to the film; return what the container cannot hold."""
        if isinstance(stream, AttachmentStream):
            if self._container.format != "matroska":
                return "attached files"
            name = stream.name or "attachment"
            self._output.add_attachment(name, stream.mimetype or "application/octet-stream", stream.data)
            return ""
        if isinstance(stream, VideoStream):
            return "cover picture" if _is_cover(stream) else "further tracks of pictures"
        if stream.type == "audio":
            return "sound of unknown codec"
        if "timecode" in stream.metadata:
            # The muxer writes such a track itself.
            return "" if self._keeps_timecode else "timecode"
        if not isinstance(stream, SubtitleStream):
            # Such a track holds the list of chapters; the muxer writes that itself.
            is_chapters = bool(self._source.chapters()) and stream.type == "data"
            return "" if is_chapters else "tracks of data"
        track = _track(stream, self._output, self._container)
        if track is None:
            return "subtitles"
        self._tracks[stream.index] = track
        return ""

    def _read(self) -> Generator[Packet[SubtitleStream]]:
        streams = tuple(stream for stream in self._source.streams.subtitles if stream.index in self._tracks)
        try:
            for packet in self._source.demux(streams) if streams else ():
                # QuickTime stores empty texts between subtitles.
                if packet.pts is not None and packet.size > 2 and self._kept(packet):
                    yield packet
        except (FFmpegError, OSError) as error:
            log.warning("%s: the subtitles end early here (%s)", self._extras.path, error.strerror)

    def _shown(self, packet: Packet[SubtitleStream]) -> Fraction:
        return self._extras.to_film((packet.pts or 0) * packet.time_base)

    def _kept(self, packet: Packet[SubtitleStream]) -> bool:
        shown = self._shown(packet)
        ends = shown + (packet.duration or 0) * packet.time_base * self._extras.stretch
        return ends > 0 and (self._extras.length is None or shown < self._extras.length)


def _is_cover(stream: Stream) -> bool:
    return bool(stream.disposition & Disposition.attached_pic)


def _titles(known: dict[str, str]) -> dict[str, str]:
    return {key: text for key, text in known.items() if key.lower() not in _OWN}


def _chapters(source: InputContainer, extras: TimeRange) -> Iterator[Chapter]:
    for chapter in source.chapters():
        tick = chapter["time_base"] or _TICK
        start, end = extras.to_film(chapter["start"] * tick), extras.to_film(chapter["end"] * tick)
        start, end = max(start, Fraction(0)), end if extras.length is None else min(end, extras.length)
        if start < end:
            yield {
                "id": chapter["id"],
                "start": round(start / _TICK),
                "end": round(end / _TICK),
                "time_base": _TICK,
                "metadata": chapter["metadata"],
            }


class _SubtitleTrack(Protocol):
    """A subtitle track that is written into the film."""

    stream: SubtitleStream

    def packets(self, packet: Packet[SubtitleStream], extras: TimeRange) -> list[Packet[SubtitleStream]]: ...


@dataclass
class _CopiedSubtitles:
    stream: SubtitleStream

    def packets(self, packet: Packet[SubtitleStream], extras: TimeRange) -> list[Packet[SubtitleStream]]:
        return [_placed(packet, packet, self.stream, extras)]


@dataclass
class _EncodedSubtitles:
    source: SubtitleCodecContext
    stream: SubtitleStream

    def packets(self, packet: Packet[SubtitleStream], extras: TimeRange) -> list[Packet[SubtitleStream]]:
        try:
            texts = self.source.decode2(packet)
            if not texts:
                return []
            coded = self.stream.codec_context.encode_subtitle(texts)
        except (FFmpegError, ValueError):
            return []
        return [_placed(cast("Packet[SubtitleStream]", coded), packet, self.stream, extras)]


def _placed(
    packet: Packet[SubtitleStream], shown: Packet[SubtitleStream], stream: SubtitleStream, extras: TimeRange
) -> Packet[SubtitleStream]:
    """Return a packet with its time in the film; one that starts earlier is trimmed."""
    tick = shown.time_base
    begin = extras.to_film((shown.pts or 0) * tick)
    end = begin + (shown.duration or 0) * tick * extras.stretch
    begin, end = max(begin, Fraction(0)), end if extras.length is None else min(end, extras.length)
    packet.time_base = tick
    packet.pts = packet.dts = round(begin / tick)
    packet.duration = max(0, round(end / tick) - packet.pts)
    packet.stream = stream
    return packet


def _track(source: SubtitleStream, output: OutputContainer, container: Container) -> _SubtitleTrack | None:
    decoder = cast("SubtitleCodecContext | None", source.codec_context)
    if decoder is None or container.subtitle_codec is None:
        return None
    codec = decoder.codec.canonical_name
    track: _SubtitleTrack | None = None
    if codec in container.subtitles:
        track = _CopiedSubtitles(output.add_stream_from_template(source))
    elif codec in _TEXT:
        try:
            decoder.open(strict=False)
        except FFmpegError:
            return None
        stream = cast(SubtitleStream, output.add_stream(container.subtitle_codec))
        stream.codec_context.subtitle_header = decoder.subtitle_header
        track = _EncodedSubtitles(decoder, stream)
    if track is not None:
        track.stream.metadata.update(track_names(container, source.metadata))
        track.stream.disposition = source.disposition
    return track
