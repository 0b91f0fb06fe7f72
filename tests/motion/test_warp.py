"""Warping brings the previous picture here, and keeps its fine lines."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from pictures import noise, scene

from framedream.motion.warp import bounds, sample, warp


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


def test_warped_again_and_again_cubic_keeps_lines_that_linear_wears_away():
    lines = np.tile(np.float32([60, 60, 190, 190]), (48, 16))
    contrast = {}
    for name, interpolation in (("cubic", cv2.INTER_CUBIC), ("linear", cv2.INTER_LINEAR)):
        picture = lines
        for shift in (0.4, -0.4) * 4:
            picture = sample(picture, flow(shift, 0), interpolation)
        contrast[name] = picture[:, 8:-8].std() / lines.std()
    carried = lines
    for shift in (0.4, -0.4) * 4:
        carried = warp(carried, flow(shift, 0))
    assert contrast["linear"] < 0.25
    assert contrast["cubic"] > 0.6
    assert carried[:, 8:-8].std() / lines.std() == pytest.approx(contrast["cubic"])


def test_bounds_are_where_the_flow_stays_inside():
    inside = bounds(flow(2.5, -1))
    assert not inside[0].any()
    assert not inside[:, -3:].any()
    assert inside[1:, :-3].all()
