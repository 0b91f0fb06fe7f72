"""Film files through FFmpeg: pictures encoded with exact times, sound beside them."""

from __future__ import annotations

import contextlib
import logging
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from framedream.errors import OutputError, SettingsError
from framedream.media.color import from_levels, is_written_full
from framedream.media.frames import FilmLike
from framedream.media.palette import Palette
from framedream.media.publish import part_path
from framedream.media.recipes import Container, Encoder, container_for, encoder_for
from framedream.media.sound import SoundFeed
from framedream.settings import OutputSettings

log = logging.getLogger("framedream")


class FilmFile:
    """A film file being written under a temporary name.

    Args:
        path: The name it will have; its suffix decides the container.
        like: What the film must keep.
        settings: How it is encoded.

    Raises:
        SettingsError: Suffix, codec or pixel format cannot be used.
        OutputError: It cannot be written.
    """

    def __init__(self, path: Path, like: FilmLike, settings: OutputSettings) -> None:
        container = container_for(path)
        self.part = part_path(path)
        self._path, self._like = path, like
        self._encoder = encoder_for(path, container, settings)
        self._animation = container.animation
        self._reformatter = VideoReformatter()
        self._durations: dict[int, int] = {}
        self._padding = _padding(like, self._encoder, path)
        if like.sample_aspect != 1 and not _keeps_aspect(container, self._encoder):
            square = f"{max(1, round(like.width * like.sample_aspect))}x{like.height}"
            log.warning(
                "%s: %s in %s cannot keep pixels that are not square, so the picture will look squeezed; "
                "give --size %s, or write .mp4",
                *(path, self._encoder.codec, path.suffix, square),
            )
        self._palette = Palette(self._coded_size(), like.time_base) if container.format == "gif" else None
        self._sound: SoundFeed | None = None
        self._output = self._open(container)
        try:
            self._stream = self._add_pictures(container)
            if like.sound is not None:
                self._add_sound(container)
            self._output.start_encoding()
        except BaseException:
            self.close()
            raise

    def add(self, pixels: NDArray[Any], time: Fraction, duration: Fraction) -> None:
        """Encode a picture.

        Args:
            pixels: RGB, H×W×3, in levels 0…255.
            time: When it is shown, in seconds.
            duration: How long, in seconds.

        Raises:
            OSError: The disk is full or refuses.
        """
        padded = np.pad(pixels, (*self._padding, (0, 0)), mode="edge") if any(map(any, self._padding)) else pixels
        format_ = "rgb24" if self._palette else self._encoder.pixel_format
        frame = from_levels(padded, self._like.color, format_, self._reformatter)
        frame.time_base = self._like.time_base
        frame.pts = round(time / self._like.time_base)
        self._durations[frame.pts] = max(1, round(duration / self._like.time_base))
        for shown in self._palette.paint(frame) if self._palette else [frame]:
            self._encode(shown)

    def finish(self) -> None:
        """Write what is left, and close the file.

        Raises:
            OSError: The disk is full or refuses.
        """
        for frame in self._palette.rest() if self._palette else []:
            self._encode(frame)
        self._encode(None)
        if self._sound is not None:
            self._sound.finish()
        self._output.close()
        self.close()

    def close(self) -> None:
        """Let go of all files, finished or not."""
        if self._sound is not None:
            self._sound.close()
        with contextlib.suppress(FFmpegError, OSError):
            self._output.close()

    def count(self) -> int:
        """Frames in the finished file, opened anew."""
        if self._animation:
            with Image.open(self.part, formats=[self._path.suffix[1:].lower().replace("apng", "png")]) as image:
                return getattr(image, "n_frames", 1)
        with av.open(f"file:{self.part}") as written:
            return sum(1 for packet in written.demux(video=0) if packet.size)

    def _open(self, container: Container) -> OutputContainer:
        options = dict(container.options)
        if container.format in ("gif", "apng") and self._like.last_duration:
            # These muxers know how long the last picture is shown only if they are told at first.
            key, unit = ("final_delay", 100) if container.format == "gif" else ("final_delay", 1)
            last = self._like.last_duration * unit
            options[key] = str(round(last)) if unit == 100 else f"{last.numerator}/{last.denominator}"
        return av.open(f"file:{self.part}", "w", format=container.format, container_options=options)

    def _add_pictures(self, container: Container) -> VideoStream:
        encoder, like = self._encoder, self._like
        if encoder.codec == "libsvtav1":
            # Its library talks on stderr unless this is set before it is opened.
            os.environ.setdefault("SVT_LOG", "1")
        width, height = self._coded_size()
        try:
            stream = self._output.add_stream(
                encoder.codec, rate=like.rate or Fraction(25), options=encoder.options, width=width, height=height,
                time_base=like.time_base,
            )  # fmt: skip
        except ValueError:
            raise SettingsError(
                f"codec: {self._path.suffix} files cannot hold {encoder.codec}; give the output the suffix .mkv"
            ) from None
        assert isinstance(stream, VideoStream)
        _tag(stream, encoder, like)
        try:
            stream.codec_context.open()
        except FFmpegError as error:
            raise _refused(self._path, encoder, width, height, error) from None
        return stream

    def _add_sound(self, container: Container) -> None:
        assert self._like.sound is not None
        if container.sound_codec is None:
            log.info("%s: %s files have no sound; it is left out", self._path, self._path.suffix)
        else:
            self._sound = SoundFeed(self._like.sound, self._output, container, self._path)

    def _encode(self, frame: av.VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            self._mux(packet)

    def _mux(self, packet: Packet[VideoStream]) -> None:
        if packet.pts is not None:
            packet.duration = self._durations.pop(packet.pts, packet.duration)
        if self._sound is not None and packet.dts is not None:
            self._sound.feed(packet.dts * packet.time_base)
        self._output.mux(packet)

    def _coded_size(self) -> tuple[int, int]:
        (_, bottom), (_, right) = self._padding
        return self._like.width + right, self._like.height + bottom


def _tag(stream: VideoStream, encoder: Encoder, like: FilmLike) -> None:
    context = stream.codec_context
    context.pix_fmt = encoder.pixel_format
    context.time_base = like.time_base
    context.sample_aspect_ratio = like.sample_aspect
    is_rgb = av.VideoFormat(encoder.pixel_format).is_rgb
    context.colorspace = 0 if is_rgb else like.color.matrix
    context.color_range = 2 if is_written_full(like.color, encoder.pixel_format) else 1
    context.color_primaries, context.color_trc = like.color.primaries, like.color.transfer
    if encoder.tag:
        context.codec_tag = encoder.tag


def _keeps_aspect(container: Container, encoder: Encoder) -> bool:
    # PyAV cannot set the track's own pixel aspect, which Matroska needs; some codecs carry it themselves.
    if container.format in ("matroska", "webm"):
        return encoder.codec in ("libx264", "libx265", "mpeg4")
    return not container.animation


def _padding(like: FilmLike, encoder: Encoder, path: Path) -> tuple[tuple[int, int], tuple[int, int]]:
    """Rows and columns to add (before, after) so that the format's coarser color planes fit."""
    right = like.width % 2 if encoder.needs_even_width else 0
    bottom = like.height % 2 if encoder.needs_even_height else 0
    if right or bottom:
        log.info(
            "%s: %s with %s needs even sizes; the picture's edge is repeated to make it %dx%d",
            *(path, encoder.codec, encoder.pixel_format, like.width + right, like.height + bottom),
        )
    return (0, bottom), (0, right)


def _refused(path: Path, encoder: Encoder, width: int, height: int, error: FFmpegError) -> OutputError:
    return OutputError(
        f"{path}: {encoder.codec} does not take {encoder.pixel_format} pictures of {width}x{height} "
        f"({error.strerror}); choose another --codec or --size"
    )
