"""Images carried along a backward flow."""

from __future__ import annotations

import cv2
import numpy as np

_SHARPNESS = 0.7
"""Share of cubic interpolation; the rest is linear. Cubic alone keeps the finest lines for
longer, but they shimmer from frame to frame; linear alone wears all fine lines away."""


def warp(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Bring the previous image here, sampled between cubic and linear interpolation.

    Args:
        image: H×W×C or H×W float32, the previous frame or what was made of it.
        flow: H×W×2 float32, backward, in pixels.

    Returns:
        Like ``image``: its value at ``p + flow(p)``. Beyond the frame its border goes on.
    """
    there = _there(flow)
    cubic, linear = (
        cv2.remap(image, *there, method, borderMode=cv2.BORDER_REPLICATE)
        for method in (cv2.INTER_CUBIC, cv2.INTER_LINEAR)
    )
    return cv2.addWeighted(cubic, _SHARPNESS, linear, 1 - _SHARPNESS, 0)


def sample(image: np.ndarray, flow: np.ndarray, interpolation: int) -> np.ndarray:
    """`warp` with one of OpenCV's interpolations."""
    return cv2.remap(image, *_there(flow), interpolation, borderMode=cv2.BORDER_REPLICATE)


def points_inside(flow: np.ndarray) -> np.ndarray:
    """Where a flow points inside the frame, H×W bool."""
    (x, y), (height, width) = _there(flow), flow.shape[:2]
    return np.asarray((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1))


def _there(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where a flow points, x and y, H×W each."""
    height, width = flow.shape[:2]
    x, y = np.arange(width, dtype=np.float32)[None], np.arange(height, dtype=np.float32)[:, None]
    return x + flow[..., 0], y + flow[..., 1]
