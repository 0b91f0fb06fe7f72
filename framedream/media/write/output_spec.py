"""The specification of a film file: container, encoder and format, from its name, settings and footage."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from framedream.config.settings import OutputSettings
from framedream.errors import InputError, OutputError, SettingsError
from framedream.media.color_conversion import SMPTE170M, ColorTags
from framedream.media.containers import Container, container_for
from framedream.media.frames import FilmFormat
from framedream.media.write.codecs import Encoder, choose_encoder

log = logging.getLogger(__name__)

_BT601 = {"libwebp_anim": False, "mjpeg": True}
"""Codecs whose colors are always BT.601, and whether in full range."""

_HDR_DEPTH = 10
"""Bits per channel below which HDR shows banding."""

_GIF_TICK = Fraction(1, 100)
"""Seconds per tick of a GIF; most viewers show a picture of less than two ticks for ten."""


@dataclass(frozen=True)
class OutputSpec:
    """The specification of a film file.

    Attributes:
        path: The output.
        format: Size, rate, colors and sound of the film.
        container: The container of the file.
        encoder: The encoder of its pictures.
    """

    path: Path
    format: FilmFormat
    container: Container
    encoder: Encoder

    @classmethod
    def of(cls, path: Path, film_format: FilmFormat, settings: OutputSettings) -> OutputSpec:
        """Return the spec for a file name and settings.

        Raises:
            SettingsError: Suffix, codec or pixel format cannot be used.
            InputError: The footage is HDR, which such a film cannot hold.
            OutputError: The pictures are too small for the encoder.
        """
        depth = max(film_format.depth, _HDR_DEPTH) if film_format.color.hdr else film_format.depth
        encoder = choose_encoder(path, settings, depth, transparent=film_format.has_alpha)
        spec = cls(path, film_format, container_for(path), encoder)
        if min(spec.size) < encoder.smallest:
            raise OutputError(
                f"{path}: {encoder.codec} does not support pictures smaller than {encoder.smallest} pixels a side "
                f"({spec.size[0]}x{spec.size[1]}); choose another --codec or --size"
            )
        if film_format.color.hdr and (encoder.depth < _HDR_DEPTH or spec.container.animation):
            raise hdr_refusal(path, film_format.color.hdr)
        if spec.is_gif and film_format.rate and film_format.rate > 1 / _GIF_TICK:
            raise OutputError(
                f"{path}: .gif files store times in hundredths of a second, but the film has "
                f"{float(film_format.rate):g} frames a second; write .webp, or give --fps 50"
            )
        return spec

    @property
    def is_gif(self) -> bool:
        """Whether the film is a GIF."""
        return self.container.format == "gif"

    @property
    def time_base(self) -> Fraction:
        """Seconds per tick of the encoded film: the footage's time base, unless the container has a coarser one."""
        return _GIF_TICK if self.is_gif else self.format.time_base

    @property
    def keeps_alpha(self) -> bool:
        """Whether the film keeps transparent parts."""
        return self.format.has_alpha and self.encoder.keeps_alpha

    @property
    def color(self) -> ColorTags:
        """Color tags of the film: those of the footage, unless the codec supports only one kind."""
        if self.encoder.codec in _BT601:
            return replace(self.format.color, matrix=SMPTE170M, full_range=_BT601[self.encoder.codec])
        return self.format.color

    @property
    def is_stored_losslessly(self) -> bool:
        """Whether pictures are stored losslessly until the film is assembled, and encoded then.

        An animation is one stream of changes; VP8 and VP9 store alpha beside their packets.
        """
        return self.container.animation or (self.keeps_alpha and self.encoder.codec.startswith("libvpx"))

    @property
    def right(self) -> int:
        """Columns of padding for subsampled chroma planes."""
        return self.format.width % 2 if self.encoder.needs_even_width else 0

    @property
    def bottom(self) -> int:
        """Rows of padding for subsampled chroma planes."""
        return self.format.height % 2 if self.encoder.needs_even_height else 0

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the encoded pictures."""
        return self.format.width + self.right, self.format.height + self.bottom

    def log_losses(self) -> None:
        """Log what of the footage the film cannot keep."""
        codec = self.encoder.codec
        if self.right or self.bottom:
            log.info(
                "%s: %s with %s needs even sizes; the picture's edge is repeated to make it %dx%d",
                *(self.path, codec, self.encoder.pixel_format, *self.size),
            )
        kept, depth = self.encoder.depth, self.format.depth
        if kept < depth and not self.container.animation:
            log.info("%s: %s keeps %d of %d bits; see --codec and --pixel-format", self.path, codec, kept, depth)
        light = self.format.color.hdr_metadata
        if light is not None and not light.options(codec):
            log.info("%s: %s does not store HDR mastering metadata; hevc and av1 do", self.path, codec)
        if self.format.color.wide and self.container.animation:
            log.warning(
                "%s: colors are %s, which %s files cannot say, so they will look pale; write .mp4, or convert first",
                *(self.path, self.format.color.wide, self.path.suffix),
            )
        if self.is_gif and self.format.rate and self.format.rate > 1 / (2 * _GIF_TICK):
            log.warning(
                "%s: most viewers show a GIF of more than 50 frames a second too slowly; give --fps 50, or write .webp",
                self.path,
            )
        if self.format.sample_aspect != 1 and not self._keeps_aspect():
            square = f"{max(1, round(self.format.width * self.format.sample_aspect))}x{self.format.height}"
            log.warning(
                "%s: %s in %s cannot keep pixels that are not square, so the picture will look squeezed; "
                "give --size %s, or write .mp4",
                *(self.path, codec, self.path.suffix, square),
            )

    def _keeps_aspect(self) -> bool:
        # PyAV cannot set the pixel aspect of a track, which Matroska needs; some codecs store it themselves.
        if self.container.format in ("matroska", "webm"):
            return self.encoder.codec in ("libx264", "libx265", "mpeg4")
        return not self.container.animation


def container_refusal(spec: OutputSpec) -> SettingsError:
    """Return the error for a container that cannot hold what an encoder makes."""
    suffix = spec.path.suffix.lower()
    cure = "choose another --codec"
    if suffix != ".mkv":
        cure = f"give the output the suffix .mkv, or {cure}"
    if spec.encoder.codec in ("prores_ks", "dnxhd") and suffix != ".mov":
        cure = "give the output the suffix .mov"
    return SettingsError(f"codec: {spec.path.suffix} files cannot hold {spec.encoder.codec}; {cure}")


def hdr_refusal(path: Path, kind: str) -> InputError:
    """Return the error for HDR footage whose film cannot hold HDR."""
    return InputError(
        f"{path}: the footage is HDR ({kind}), which needs 10 bits; write .mp4 with --codec hevc, or convert it first: "
        "ffmpeg -i IN -vf zscale=t=linear:npl=100,tonemap=hable,zscale=t=bt709:m=bt709:p=bt709,format=yuv420p OUT"
    )
