"""A dream seen through a mask: all of it where the mask is white, the footage where it is black."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from framedream.media import Frame, resize
from framedream.render.color_matching import LUMA

Compose = Callable[[Frame, Frame], Frame]
"""What is shown of a frame of the footage and its dream."""

_NEAR = 0.5
"""Levels from black or white that are those still, so that rounding leaves no trace of what a mask hides."""


def mask_opacity(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """How much of a dream is seen through each place of a mask.

    Args:
        mask: H×W×3 float32 RGB, in levels 0…255, of any size; stretched to the frame's.
        height: Height of the frame in pixels.
        width: Width of the frame in pixels.

    Returns:
        height×width×1 float32: the mask's luma, from 0 for black to 1 for white, both exactly.
    """
    # Enlarged without overshoot: Lanczos would let some of the dream through beside a white edge.
    luma = resize(mask @ LUMA, width, height, enlarged_by=cv2.INTER_LINEAR)
    luma = np.where(luma <= _NEAR, 0, np.where(luma >= 255 - _NEAR, 255, luma))
    return np.asarray(luma[..., None] / np.float32(255), np.float32)


def apply_mask(frame: np.ndarray, dream: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """A dream over its frame.

    Args:
        frame: H×W×3 float32, in levels 0…255.
        dream: What was dreamed of it, alike.
        strength: H×W×1 float32, 0…1.

    Returns:
        H×W×3 float32: ``frame + strength · (dream − frame)``, where that is one of both without its rounding.
    """
    return np.asarray((1 - strength) * frame + strength * dream, np.float32)
