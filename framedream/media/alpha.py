"""The alpha channel: splitting it off, and compositing over black."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framedream.media.frames import Pixels
from framedream.media.once_logger import OnceLogger

OVER_BLACK = "transparent parts are shown over black"


def over_black(pixels: Pixels, alpha: NDArray[np.float32] | None, notes: OnceLogger | None = None) -> Pixels:
    """Composite a picture over black.

    Args:
        pixels: RGB, H×W×3, in levels 0…255.
        alpha: Opacity, H×W, in levels; None is opaque.
        notes: Logs once if parts are transparent.

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
    """Split a picture into its colors and its alpha channel.

    Args:
        picture: RGB or RGBA, H×W×3 or 4, in levels.

    Returns:
        RGB, H×W×3; and alpha, H×W, or None if the picture has none.
    """
    if picture.shape[2] == 3:
        return picture, None
    return np.ascontiguousarray(picture[..., :3]), np.ascontiguousarray(picture[..., 3])
