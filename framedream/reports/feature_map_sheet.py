"""Draws feature maps: channels side by side, each with its number and range of values."""

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
"""Height in pixels of the line above a layer and above a map."""

_NAME_SIZE, _SHAPE_SIZE, _LABEL_SIZE = 16, 13, 11
"""Font sizes in pixels."""

_BLACK, _GRAY = "#000000", "#666666"

_SIDES = ((4, 320), (8, 208), (16, 128), (32, 104))
"""Pairs of a most number of columns and the longer side of a map in pixels, about."""

_HIGHEST = 16_000
"""Greatest height in pixels that every image format can hold."""


@dataclass(frozen=True, eq=False)
class LayerMaps:
    """The channels of a layer to draw.

    Attributes:
        name: The layer's name.
        activations: All its channels, h×w×C.
        channels: The channels to draw, in this order.
    """

    name: str
    activations: np.ndarray
    channels: Sequence[int]

    @property
    def shape(self) -> str:
        """Height, width and channels as text."""
        return " × ".join(map(str, self.activations.shape))


def draw_feature_maps(
    layers: Sequence[LayerMaps], columns: int | None = None, colormap: str = "gray", *, max_height: int = _HIGHEST
) -> Sheet:
    """Draw channels of layers, each layer under a line with its name and its h×w×C.

    Each map is scaled from its own minimum to its own maximum, written above it; on a common scale all but the
    strongest would be black. Cells are sharp squares; a map with more cells than pixels is averaged.

    Args:
        layers: The layers, from top to bottom.
        columns: Maps per row. Default: up to 4, 8 or 16, depending on their number.
        colormap: Name of a matplotlib colormap.
        max_height: Greatest height of the sheet in pixels.

    Raises:
        SettingsError: The colormap does not exist, or the sheet would be too high.
    """
    colors = find_colormap(colormap)
    grid = _Grid.of(layers, columns)
    if grid.height > max_height:
        raise SettingsError(
            f"channels: {sum(len(layer.channels) for layer in layers)} maps in rows of {grid.columns} make a picture "
            f"{grid.height} pixels high; draw fewer with --top or --channels, or more in a row with --columns"
        )
    page = Canvas(grid.width, grid.height)
    for layer, size, top in zip(layers, grid.sizes, grid.tops, strict=True):
        _draw_heading(page, layer, top)
        for place, channel in enumerate(layer.channels):
            left, upper = grid.corner(place, size, top)
            values = layer.activations[..., channel]
            _draw_label(page, str(channel), _format_range(values), left, upper, size[0])
            page.paste(_apply_colormap(values, size, colors), left, upper + _LABEL)
    return Sheet(page.pixels())


def find_colormap(name: str) -> Colormap:
    """Find a matplotlib colormap by name.

    Raises:
        SettingsError: It does not exist; the message names the nearest.
    """
    from matplotlib import colormaps

    if name not in colormaps:
        raise SettingsError(f"colormap: '{name}' does not exist{nearest(name, ('gray', *colormaps))}")
    return colormaps[name]


@dataclass(frozen=True)
class _Grid:
    """The layout of the maps.

    Attributes:
        columns: Maps per row.
        pitch: Pixels from one column to the next.
        sizes: Width and height of each layer's maps, in pixels.
        tops: Upper end of each layer.
        width: Width of the sheet.
        height: Height of the sheet.
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
        columns = min(columns or _default_columns(most), most)
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
        """Upper left corner of a label with its map."""
        row, column = divmod(place, self.columns)
        return _MARGIN + column * self.pitch, top + _HEADING + row * (_LABEL + size[1] + _GAP)


def _default_columns(count: int) -> int:
    """Few enough columns to read, with evenly filled rows."""
    rows = math.ceil(count / (4 if count <= 16 else 8 if count <= 64 else 16))
    return math.ceil(count / rows)


def _side(columns: int, finest: int) -> int:
    """Longer side of a map in pixels; a whole number per cell of the finest layer if its cells fit."""
    side = next(side for most, side in _SIDES if columns <= most)
    return finest * round(side / finest) if finest <= side else side


def _size(activations: np.ndarray, side: int) -> Size:
    height, width = activations.shape[:2]
    scale = side / max(height, width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _heading_width(layer: LayerMaps) -> int:
    name = Canvas.text_width(layer.name, _NAME_SIZE, bold=True)
    return name + _GAP + Canvas.text_width(layer.shape, _SHAPE_SIZE)


def _draw_heading(page: Canvas, layer: LayerMaps, top: int) -> None:
    name = page.text_width(layer.name, _NAME_SIZE, bold=True)
    base = top + _NAME_SIZE
    page.write(layer.name, _MARGIN, base, _NAME_SIZE, _BLACK, bold=True)
    page.write(layer.shape, _MARGIN + name + _GAP, base, _SHAPE_SIZE, _GRAY)


def _label_width(layer: LayerMaps) -> int:
    """Width in pixels of a layer's widest label."""
    numbers = (Canvas.text_width(str(channel), _LABEL_SIZE, bold=True) for channel in layer.channels)
    spans = (
        Canvas.text_width(_format_range(layer.activations[..., channel]), _LABEL_SIZE) for channel in layer.channels
    )
    return max(number + _GAP + span for number, span in zip(numbers, spans, strict=True))


def _draw_label(page: Canvas, channel: str, span: str, left: int, top: int, width: int) -> None:
    """Write the channel at the left and its range at the right, or next to it above a narrow map."""
    base, number = top + _LABEL - 5, page.text_width(channel, _LABEL_SIZE, bold=True)
    right = left + max(width, number + _GAP + page.text_width(span, _LABEL_SIZE))
    page.write(channel, left, base, _LABEL_SIZE, _BLACK, bold=True)
    page.write(span, right - page.text_width(span, _LABEL_SIZE), base, _LABEL_SIZE, _GRAY)


def _format_range(values: np.ndarray) -> str:
    low, high = _format_number(values.min()), _format_number(values.max())
    return low if low == high else f"{low} … {high}"


def _format_number(value: float) -> str:
    """Three digits; an integer from 100 on, scientific far from 1."""
    text = f"{value:.0f}" if 100 <= abs(value) < 100_000 else f"{value:.3g}"
    return text.replace("-", "−")


def _apply_colormap(values: np.ndarray, size: Size, colors: Colormap) -> np.ndarray:
    """Resize a map and apply the colormap from its minimum to its maximum; RGB uint8."""
    low, high = values.min(), values.max()
    shares = (values - low) / (high - low) if high > low else np.zeros_like(values)
    shrinks = size[0] < values.shape[1]
    shown = cv2.resize(shares, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_NEAREST_EXACT)
    pixels: np.ndarray = colors(shown, bytes=True)[..., :3]
    return pixels
