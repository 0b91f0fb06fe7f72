"""Colors between files and programs: YUV of any matrix, range and depth ⇄ RGB levels.

Nothing is left to a library's defaults: untagged footage is read by the rule players follow
(HD is BT.709, smaller is BT.601, YUV is limited range), and what was decided is written into
the film's tags.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from numpy.typing import NDArray

BT709, UNSPECIFIED, BT470BG, SMPTE170M = 1, 2, 5, 6
"""Code points of ITU-T H.273 (the same as FFmpeg's AVCOL_*)."""

_SWSCALE_MATRIX = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
"""H.273 matrices swscale can compute, each with swscale's own number."""

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
    """

    matrix: int
    full_range: bool
    primaries: int
    transfer: int

    @classmethod
    def usual(cls, width: int, height: int) -> ColorTags:
        """Tags of untagged footage of this size in pixels, as players assume them."""
        if width >= 1280 or height >= 720:
            return cls(BT709, False, BT709, BT709)
        # Only frames of a broadcast standard's height are likely to have its primaries.
        primaries = {576: BT470BG, 480: SMPTE170M, 486: SMPTE170M}.get(height, BT709)
        return cls(SMPTE170M, False, primaries, SMPTE170M)

    @classmethod
    def of(cls, frame: av.VideoFrame) -> ColorTags:
        """Tags of a decoded frame; what it leaves open is filled in by its size."""
        usual = cls.usual(frame.width, frame.height)
        return cls(
            matrix=frame.colorspace if frame.colorspace in _SWSCALE_MATRIX else usual.matrix,
            full_range=not frame.format.is_rgb and _is_full_range(frame),
            primaries=_specified(frame.color_primaries, usual.primaries),
            transfer=_specified(frame.color_trc, usual.transfer),
        )


def to_levels(
    frame: av.VideoFrame, tags: ColorTags, width: int, height: int, reformatter: VideoReformatter
) -> NDArray[np.float32]:
    """Decode a frame's colors.

    Args:
        frame: A frame in any pixel format.
        tags: How its colors are meant.
        width: Width of the result in pixels; frames of another size are scaled.
        height: Height of the result in pixels.
        reformatter: Kept between frames, so that its tables are made once.

    Returns:
        float32 RGB, H×W×3, in levels 0…255; deeper than 8 bits keeps its fraction.
    """
    bits = _bits(frame.format)
    rgb = reformatter.reformat(
        frame,
        width=width,
        height=height,
        format="rgb24" if bits <= 8 else "rgb48le",
        src_colorspace=_SWSCALE_MATRIX[tags.matrix],
        src_color_range=ColorRange.JPEG if _is_full_range(frame) else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=_EXACT,
    )
    levels = rgb.to_ndarray().astype(np.float32)
    if bits > 8:
        levels /= _units_per_level(frame.format, _is_full_range(frame))
        np.minimum(levels, 255, out=levels)
    return levels


def from_levels(
    pixels: NDArray[Any], tags: ColorTags, pixel_format: str, reformatter: VideoReformatter
) -> av.VideoFrame:
    """Encode a picture's colors.

    Args:
        pixels: RGB, H×W×3, in levels 0…255; rounded to what the pixel format can hold.
        tags: How its colors are to be expressed.
        pixel_format: As FFmpeg names it.
        reformatter: Kept between frames, so that its tables are made once.

    Returns:
        A frame in that pixel format, tagged.
    """
    target, full = av.VideoFormat(pixel_format), is_written_full(tags, pixel_format)
    if _bits(target) > 8:
        units = _units_per_level(target, full)
        deep = np.rint(np.clip(pixels, 0, 255).astype(np.float32) * units)
        rgb = av.VideoFrame.from_ndarray(deep.astype(np.uint16), format="rgb48le")
    else:
        rgb = av.VideoFrame.from_ndarray(to_bytes(pixels), format="rgb24")
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
    """Whether a pixel format is written in full range: as tagged, unless it knows no other."""
    return tags.full_range or av.VideoFormat(pixel_format).is_rgb or pixel_format.startswith("yuvj")


def to_bytes(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Round levels to the nearest byte."""
    return np.ascontiguousarray(np.rint(np.clip(pixels, 0, 255)).astype(np.uint8))


def _bits(pixel_format: av.VideoFormat) -> int:
    return max(component.bits for component in pixel_format.components)


def _units_per_level(pixel_format: av.VideoFormat, full_range: bool) -> float:
    """Steps of swscale's 16-bit RGB to a level: they depend on what it is converted from or to.

    From RGB, white becomes 65535. From YUV, codes are shifted, not stretched, to 16 bits: limited
    white becomes 255·256, and full-range white of b bits becomes 65536 − 2^(16−b).
    """
    if pixel_format.is_rgb:
        return 257.0
    return (65536 - 2 ** (16 - _bits(pixel_format))) / 255 if full_range else 256.0


def _is_full_range(frame: av.VideoFrame) -> bool:
    if frame.format.is_rgb or frame.format.name.startswith("yuvj"):
        return True
    if frame.color_range == ColorRange.UNSPECIFIED:
        return frame.format.name.startswith("gray")
    return frame.color_range == ColorRange.JPEG


def _specified(code: int, usual: int) -> int:
    # 0 and 3 are reserved: muxers refuse them.
    return usual if code in (0, UNSPECIFIED, 3) else code
