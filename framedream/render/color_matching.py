"""The color and the brightness of the footage, kept in its dream."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Weights of red, green and blue in luma (ITU-R BT.709)."""


def match_color(dream: np.ndarray, frame: np.ndarray, choice: Literal["keep", "free", "luma"]) -> np.ndarray:
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
    kept = dream
    if choice == "luma":
        kept = frame + ((dream - frame) @ LUMA)[..., None]
    wanted = np.array(cv2.mean(frame)[:3])
    # Twice, since what is clipped at black and white shifts the mean again.
    for _ in range(2):
        shift = np.array([*(cv2.mean(kept)[:3] - wanted), 0.0])
        kept = np.asarray(cv2.subtract(kept, shift))
        np.clip(kept, 0, 255, out=kept)
    return kept
