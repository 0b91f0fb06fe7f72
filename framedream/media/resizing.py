"""Resizes pictures, with their alpha channel, or to fill a frame."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from framedream.media.alpha import over_black
from framedream.media.frames import Pixels


def resize(pixels: Pixels, width: int, height: int, *, enlarged_by: int = cv2.INTER_LANCZOS4) -> Pixels:
    """Resize a picture: area averaging to shrink it, Lanczos to enlarge it.

    Args:
        pixels: float32 RGB, H×W×3, or luma, H×W, in levels 0…255.
        width: New width in pixels.
        height: New height in pixels.
        enlarged_by: The OpenCV interpolation that enlarges. Default: Lanczos.

    Returns:
        float32, height×width×3 or height×width, in levels 0…255.
    """
    old_height, old_width = pixels.shape[:2]
    if width < old_width or height < old_height:
        small = min(width, old_width), min(height, old_height)
        pixels = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)
    if pixels.shape[:2] != (height, width):
        grown = cv2.resize(pixels, (width, height), interpolation=enlarged_by)
        pixels = np.clip(grown, 0, 255).astype(np.float32, copy=False)
    return pixels


def resize_with_alpha(
    pixels: Pixels, alpha: NDArray[np.float32] | None, width: int, height: int
) -> tuple[Pixels, NDArray[np.float32] | None]:
    """Resize a picture and its alpha channel; invisible colors do not bleed into visible ones.

    Args:
        pixels: float32 RGB, H×W×3, in levels 0…255.
        alpha: Opacity, H×W, in levels; None is opaque.
        width: New width in pixels.
        height: New height in pixels.
    """
    if pixels.shape[:2] == (height, width):
        return pixels, alpha
    if alpha is None:
        return resize(pixels, width, height), None
    seen, alpha = resize(over_black(pixels, alpha), width, height), resize(alpha, width, height)
    return np.clip(seen * (255 / np.maximum(alpha, 1))[..., None], 0, 255), alpha


def resize_to_fill(pixels: Pixels, width: int, height: int, aspect: Fraction = Fraction(1)) -> Pixels:
    """Resize a picture to fill a frame without distorting it, and crop what lies outside.

    Args:
        pixels: float32 RGB, H×W×3, in levels 0…255.
        width: Width of the frame in pixels.
        height: Height of the frame in pixels.
        aspect: Width of the picture's pixels divided by their height; those of the frame are square.

    Returns:
        The middle of the picture, height×width×3.
    """
    old_height, old_width = pixels.shape[:2]
    if aspect != 1 or not (0 <= old_width - width <= 1 and 0 <= old_height - height <= 1):
        across, down = width / (old_width * float(aspect)), height / old_height
        across, down = float(aspect) * max(across, down), max(across, down)
        # Crop before enlarging.
        left, top = int(max(0, (old_width - width / across) / 2 - 2)), int(max(0, (old_height - height / down) / 2 - 2))
        pixels = pixels[top : old_height - top, left : old_width - left]
        new_height, new_width = round(pixels.shape[0] * down), round(pixels.shape[1] * across)
        pixels = resize(np.ascontiguousarray(pixels), max(width, new_width), max(height, new_height))
    left, top = (pixels.shape[1] - width) // 2, (pixels.shape[0] - height) // 2
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])
