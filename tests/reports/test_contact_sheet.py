"""Contact sheets: where pictures and words stand, and that no words overlap."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from framedream.errors import SettingsError
from framedream.reports.canvas import Canvas
from framedream.reports.contact_sheet import Cell, Strip, check_fits, draw_contact_sheet, wrap_words

FLAGS = [
    "--weights", "a_rather_long_folder/with/a/rather_long_name_of_a_file.weights.h5",
    "--layers", "fire5_expand3x3=0.5,fire7:12=2", "--step-size", "1.25", "--young-step-size", "3",
]  # fmt: skip
LETTERS = 13


@pytest.fixture
def written(monkeypatch):
    """What is written on a page: text, left, right, top and bottom end."""
    words = []

    def write(self, text, left, baseline, size, color, *, bold=False):
        if text:
            words.append((text, left, left + self.text_width(text, size, bold=bold), baseline - size + 2, baseline + 3))

    monkeypatch.setattr(Canvas, "write", write)
    return words


def gray(level, height=60, width=100):
    return np.full((height, width, 3), level, np.float32)


def cells(count, words=(), **size):
    return [Cell(str(number), words, gray(number, **size)) for number in range(1, count + 1)]


def places(pixels, level):
    """Left, top, right and bottom of the pixels of a gray."""
    rows, columns = np.nonzero((pixels == level).all(-1))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_the_source_stands_first_and_the_looks_below_it_in_their_order(written):
    pixels = draw_contact_sheet(Cell("source", (), gray(200)), "about it", cells(5), [], 3).pixels
    assert places(pixels, 200) == (14, 14, 114, 74)
    tops = [places(pixels, number)[1] for number in range(1, 6)]
    assert [places(pixels, number)[0] for number in range(1, 6)] == [14, 124, 234, 14, 124]
    assert tops[0] == tops[1] == tops[2] > 74
    assert tops[3] == tops[4] > tops[2] + 60
    (beside,) = [(left, bottom) for text, left, _, _, bottom in written if text == "about it"]
    assert beside[0] > 114
    assert beside[1] < 74
    assert [text for text, *_ in written if text.isdecimal()] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("width", [64, 150, 480])
@pytest.mark.parametrize("columns", [1, 2, 3])
def test_no_words_overlap_pictures_or_each_other_or_leave_the_sheet(written, width, columns):
    looks = [Cell(str(100 + number), FLAGS[: 2 * number], gray(number + 1, 30, width)) for number in range(5)]
    strips = [Strip("source", (), [gray(50, 30, width)] * 6), Strip("3", FLAGS, [gray(51, 30, width)] * 6)]
    source = Cell("source", (), gray(200, 30, width))
    pixels = draw_contact_sheet(source, "of this size, dreamed in many ways", looks, strips, columns).pixels
    for (_, left, right, top, bottom), (_, left2, right2, top2, bottom2) in itertools.combinations(written, 2):
        assert right <= left2 or right2 <= left or bottom <= top2 or bottom2 <= top
    for text, left, right, top, bottom in written:
        assert left >= 14, text
        assert right <= pixels.shape[1] - 14, text
        assert bottom <= pixels.shape[0], text
        assert (pixels[top:bottom, left:right] == 255).all(), text


def test_all_words_are_there_however_narrow_it_is(written):
    draw_contact_sheet(Cell("source", (), gray(9)), "", [Cell("1", FLAGS, gray(1, 30, 90))], [], 1)
    assert "".join(text for text, *_ in written if text not in ("source", "1")).replace(" ", "") == "".join(FLAGS)


def test_a_flag_stays_with_its_value():
    width = Canvas.text_width("--layers fire3 --step", LETTERS)
    assert wrap_words(["--layers", "fire3", "--step-size", "1.25"], width) == ["--layers fire3", "--step-size 1.25"]
    assert wrap_words(["--layers", "fire3", "--steps", "3"], 1000) == ["--layers fire3 --steps 3"]


def test_what_is_not_there_says_why(written):
    missing = Cell("1", ["--model", "vgg16"], None, "its weights are not to be had")
    pixels = draw_contact_sheet(Cell("source", (), gray(9, 100, 150)), "", [missing], [], 1).pixels
    left, top, right, bottom = places(pixels, 232)
    assert (right - left, bottom - top) == (150, 100)
    note = [text for text, _, _, upper, lower in written if top < upper and lower < bottom]
    assert " ".join(note) == "its weights are not to be had"


@pytest.mark.parametrize(("columns", "count", "rows"), [(3, 6, 1), (2, 6, 2), (1, 6, 3), (3, 4, 1)])
def test_a_strip_fills_the_width_in_rows_as_full_as_each_other(written, columns, count, rows):
    strip = Strip("1", (), [gray(150 + number) for number in range(count)])
    pixels = draw_contact_sheet(Cell("source", (), gray(9)), "", cells(columns), [strip], columns).pixels
    found = [places(pixels, 150 + number) for number in range(count)]
    assert len({top for _, top, _, _ in found}) == rows
    assert found == sorted(found, key=lambda place: (place[1], place[0]))
    assert pixels.shape[1] - 14 - max(right for _, _, right, _ in found) < count
    assert all(bottom - top == round(0.6 * (right - left)) for left, top, right, bottom in found)


@pytest.mark.parametrize(("count", "columns"), [(200, 1), (200, 180)])
def test_a_sheet_too_large_for_an_image_is_refused(count, columns):
    with pytest.raises(SettingsError, match=rf"200 looks in rows of {columns} .* another --columns"):
        draw_contact_sheet(Cell("source", (), gray(9)), "", cells(count), [], columns)


@pytest.mark.parametrize(("count", "columns"), [(0, 3), (1, 1), (7, 3), (100, 20)])
def test_what_is_looked_at_beforehand_is_not_larger_than_the_sheet(count, columns):
    height, width = draw_contact_sheet(Cell("source", (), gray(9)), "", cells(count), [], columns).pixels.shape[:2]
    check_fits(100, 60, count, columns, max_side=max(height, width))
    with pytest.raises(SettingsError):
        check_fits(100, 60, count, columns, max_side=max(height, width) * 3 // 4)
