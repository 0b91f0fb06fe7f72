"""Pictures → encoded packets: what a film is to be, and the encoder that makes it so."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
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

from framedream.errors import OutputError, SettingsError
from framedream.media.color import from_levels, is_written_full
from framedream.media.frames import FilmLike
from framedream.media.palette import Palette
from framedream.media.recipes import Container, Encoder, container_for, encoder_for
from framedream.settings import OutputSettings

log = logging.getLogger("framedream")


@dataclass(frozen=True)
class FilmForm:
    """What a film file is to be.

    Attributes:
        path: The name it will have.
        like: What it must keep of its footage.
        container: The kind of file.
        encoder: What encodes its pictures.
    """

    path: Path
    like: FilmLike
    container: Container
    encoder: Encoder

    @classmethod
    def of(cls, path: Path, like: FilmLike, settings: OutputSettings) -> FilmForm:
        """The form that a name and settings ask for.

        Raises:
            SettingsError: Suffix, codec or pixel format cannot be used.
        """
        container = container_for(path)
        return cls(path, like, container, encoder_for(path, container, settings))

    @property
    def right(self) -> int:
        """Columns to add so that the format's coarser color planes fit."""
        return self.like.width % 2 if self.encoder.needs_even_width else 0

    @property
    def bottom(self) -> int:
        """Rows to add, for the same reason."""
        return self.like.height % 2 if self.encoder.needs_even_height else 0

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the encoded pictures."""
        return self.like.width + self.right, self.like.height + self.bottom

    def tell_losses(self) -> None:
        """Say what of the footage this form cannot keep."""
        codec = self.encoder.codec
        if self.right or self.bottom:
            log.info(
                "%s: %s with %s needs even sizes; the picture's edge is repeated to make it %dx%d",
                *(self.path, codec, self.encoder.pixel_format, *self.size),
            )
        if self.like.sample_aspect != 1 and not self._keeps_aspect():
            square = f"{max(1, round(self.like.width * self.like.sample_aspect))}x{self.like.height}"
            log.warning(
                "%s: %s in %s cannot keep pixels that are not square, so the picture will look squeezed; "
                "give --size %s, or write .mp4",
                *(self.path, codec, self.path.suffix, square),
            )

    def _keeps_aspect(self) -> bool:
        # PyAV cannot set the track's own pixel aspect, which Matroska needs; some codecs carry it themselves.
        if self.container.format in ("matroska", "webm"):
            return self.encoder.codec in ("libx264", "libx265", "mpeg4")
        return not self.container.animation


class PictureStream:
    """The pictures' stream of a container, with its encoder.

    Args:
        form: What the film is to be.
        output: The container, before its header is written.

    Raises:
        SettingsError: The container cannot hold the codec.
        OutputError: The encoder refuses pictures of this kind.
    """

    def __init__(self, form: FilmForm, output: OutputContainer) -> None:
        self._form = form
        self._reformatter = VideoReformatter()
        self._durations: dict[int, int] = {}
        self._palette = Palette(form.size, form.like.time_base) if form.container.format == "gif" else None
        self.stream = _add_stream(form, output)

    def encode(self, pixels: NDArray[Any], time: Fraction, duration: Fraction) -> Iterator[Packet[VideoStream]]:
        """Encode a picture; encoders may keep some and give them later.

        Args:
            pixels: RGB, H×W×3, in levels 0…255.
            time: When it is shown, in seconds.
            duration: How long, in seconds.
        """
        form = self._form
        if form.right or form.bottom:
            pixels = np.pad(pixels, ((0, form.bottom), (0, form.right), (0, 0)), mode="edge")
        format_ = "rgb24" if self._palette else form.encoder.pixel_format
        frame = from_levels(pixels, form.like.color, format_, self._reformatter)
        frame.time_base = form.like.time_base
        frame.pts = round(time / form.like.time_base)
        self._durations[frame.pts] = max(1, round(duration / form.like.time_base))
        for shown in self._palette.paint(frame) if self._palette else [frame]:
            yield from self._packets(shown)

    def rest(self) -> Iterator[Packet[VideoStream]]:
        """What the encoder still keeps."""
        for frame in self._palette.rest() if self._palette else []:
            yield from self._packets(frame)
        yield from self._packets(None)

    def _packets(self, frame: av.VideoFrame | None) -> Iterator[Packet[VideoStream]]:
        for packet in self.stream.encode(frame):
            if packet.pts is not None:
                packet.duration = self._durations.pop(packet.pts, packet.duration)
            yield packet


def _add_stream(form: FilmForm, output: OutputContainer) -> VideoStream:
    encoder, like = form.encoder, form.like
    if encoder.codec == "libsvtav1":
        # Its library talks on stderr unless this is set before it is opened.
        os.environ.setdefault("SVT_LOG", "1")
    width, height = form.size
    try:
        stream = output.add_stream(
            encoder.codec, rate=like.rate or Fraction(25), options=encoder.options, width=width, height=height,
            time_base=like.time_base,
        )  # fmt: skip
    except ValueError:
        raise SettingsError(
            f"codec: {form.path.suffix} files cannot hold {encoder.codec}; give the output the suffix .mkv"
        ) from None
    assert isinstance(stream, VideoStream)
    _tag(stream, encoder, like)
    try:
        with _scheduling_kept():
            stream.codec_context.open()
    except FFmpegError as error:
        raise OutputError(
            f"{form.path}: {encoder.codec} does not take {encoder.pixel_format} pictures of {width}x{height} "
            f"({error.strerror}); choose another --codec or --size"
        ) from None
    return stream


@contextmanager
def _scheduling_kept() -> Generator[None]:
    """Take back what an encoder does to the process: SVT-AV1, run by root, makes it and its threads real-time.

    They would leave no time to anything else on the machine.
    """
    tasks = Path("/proc/self/task")
    policy = os.sched_getscheduler(0) if tasks.is_dir() else None
    yield
    if policy is None or policy != os.SCHED_OTHER:
        return
    for task in tasks.glob("*"):
        with suppress(OSError):  # It may have ended.
            if os.sched_getscheduler(int(task.name)) == os.SCHED_FIFO:
                os.sched_setscheduler(int(task.name), os.SCHED_OTHER, os.sched_param(0))


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
