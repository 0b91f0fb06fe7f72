"""Muxes film files with FFmpeg: encoded pictures with exact times, and sound."""

from __future__ import annotations

import contextlib
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from typing import Literal, cast

import av
import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream
from PIL import Image

from framedream.media.atomic_files import temporary_path
from framedream.media.audio.audio_feed import AudioFeed, container_has_sound
from framedream.media.frames import Frame
from framedream.media.write.extras import ExtrasFeed
from framedream.media.write.image_writer import decode_png
from framedream.media.write.output_spec import OutputSpec, container_refusal
from framedream.media.write.pieces import Piece
from framedream.media.write.video_encoder import VideoEncoder


@dataclass(frozen=True)
class IncludedStreams:
    """The streams of a film besides its pictures.

    Attributes:
        sound: Whether sound is copied, if the container can hold it, encoded again, or left out.
        extras: Whether subtitles, chapters and titles are included.
    """

    sound: Literal["copied", "encoded", "none"] = "copied"
    extras: bool = True


class FilmMuxer:
    """Muxes pieces into a film file under a temporary name.

    Args:
        spec: The specification of the film.
        delay: The largest delay of its pieces.
        streams: The streams to include besides the pictures.

    Raises:
        SettingsError: The container cannot hold the codec.
        OutputError: The file cannot be written.
    """

    def __init__(self, spec: OutputSpec, delay: int, streams: IncludedStreams = IncludedStreams()) -> None:
        self.part = temporary_path(spec.path)
        self._spec, self._delay = spec, delay
        self._decoding_times: deque[int] = deque()
        self._begun = False
        self._encoded = self._milliseconds = 0
        self._first_picture, self._are_equal = b"", True
        self._feeds: list[AudioFeed | ExtrasFeed] = []
        self._output = self._open()
        try:
            self._pictures = VideoEncoder(spec, self._output)
            self._add_feeds(streams)
            self._output.start_encoding()
        except BaseException:
            self.close()
            raise

    def add(self, piece: Piece) -> None:
        """Add the next piece.

        Raises:
            OSError: The disk is full or refuses.
        """
        if self._spec.is_stored_losslessly:
            self._encode_piece(piece)
        else:
            self._remux(piece)

    def finish(self) -> None:
        """Write what remains, and close the file.

        Raises:
            OSError: The disk is full or refuses.
        """
        if self._spec.is_stored_losslessly:
            for packet in self._pictures.flush():
                self._mux(packet)
        for feed in self._feeds:
            feed.finish()
        self._output.close()
        self.close()

    def close(self) -> None:
        """Close all files, finished or not."""
        for feed in self._feeds:
            feed.close()
        with contextlib.suppress(FFmpegError, OSError):
            self._output.close()

    def count(self) -> int:
        """Reopen the finished file and count its frames."""
        if self._spec.container.animation:
            suffix = self._spec.path.suffix[1:].lower().replace("apng", "png")
            with Image.open(self.part, formats=[suffix]) as image:
                found = getattr(image, "n_frames", 1)
                # WebP merges equal pictures, and becomes a still if all are equal.
                merged = suffix == "webp" and found < self._encoded
                whole = merged and (self._are_equal or _shown_for(image) == self._milliseconds)
                return self._encoded if whole else found
        with av.open(f"file:{self.part}", format=_demuxer(self._spec)) as written:
            return sum(1 for packet in written.demux(video=0) if packet.size)

    def _open(self) -> OutputContainer:
        container, film_format = self._spec.container, self._spec.format
        options = dict(container.options)
        if container.format in ("gif", "apng") and film_format.last_duration:
            # These muxers need the duration of the last picture in advance.
            key, unit = ("final_delay", 100) if container.format == "gif" else ("final_delay", 1)
            last = film_format.last_duration * unit
            options[key] = str(round(last)) if unit == 100 else f"{last.numerator}/{last.denominator}"
        return av.open(f"file:{self.part}", "w", format=container.format, container_options=options)

    def _add_feeds(self, streams: IncludedStreams) -> None:
        """Add streams for sound and extras."""
        spec = self._spec
        sound = spec.format.sound if streams.sound != "none" else None
        if sound is not None and container_has_sound(spec.container, spec.path):
            copied = streams.sound == "copied"
            self._feeds.append(AudioFeed(sound, self._output, spec.container, spec.path, copied=copied))
        if spec.format.extras is not None and streams.extras and not spec.container.animation:
            pictures = self._pictures.stream
            self._feeds.append(ExtrasFeed(spec.format.extras, self._output, pictures, spec.container, spec.path))

    def _encode_piece(self, piece: Piece) -> None:
        """Encode the pictures of a piece, which an animated image stores losslessly until now."""
        base = self._spec.format.time_base
        for picture in piece.pictures:
            pixels, alpha = decode_png(picture.data)
            frame = Frame(pixels, picture.pts * base, alpha=alpha)
            for packet in self._pictures.encode(frame, picture.duration * base):
                self._mux(packet)
            self._encoded += 1
            self._first_picture = self._first_picture or picture.data
            self._are_equal &= picture.data == self._first_picture
            self._milliseconds = round((picture.pts + picture.duration) * base * 1000)

    def _remux(self, piece: Piece) -> None:
        """Mux the packets of a piece with new decoding times, since each piece started its own.

        The n-th picture is decoded when the one shown ``delay`` pictures earlier is shown.
        """
        shown = sorted(picture.pts for picture in piece.pictures)
        if not self._begun:
            self._decoding_times.extend(range(shown[0] - self._delay, shown[0]))
            self._begun = True
        self._decoding_times.extend(shown)
        for picture in piece.pictures:
            packet = cast("Packet[VideoStream]", Packet(picture.data))
            packet.time_base = self._spec.format.time_base
            packet.pts, packet.dts = picture.pts, self._decoding_times.popleft()
            packet.duration, packet.is_keyframe = picture.duration, picture.is_key
            self._mux(packet)

    def _mux(self, packet: Packet[VideoStream]) -> None:
        packet.stream = self._pictures.stream
        if packet.dts is not None:
            for feed in self._feeds:
                feed.feed(packet.dts * packet.time_base)
        self._output.mux(packet)


def rehearse_muxing(spec: OutputSpec) -> None:
    """Mux one gray picture in memory and read it back.

    Some muxers refuse a codec only when they write it, and some write what no demuxer finds; this must not
    happen after hours of dreaming.

    Args:
        spec: The specification of the film; animations support only one codec and need no test.

    Raises:
        SettingsError: The container cannot hold the codec.
        OutputError: The encoder does not accept such pictures.
    """
    file, film_format = BytesIO(), spec.format
    gray = Frame(np.full((film_format.height, film_format.width, 3), 128, np.float32), Fraction(0))
    with av.open(file, "w", format=spec.container.format) as output:
        pictures = VideoEncoder(spec, output)
        try:
            output.start_encoding()
            for packet in (*pictures.encode(gray, film_format.time_base), *pictures.flush()):
                packet.stream, packet.dts = (
                    pictures.stream,
                    packet.pts,
                )  # x265 gives a single picture an implausible dts.
                output.mux(packet)
        except FFmpegError:
            raise container_refusal(spec) from None
    file.seek(0)
    with av.open(file, "r", format=_demuxer(spec)) as written:
        if not any(packet.size for stream in written.streams.video for packet in written.demux(stream)):
            raise container_refusal(spec)


def _demuxer(spec: OutputSpec) -> str | None:
    return "mpegts" if spec.container.format == "mpegts" else None


def _shown_for(image: Image.Image) -> int:
    """Return the duration of an animation in milliseconds."""
    total = 0
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        image.load()  # Pillow knows the duration of a WebP picture only after decoding it.
        total += int(image.info.get("duration", 0))
    return total
