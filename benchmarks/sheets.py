"""Pictures put side by side, for the README and to look at."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.films import eight_bit
from framedream.media import resize


def strip(columns: Sequence[Sequence[np.ndarray]], width: int, height: int) -> np.ndarray:
    """Columns of pictures as one, each brought to one size."""
    rows = zip(*columns, strict=True)
    return np.concatenate(
        [np.concatenate([resize(picture.astype(np.float32), width, height) for picture in row], axis=1) for row in rows]
    )


def labelled(picture: np.ndarray, text: str) -> np.ndarray:
    """A picture, as 8 bits, with its name in the corner."""
    picture = eight_bit(picture)
    for width, color in ((4, (0, 0, 0)), (1, (255, 255, 255))):
        cv2.putText(picture, text, (8, picture.shape[0] - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.6, color, width, cv2.LINE_AA)
    return picture


def write_small(path: Path, picture: np.ndarray, limit: int) -> int:
    """Write a JPEG of the best quality that keeps it within a number of bytes.

    Returns:
        That quality.

    Raises:
        ValueError: It is too large at any quality.
    """
    image = Image.fromarray(eight_bit(picture))
    for quality in range(95, 9, -5):
        data = io.BytesIO()
        image.save(data, "JPEG", quality=quality, optimize=True)
        if data.tell() <= limit:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data.getvalue())
            return quality
    raise ValueError(f"{path}: over {limit} bytes at any quality")
