"""Shows pictures side by side in a notebook."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from framedream.errors import InputError, SettingsError
from framedream.media import check_pixels, resize
from framedream.reports.picture_grid import draw_pictures
from framedream.reports.sheet import Sheet


def show(*pictures: np.ndarray, names: Sequence[str] = (), columns: int | None = None) -> Sheet:
    """Draw pictures side by side; a notebook shows the sheet.

    Args:
        pictures: Each H×W×3 RGB in levels 0…255 of any number type; later ones are scaled to fit the size of the first.
        names: Names below the pictures.
        columns: Pictures per row. Default: one row for up to 3, else about square.

    Raises:
        InputError: No picture is given, one is not H×W×3, or there are more names than pictures.
        SettingsError: ``columns`` is below 1.
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
    """Fit a picture into a size, on white."""
    scale = min(height / picture.shape[0], width / picture.shape[1])
    small = resize(picture, *(max(1, round(scale * side)) for side in picture.shape[1::-1]))
    top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    page = np.full((height, width, 3), 255, np.float32)
    page[top : top + small.shape[0], left : left + small.shape[1]] = small
    return page
