"""Warps images along a backward flow."""

from __future__ import annotations

import cv2
import numpy as np

_CUBIC_SHARE = 0.7
"""Share of cubic interpolation; the rest is linear. Cubic alone keeps the finest lines longer,
but they shimmer from frame to frame; linear alone blurs all fine lines away."""


def warp(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Warp the previous image to this frame, with interpolation between cubic and linear.

    Args:
        image: H×W×C or H×W float32, the previous frame or something in its coordinates.
        flow: H×W×2 float32, backward, in pixels.

    Returns:
        Like ``image``: its value at ``p + flow(p)``. The border pixels are replicated beyond the frame.
    """
    grid = _sampling_grid(flow)
    cubic, linear = (
        cv2.remap(image, *grid, method, borderMode=cv2.BORDER_REPLICATE)
        for method in (cv2.INTER_CUBIC, cv2.INTER_LINEAR)
    )
    return cv2.addWeighted(cubic, _CUBIC_SHARE, linear, 1 - _CUBIC_SHARE, 0)


def sample(image: np.ndarray, flow: np.ndarray, interpolation: int) -> np.ndarray:
    """Warp like `warp`, with one of OpenCV's interpolations."""
    return cv2.remap(image, *_sampling_grid(flow), interpolation, borderMode=cv2.BORDER_REPLICATE)


def points_inside(flow: np.ndarray) -> np.ndarray:
    """Return where a flow points inside the frame, H×W bool."""
    (x, y), (height, width) = _sampling_grid(flow), flow.shape[:2]
    return np.asarray((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1))


def _sampling_grid(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The positions a flow points to, x and y, H×W each."""
    height, width = flow.shape[:2]
    x, y = np.arange(width, dtype=np.float32)[None], np.arange(height, dtype=np.float32)[:, None]
    return x + flow[..., 0], y + flow[..., 1]
