"""Flow points from a frame back to the one before it, and is trusted only where it can be."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import scene

from framedream.motion.flow import FlowEstimator, consistent
from framedream.motion.warp import warp

INNER = (slice(16, -16), slice(16, -16))


@pytest.mark.parametrize("method", ["dis", "farneback"])
@pytest.mark.parametrize("shift", [(3.0, 0.0), (-2.5, 1.25), (0.5, -4.0), (0.0, 0.0)])
def test_flow_of_a_known_shift_is_found_with_its_sign(method, shift):
    """The window moves by ``shift`` over a still scene: what is at p now was at p + shift."""
    previous, frame = scene(96, 128), scene(96, 128, shift)
    flow = FlowEstimator(method).motion(frame, previous).flow
    assert flow.shape == (96, 128, 2)
    assert np.abs(flow[INNER] - shift).mean() < 0.2


@pytest.mark.parametrize("method", ["dis", "farneback"])
def test_the_previous_frame_warped_along_its_flow_is_the_frame(method):
    previous, frame = scene(96, 128), scene(96, 128, (3.5, -1.5))
    carried = warp(previous, FlowEstimator(method).motion(frame, previous).flow)
    assert np.abs(carried - frame)[INNER].mean() < 1.5
    assert np.abs(previous - frame)[INNER].mean() > 15


def test_flow_from_one_image_to_another_is_the_other_way_round():
    one, other = scene(96, 128), scene(96, 128, (2.0, 0.0))
    estimator = FlowEstimator("dis")
    assert np.abs(estimator.flow(one, other)[INNER] + estimator.flow(other, one)[INNER]).mean() < 0.1


def moving_square() -> tuple[np.ndarray, np.ndarray]:
    """A square of another texture that moves 12 pixels to the right over a background that stands still."""
    frames = []
    for left in (60, 72):
        frame = scene(160, 200)
        frame[48:112, left : left + 64] = scene(64, 64, seed=1)
        frames.append(frame)
    return frames[0], frames[1]


def test_a_moving_square_is_trusted_and_what_it_uncovers_is_not():
    previous, frame = moving_square()
    motion = FlowEstimator("dis").motion(frame, previous)
    assert motion.valid[56:104, 61:71].mean() < 0.2
    assert motion.valid[56:104, 80:116].mean() > 0.95
    assert motion.valid[:40].mean() > 0.95
    assert np.abs(motion.flow[56:104, 80:116] - (-12, 0)).mean() < 0.2


def test_what_comes_from_outside_the_frame_is_not_trusted():
    previous, frame = scene(96, 128), scene(96, 128, (12.0, 0.0))
    valid = FlowEstimator("dis").motion(frame, previous).valid
    assert valid[:, -8:].max() < 0.3
    assert valid[20:-20, 20:-30].mean() > 0.9


def test_trust_is_between_0_and_1_and_full_where_nothing_moves():
    motion = FlowEstimator("dis").motion(scene(96, 128), scene(96, 128))
    assert motion.valid.dtype == np.float32
    assert motion.valid.min() == pytest.approx(1, abs=1e-5)
    assert motion.valid.max() <= 1 + 1e-6


def constant(x: float, y: float) -> np.ndarray:
    return np.broadcast_to(np.float32([x, y]), (40, 50, 2)).copy()


def test_a_way_there_and_back_that_closes_is_consistent():
    assert consistent(constant(3, 1), constant(-3, -1))[:38, :46].all()


def test_a_way_there_and_back_that_does_not_close_is_not_consistent():
    assert not consistent(constant(3, 1), constant(-1, -1)).any()


def test_a_way_that_leads_out_of_the_frame_is_not_consistent():
    found = consistent(constant(-5, 0), constant(5, 0))
    assert not found[:, :5].any()
    assert found[:, 5:].all()


def test_more_error_is_allowed_where_more_moves():
    assert not consistent(constant(1, 0), constant(-2, 0)).any()
    assert consistent(constant(10, 0), constant(-11, 0))[:, :38].all()
