"""Matches the color and brightness of a dream to its frame."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Weights of red, green and blue in luma (ITU-R BT.709)."""


def match_color(dream: np.ndarray, frame: np.ndarray, choice: Literal["keep", "free", "luma"]) -> np.ndarray:
    """Give a dream the color and brightness of its frame.

    Args:
        dream: H×W×3 float32, in levels 0…255.
        frame: The source frame, H×W×3 float32, in levels.
        choice: ``keep`` shifts the dream to the mean color of the frame; ``luma`` also takes
            the color of each pixel from the frame; ``free`` changes nothing.

    Returns:
        H×W×3 float32, in levels 0…255.
    """
    if choice == "free":
        return dream
    matched = dream
    if choice == "luma":
        matched = frame + ((dream - frame) @ LUMA)[..., None]
    target = np.array(cv2.mean(frame)[:3])
    # Twice, since clipping at black and white shifts the mean again.
    for _ in range(2):
        shift = np.array([*(cv2.mean(matched)[:3] - target), 0.0])
        matched = np.asarray(cv2.subtract(matched, shift))
        np.clip(matched, 0, 255, out=matched)
    return matched
