"""Encodes pictures into packets."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from framedream.errors import OutputError
from framedream.media.alpha import over_black
from framedream.media.color_conversion import from_levels, is_written_full
from framedream.media.frames import FilmFormat, Frame
from framedream.media.write.codecs import Encoder, is_hardware_encoder
from framedream.media.write.gif_palette import GifPalette
from framedream.media.write.output_spec import OutputSpec, container_refusal

log = logging.getLogger(__name__)


class VideoEncoder:
    """The video stream of a container, with its encoder.

    Args:
        spec: The specification of the film.
        output: The container, before its header is written.

    Raises:
        SettingsError: The container cannot hold the codec.
        OutputError: The encoder does not accept such pictures.
    """

    def __init__(self, spec: OutputSpec, output: OutputContainer) -> None:
        self._spec = spec
        self._reformatter = VideoReformatter()
        self._durations: dict[int, int] = {}
        self._palette: GifPalette | None = None
        self._last: int | None = None
        if spec.is_gif:
            self._palette = GifPalette(spec.size, spec.time_base, transparent=spec.keeps_alpha)
        self.stream = _add_stream(spec, output)

    def encode(self, frame: Frame, duration: Fraction) -> Iterator[Packet[VideoStream]]:
        """Encode a frame; an encoder may return its packets later.

        Args:
            frame: The frame, with the time it is shown.
            duration: How long it is shown, in seconds.
        """
        spec = self._spec
        pixels, alpha = frame.pixels, frame.alpha
        if not spec.keeps_alpha:
            pixels, alpha = over_black(pixels, alpha), None
        if spec.right or spec.bottom:
            pixels = np.pad(pixels, ((0, spec.bottom), (0, spec.right), (0, 0)), mode="edge")
            alpha = alpha if alpha is None else np.pad(alpha, ((0, spec.bottom), (0, spec.right)), mode="edge")
        format_ = self._palette.pixel_format if self._palette else spec.encoder.pixel_format
        picture = from_levels(pixels, spec.color, format_, self._reformatter, alpha)
        picture.time_base = spec.time_base
        picture.pts = round(frame.time / spec.time_base)
        if self._last is not None:
            # A GIF cannot hold two pictures in one tick.
            picture.pts = max(self._last + 1, picture.pts)
        self._last = picture.pts
        self._durations[picture.pts] = max(1, round(duration / spec.time_base))
        for shown in self._palette.paint(picture) if self._palette else [picture]:
            yield from self._packets(shown)

    def flush(self) -> Iterator[Packet[VideoStream]]:
        """Flush the encoder."""
        for frame in self._palette.flush() if self._palette else []:
            yield from self._packets(frame)
        yield from self._packets(None)

    def _packets(self, frame: av.VideoFrame | None) -> Iterator[Packet[VideoStream]]:
        for packet in self.stream.encode(frame):
            if packet.pts is not None:
                packet.duration = self._durations.pop(packet.pts, packet.duration)
            yield packet


@contextmanager
def keep_scheduling() -> Generator[None]:
    """Restore the scheduling that SVT-AV1, if root runs it, changes to real-time for the process and its threads.

    Otherwise it would leave no time to anything else on the machine.
    """
    tasks = Path("/proc/self/task")
    policy = os.sched_getscheduler(0) if tasks.is_dir() else None
    try:
        yield
    finally:
        for task in tasks.glob("*") if policy == os.SCHED_OTHER else ():
            with suppress(OSError):  # The thread may have ended.
                if os.sched_getscheduler(int(task.name)) == os.SCHED_FIFO:
                    os.sched_setscheduler(int(task.name), os.SCHED_OTHER, os.sched_param(0))


def _add_stream(spec: OutputSpec, output: OutputContainer) -> VideoStream:
    encoder, film_format = spec.encoder, spec.format
    if encoder.codec == "libsvtav1":
        # The library prints to stderr unless this is set before it is opened.
        os.environ.setdefault("SVT_LOG", "1")
    width, height = spec.size
    try:
        stream = output.add_stream(
            encoder.codec,
            rate=film_format.rate or Fraction(25),
            options=_options(encoder, film_format),
            width=width,
            height=height,
            time_base=spec.time_base,
        )
    except ValueError:
        raise container_refusal(spec) from None
    assert isinstance(stream, VideoStream)
    _tag(stream, spec)
    try:
        with keep_scheduling():
            stream.codec_context.open()
    except FFmpegError as error:
        if is_hardware_encoder(encoder.codec):
            raise OutputError(
                f"{spec.path}: {encoder.codec} needs a GPU and a driver that are missing or do not work "
                f"({error.strerror}); choose another --codec, or remove it"
            ) from None
        raise OutputError(
            f"{spec.path}: {encoder.codec} does not support {encoder.pixel_format} pictures of {width}x{height} "
            f"({error.strerror}); choose another --codec or --size"
        ) from None
    return stream


def _options(encoder: Encoder, film_format: FilmFormat) -> dict[str, str]:
    """Return the encoder's options, with the film's HDR metadata."""
    own = film_format.color.hdr_metadata.options(encoder.codec) if film_format.color.hdr_metadata else {}
    if not own:
        return encoder.options
    name = {"libx265": "x265-params", "libsvtav1": "svtav1-params"}[encoder.codec]
    words = [encoder.options[name]] if name in encoder.options else []
    return encoder.options | {name: ":".join([*words, *(f"{key}={value}" for key, value in own.items())])}


def _tag(stream: VideoStream, spec: OutputSpec) -> None:
    context, encoder, color = stream.codec_context, spec.encoder, spec.color
    context.pix_fmt = encoder.pixel_format
    context.time_base = spec.time_base
    context.sample_aspect_ratio = spec.format.sample_aspect
    is_rgb = av.VideoFormat(encoder.pixel_format).is_rgb
    context.colorspace = 0 if is_rgb else color.matrix
    context.color_range = 2 if is_written_full(color, encoder.pixel_format) else 1
    context.color_primaries, context.color_trc = color.primaries, color.transfer
    if encoder.tag:
        context.codec_tag = encoder.tag
