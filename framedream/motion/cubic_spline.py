"""Images sampled between their pixels by cubic splines, which move all that they show equally far.

OpenCV's own cubic and Lanczos filters do not: a shift by a twentieth of a pixel becomes one by a
fourteenth, for what is coarse. In a chain of frames such errors add up to pixels.
"""

from __future__ import annotations

import cv2
import numpy as np

_POLE = np.sqrt(3) - 2
_REACH = 8
"""Pixels beyond which the spline's blur is not undone: a hundred-thousandth is left."""


def spline_coefficients(image: np.ndarray, border: int) -> np.ndarray:
    """What an image's cubic spline is made of: the image less the blur of the spline (Unser 1999).

    Args:
        image: H×W×C or H×W float32.
        border: What is seen beyond it, as OpenCV's constant.
    """
    kernel = _POLE ** np.abs(np.arange(-_REACH, _REACH + 1))
    kernel /= kernel.sum()
    return np.asarray(cv2.sepFilter2D(image, -1, kernel, kernel, borderType=border))


def sample_spline(image: np.ndarray, x: np.ndarray, y: np.ndarray, border: int) -> np.ndarray:
    """An image at places between its pixels.

    Each cubic sum of 4×4 coefficients is had by four bilinear looks (Sigg and Hadwiger 2005), which
    OpenCV, from version 5 on, takes exactly where they are.

    Args:
        image: H×W×C or H×W float32.
        x: Columns, h×w float64, in pixels.
        y: Rows, alike.
        border: What is seen beyond the image, as OpenCV's constant.

    Returns:
        h×w×C or h×w float32.
    """
    spline = spline_coefficients(image, border)
    left, right, across = _looks(x)
    above, below, down = _looks(y)
    rows = []
    for row in (above, below):
        near, far = (cv2.remap(spline, column, row, cv2.INTER_LINEAR, borderMode=border) for column in (left, right))
        rows.append(near + _beside(across, near) * (far - near))
    return np.asarray(rows[0] + _beside(down, rows[0]) * (rows[1] - rows[0]), np.float32)


def _looks(at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where to look on both sides of places, and how much the second look counts, 0…1."""
    whole = np.floor(at)
    t = (at - whole).astype(np.float32)
    rest = 1 - t
    one, two = rest**3 / 6, (4 - 6 * t**2 + 3 * t**3) / 6
    three, four = (4 - 6 * rest**2 + 3 * rest**3) / 6, t**3 / 6
    first = whole - 1 + two / (one + two)
    second = whole + 1 + four / (three + four)
    return first.astype(np.float32), second.astype(np.float32), three + four


def _beside(weights: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Weights of places, to be multiplied with an image."""
    return weights[..., None] if image.ndim == 3 else weights
