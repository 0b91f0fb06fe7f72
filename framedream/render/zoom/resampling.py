"""A picture moved by a known motion, resampled once."""

from __future__ import annotations

import cv2
import numpy as np

from framedream.motion.cubic_spline import sample_spline
from framedream.render.zoom.camera_path import Similarity


def source_coordinates(shape: tuple[int, ...], way: Similarity) -> np.ndarray:
    """Where each pixel of a moved picture was before.

    Args:
        shape: Height and width of the picture.
        way: Where its points have gone.

    Returns:
        2×H×W float64: x and y, in pixels.
    """
    height, width = shape[:2]
    back = way.inverse.matrix()
    x, y = np.arange(width, dtype=np.float64)[None], np.arange(height, dtype=np.float64)[:, None]
    return np.stack([row[0] * x + row[1] * y + row[2] for row in back])


def resample(picture: np.ndarray, way: Similarity, border: int = cv2.BORDER_REFLECT_101) -> np.ndarray:
    """A picture after a motion.

    Args:
        picture: H×W×C or H×W float32.
        way: Where its points go.
        border: What is seen beyond the picture, as OpenCV's constant.
    """
    x, y = source_coordinates(picture.shape, way)
    return sample_spline(picture, x, y, border)


def distance_inside(shape: tuple[int, ...], way: Similarity) -> np.ndarray:
    """How far inside a picture each place was before it moved, H×W float64, in pixels of before; below 0 outside."""
    height, width = shape[:2]
    x, y = source_coordinates(shape, way)
    return np.asarray(np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y)))
