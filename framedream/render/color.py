"""The color and the brightness of the footage, kept in its dream."""

from __future__ import annotations

from typing import Literal

import numpy as np

_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Weights of red, green and blue in luma (ITU-R BT.709)."""


def kept_color(dream: np.ndarray, frame: np.ndarray, choice: Literal["keep", "free", "luma"]) -> np.ndarray:
    """A dream with the color and brightness of its frame.

    Args:
        dream: H×W×3 float32, in levels 0…255.
        frame: What was dreamed of, alike.
        choice: ``keep`` shifts the dream so that the frame's mean color is the footage's;
            ``luma`` takes each pixel's color from the footage as well; ``free`` changes nothing.

    Returns:
        H×W×3 float32, in levels 0…255.
    """
    if choice == "free":
        return dream
    change = dream - frame
    if choice == "luma":
        change = np.repeat((change @ _LUMA)[..., None], 3, axis=2)
    kept = frame + change
    # Twice, since what is clipped at black and white shifts the mean again.
    for _ in range(2):
        kept = np.clip(kept - (kept - frame).mean((0, 1)), 0, 255)
    return np.asarray(kept)
