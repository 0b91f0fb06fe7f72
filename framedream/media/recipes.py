"""What each suffix and codec needs: containers, encoders, their usual settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import av
from av.codec.codec import UnknownCodecError

from framedream.errors import SettingsError, nearest
from framedream.settings import OutputSettings

_MP4_SOUND = ("aac", "mp3", "ac3", "eac3", "opus", "flac", "alac")
_MOV_SOUND = ("aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be")


@dataclass(frozen=True)
class Container:
    """A kind of film file.

    Attributes:
        format: FFmpeg's muxer.
        codec: Video codec where none is asked for.
        sound: Sound codecs that are copied; None for all that the muxer takes.
        sound_codec: Encoder for other sound; None where there is no sound at all.
        keeps_early_sound: Whether sound before the film's start can be stored as such. Codecs
            like AAC need a packet to warm up; elsewhere it would delay the whole picture.
        options: The muxer's options.
        animation: Whether it is an animated image.
    """

    format: str
    codec: str
    sound: tuple[str, ...] | None = ()
    sound_codec: str | None = None
    keeps_early_sound: bool = False
    options: dict[str, str] = field(default_factory=dict)
    animation: bool = False


_MP4 = Container("mp4", "libx264", _MP4_SOUND, "aac", True, {"movflags": "+faststart"})
_APNG = Container("apng", "apng", options={"plays": "0"}, animation=True)

CONTAINERS = {
    ".mp4": _MP4,
    ".m4v": _MP4,
    ".mov": Container("mov", "libx264", _MOV_SOUND, "aac", True, {"movflags": "+faststart"}),
    ".mkv": Container("matroska", "libx264", None, "aac"),
    ".webm": Container("webm", "libvpx-vp9", ("opus", "vorbis"), "libopus"),
    ".gif": Container("gif", "gif", options={"loop": "0"}, animation=True),
    ".webp": Container("webp", "libwebp_anim", options={"loop": "0"}, animation=True),
    ".png": _APNG,
    ".apng": _APNG,
}
"""Film files by suffix."""


@dataclass(frozen=True)
class Encoder:
    """A video encoder with everything it is to be told.

    Attributes:
        codec: FFmpeg's name.
        pixel_format: FFmpeg's name.
        options: The encoder's own options.
        tag: Container tag of its stream, where the usual one is not played everywhere.
    """

    codec: str
    pixel_format: str
    options: dict[str, str]
    tag: str | None = None

    @property
    def needs_even_width(self) -> bool:
        """Whether an odd width must be padded: the color planes have half of it."""
        return self.codec not in _TAKES_ODD and av.VideoFormat(self.pixel_format).chroma_width(2) == 1

    @property
    def needs_even_height(self) -> bool:
        """Whether an odd height must be padded."""
        return self.codec not in _TAKES_ODD and av.VideoFormat(self.pixel_format).chroma_height(2) == 1


_TAKES_ODD = ("libvpx-vp9", "libvpx", "ffv1", "libwebp_anim", "mjpeg", "gif", "apng")

_USUAL: dict[str, tuple[str, float | None, dict[str, str]]] = {
    # Without B-frames packets are stored in the order they are shown, so that mp4 keeps uneven durations.
    # Its macroblock tree gives other bytes in some of a thousand runs (benchmarks/encoders.py).
    # The preset "fast" gives dreams as many bytes as "medium" at the same 32.3 dB, in four fifths of the time.
    "libx264": ("yuv420p", 16, {"preset": "fast", "bf": "0", "mbtree": "0"}),
    "libx265": ("yuv420p", 18, {"preset": "medium", "x265-params": "log-level=error"}),
    "libvpx-vp9": ("yuv420p", 24, {"row-mt": "1", "cpu-used": "3", "deadline": "good"}),
    "libvpx": ("yuv420p", 8, {"cpu-used": "2", "deadline": "good"}),
    "libsvtav1": ("yuv420p", 24, {"preset": "6"}),
    "ffv1": ("bgr0", None, {"level": "3", "slicecrc": "1", "coder": "1"}),
    "prores_ks": ("yuv422p10le", None, {"profile": "hq"}),
    "mpeg4": ("yuv420p", None, {"qmin": "2", "qmax": "4"}),
    "mjpeg": ("yuvj420p", None, {}),
    "gif": ("pal8", None, {}),
    "apng": ("rgb24", None, {"pred": "mixed"}),
    "libwebp_anim": ("yuv420p", 10, {"compression_level": "4"}),
}
"""Pixel format, constant rate factor and options of the codecs that are asked for most."""


def container_for(path: Path) -> Container:
    """The kind of film file that a suffix names.

    Raises:
        SettingsError: It names none.
    """
    try:
        return CONTAINERS[path.suffix.lower()]
    except KeyError:
        known = nearest(path.suffix, CONTAINERS)
        raise SettingsError(f"{path}: no film is written with the suffix '{path.suffix}'{known}") from None


def encoder_for(path: Path, container: Container, settings: OutputSettings) -> Encoder:
    """The encoder for an output, with what was asked for and the usual values for the rest.

    Raises:
        SettingsError: The codec or pixel format is unknown, or does not fit.
    """
    codec = _video_encoder(settings.codec or container.codec)
    if container.animation and codec.name != container.codec:
        raise SettingsError(f"codec: {path.suffix} files hold {container.codec} only; leave --codec out")
    pixel_format, crf, options = _USUAL.get(codec.name, (None, None, {}))
    accepted = [known.name for known in codec.video_formats or ()]
    options = options | _rate_options(codec.name, crf if settings.crf is None else settings.crf)
    if settings.crf is not None and not options.keys() & {"crf", "quality"}:
        raise SettingsError(f"crf: {codec.name} has no constant rate factor; leave --crf out")
    if settings.pixel_format is not None:
        pixel_format = _pixel_format(settings.pixel_format, codec.name, accepted)
    tag = "hvc1" if codec.name == "libx265" and container.format in ("mp4", "mov") else None
    return Encoder(codec.name, pixel_format or _most_compatible(accepted), options, tag)


def _video_encoder(name: str) -> av.codec.Codec:
    try:
        codec = av.codec.Codec(name, "w")
    except UnknownCodecError:
        raise SettingsError(f"codec: there is no encoder '{name}'{nearest(name, _USUAL)}") from None
    if codec.type != "video":
        raise SettingsError(f"codec: '{name}' does not encode pictures{nearest(name, _USUAL)}")
    return codec


def _rate_options(codec: str, crf: float | None) -> dict[str, str]:
    if crf is not None and codec == "libwebp_anim":
        # WebP counts the other way round.
        return {"quality": f"{100 - crf:g}"}
    if crf is None or not _has_crf(codec):
        return {}
    # libvpx and SVT-AV1 take whole numbers; x264 and x265 take 16 for 16.0 alike.
    return {"crf": f"{round(crf)}" if codec.startswith(("libvpx", "libsvt", "libaom")) else f"{crf:g}"}


def _has_crf(codec: str) -> bool:
    options = av.CodecContext.create(codec, "w").supported_options
    return any(option.name == "crf" for option in options.private)


def _pixel_format(name: str, codec: str, accepted: list[str]) -> str:
    if accepted and name not in accepted:
        raise SettingsError(f"pixel_format: {codec} does not take '{name}'{nearest(name, accepted)}")
    try:
        return av.VideoFormat(name).name
    except ValueError:
        raise SettingsError(f"pixel_format: there is no '{name}'; yuv420p plays everywhere") from None


def _most_compatible(accepted: list[str]) -> str:
    return "yuv420p" if "yuv420p" in accepted or not accepted else accepted[0]
