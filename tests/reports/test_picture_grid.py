"""Pictures in rows with their names."""

from __future__ import annotations

import numpy as np
import pytest

from framedream.reports.picture_grid import draw_pictures


def flat(level: float) -> np.ndarray:
    return np.full((30, 80, 3), level, np.float32)


def test_a_single_picture_is_itself_without_a_name():
    assert np.array_equal(draw_pictures([("a", flat(100.4))]).pixels, np.full((30, 80, 3), 100, np.uint8))


@pytest.mark.parametrize(
    ("count", "columns", "grid"), [(4, None, (2, 2)), (5, None, (2, 3)), (3, 3, (1, 3)), (3, 8, (1, 3))]
)
def test_pictures_stand_in_rows_each_whole_and_with_letters_below(count, columns, grid):
    sheet = draw_pictures([(f"name {number}", flat(20 * number)) for number in range(count)], columns).pixels
    rows, across = grid
    assert sheet.shape == (28 + rows * 62 - 10, 28 + across * 90 - 10, 3)
    for number in range(count):
        top, left = 14 + number // across * 62, 14 + number % across * 90
        assert (sheet[top : top + 30, left : left + 80] == 20 * number).all()
        below = sheet[top + 30 : top + 52, left : left + 80]
        assert below.min() < 100
        assert (below[:2] == 255).all()


def test_a_name_too_long_is_cut_and_touches_no_neighbor():
    sheet = draw_pictures([("a" * 100, flat(0)), ("b", flat(0))], 2).pixels
    assert (sheet[:, 94:104] == 255).all()
