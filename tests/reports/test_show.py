"""Pictures beside each other."""

from __future__ import annotations

import numpy as np
import pytest

from framedream import show
from framedream.errors import InputError, SettingsError


def flat(height: int, width: int, level: int) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def test_one_picture_is_itself():
    assert np.array_equal(show(flat(20, 30, 7)).pixels, flat(20, 30, 7))


def test_up_to_three_stand_in_a_row_more_in_a_square():
    three, four = (show(*[flat(20, 60, 0)] * count).pixels.shape for count in (3, 4))
    assert three[1] == 28 + 3 * 70 - 10
    assert four[1] == 28 + 2 * 70 - 10
    assert show(*[flat(20, 60, 0)] * 4, columns=4).pixels.shape[1] == 28 + 4 * 70 - 10


def test_others_are_brought_into_the_size_of_the_first_as_a_whole():
    sheet = show(flat(20, 60, 0), flat(80, 80, 9)).pixels
    second = sheet[14:34, 84:144]
    assert (second[:, 20:40] == 9).all()
    assert (second[:, :19] == 255).all()
    assert (second[:, 41:] == 255).all()


def test_names_stand_below():
    named, unnamed = show(*[flat(20, 60, 255)] * 2, names=["one"]).pixels, show(*[flat(20, 60, 255)] * 2).pixels
    assert (unnamed == 255).all()
    assert named[34:, :84].min() < 100
    assert (named[:, 84:] == 255).all()


@pytest.mark.parametrize(
    ("pictures", "names"), [([], []), ([flat(2, 2, 0)], ["a", "b"]), ([np.zeros((4, 4), np.uint8)], [])]
)
def test_what_is_no_picture_is_said(pictures, names):
    with pytest.raises(InputError, match="show: "):
        show(*pictures, names=names)


def test_a_list_of_pictures_is_no_picture():
    with pytest.raises(InputError, match="show: picture 1: a picture is H×W×3"):
        show([flat(2, 2, 0), flat(2, 2, 0)])


def test_there_is_at_least_one_column():
    with pytest.raises(SettingsError, match="-1 columns"):
        show(flat(2, 2, 0), flat(2, 2, 0), columns=-1)
