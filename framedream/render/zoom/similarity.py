"""Similarity transforms of the plane, and images transformed by them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from framedream.motion.cubic_spline import sample_spline


@dataclass(frozen=True)
class Similarity:
    """A transform that scales, rotates and shifts: ``p → factor · p + shift``, with points as ``x + iy``.

    Attributes:
        factor: Scale and rotation; a positive angle rotates clockwise, since y points down.
        shift: Translation, in pixels.
    """

    factor: complex = 1
    shift: complex = 0

    def then(self, other: Similarity) -> Similarity:
        """Return this transform followed by another."""
        return Similarity(other.factor * self.factor, other.factor * self.shift + other.shift)

    @property
    def inverse(self) -> Similarity:
        """The inverse transform."""
        return Similarity(1 / self.factor, -self.shift / self.factor)

    def __call__(self, point: complex) -> complex:
        """Transform a point."""
        return self.factor * point + self.shift

    def matrix(self) -> np.ndarray:
        """Return the matrix for OpenCV, 2×3 float64."""
        a, b = complex(self.factor), complex(self.shift)
        return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def source_coordinates(shape: tuple[int, ...], transform: Similarity) -> np.ndarray:
    """Return where each pixel of a transformed picture was before.

    Args:
        shape: Height and width of the picture.
        transform: Maps points of the picture to where they are now.

    Returns:
        2×H×W float64: x and y, in pixels.
    """
    height, width = shape[:2]
    back = transform.inverse.matrix()
    x, y = np.arange(width, dtype=np.float64)[None], np.arange(height, dtype=np.float64)[:, None]
    return np.stack([row[0] * x + row[1] * y + row[2] for row in back])


def resample(picture: np.ndarray, transform: Similarity, border: int = cv2.BORDER_REFLECT_101) -> np.ndarray:
    """Transform a picture.

    Args:
        picture: H×W×C or H×W float32.
        transform: Maps its points to where they go.
        border: Border type, one of OpenCV's constants.

    Returns:
        A picture of the same shape, float32.
    """
    x, y = source_coordinates(picture.shape, transform)
    return sample_spline(picture, x, y, border)


def distance_inside(shape: tuple[int, ...], transform: Similarity) -> np.ndarray:
    """Return how far inside the picture each pixel was before a transform; negative outside.

    Args:
        shape: Height and width of the picture.
        transform: Maps its points to where they are now.

    Returns:
        H×W float64, in pixels before the transform.
    """
    height, width = shape[:2]
    x, y = source_coordinates(shape, transform)
    return np.asarray(np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y)))
