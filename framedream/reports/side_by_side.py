"""Pictures beside each other, for a look at them in a notebook."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from framedream.errors import InputError, SettingsError
from framedream.media import check_pixels, resize
from framedream.reports.picture_grid import draw_pictures
from framedream.reports.sheet import Sheet


def show(*pictures: np.ndarray, names: Sequence[str] = (), columns: int | None = None) -> Sheet:
    """Put pictures beside each other; a notebook shows the sheet.

    Args:
        pictures: Each H×W×3 RGB in levels 0…255 of any number type; others than the first are brought to fit its size.
        names: What stands below each.
        columns: Pictures in a row. Default: as many as make the grid about square; up to 3 in one row.

    Raises:
        InputError: There is none, or one is no picture, or there are more names than pictures.
        SettingsError: There can be no such number of columns.
    """
    if columns is not None and columns < 1:
        raise SettingsError(f"show: {columns} columns; give 1 or more")
    if not pictures or len(names) > len(pictures):
        raise InputError(f"show: {len(pictures)} pictures and {len(names)} names; give a picture for each name")
    for number, picture in enumerate(pictures, 1):
        try:
            check_pixels(np.asarray(picture))
        except ValueError as error:
            raise InputError(f"show: picture {number}: {error}") from None
    arrays = [np.asarray(picture, np.float32) for picture in pictures]
    fitted = [_fitted(array, *arrays[0].shape[:2]) for array in arrays]
    called = [*names, *[""] * (len(fitted) - len(names))]
    few = len(fitted) if len(fitted) <= 3 else None
    return draw_pictures(list(zip(called, fitted, strict=True)), columns or few)


def _fitted(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture within a size, on white."""
    scale = min(height / picture.shape[0], width / picture.shape[1])
    small = resize(picture, *(max(1, round(scale * side)) for side in picture.shape[1::-1]))
    top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    page = np.full((height, width, 3), 255, np.float32)
    page[top : top + small.shape[0], left : left + small.shape[1]] = small
    return page
