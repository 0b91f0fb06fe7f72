"""Feature maps as one picture: channels side by side, each with its number and its values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from framedream.config.parsing import Size
from framedream.errors import SettingsError, nearest
from framedream.reports.canvas import Canvas
from framedream.reports.sheet import Sheet

if TYPE_CHECKING:
    from matplotlib.colors import Colormap

_MARGIN, _GAP, _BETWEEN = 14, 10, 18
"""Pixels around the sheet, between maps or words, and between layers."""

_HEADING, _LABEL = 26, 17
"""Height in pixels of the line above a layer, and of that above a map."""

_NAME_LETTERS, _SHAPE_LETTERS, _LABEL_LETTERS = 16, 13, 11
"""Sizes of letters in pixels."""

_BLACK, _GRAY = "#000000", "#666666"

_SIDES = ((4, 320), (8, 208), (16, 128), (32, 104))
"""Up to so many columns, the pixels that the longer side of a map takes, about."""

_HIGHEST = 16_000
"""Pixels of a sheet, which every format of images can hold."""


@dataclass(frozen=True, eq=False)
class LayerMaps:
    """What is drawn of a layer.

    Attributes:
        name: The layer's name.
        activations: All its channels, h×w×C.
        channels: Those that are drawn, in this order.
    """

    name: str
    activations: np.ndarray
    channels: Sequence[int]

    @property
    def shape(self) -> str:
        """Height, width and channels as text."""
        return " × ".join(map(str, self.activations.shape))


def draw_feature_maps(layers: Sequence[LayerMaps], columns: int | None = None, colormap: str = "gray") -> Sheet:
    """Draw channels of layers, each layer under a line with its name and its h×w×C.

    Each map has a scale of its own, from its least value to its largest, which stand above it: on a common one
    all but the strongest would be black. Cells are squares with sharp edges; a map that has more of them than
    its place has pixels is averaged.

    Args:
        layers: What is drawn, from top to bottom.
        columns: Maps in a row. Default: up to 4, 8 or 16, by how many there are.
        colormap: Colors from the least to the largest value, as matplotlib calls them.

    Raises:
        SettingsError: Colors are called otherwise, or the sheet would be too high to look at.
    """
    colors = find_colormap(colormap)
    grid = _Grid.of(layers, columns)
    if grid.height > _HIGHEST:
        raise SettingsError(
            f"channels: {sum(len(layer.channels) for layer in layers)} maps in rows of {grid.columns} make a picture "
            f"{grid.height} pixels high; draw fewer with --top or --channels, or more in a row with --columns"
        )
    page = Canvas(grid.width, grid.height)
    for layer, size, top in zip(layers, grid.sizes, grid.tops, strict=True):
        _head(page, layer, top)
        for place, channel in enumerate(layer.channels):
            left, upper = grid.corner(place, size, top)
            values = layer.activations[..., channel]
            _label(page, str(channel), _span(values), left, upper, size[0])
            page.paste(_colored(values, size, colors), left, upper + _LABEL)
    return Sheet(page.pixels())


def find_colormap(name: str) -> Colormap:
    """Colors by matplotlib's name for them.

    Raises:
        SettingsError: There are none; names the nearest.
    """
    from matplotlib import colormaps

    if name not in colormaps:
        raise SettingsError(f"colormap: no colors are called '{name}'{nearest(name, ('gray', *colormaps))}")
    return colormaps[name]


@dataclass(frozen=True)
class _Grid:
    """Where maps are put.

    Attributes:
        columns: Maps in a row.
        pitch: Pixels from one column to the next.
        sizes: Width and height of each layer's maps, in pixels.
        tops: Where each layer begins.
        width: Width of the whole.
        height: Height of the whole.
    """

    columns: int
    pitch: int
    sizes: tuple[Size, ...]
    tops: tuple[int, ...]
    width: int
    height: int

    @classmethod
    def of(cls, layers: Sequence[LayerMaps], columns: int | None) -> _Grid:
        most = max(len(layer.channels) for layer in layers)
        columns = min(columns or _usual_columns(most), most)
        finest = max(max(layer.activations.shape[:2]) for layer in layers)
        side = _side(columns, finest)
        sizes = tuple(_size(layer.activations, side) for layer in layers)
        pitch = max(*(width for width, _ in sizes), *map(_label_width, layers)) + _GAP
        tops = [_MARGIN]
        for layer, (_, height) in zip(layers, sizes, strict=True):
            rows = math.ceil(len(layer.channels) / columns)
            tops.append(tops[-1] + _HEADING + rows * (_LABEL + height + _GAP) - _GAP + _BETWEEN)
        width = max(columns * pitch - _GAP, *(_heading_width(layer) for layer in layers)) + 2 * _MARGIN
        return cls(columns, pitch, sizes, tuple(tops[:-1]), width, tops[-1] - _BETWEEN + _MARGIN)

    def corner(self, place: int, size: Size, top: int) -> tuple[int, int]:
        """Left and upper end of a label with its map."""
        row, column = divmod(place, self.columns)
        return _MARGIN + column * self.pitch, top + _HEADING + row * (_LABEL + size[1] + _GAP)


def _usual_columns(count: int) -> int:
    """Few enough to be read, and as many as leave the last row as full as the others."""
    rows = math.ceil(count / (4 if count <= 16 else 8 if count <= 64 else 16))
    return math.ceil(count / rows)


def _side(columns: int, finest: int) -> int:
    """Pixels of a map's longer side: a whole number for each cell of the finest layer, where that has few enough."""
    side = next(side for most, side in _SIDES if columns <= most)
    return finest * round(side / finest) if finest <= side else side


def _size(activations: np.ndarray, side: int) -> Size:
    height, width = activations.shape[:2]
    scale = side / max(height, width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _heading_width(layer: LayerMaps) -> int:
    name = Canvas.text_width(layer.name, _NAME_LETTERS, bold=True)
    return name + _GAP + Canvas.text_width(layer.shape, _SHAPE_LETTERS)


def _head(page: Canvas, layer: LayerMaps, top: int) -> None:
    name = page.text_width(layer.name, _NAME_LETTERS, bold=True)
    base = top + _NAME_LETTERS
    page.write(layer.name, _MARGIN, base, _NAME_LETTERS, _BLACK, bold=True)
    page.write(layer.shape, _MARGIN + name + _GAP, base, _SHAPE_LETTERS, _GRAY)


def _label_width(layer: LayerMaps) -> int:
    """Pixels that the widest label of a layer takes."""
    numbers = (Canvas.text_width(str(channel), _LABEL_LETTERS, bold=True) for channel in layer.channels)
    spans = (Canvas.text_width(_span(layer.activations[..., channel]), _LABEL_LETTERS) for channel in layer.channels)
    return max(number + _GAP + span for number, span in zip(numbers, spans, strict=True))


def _label(page: Canvas, channel: str, span: str, left: int, top: int, width: int) -> None:
    """The channel's number at the left, and the range of its values at the right, or next to it over a narrow map."""
    base, number = top + _LABEL - 5, page.text_width(channel, _LABEL_LETTERS, bold=True)
    right = left + max(width, number + _GAP + page.text_width(span, _LABEL_LETTERS))
    page.write(channel, left, base, _LABEL_LETTERS, _BLACK, bold=True)
    page.write(span, right - page.text_width(span, _LABEL_LETTERS), base, _LABEL_LETTERS, _GRAY)


def _span(values: np.ndarray) -> str:
    low, high = _number(values.min()), _number(values.max())
    return low if low == high else f"{low} … {high}"


def _number(value: float) -> str:
    """To three digits; whole from 100 on, as a power of ten where it is far from 1."""
    text = f"{value:.0f}" if 100 <= abs(value) < 100_000 else f"{value:.3g}"
    return text.replace("-", "−")


def _colored(values: np.ndarray, size: Size, colors: Colormap) -> np.ndarray:
    """A map as RGB bytes of a width and height, its least and its largest value as the ends of the colors."""
    low, high = values.min(), values.max()
    shares = (values - low) / (high - low) if high > low else np.zeros_like(values)
    shrinks = size[0] < values.shape[1]
    shown = cv2.resize(shares, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_NEAREST_EXACT)
    pixels: np.ndarray = colors(shown, bytes=True)[..., :3]
    return pixels
