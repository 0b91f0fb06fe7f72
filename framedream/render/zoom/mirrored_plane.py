"""What comes into view at the borders of a zoom: the dreamed still, mirrored again and again, at every size."""

from __future__ import annotations

import math

import cv2
import numpy as np

from framedream.render.zoom.camera_path import Similarity
from framedream.render.zoom.resampling import source_coordinates

_NEST = 4.0
"""Ratio of the sizes in which the still is repeated: a fall outwards meets it again larger."""


class MirroredPlane:
    """A plane without end that moves with the view.

    Like the tones of Shepard (1964) that rise for ever: sizes come in at one end as they leave at the
    other, so at any scale its pictures are about as large as the still.

    Args:
        still: H×W×3 float32, in levels.
    """

    def __init__(self, still: np.ndarray) -> None:
        self._still = still
        self._center = complex((still.shape[1] - 1) / 2, (still.shape[0] - 1) / 2)

    def seen(self, way: Similarity) -> np.ndarray:
        """What is seen of it after a journey, of the still's size.

        Args:
            way: From the journey's beginning to now, in pixels of the still.
        """
        level = math.log(abs(way.factor), _NEST)
        nearest = round(level)
        picture = self._at(way, nearest)
        # Near the middle between two sizes both are seen.
        share = 2 * abs(level - nearest)
        other = nearest + (1 if level > nearest else -1)
        if share < 1e-3:
            return picture
        weight = 0.5 * share**3
        return cv2.addWeighted(picture, 1 - weight, self._at(way, other), weight, 0)

    def folded(self, way: Similarity) -> Similarity:
        """A way after which the same is seen, but that stays near the still: far from it numbers are too coarse."""
        size = _NEST ** -round(math.log(abs(way.factor), _NEST))
        near = Similarity(size, self._center * (1 - size)).then(way)
        away = near.inverse(self._center) - self._center
        # All sizes that are seen, and the next larger, repeat themselves after this.
        width, height = (2 * _NEST**2 * (side - 1) for side in self._still.shape[1::-1])
        repeats = complex(round(away.real / width) * width, round(away.imag / height) * height)
        return Similarity(near.factor, near.shift + near.factor * repeats)

    def _at(self, way: Similarity, level: int) -> np.ndarray:
        """The still as it is at one of its sizes."""
        larger = Similarity(_NEST**-level, self._center * (1 - _NEST**-level))
        x, y = source_coordinates(self._still.shape, larger.then(way))
        height, width = self._still.shape[:2]
        x, y = (np.mod(at, 2 * (size - 1)).astype(np.float32) for at, size in ((x, width), (y, height)))
        return np.asarray(cv2.remap(self._still, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101))
