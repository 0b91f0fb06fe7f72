"""Warping brings the previous picture here, and keeps its fine lines."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from pictures import noise, scene

from framedream.motion.warping import points_inside, sample, warp


def flow(x: float, y: float, height: int = 48, width: int = 64) -> np.ndarray:
    return np.broadcast_to(np.float32([x, y]), (height, width, 2)).copy()


def test_the_value_at_p_is_that_of_the_previous_picture_at_p_plus_flow():
    picture = noise(48, 64)
    carried = warp(picture, flow(3, -2))
    assert np.abs(carried[2:, :-3] - picture[:-2, 3:]).max() < 1e-3


def test_without_flow_nothing_changes():
    assert np.abs(warp(noise(48, 64), flow(0, 0)) - noise(48, 64)).max() < 1e-3


def test_fractions_of_a_pixel_are_moved():
    carried = warp(scene(48, 64), flow(0.5, 0.25))
    assert np.abs(carried - scene(48, 64, (0.5, 0.25)))[4:-4, 4:-4].mean() < 0.5


def test_beyond_the_frame_its_border_goes_on():
    carried = warp(noise(48, 64), flow(-30, 0))
    assert np.abs(carried[:, :20] - noise(48, 64)[:, :1]).max() < 1e-3


@pytest.mark.parametrize("shape", [(48, 64), (48, 64, 3)])
def test_maps_and_pictures_are_warped_alike(shape):
    picture = np.random.default_rng(0).uniform(0, 1, shape).astype(np.float32)
    assert warp(picture, flow(1, 0)).shape == shape


def test_warped_again_and_again_fine_lines_are_worn_less_than_by_linear_interpolation_alone():
    lines = np.tile(np.float32([60, 60, 190, 190]), (48, 16))
    ways = {
        "cubic": lambda picture, moved: sample(picture, moved, cv2.INTER_CUBIC),
        "linear": lambda picture, moved: sample(picture, moved, cv2.INTER_LINEAR),
        "warp": warp,
    }
    contrast = {}
    for name, way in ways.items():
        picture = lines
        for shift in (0.4, -0.4) * 4:
            picture = way(picture, flow(shift, 0))
        contrast[name] = picture[:, 8:-8].std() / lines.std()
    assert contrast["linear"] < 0.25
    assert 0.4 < contrast["warp"] < contrast["cubic"]


def test_between_pixels_it_is_seven_parts_cubic_and_three_linear():
    """At half a pixel cubic interpolation (a = −3/4) weighs −3, 19, 19, −3 of 32, and linear 1, 1 of 2."""
    line = np.zeros((8, 33), np.float32)
    line[:, 16] = 32
    found = warp(line, flow(0.5, 0, 8, 33))[4, 13:19]
    assert found == pytest.approx([0, 0.7 * -3, 0.7 * 19 + 0.3 * 16, 0.7 * 19 + 0.3 * 16, 0.7 * -3, 0], abs=0.01)


@pytest.mark.parametrize("shift", [(3, -2), (-5, 0), (0, 7)])
def test_whole_pixels_are_moved_exactly(shift):
    picture = noise(48, 64)
    carried = warp(picture, flow(*shift))
    expected = np.roll(picture, (-shift[1], -shift[0]), (0, 1))
    assert np.abs(carried - expected)[8:-8, 8:-8].max() < 1e-4


def test_bounds_are_where_the_flow_stays_inside():
    inside = points_inside(flow(2.5, -1))
    assert not inside[0].any()
    assert not inside[:, -3:].any()
    assert inside[1:, :-3].all()
