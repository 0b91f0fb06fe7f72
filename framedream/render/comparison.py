"""A frame and its dream in one picture, so that both can be looked at together."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Literal

import numpy as np

from framedream.media import Frame
from framedream.render.masking import Compose

Comparison = Literal["none", "side", "wipe"]
"""The dream alone, the frame to the left of it, or both parted by a line that wanders."""

_PERIOD = 8
"""Seconds of film in which the line goes to one side, to the other, and back."""

_REACH = 0.42
"""How far from the middle the line goes, in widths of the picture."""

_LINE = 400
"""Widths of the line's white in a picture, about; there are 2 pixels at least, and half as much black on each side."""


def comparison_of(comparison: Comparison) -> Compose:
    """What shows frames beside their dreams.

    Args:
        comparison: In which way.
    """
    if comparison == "none":
        return lambda frame, dream: dream

    def show(frame: Frame, dream: Frame) -> Frame:
        alpha = dream.alpha
        if alpha is not None and comparison == "side":
            alpha = np.concatenate([alpha, alpha], axis=1)
        return replace(dream, pixels=compare_frames(frame.pixels, dream.pixels, comparison, frame.time), alpha=alpha)

    return show


def compare_frames(frame: np.ndarray, dream: np.ndarray, comparison: Comparison, time: Fraction) -> np.ndarray:
    """A frame and its dream in one picture, the frame on the left.

    Args:
        frame: H×W×3 float32, in levels 0…255.
        dream: What was dreamed of it, alike.
        comparison: In which way.
        time: When it is shown, in seconds of the film, which alone decides where the line of a wipe is.

    Returns:
        H×2W×3 for ``side``, else H×W×3; float32.
    """
    if comparison == "none":
        return dream
    if comparison == "side":
        return np.concatenate([frame, dream], axis=1)
    return _wiped(frame, dream, divider_position(time) * frame.shape[1])


def divider_position(time: Fraction) -> float:
    """Where the line of a wipe is, in widths of the picture: in the middle at first, then right of it.

    Args:
        time: Seconds of the film.
    """
    return 0.5 + _REACH * math.sin(2 * math.pi * float(time % _PERIOD) / _PERIOD)


def _wiped(frame: np.ndarray, dream: np.ndarray, place: float) -> np.ndarray:
    """The frame left of a place, in pixels, and the dream right of it; the line has soft edges, so it glides."""
    width = frame.shape[1]
    columns = np.arange(width, dtype=np.float32)[None, :, None] + np.float32(0.5 - place)
    white = max(1.0, width / _LINE / 2)
    right = _above(columns, 0)
    picture = (1 - right) * frame + right * dream
    dark, light = (_above(columns, -reach) - _above(columns, reach) for reach in (1.5 * white, white))
    return np.asarray((1 - dark) * picture + 255 * light, np.float32)


def _above(columns: np.ndarray, place: float) -> np.ndarray:
    """Share of each column, one pixel wide, that lies right of a place: 0…1."""
    return np.clip(columns - place + 0.5, 0, 1).astype(np.float32)
