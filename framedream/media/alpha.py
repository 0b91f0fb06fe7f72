"""Transparency: how much of a picture is seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framedream.media.frames import Pixels
from framedream.media.once_logger import OnceLogger

OVER_BLACK = "transparent parts are shown over black"


def over_black(pixels: Pixels, alpha: NDArray[np.float32] | None, notes: OnceLogger | None = None) -> Pixels:
    """Lay a picture's transparent parts over black.

    Args:
        pixels: RGB, H×W×3, in levels 0…255.
        alpha: How much of it is seen, H×W, in levels; None is all of it.
        notes: Who says so, if anyone.

    Returns:
        RGB, H×W×3.
    """
    if alpha is None or alpha.min() == 255:
        return pixels
    if notes is not None:
        notes.info(OVER_BLACK)
    composed: Pixels = pixels * (alpha[..., None] / np.float32(255))
    return composed


def split_alpha(picture: NDArray[np.float32]) -> tuple[Pixels, NDArray[np.float32] | None]:
    """A picture's colors and its alpha.

    Args:
        picture: RGB or RGBA, H×W×3 or 4, in levels.

    Returns:
        RGB, H×W×3; and alpha, H×W, or None if it has none.
    """
    if picture.shape[2] == 3:
        return picture, None
    return np.ascontiguousarray(picture[..., :3]), np.ascontiguousarray(picture[..., 3])
