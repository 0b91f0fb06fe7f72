"""Checks of optical flow by hard masks, as in Ruder, Dosovitskiy and Brox 2016."""

from __future__ import annotations

import cv2
import numpy as np

from framedream.motion.optical_flow import FlowEstimator, squared_norm
from framedream.motion.warping import points_inside, sample


def consistent(backward: np.ndarray, forward: np.ndarray, *, share: float = 0.01, slack: float = 0.5) -> np.ndarray:
    """Where flow returns to where it started, ``|B + F|² ≤ share · (|B|² + |F|²) + slack``, H×W bool.

    Args:
        backward: B, the flow from the frame to the one before it, H×W×2 in pixels.
        forward: The flow from the one before it to the frame; F is its value where the backward flow leads.
        share: Squared error allowed for each squared pixel of motion.
        slack: Squared error allowed where nothing moves, in squared pixels.
    """
    there = sample(forward, backward, cv2.INTER_LINEAR)
    allowed = share * (squared_norm(backward) + squared_norm(there)) + slack
    return np.asarray((squared_norm(backward + there) <= allowed) & points_inside(backward))


def trusted(backward: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """Where flow is consistent and not at an edge of the motion, H×W bool; arguments as for `consistent`."""
    across, down = cv2.Sobel(backward, -1, 1, 0, ksize=1, scale=0.5), cv2.Sobel(backward, -1, 0, 1, ksize=1, scale=0.5)
    is_edge = squared_norm(across) + squared_norm(down) > 0.01 * squared_norm(backward) + 0.002
    return np.asarray(consistent(backward, forward) & ~is_edge)


def flow_between(estimator: FlowEstimator, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Where each pixel of one frame lies in another, at full size: H×W×2 float32, in pixels."""
    grays = (cv2.convertScaleAbs(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)) for frame in (start, end))
    return estimator.calculate(*grays)
