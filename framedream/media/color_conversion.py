"""Converts colors: YUV of any matrix, range and depth to RGB levels and back.

Library defaults are never used: untagged footage is read as players read it (HD is BT.709, smaller
is BT.601, YUV is limited range), and the decision is written into the film's tags.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from numpy.typing import NDArray

from framedream.media.hdr import HdrMetadata

BT709, UNSPECIFIED, BT470BG, SMPTE170M = 1, 2, 5, 6
"""Code points of ITU-T H.273 (the same as FFmpeg's AVCOL_*)."""

_SWSCALE_MATRIX = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}
"""H.273 matrices that swscale can compute, with swscale's own numbers."""

_UNSPECIFIED_MATRICES = (0, UNSPECIFIED, 3)
"""Matrices that do not specify YUV: RGB, unspecified, and a reserved number."""

_HDR = {16: "PQ", 18: "HLG"}
"""HDR transfer characteristics."""

_WIDE = {9: "BT.2020", 11: "P3", 12: "P3"}
"""Primaries whose colors look pale in files that cannot store color tags."""

_EXACT = (
    Interpolation.BICUBIC | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP | Interpolation.ACCURATE_RND
)


@dataclass(frozen=True)
class ColorTags:
    """How RGB is expressed as YUV, in code points of ITU-T H.273.

    Attributes:
        matrix: Matrix coefficients: 1 is BT.709, 5 and 6 are BT.601, 9 is BT.2020.
        full_range: Whether luma uses 0…255 (of 8 bits) instead of 16…235.
        primaries: Color primaries.
        transfer: Transfer characteristics.
        hdr_metadata: Static HDR metadata, if any.
    """

    matrix: int
    full_range: bool
    primaries: int
    transfer: int
    hdr_metadata: HdrMetadata | None = None

    @property
    def hdr(self) -> str | None:
        """Name of the transfer if it is HDR."""
        return _HDR.get(self.transfer)

    @property
    def wide(self) -> str | None:
        """Name of the primaries if they are wider than BT.709."""
        return _WIDE.get(self.primaries)

    @classmethod
    def default_for(cls, width: int, height: int) -> ColorTags:
        """Return the tags that players assume for untagged footage of a size in pixels."""
        if width >= 1280 or height >= 720:
            return cls(BT709, False, BT709, BT709)
        # Only frames with the height of a broadcast standard are likely to have its primaries.
        primaries = {576: BT470BG, 480: SMPTE170M, 486: SMPTE170M}.get(height, BT709)
        return cls(SMPTE170M, False, primaries, SMPTE170M)

    @classmethod
    def of_images(cls, width: int, height: int) -> ColorTags:
        """Return the tags for a film of sRGB images of a size in pixels."""
        return replace(cls.default_for(width, height), primaries=BT709)

    @classmethod
    def of(cls, frame: av.VideoFrame) -> ColorTags:
        """Return the tags of a decoded frame; unspecified ones follow from its size."""
        default = cls.default_for(frame.width, frame.height)
        return cls(
            matrix=frame.colorspace if frame.colorspace in _SWSCALE_MATRIX else default.matrix,
            full_range=not frame.format.is_rgb and _is_full_range(frame),
            primaries=_specified(frame.color_primaries, default.primaries),
            transfer=_specified(frame.color_trc, default.transfer),
            hdr_metadata=HdrMetadata.of(frame),
        )


def is_convertible(frame: av.VideoFrame) -> bool:
    """Whether swscale can compute the matrix of a frame's YUV."""
    return not _is_yuv(frame.format) or frame.colorspace in (*_SWSCALE_MATRIX, *_UNSPECIFIED_MATRICES)


def to_levels(
    frame: av.VideoFrame, tags: ColorTags, width: int, height: int, reformatter: VideoReformatter
) -> NDArray[np.float32]:
    """Convert a frame to RGB, with alpha if its pixel format has it.

    Args:
        frame: A frame in any pixel format.
        tags: The meaning of its colors.
        width: Width of the result in pixels; frames of another size are scaled.
        height: Height of the result in pixels.
        reformatter: Reused between frames, so that its tables are computed once.

    Returns:
        float32 RGB or RGBA, H×W×3 or 4, in levels 0…255; more than 8 bits give fractions of a level.
    """
    is_deep, alpha = depth_of(frame.format) > 8, has_alpha(frame.format)
    rgb = reformatter.reformat(
        frame,
        width=width,
        height=height,
        format=_RGB[is_deep, alpha],
        src_colorspace=_SWSCALE_MATRIX[tags.matrix],
        src_color_range=ColorRange.JPEG if _is_full_range(frame) else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=_EXACT,
    )
    levels = rgb.to_ndarray().astype(np.float32)
    if is_deep:
        levels[..., :3] /= _units_per_level(frame.format, _is_full_range(frame))
        levels[..., 3:] /= _units_per_level(frame.format, True)
        np.minimum(levels, 255, out=levels)
    if _is_gray(frame.format) and not _is_full_range(frame):
        levels[..., :3] = np.clip((levels[..., :3] - 16) * np.float32(255 / 219), 0, 255)
    return levels


def from_levels(
    pixels: NDArray[Any],
    tags: ColorTags,
    pixel_format: str,
    reformatter: VideoReformatter,
    alpha: NDArray[Any] | None = None,
) -> av.VideoFrame:
    """Convert RGB to a frame.

    Args:
        pixels: RGB, H×W×3, in levels 0…255; rounded to what the pixel format can hold.
        tags: How to express the colors.
        pixel_format: FFmpeg's name.
        reformatter: Reused between frames, so that its tables are computed once.
        alpha: Opacity, H×W, in levels 0…255, for pixel formats with alpha. Default: opaque.

    Returns:
        A tagged frame in that pixel format.
    """
    target, full = av.VideoFormat(pixel_format), is_written_full(tags, pixel_format)
    is_deep, with_alpha = depth_of(target) > 8, alpha is not None and has_alpha(target)
    if _is_gray(target):
        pixels = np.repeat((pixels @ _luma(tags.matrix))[..., None], 3, axis=2)
    if with_alpha:
        assert alpha is not None
        pixels = np.dstack([pixels, alpha])
    if is_deep:
        units = np.full(pixels.shape[2], _units_per_level(target, full), np.float32)
        units[3:] = _units_per_level(target, True)
        words = np.rint(np.clip(pixels, 0, 255).astype(np.float32) * units).astype(np.uint16)
        rgb = av.VideoFrame.from_ndarray(words, format=_RGB[True, with_alpha])
    else:
        rgb = av.VideoFrame.from_ndarray(to_bytes(pixels), format=_RGB[False, with_alpha])
    frame = reformatter.reformat(
        rgb,
        format=pixel_format,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
        dst_colorspace=_SWSCALE_MATRIX[tags.matrix],
        interpolation=_EXACT,
    )
    if not target.is_rgb:
        frame.colorspace = tags.matrix
    frame.color_range = ColorRange.JPEG if full else ColorRange.MPEG
    frame.color_primaries, frame.color_trc = tags.primaries, tags.transfer
    return frame


def is_written_full(tags: ColorTags, pixel_format: str) -> bool:
    """Whether a pixel format is written in full range: as tagged, unless it supports only one range."""
    form = av.VideoFormat(pixel_format)
    # swscale supports only full-range gray.
    return tags.full_range or form.is_rgb or pixel_format.startswith("yuvj") or _is_gray(form)


def to_bytes(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Round levels to the nearest byte."""
    return np.ascontiguousarray(np.rint(np.clip(pixels, 0, 255)).astype(np.uint8))


def depth_of(pixel_format: av.VideoFormat) -> int:
    """Bits per channel: 8 to 16."""
    return min(16, max(8, *(component.bits for component in pixel_format.components)))


def has_alpha(pixel_format: av.VideoFormat) -> bool:
    """Whether a pixel format has alpha, even if only in its palette."""
    return pixel_format.has_palette or any(component.is_alpha for component in pixel_format.components)


_RGB = {(False, False): "rgb24", (False, True): "rgba", (True, False): "rgb48le", (True, True): "rgba64le"}
"""Pixel formats that are exchanged with swscale, by whether they are deep and have alpha."""


def _is_gray(pixel_format: av.VideoFormat) -> bool:
    return pixel_format.name.startswith(("gray", "ya"))


_LUMA = {
    1: (0.2126, 0.0722),
    4: (0.3, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
"""Weights of red and blue in luma by H.273 matrix."""


def _luma(matrix: int) -> NDArray[np.float32]:
    red, blue = _LUMA[matrix]
    return np.array([red, 1 - red - blue, blue], np.float32)


def _is_yuv(pixel_format: av.VideoFormat) -> bool:
    return not pixel_format.is_rgb and not pixel_format.has_palette and len(pixel_format.components) > 2


def _units_per_level(pixel_format: av.VideoFormat, full_range: bool) -> float:
    """Return how many units of swscale's 16-bit RGB make one level; depends on the source or target format.

    From RGB, white becomes 65535. From YUV, codes are shifted, not stretched, to 16 bits: limited
    white becomes 255·256, and full-range white of b bits becomes 65536 − 2^(16−b).
    """
    if pixel_format.is_rgb:
        return 257.0
    full_range |= _is_gray(pixel_format)
    return (65536 - 2 ** (16 - depth_of(pixel_format))) / 255 if full_range else 256.0


def _is_full_range(frame: av.VideoFrame) -> bool:
    if frame.format.is_rgb or frame.format.name.startswith("yuvj"):
        return True
    if frame.color_range == ColorRange.UNSPECIFIED:
        return _is_gray(frame.format)
    return frame.color_range == ColorRange.JPEG


def _specified(code: int, usual: int) -> int:
    # 0 and 3 are reserved: muxers refuse them.
    return usual if code in (0, UNSPECIFIED, 3) else code
