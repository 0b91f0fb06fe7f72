"""Pictures of one size in rows, each with its name below it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from framedream.errors import SettingsError
from framedream.media.color_conversion import to_bytes
from framedream.reports.canvas import Canvas
from framedream.reports.sheet import Sheet

_MARGIN, _GAP, _FONT_SIZE, _LINE = 14, 10, 13, 22
"""Pixels around the sheet and between pictures; font size and height of the line below a picture."""

_LARGEST = 16_000
"""Longest side in pixels that every image format can hold."""


def draw_pictures(pictures: Sequence[tuple[str, np.ndarray]], columns: int | None = None) -> Sheet:
    """Draw pictures in a grid with their names; a single picture is returned as it is.

    Args:
        pictures: Names and pictures, each H×W×3 in levels 0…255, all of the same size.
        columns: Pictures per row. Default: about square.
    """
    first = pictures[0][1]
    if len(pictures) == 1:
        return Sheet(to_bytes(first))
    height, width = first.shape[:2]
    columns = _columns(len(pictures), columns)
    across, down = _pitch(height, width)
    page = Canvas(*_size(height, width, len(pictures), columns))
    for place, (name, picture) in enumerate(pictures):
        left, top = _MARGIN + place % columns * across, _MARGIN + place // columns * down
        page.paste(to_bytes(picture), left, top)
        page.write(_shorten(name, width), left, top + height + _LINE - 6, _FONT_SIZE, "#000000")
    return Sheet(page.pixels())


def check_grid(height: int, width: int, count: int, columns: int | None = None) -> None:
    """Check that a grid fits an image, before its pictures are made.

    Args:
        height: Height of a picture in pixels.
        width: Width of a picture in pixels.
        count: Number of pictures.
        columns: Pictures per row; see `draw_pictures`.

    Raises:
        SettingsError: It is too large.
    """
    columns = _columns(count, columns)
    across, down = _size(height, width, count, columns)
    if count > 1 and max(across, down) > _LARGEST:
        raise SettingsError(
            f"columns: {count} pictures in rows of {columns} make a sheet of {across}x{down} pixels; choose "
            "fewer pictures, another --columns or a smaller --size"
        )


def _columns(count: int, asked: int | None) -> int:
    return min(asked or math.ceil(math.sqrt(count)), count)


def _pitch(height: int, width: int) -> tuple[int, int]:
    """Pixels from one picture to the next, across and down."""
    return width + _GAP, height + _LINE + _GAP


def _size(height: int, width: int, count: int, columns: int) -> tuple[int, int]:
    """Width and height of the sheet."""
    across, down = _pitch(height, width)
    return 2 * _MARGIN + columns * across - _GAP, 2 * _MARGIN + math.ceil(count / columns) * down - _GAP


def _shorten(name: str, width: int) -> str:
    """Shorten a name to a width."""
    if Canvas.text_width(name, _FONT_SIZE) <= width:
        return name
    while name and Canvas.text_width(name + "…", _FONT_SIZE) > width:
        name = name[:-1]
    return name + "…"
