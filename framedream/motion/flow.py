"""Backward optical flow, and where it can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from framedream.motion.warp import bounds, sample

_EDGE_SOFTNESS = 1.0
"""Sigma, in pixels, of the blur that keeps the edge of a trusted area from showing."""


@dataclass(frozen=True)
class Motion:
    """How a frame came out of the one before it.

    Attributes:
        flow: H×W×2 float32 in pixels, x then y: the pixel at ``p`` was at ``p + flow(p)``.
        valid: H×W float32, 0…1: how far the flow can be trusted there.
    """

    flow: np.ndarray
    valid: np.ndarray


class FlowEstimator:
    """Optical flow between neighbouring frames, by one of OpenCV's methods.

    Not for several threads at once: the method keeps its buffers.
    """

    def __init__(self, method: Literal["dis", "farneback"]) -> None:
        """Set the method up.

        Args:
            method: ``dis`` is Dense Inverse Search (Kroeger et al. 2016) with its medium
                preset; ``farneback`` is Farnebäck's polynomial expansion (2003).
        """
        self._calculate = _dis() if method == "dis" else _farneback

    def motion(self, frame: np.ndarray, previous: np.ndarray) -> Motion:
        """Backward flow and its validity.

        Args:
            frame: H×W×3 float32, RGB, in levels.
            previous: The frame before it, alike.
        """
        backward = self.flow(frame, previous)
        return Motion(backward, _soft(trusted(backward, self.flow(previous, frame))))

    def flow(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Where each pixel of one image lies in another: H×W×2 float32, in pixels."""
        return self._calculate(_grey(start), _grey(end))


def trusted(backward: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """Where a backward flow can be trusted (Ruder, Dosovitskiy and Brox 2016, section 4.2).

    Not trusted are pixels whose way there and back does not close (they were hidden
    before), that come from outside the frame, or that lie on an edge of the motion.

    Args:
        backward: Flow from the frame to the one before it, H×W×2 in pixels.
        forward: Flow from the one before it to the frame, alike.

    Returns:
        H×W bool.
    """
    there_and_back = sample(forward, backward, cv2.INTER_LINEAR) + backward
    length = _square(backward)
    closes = _square(there_and_back) <= 0.01 * (length + _square(sample(forward, backward, cv2.INTER_LINEAR))) + 0.5
    bends = sum(_square(derivative) for derivative in np.gradient(backward, axis=(0, 1)))
    return closes & bounds(backward) & (bends <= 0.01 * length + 0.002)


def _dis() -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return lambda now, before: search.calc(now, before, None)


def _farneback(now: np.ndarray, before: np.ndarray) -> np.ndarray:
    start = np.zeros((*now.shape, 2), np.float32)
    return np.asarray(cv2.calcOpticalFlowFarneback(now, before, start, 0.5, 5, 15, 3, 7, 1.5, 0))


def _grey(frame: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(np.clip(np.rint(frame), 0, 255).astype(np.uint8), cv2.COLOR_RGB2GRAY)


def _square(vectors: np.ndarray) -> np.ndarray:
    squares: np.ndarray = np.einsum("hwc,hwc->hw", vectors, vectors)
    return squares


def _soft(mask: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(mask.astype(np.float32), (0, 0), _EDGE_SOFTNESS)
