"""Backward optical flow, and where it can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from framedream.motion.warp import bounds, sample

_SHARE, _SLACK = 0.02, 1.0
"""Twice what Ruder et al. allow: a dream carried a pixel astray looks better than a gap in it."""

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
        now, before = _grey(frame), _grey(previous)
        backward = self._calculate(now, before)
        forward = self._calculate(before, now)
        return Motion(backward, _soft(consistent(backward, forward, share=_SHARE, slack=_SLACK)))

    def flow(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Where each pixel of one image lies in another: H×W×2 float32, in pixels."""
        return self._calculate(_grey(start), _grey(end))


def consistent(backward: np.ndarray, forward: np.ndarray, *, share: float = 0.01, slack: float = 0.5) -> np.ndarray:
    """Where the way back and forth closes, ``|B + F|² ≤ share · (|B|² + |F|²) + slack``.

    The occlusion test of Ruder, Dosovitskiy and Brox 2016 (section 4.2), with its
    constants as defaults. What was hidden in the frame before does not pass, nor what
    comes from outside the frame.

    Args:
        backward: B, the flow from the frame to the one before it, H×W×2 in pixels.
        forward: The flow from the one before it to the frame, alike; F is what it says
            at the place where the backward flow leads.
        share: Error allowed for each squared pixel of motion.
        slack: Error allowed where nothing moves, in squared pixels.

    Returns:
        H×W bool.
    """
    there = sample(forward, backward, cv2.INTER_LINEAR)
    allowed = share * (square_length(backward) + square_length(there)) + slack
    return np.asarray((square_length(backward + there) <= allowed) & bounds(backward))


def square_length(vectors: np.ndarray) -> np.ndarray:
    """Squared length of each vector: H×W×2 to H×W."""
    return np.asarray(vectors[..., 0] ** 2 + vectors[..., 1] ** 2)


def _dis() -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return lambda now, before: np.asarray(search.calc(now, before, None))  # type: ignore[call-overload]


def _farneback(now: np.ndarray, before: np.ndarray) -> np.ndarray:
    unknown = np.zeros((*now.shape, 2), np.float32)
    return np.asarray(cv2.calcOpticalFlowFarneback(now, before, unknown, 0.5, 5, 15, 3, 7, 1.5, 0))


def _grey(frame: np.ndarray) -> np.ndarray:
    return cv2.convertScaleAbs(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY))


def _soft(mask: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(mask.astype(np.float32), (0, 0), _EDGE_SOFTNESS)
