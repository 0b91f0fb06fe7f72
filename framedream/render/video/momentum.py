"""Momentum: what a dream is changed by, averaged along the motion.

A single step has much chance in it, which flickers; what is common to the steps of several frames does not.
So each frame is changed by a mean of its own step and those of the frames before, carried along
like the dream (B. Polyak's heavy ball of 1964, on a moving picture). A dream in balance then
hardly changes, at half of the gradients that many small steps would take.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from framedream.motion.optical_flow import Motion
from framedream.motion.warping import sample

_SHARE = 0.65
"""Share of the momentum in what an old dream is changed by."""

_GROWTH = 6.0
"""Frames in which it gets there: what is young must grow."""

_LARGEST = 16.0
"""The largest change that is stored, in levels."""

_ROOTS = np.float32(127 / np.sqrt(_LARGEST))
"""What the root of a change is multiplied by when it is stored."""

_BYTES = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.float32) / _ROOTS
_LEVELS = _BYTES * np.abs(_BYTES)
"""The change that each byte stands for."""


@dataclass(frozen=True)
class WarpedMomentum:
    """What a frame's dream is changed by besides its own step.

    Attributes:
        change: That of the frames before, brought here, H×W×3 float32, in levels.
        share: How much of it there is in the mean, H×W float32, 0…1.
    """

    change: np.ndarray
    share: np.ndarray

    @classmethod
    def along(cls, moved: Motion, change: np.ndarray, maturity: np.ndarray) -> WarpedMomentum:
        """Bring a change here.

        Args:
            moved: The motion from the frame before to this one.
            change: What that frame was changed by, H×W×3 float32, in levels.
            maturity: How long each pixel of this frame has been dreamed, H×W float32, in frames.
        """
        share = _SHARE * moved.sure * (1 - np.exp(-maturity / _GROWTH))
        return cls(sample(change, moved.flow, cv2.INTER_LINEAR), share)

    def mean(self, change: np.ndarray) -> np.ndarray:
        """A frame's own change, H×W×3, evened by those before."""
        return np.asarray(cv2.add(change, scale_pixels(cv2.subtract(self.change, change), self.share)))


def scale_pixels(change: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """H×W×3 times H×W, in a third of the time that NumPy takes."""
    return np.asarray(cv2.multiply(change, cv2.merge([weight] * 3)))


def pack_change(change: np.ndarray) -> np.ndarray:
    """A change in a byte a channel, H×W×3 int8: its square root, so that small ones keep their fraction."""
    roots = np.copysign(cv2.sqrt(np.abs(change)), change)
    return np.asarray(np.rint(roots * _ROOTS).clip(-127, 127), np.int8)


def unpack_change(change: np.ndarray) -> np.ndarray:
    """What `pack_change` gave, in levels."""
    return np.asarray(cv2.LUT(change.view(np.uint8), _LEVELS))
