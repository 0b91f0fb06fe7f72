"""Cuts are found where the picture changes at once, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import noise, pan, scene

from framedream.motion.cut_detection import find_cuts


def shots(*lengths: int) -> list[np.ndarray]:
    """Shots of different scenes that all move."""
    parts = []
    for number, length in enumerate(lengths):
        dark = (0.35 + 0.65 * (number % 2)) if length else 1
        parts += [dark * picture for picture in pan(length, seed=number)]
    return [part.astype(np.float32) for part in parts]


@pytest.mark.parametrize("lengths", [(10, 10), (12, 5, 9), (3, 20), (20, 3), (2, 12), (12, 2)])
def test_known_cuts_are_found(lengths):
    assert find_cuts(shots(*lengths)) == np.cumsum(lengths)[:-1].tolist()


@pytest.mark.parametrize("step", [(0.0, 0.0), (2.0, 1.0), (15.0, 0.0)])
def test_a_moving_picture_has_no_cut(step):
    assert find_cuts(pan(16, step=step)) == []


def test_a_picture_that_slowly_gets_lighter_has_no_cut():
    assert find_cuts([scene(96, 128) * (0.3 + 0.04 * index) for index in range(16)]) == []


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_the_shortest_films_have_no_cut(count):
    assert find_cuts(pan(count, step=(2, 1))) == []


def test_two_frames_are_one_shot_since_nothing_shows_how_much_change_is_usual():
    assert find_cuts(shots(1, 1)) == []


def test_frames_are_taken_one_by_one():
    assert find_cuts(iter(shots(8, 8))) == [8]


def test_large_frames_are_cut_at_the_same_places():
    large = [np.repeat(np.repeat(frame, 5, 0), 5, 1) for frame in shots(6, 6)]
    assert find_cuts(large) == [6]


def test_pictures_smaller_than_a_detector_needs_are_no_error():
    assert find_cuts([noise(2, 3)] * 5) == []
