"""A white page that pictures are put on and text is written on, to the pixel."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

_INCH = 72
"""Pixels of an inch: letters of as many points have as many pixels."""


class Canvas:
    """A page in the making. Places are pixels from its left upper corner."""

    def __init__(self, width: int, height: int) -> None:
        """Begin with an empty page.

        Args:
            width: Width in pixels.
            height: Height in pixels.
        """
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        # Half a pixel more: the canvas cuts what is left of a whole number after the division.
        self._figure = Figure(((width + 0.5) / _INCH, (height + 0.5) / _INCH), dpi=_INCH, facecolor="white")
        self._canvas: Any = FigureCanvasAgg(self._figure)
        self._pictures = np.full((height, width, 3), 255, np.uint8)

    def put(self, picture: np.ndarray, left: int, top: int) -> None:
        """Put a picture on the page.

        Args:
            picture: RGB, h×w×3 uint8, each pixel of which becomes one of the page's; letters only darken it.
            left: Where it begins.
            top: Where it begins.
        """
        height, width = picture.shape[:2]
        self._pictures[top : top + height, left : left + width] = picture

    def write(self, text: str, left: int, base: int, size: int, color: str, *, bold: bool = False) -> None:
        """Write a line.

        Args:
            text: The line; a dollar begins no formula.
            left: Where it begins.
            base: Where its letters stand.
            size: Height of the letters in pixels.
            color: Color as matplotlib takes it.
            bold: Whether the letters are heavy.
        """
        from matplotlib.transforms import IdentityTransform

        self._figure.text(
            left, len(self._pictures) - base, text, va="baseline", color=color, parse_math=False,
            fontproperties=_letters(size, bold), transform=IdentityTransform(),
        )  # fmt: skip

    @staticmethod
    def text_width(text: str, size: int, *, bold: bool = False) -> int:
        """Pixels that a line of `write` takes."""
        return _measured(text, size, bold)

    def pixels(self) -> np.ndarray:
        """The page, RGB, H×W×3 uint8."""
        self._canvas.draw()
        # The darker of both: the figure has letters on white, and matplotlib would resample a picture in it.
        letters = np.asarray(self._canvas.buffer_rgba(), np.uint8)[..., :3]
        return np.minimum(letters, self._pictures)


@functools.cache
def _letters(size: int, bold: bool) -> Any:
    from matplotlib.font_manager import FontProperties

    # The font that comes with matplotlib, whatever a person's own settings say.
    return FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal", size=size)


@functools.lru_cache(maxsize=4096)
def _measured(text: str, size: int, bold: bool) -> int:
    return round(float(_ruler().get_text_width_height_descent(text, _letters(size, bold), False)[0]))


@functools.cache
def _ruler() -> Any:
    from matplotlib.backends.backend_agg import RendererAgg

    renderer: Any = RendererAgg
    return renderer(8, 8, _INCH)
