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
    cubic, linear = (sample(image, flow, method) for method in (cv2.INTER_CUBIC, cv2.INTER_LINEAR))
    return cv2.addWeighted(cubic, _SHARPNESS, linear, 1 - _SHARPNESS, 0)


def sample(image: np.ndarray, flow: np.ndarray, interpolation: int) -> np.ndarray:
    """`warp` with one of OpenCV's interpolations."""
    x, y = _grid(flow)
    return cv2.remap(image, x + flow[..., 0], y + flow[..., 1], interpolation, borderMode=cv2.BORDER_REPLICATE)


def bounds(flow: np.ndarray) -> np.ndarray:
    """Where a flow points inside the frame, H×W bool."""
    x, y = _grid(flow)
    height, width = flow.shape[:2]
    x, y = x + flow[..., 0], y + flow[..., 1]
    return np.asarray((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1))


def _grid(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    height, width = flow.shape[:2]
    return np.arange(width, dtype=np.float32)[None], np.arange(height, dtype=np.float32)[:, None]
