"""A white page with pictures and text at exact pixels."""

from __future__ import annotations

import functools
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from framedream.reports.formatting import printable_text


class Canvas:
    """A white page to draw on. Positions are pixels from its upper left corner."""

    def __init__(self, width: int, height: int) -> None:
        """Start with an empty page of a width and height in pixels."""
        self._image = Image.new("RGB", (width, height), "white")
        self._draw = ImageDraw.Draw(self._image)

    def paste(self, picture: np.ndarray, left: int, top: int) -> None:
        """Paste a picture, RGB, h×w×3 uint8, without resampling it."""
        self._image.paste(Image.fromarray(picture), (left, top))

    def write(self, text: str, left: int, baseline: int, size: int, color: str, *, bold: bool = False) -> None:
        """Write one line of text.

        Args:
            text: The line; a line break in it is shown as ↵.
            left: Left end of the line.
            baseline: Bottom of the letters without descenders.
            size: Font size in pixels.
            color: Color, as Pillow names it.
            bold: Whether the font is bold.
        """
        self._draw.text((left, baseline), printable_text(text), color, load_font(size, bold), anchor="ls")

    @staticmethod
    def text_width(text: str, size: int, *, bold: bool = False) -> int:
        """Width in pixels of a line that `write` draws."""
        return round(load_font(size, bold).getlength(printable_text(text)))

    def pixels(self) -> np.ndarray:
        """The page, RGB, H×W×3 uint8."""
        return np.array(self._image)


@functools.cache
def load_font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The font of all sheets: DejaVu Sans, which knows most alphabets that file names use, as Pillow's own does not.

    Args:
        size: Font size in pixels.
        bold: Whether the font is bold.
    """
    spec = find_spec("matplotlib")  # Finds the fonts without importing matplotlib.
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / f"DejaVuSans{'-Bold' if bold else ''}.ttf"
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
