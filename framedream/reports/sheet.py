"""A drawn picture that can be saved, or shown in a notebook."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framedream.media.write.image_writer import save_image, write_image


@dataclass(frozen=True, eq=False)
class Sheet:
    """A drawn picture; a notebook shows it.

    Attributes:
        pixels: RGB, H×W×3 uint8.
    """

    pixels: np.ndarray

    def save(self, path: Path | str) -> None:
        """Write it as an image, whose suffix names the format; see `framedream.media.write_image`.

        Raises:
            SettingsError: The suffix names no image format.
            OutputError: The file cannot be written.
        """
        write_image(path, self.pixels)

    def __repr__(self) -> str:
        height, width = self.pixels.shape[:2]
        return f"Sheet({width}x{height})"

    def _repr_png_(self) -> bytes:
        png = io.BytesIO()
        save_image(png, self.pixels, ".png")
        return png.getvalue()
