"""Pictures of one size in rows, each with its name below it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from framedream.gallery.sheet import Sheet
from framedream.gallery.text_page import TextPage
from framedream.media.color import to_bytes

_MARGIN, _GAP, _LETTERS, _LINE = 14, 10, 13, 22
"""Pixels around the sheet and between pictures; height of letters, and of the line below a picture."""


def draw_pictures(pictures: Sequence[tuple[str, np.ndarray]], columns: int | None = None) -> Sheet:
    """Draw pictures with their names; a single one is the picture itself.

    Args:
        pictures: Names and pictures, each H×W×3 in levels 0…255, all of one size.
        columns: Pictures in a row. Default: as many as make the grid about square.
    """
    first = pictures[0][1]
    if len(pictures) == 1:
        return Sheet(to_bytes(first))
    columns = min(columns or math.ceil(math.sqrt(len(pictures))), len(pictures))
    rows = math.ceil(len(pictures) / columns)
    height, width = first.shape[:2]
    across, down = width + _GAP, height + _LINE + _GAP
    page = TextPage(2 * _MARGIN + columns * across - _GAP, 2 * _MARGIN + rows * down - _GAP)
    for place, (name, picture) in enumerate(pictures):
        left, top = _MARGIN + place % columns * across, _MARGIN + place // columns * down
        page.put(to_bytes(picture), left, top)
        page.write(_cut(name, width), left, top + height + _LINE - 6, _LETTERS, "#000000")
    return Sheet(page.pixels())


def _cut(name: str, width: int) -> str:
    """A name that fits its place."""
    if TextPage.text_width(name, _LETTERS) <= width:
        return name
    while name and TextPage.text_width(name + "…", _LETTERS) > width:
        name = name[:-1]
    return name + "…"
