"""Composes a frame and its dream into one picture: through a mask, or next to each other for comparison."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Literal

import cv2
import numpy as np

from framedream.media import Frame, resize
from framedream.render.color_matching import LUMA

Compose = Callable[[Frame, Frame], Frame]
"""Composes a frame and its dream into the frame that is delivered."""

Comparison = Literal["none", "side", "wipe"]
"""The dream alone, the frame to the left of its dream, or both divided by a moving line."""

_MASK_TOLERANCE = 0.5
"""Levels within which a mask counts as black or white, so that rounding leaves no trace of what it hides."""

_WIPE_PERIOD = 8
"""Seconds in which the line of a wipe moves to one side, to the other, and back."""

_WIPE_REACH = 0.42
"""How far the line moves from the middle, in widths of the picture."""

_WIDTHS_PER_LINE = 400
"""Width of the picture relative to that of the white line, which has at least 2 pixels and black edges half as wide."""


def mask_opacity(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the opacity of a dream at each pixel.

    Args:
        mask: H×W×3 float32 RGB, in levels 0…255, of any size; stretched to the frame's.
        height: Height of the frame in pixels.
        width: Width of the frame in pixels.

    Returns:
        height×width×1 float32: the mask's luma, from exactly 0 for black to exactly 1 for white.
    """
    # Enlarged without overshoot: Lanczos would let some of the dream through beside a white edge.
    luma = resize(mask @ LUMA, width, height, enlarged_by=cv2.INTER_LINEAR)
    luma = np.where(luma <= _MASK_TOLERANCE, 0, np.where(luma >= 255 - _MASK_TOLERANCE, 255, luma))
    return np.asarray(luma[..., None] / np.float32(255), np.float32)


def apply_mask(frame: np.ndarray, dream: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """Blend a dream over its frame.

    Args:
        frame: H×W×3 float32, in levels 0…255.
        dream: The dreamed frame, H×W×3 float32, in levels.
        opacity: H×W×1 float32, 0…1.

    Returns:
        H×W×3 float32: ``frame + opacity · (dream − frame)``, exactly the frame or the dream where opacity is 0 or 1.
    """
    return np.asarray((1 - opacity) * frame + opacity * dream, np.float32)


def comparison_of(comparison: Comparison) -> Compose:
    """Return what composes frames with their dreams for comparison.

    Args:
        comparison: The kind of comparison.
    """
    if comparison == "none":
        return lambda frame, dream: dream

    def compose(frame: Frame, dream: Frame) -> Frame:
        alpha = dream.alpha
        if alpha is not None and comparison == "side":
            alpha = np.concatenate([alpha, alpha], axis=1)
        return replace(dream, pixels=compare_frames(frame.pixels, dream.pixels, comparison, frame.time), alpha=alpha)

    return compose


def compare_frames(frame: np.ndarray, dream: np.ndarray, comparison: Comparison, time: Fraction) -> np.ndarray:
    """Show a frame and its dream in one picture, the frame on the left.

    Args:
        frame: H×W×3 float32, in levels 0…255.
        dream: The dreamed frame, H×W×3 float32, in levels.
        comparison: The kind of comparison.
        time: Time of the frame in the film, in seconds, which alone decides where the line of a wipe is.

    Returns:
        H×2W×3 for ``side``, else H×W×3; float32.
    """
    if comparison == "none":
        return dream
    if comparison == "side":
        return np.concatenate([frame, dream], axis=1)
    return _wipe(frame, dream, divider_position(time) * frame.shape[1])


def divider_position(time: Fraction) -> float:
    """Return the position of the line of a wipe, in widths of the picture; it starts in the middle and moves right.

    Args:
        time: Seconds of the film.
    """
    return 0.5 + _WIPE_REACH * math.sin(2 * math.pi * float(time % _WIPE_PERIOD) / _WIPE_PERIOD)


def _wipe(frame: np.ndarray, dream: np.ndarray, position: float) -> np.ndarray:
    """Show the frame left of a position, in pixels, and the dream right of it; soft edges let the line glide."""
    width = frame.shape[1]
    columns = np.arange(width, dtype=np.float32)[None, :, None] + np.float32(0.5 - position)
    white = max(1.0, width / _WIDTHS_PER_LINE / 2)
    right = _share_right_of(columns, 0)
    picture = (1 - right) * frame + right * dream
    dark, light = (_share_right_of(columns, -reach) - _share_right_of(columns, reach) for reach in (1.5 * white, white))
    return np.asarray((1 - dark) * picture + 255 * light, np.float32)


def _share_right_of(columns: np.ndarray, position: float) -> np.ndarray:
    """Share of each column, one pixel wide, that lies right of a position, 0…1."""
    return np.clip(columns - position + 0.5, 0, 1).astype(np.float32)
