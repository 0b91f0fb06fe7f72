"""Chooses encoders, their pixel formats and default options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.codec.codec import UnknownCodecError
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext

from framedream.config.settings import OutputSettings
from framedream.errors import SettingsError, nearest
from framedream.media.color_conversion import depth_of, has_alpha
from framedream.media.containers import Container, container_for


@dataclass(frozen=True)
class Encoder:
    """A video encoder and its options.

    Attributes:
        codec: FFmpeg's name.
        pixel_format: FFmpeg's name.
        options: The encoder's own options.
        tag: Container tag of its stream, if not every player knows the default one.
    """

    codec: str
    pixel_format: str
    options: dict[str, str]
    tag: str | None = None

    @property
    def smallest(self) -> int:
        """Smallest width and height in pixels."""
        return _SMALLEST_SIDE.get(self.codec, 1)

    @property
    def needs_even_width(self) -> bool:
        """Whether an odd width must be padded, because the chroma planes have half the width."""
        return self.codec not in _SUPPORTS_ODD_SIZES and av.VideoFormat(self.pixel_format).chroma_width(2) == 1

    @property
    def needs_even_height(self) -> bool:
        """Whether an odd height must be padded."""
        return self.codec not in _SUPPORTS_ODD_SIZES and av.VideoFormat(self.pixel_format).chroma_height(2) == 1

    @property
    def depth(self) -> int:
        """Bits per channel."""
        return depth_of(av.VideoFormat(self.pixel_format))

    @property
    def keeps_alpha(self) -> bool:
        """Whether transparent parts stay transparent."""
        return has_alpha(av.VideoFormat(self.pixel_format))


_SUPPORTS_ODD_SIZES = ("libvpx-vp9", "libvpx", "ffv1", "libwebp_anim", "mjpeg", "gif", "apng")

_SMALLEST_SIDE = {"libx265": 16, "libsvtav1": 32}
"""x265 refuses smaller pictures; SVT-AV1 accepts them and hangs on some."""


@dataclass(frozen=True)
class _CodecDefaults:
    """Default options of a codec.

    Attributes:
        pixel_formats: The pixel formats to use, best first; the first one that keeps depth and alpha is chosen.
        crf: Constant rate factor.
        options: The encoder's own options.
    """

    pixel_formats: tuple[str, ...]
    crf: float | None = None
    options: dict[str, str] = field(default_factory=dict)


_RGB = ("rgb24", "rgba", "rgb48be", "rgba64be")
_NVIDIA = {"preset": "p5", "rc": "vbr", "b": "0"}

_DEFAULTS = {
    # Without B-frames packets are stored in display order, so that mp4 keeps uneven durations.
    # The macroblock tree gives different bytes in a few of a thousand runs (benchmarks/encoders.py).
    # "fast" gives dreams the same size as "medium" at the same 32.3 dB, in four fifths of the time.
    "libx264": _CodecDefaults(("yuv420p", "yuv420p10le"), 16, {"preset": "fast", "bf": "0", "mbtree": "0"}),
    "libx265": _CodecDefaults(
        ("yuv420p", "yuv420p10le", "yuv420p12le"), 18, {"preset": "medium", "x265-params": "log-level=error"}
    ),
    "libvpx-vp9": _CodecDefaults(("yuv420p", "yuva420p"), 24, {"row-mt": "1", "cpu-used": "3", "deadline": "good"}),
    "libvpx": _CodecDefaults(("yuv420p", "yuva420p"), 8, {"cpu-used": "2", "deadline": "good"}),
    "libsvtav1": _CodecDefaults(("yuv420p", "yuv420p10le"), 24, {"preset": "6"}),
    "ffv1": _CodecDefaults(
        ("bgr0", "gbrp10le", "gbrp12le", "gbrp16le", "bgra", "gbrap10le", "gbrap12le", "gbrap16le"),
        options={"level": "3", "slicecrc": "1", "coder": "1"},
    ),
    "prores_ks": _CodecDefaults(("yuv422p10le", "yuva444p10le")),
    "dnxhd": _CodecDefaults(("yuv422p", "yuv422p10le")),
    "h264_nvenc": _CodecDefaults(("yuv420p",), 19, _NVIDIA),
    "hevc_nvenc": _CodecDefaults(("yuv420p", "p010le"), 21, _NVIDIA),
    "av1_nvenc": _CodecDefaults(("yuv420p", "p010le"), 26, _NVIDIA),
    "mpeg4": _CodecDefaults(("yuv420p",), options={"qmin": "2", "qmax": "4"}),
    "mjpeg": _CodecDefaults(("yuvj420p",), options={"qmin": "2", "qmax": "3"}),
    "png": _CodecDefaults(_RGB),
    "qtrle": _CodecDefaults(("rgb24", "argb")),
    "utvideo": _CodecDefaults(("gbrp", "gbrap")),
    "gif": _CodecDefaults(("pal8",)),
    "apng": _CodecDefaults(_RGB, options={"pred": "mixed"}),
    "libwebp_anim": _CodecDefaults(("yuv420p", "yuva420p"), 10, {"compression_level": "4"}),
}
"""The most common codecs."""

_COMMON_FORMATS = ("yuv420p", "nv12", "yuv420p10le", "p010le", "yuv422p", "yuv422p10le")
"""Pixel formats for other codecs, if the codec supports them."""

_PROFILES = {
    ("prores_ks", "yuv422p10le"): "hq",
    ("prores_ks", "yuv444p10le"): "4444",
    ("prores_ks", "yuva444p10le"): "4444",
    ("dnxhd", "yuv422p"): "dnxhr_hq",
    ("dnxhd", "yuv422p10le"): "dnxhr_hqx",
    ("dnxhd", "yuv444p10le"): "dnxhr_444",
    ("dnxhd", "gbrp10le"): "dnxhr_444",
}
"""Profiles that encoders do not derive from the pixel format."""

_ALIASES = {
    "h264": "libx264", "hevc": "libx265", "h265": "libx265", "vp8": "libvpx", "vp9": "libvpx-vp9",
    "av1": "libsvtav1", "prores": "prores_ks", "dnxhr": "dnxhd", "webp": "libwebp_anim",
}  # fmt: skip
"""Encoders by the common names of their codecs."""

_ENCODERS_BY_PURPOSE = {
    "web": {".mp4": "libx264", ".m4v": "libx264", ".mov": "libx264", ".mkv": "libx264", ".webm": "libvpx-vp9"},
    "edit": {".mov": "prores_ks", ".mkv": "prores_ks"},
    "archive": {".mkv": "ffv1"},
}
"""The encoder for each purpose, by suffix."""

_WEB_DEPTH = 8
"""Bits per channel of a film for the web."""


_HARDWARE = ("_nvenc", "_qsv", "_amf", "_v4l2m2m", "_vaapi", "_videotoolbox", "_mf", "_vulkan")
"""Suffixes of the names of hardware encoders."""


def choose_encoder(path: Path, settings: OutputSettings, depth: int = 8, *, transparent: bool = False) -> Encoder:
    """Choose the encoder for an output: what the settings ask for, and defaults for the flush.

    Args:
        path: The output.
        settings: Codec, crf and pixel format.
        depth: Bits per channel to keep.
        transparent: Whether to keep an alpha channel.

    Raises:
        SettingsError: The codec or pixel format is unknown, or does not fit the container.
    """
    container = container_for(path)
    if settings.codec == "web":
        depth, transparent = _WEB_DEPTH, transparent and path.suffix.lower() == ".webm"
    codec = _video_encoder(_codec_name(path, container, settings.codec, depth, transparent))
    if container.animation and codec.name != container.codec:
        raise SettingsError(f"codec: {path.suffix} files hold only {container.codec}; remove --codec")
    accepted = [known.name for known in codec.video_formats or ()]
    defaults = _DEFAULTS.get(codec.name) or _CodecDefaults(
        tuple(name for name in _COMMON_FORMATS if name in accepted or not accepted) or tuple(accepted[:1])
    )
    if settings.pixel_format is not None:
        pixel_format = _pixel_format(settings.pixel_format, codec.name, accepted)
    else:
        pixel_format = _best_pixel_format(defaults.pixel_formats, depth, transparent)
    rate = _rate_options(codec.name, defaults.crf if settings.crf is None else settings.crf)
    if settings.crf is not None and not rate:
        raise SettingsError(f"crf: {codec.name} has no constant rate factor; remove --crf")
    profile = _PROFILES.get((codec.name, pixel_format))
    options = defaults.options | rate | ({"profile": profile} if profile else {})
    tag = "hvc1" if "hevc" in codec.canonical_name and container.format in ("mp4", "mov") else None
    return Encoder(codec.name, pixel_format, options, tag)


def can_open_encoder(name: str) -> bool:
    """Whether an encoder, by FFmpeg's name, works on this machine."""
    try:
        context = cast(VideoCodecContext, av.CodecContext.create(name, "w"))
        context.width, context.height, context.time_base = 256, 128, Fraction(1, 25)
        formats = [each.name for each in context.codec.video_formats or ()]
        context.pix_fmt = "yuv420p" if "yuv420p" in formats or not formats else formats[0]
        context.open()
    except (FFmpegError, OSError, ValueError):
        return False
    return True


def working_hardware_encoders(*, can_open: Callable[[str], bool] = can_open_encoder) -> list[str]:
    """Return FFmpeg's names of the hardware encoders that work on this machine.

    Args:
        can_open: Checks whether an encoder works.
    """
    return [name for name in sorted(av.codecs_available) if is_hardware_encoder(name) and can_open(name)]


def is_hardware_encoder(name: str) -> bool:
    """Whether an encoder, by FFmpeg's name, needs a GPU."""
    return name.endswith(_HARDWARE)


def _codec_name(path: Path, container: Container, requested: str | None, depth: int, transparent: bool) -> str:
    if requested in _ENCODERS_BY_PURPOSE:
        fitting = _ENCODERS_BY_PURPOSE[requested]
        try:
            return fitting[path.suffix.lower()]
        except KeyError:
            raise SettingsError(
                f"codec: {requested} does not fit into {path.suffix} files; use the suffix {' or '.join(fitting)}"
            ) from None
    if requested is not None:
        return _ALIASES.get(requested.lower(), requested)
    if transparent and container.transparent:
        return container.transparent
    return container.deep if depth > 8 and container.deep else container.codec


def _best_pixel_format(pixel_formats: tuple[str, ...], depth: int, transparent: bool) -> str:
    """Return the pixel format that loses least; of several, the one with the fewest bits, then the first."""

    def loss(name: str) -> tuple[bool, int, int, bool]:
        form = av.VideoFormat(name)
        bits, alpha = depth_of(form), has_alpha(form)
        return transparent and not alpha, max(0, depth - bits), bits, alpha

    return min(pixel_formats, key=loss)


def _video_encoder(name: str) -> av.codec.Codec:
    try:
        codec = av.codec.Codec(name, "w")
    except UnknownCodecError:
        raise SettingsError(f"codec: unknown encoder '{name}'{nearest(name, _NAMES)}") from None
    if codec.type != "video":
        raise SettingsError(f"codec: '{name}' is not a video encoder{nearest(name, _NAMES)}")
    return codec


_NAMES = (*_ENCODERS_BY_PURPOSE, *_ALIASES, *_DEFAULTS)


def _rate_options(codec: str, crf: float | None) -> dict[str, str]:
    if crf is None:
        return {}
    if codec == "libwebp_anim":
        # WebP's quality runs in the opposite direction.
        return {"quality": f"{100 - crf:g}"}
    if codec.endswith("_nvenc"):
        return {"cq": f"{crf:g}"}
    if codec.endswith("_qsv"):
        return {"global_quality": f"{max(1, round(crf))}"}
    if not _has_crf(codec):
        return {}
    # libvpx and SVT-AV1 accept only whole numbers.
    return {"crf": f"{round(crf)}" if codec.startswith(("libvpx", "libsvt", "libaom")) else f"{crf:g}"}


def _has_crf(codec: str) -> bool:
    options = av.CodecContext.create(codec, "w").supported_options
    return any(option.name == "crf" for option in options.private)


def _pixel_format(name: str, codec: str, accepted: list[str]) -> str:
    if accepted and name not in accepted:
        raise SettingsError(f"pixel_format: {codec} does not support '{name}'{nearest(name, accepted)}")
    try:
        return av.VideoFormat(name).name
    except ValueError:
        raise SettingsError(f"pixel_format: unknown pixel format '{name}'; yuv420p plays everywhere") from None
