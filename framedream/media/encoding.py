"""Pictures → encoded packets: what a film is to be, and the encoder that makes it so."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from framedream.errors import InputError, OutputError, SettingsError
from framedream.media.alpha import over_black
from framedream.media.color import SMPTE170M, ColorTags, from_levels, is_written_full
from framedream.media.containers import Container, container_for
from framedream.media.frames import FilmLike, Frame
from framedream.media.palette import Palette
from framedream.media.recipes import Encoder, encoder_for
from framedream.settings import OutputSettings

log = logging.getLogger("framedream")

_BT601 = {"libwebp_anim": False, "mjpeg": True}
"""Codecs whose colors are always those of BT.601, and whether in full range."""

_HARDWARE = ("_nvenc", "_qsv", "_amf", "_v4l2m2m", "_vaapi", "_videotoolbox", "_mf", "_vulkan")
"""How encoders end that are part of a card."""

_HDR_DEPTH = 10
"""Bits of a channel without which high dynamic range shows steps."""

_GIF_TICK = Fraction(1, 100)
"""Seconds in which GIF counts; most viewers show what is shown for less than two of them for ten."""


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
            InputError: The footage is of high dynamic range, which such a film cannot hold.
            OutputError: The pictures are too small for the encoder.
        """
        depth = max(like.depth, _HDR_DEPTH) if like.color.hdr else like.depth
        encoder = encoder_for(path, settings, depth, transparent=like.has_alpha)
        form = cls(path, like, container_for(path), encoder)
        if min(form.size) < encoder.smallest:
            raise OutputError(
                f"{path}: {encoder.codec} does not take pictures of less than {encoder.smallest} pixels a side "
                f"({form.size[0]}x{form.size[1]}); choose another --codec or --size"
            )
        if like.color.hdr and (encoder.depth < _HDR_DEPTH or form.container.animation):
            raise no_room_for_hdr(path, like.color.hdr)
        if form.is_gif and like.rate and like.rate > 1 / _GIF_TICK:
            raise OutputError(
                f"{path}: .gif files count in hundredths of a second, but {float(like.rate):g} frames come in each "
                "second; write .webp, or give --fps 50"
            )
        return form

    @property
    def is_gif(self) -> bool:
        """Whether it is a GIF."""
        return self.container.format == "gif"

    @property
    def time_base(self) -> Fraction:
        """Seconds per tick of what is encoded: the footage's, or the container's where that cannot say all of them."""
        return _GIF_TICK if self.is_gif else self.like.time_base

    @property
    def keeps_alpha(self) -> bool:
        """Whether parts of the film are transparent."""
        return self.like.has_alpha and self.encoder.keeps_alpha

    @property
    def color(self) -> ColorTags:
        """How its colors are expressed: as the footage's, unless the codec knows one way only."""
        if self.encoder.codec in _BT601:
            return replace(self.like.color, matrix=SMPTE170M, full_range=_BT601[self.encoder.codec])
        return self.like.color

    @property
    def is_painted(self) -> bool:
        """Whether pictures are kept as they are until the film is put together, and encoded then.

        Animations are one stream of changes; and what VP8 and VP9 say of alpha goes beside their packets.
        """
        return self.container.animation or (self.keeps_alpha and self.encoder.codec.startswith("libvpx"))

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
        kept, depth = self.encoder.depth, self.like.depth
        if kept < depth and not self.container.animation:
            log.info("%s: %s keeps %d of %d bits; see --codec and --pixel-format", self.path, codec, kept, depth)
        if self.like.color.wide and self.container.animation:
            log.warning(
                "%s: colors are %s, which %s files cannot say, so they will look pale; write .mp4, or convert first",
                *(self.path, self.like.color.wide, self.path.suffix),
            )
        if self.is_gif and self.like.rate and self.like.rate > 1 / (2 * _GIF_TICK):
            log.warning(
                "%s: most viewers show a GIF of more than 50 frames a second too slowly; give --fps 50, or write .webp",
                self.path,
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
        self._palette: Palette | None = None
        self._last: int | None = None
        if form.is_gif:
            self._palette = Palette(form.size, form.time_base, transparent=form.keeps_alpha)
        self.stream = _add_stream(form, output)

    def encode(self, frame: Frame, duration: Fraction) -> Iterator[Packet[VideoStream]]:
        """Encode a picture; encoders may keep some and give them later.

        Args:
            frame: What is shown, and from when.
            duration: How long, in seconds.
        """
        form = self._form
        pixels, alpha = frame.pixels, frame.alpha
        if not form.keeps_alpha:
            pixels, alpha = over_black(pixels, alpha), None
        if form.right or form.bottom:
            pixels = np.pad(pixels, ((0, form.bottom), (0, form.right), (0, 0)), mode="edge")
            alpha = alpha if alpha is None else np.pad(alpha, ((0, form.bottom), (0, form.right)), mode="edge")
        format_ = self._palette.pixel_format if self._palette else form.encoder.pixel_format
        picture = from_levels(pixels, form.color, format_, self._reformatter, alpha)
        picture.time_base = form.time_base
        picture.pts = round(frame.time / form.time_base)
        if self._last is not None:
            # A GIF is refused where two of its pictures come within one tick.
            picture.pts = max(self._last + 1, picture.pts)
        self._last = picture.pts
        self._durations[picture.pts] = max(1, round(duration / form.time_base))
        for shown in self._palette.paint(picture) if self._palette else [picture]:
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
            encoder.codec, rate=like.rate or Fraction(25), options=_options(encoder, like), width=width, height=height,
            time_base=form.time_base,
        )  # fmt: skip
    except ValueError:
        raise cannot_hold(form) from None
    assert isinstance(stream, VideoStream)
    _tag(stream, form)
    try:
        with scheduling_kept():
            stream.codec_context.open()
    except FFmpegError as error:
        if encoder.codec.endswith(_HARDWARE):
            raise OutputError(
                f"{form.path}: {encoder.codec} needs a card and a driver that are not here, or cannot be used "
                f"({error.strerror}); choose another --codec, or leave it out"
            ) from None
        raise OutputError(
            f"{form.path}: {encoder.codec} does not take {encoder.pixel_format} pictures of {width}x{height} "
            f"({error.strerror}); choose another --codec or --size"
        ) from None
    return stream


def working_cards() -> list[str]:
    """The encoders of cards that can be opened on this machine, by FFmpeg's names."""
    return [name for name in sorted(av.codecs_available) if name.endswith(_HARDWARE) and _opens(name)]


def _opens(name: str) -> bool:
    try:
        context = cast(VideoCodecContext, av.CodecContext.create(name, "w"))
        context.width, context.height, context.time_base = 256, 128, Fraction(1, 25)
        formats = [form.name for form in context.codec.video_formats or ()]
        context.pix_fmt = "yuv420p" if "yuv420p" in formats or not formats else formats[0]
        context.open()
    except (FFmpegError, OSError, ValueError):
        return False
    return True


def cannot_hold(form: FilmForm) -> SettingsError:
    """What to say where a container cannot hold what an encoder makes."""
    suffix = form.path.suffix.lower()
    cure = "choose another --codec"
    if suffix != ".mkv":
        cure = f"give the output the suffix .mkv, or {cure}"
    if form.encoder.codec in ("prores_ks", "dnxhd") and suffix != ".mov":
        cure = "give the output the suffix .mov"
    return SettingsError(f"codec: {form.path.suffix} files cannot hold {form.encoder.codec}; {cure}")


def no_room_for_hdr(path: Path, kind: str) -> InputError:
    """What to say where footage of high dynamic range would become a film that cannot hold it."""
    return InputError(
        f"{path}: the footage is HDR ({kind}), which needs 10 bits; write .mp4 with --codec hevc, or convert it first: "
        "ffmpeg -i IN -vf zscale=t=linear:npl=100,tonemap=hable,zscale=t=bt709:m=bt709:p=bt709,format=yuv420p OUT"
    )


@contextmanager
def scheduling_kept() -> Generator[None]:
    """Take back what an encoder does to the process: SVT-AV1, run by root, makes it and its threads real-time.

    They would leave no time to anything else on the machine.
    """
    tasks = Path("/proc/self/task")
    policy = os.sched_getscheduler(0) if tasks.is_dir() else None
    try:
        yield
    finally:
        for task in tasks.glob("*") if policy == os.SCHED_OTHER else ():
            with suppress(OSError):  # It may have ended.
                if os.sched_getscheduler(int(task.name)) == os.SCHED_FIFO:
                    os.sched_setscheduler(int(task.name), os.SCHED_OTHER, os.sched_param(0))


def _options(encoder: Encoder, like: FilmLike) -> dict[str, str]:
    """The encoder's options, and what it is to say of the light of the film."""
    own = like.color.light.options(encoder.codec) if like.color.light else {}
    if not own:
        return encoder.options
    name = {"libx265": "x265-params", "libsvtav1": "svtav1-params"}[encoder.codec]
    words = [encoder.options[name]] if name in encoder.options else []
    return encoder.options | {name: ":".join([*words, *(f"{key}={value}" for key, value in own.items())])}


def _tag(stream: VideoStream, form: FilmForm) -> None:
    context, encoder, color = stream.codec_context, form.encoder, form.color
    context.pix_fmt = encoder.pixel_format
    context.time_base = form.time_base
    context.sample_aspect_ratio = form.like.sample_aspect
    is_rgb = av.VideoFormat(encoder.pixel_format).is_rgb
    context.colorspace = 0 if is_rgb else color.matrix
    context.color_range = 2 if is_written_full(color, encoder.pixel_format) else 1
    context.color_primaries, context.color_trc = color.primaries, color.transfer
    if encoder.tag:
        context.codec_tag = encoder.tag
