"""The plane that comes into view at the borders of a zoom: its still, mirrored repeatedly, at every size."""

from __future__ import annotations

import math

import cv2
import numpy as np

from framedream.render.zoom.similarity import Similarity, source_coordinates

_SIZE_RATIO = 4.0
"""Ratio of the sizes at which the still is repeated: a zoom out meets it again larger."""


class MirroredPlane:
    """An infinite plane that moves with the view.

    As with Shepard tones (1964), which seem to rise forever, sizes enter at one end as they leave at the
    other, so at any scale its pictures are about as large as the still.

    Args:
        still: H×W×3 float32, in levels.
    """

    def __init__(self, still: np.ndarray) -> None:
        self._still = still
        self._center = complex((still.shape[1] - 1) / 2, (still.shape[0] - 1) / 2)

    def view(self, transform: Similarity) -> np.ndarray:
        """Return what is visible of the plane, of the still's shape.

        Args:
            transform: Maps points of the still to where they are now, in pixels.
        """
        level = math.log(abs(transform.factor), _SIZE_RATIO)
        nearest = round(level)
        picture = self._view_level(transform, nearest)
        # Near the middle between two sizes both are blended.
        share = 2 * abs(level - nearest)
        other = nearest + (1 if level > nearest else -1)
        if share < 1e-3:
            return picture
        weight = 0.5 * share**3
        return cv2.addWeighted(picture, 1 - weight, self._view_level(transform, other), weight, 0)

    def normalize(self, transform: Similarity) -> Similarity:
        """Return a transform with the same view but near the still; far from it floats are too coarse."""
        size = _SIZE_RATIO ** -round(math.log(abs(transform.factor), _SIZE_RATIO))
        near = Similarity(size, self._center * (1 - size)).then(transform)
        offset = near.inverse(self._center) - self._center
        # All visible sizes, and the next larger one, repeat with this period.
        width, height = (2 * _SIZE_RATIO**2 * (side - 1) for side in self._still.shape[1::-1])
        repeats = complex(round(offset.real / width) * width, round(offset.imag / height) * height)
        return Similarity(near.factor, near.shift + near.factor * repeats)

    def _view_level(self, transform: Similarity, level: int) -> np.ndarray:
        """The view of the still repeated at one of its sizes."""
        larger = Similarity(_SIZE_RATIO**-level, self._center * (1 - _SIZE_RATIO**-level))
        x, y = source_coordinates(self._still.shape, larger.then(transform))
        height, width = self._still.shape[:2]
        x, y = (np.mod(at, 2 * (size - 1)).astype(np.float32) for at, size in ((x, width), (y, height)))
        return np.asarray(cv2.remap(self._still, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101))
