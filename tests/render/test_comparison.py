"""Frames and dreams in one picture: beside each other, or parted by a line whose place is a function of time alone."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from pictures import noise

from framedream.media import Frame
from framedream.render.frame_compositing import compare_frames, comparison_of, divider_position

HEIGHT, WIDTH = 40, 200
FRAME, DREAM = noise(HEIGHT, WIDTH), noise(HEIGHT, WIDTH, seed=1)


def test_beside_each_other_both_are_whole():
    both = compare_frames(FRAME, DREAM, "side", Fraction(3))
    assert np.array_equal(both[:, :WIDTH], FRAME)
    assert np.array_equal(both[:, WIDTH:], DREAM)


@pytest.mark.parametrize("time", [Fraction(0), Fraction(1, 3), Fraction(5), Fraction(7, 2)])
def test_the_frame_is_left_of_the_line_and_the_dream_right_of_it(time):
    picture = compare_frames(FRAME, DREAM, "wipe", time)
    line = round(divider_position(time) * WIDTH)
    assert picture.shape == FRAME.shape
    assert np.array_equal(picture[:, : line - 4], FRAME[:, : line - 4])
    assert np.array_equal(picture[:, line + 4 :], DREAM[:, line + 4 :])


def test_the_line_is_white_between_black():
    row = compare_frames(np.full_like(FRAME, 90), np.full_like(FRAME, 90), "wipe", Fraction(0))[0, :, 0]
    middle = WIDTH // 2
    assert row[middle - 4 : middle + 4] == pytest.approx([90, 90, 45, 255, 255, 45, 90, 90])


def test_the_line_goes_to_and_fro_smoothly_and_begins_in_the_middle():
    places = np.array([divider_position(Fraction(number, 25)) for number in range(401)])
    assert places[0] == 0.5
    assert places.max() < 0.95 and places.min() > 0.05
    assert np.abs(np.diff(places)).max() < 0.015
    assert np.array_equal(places[:200], places[200:400])


def test_without_a_comparison_the_dream_is_shown_as_it_is():
    frame, dream = (Frame(pixels, Fraction(2, 25), Fraction(1, 25)) for pixels in (FRAME, DREAM))
    assert comparison_of("none")(frame, dream) is dream
    seen = comparison_of("side")(frame, dream)
    assert (seen.time, seen.duration, seen.pixels.shape) == (dream.time, dream.duration, (HEIGHT, 2 * WIDTH, 3))
