"""A dream is changed by a mean of its own step and of those before, along the motion."""

from __future__ import annotations

import numpy as np
import pytest

from framedream.motion.optical_flow import Motion
from framedream.render.video.frame_state import WarpedMomentum, pack_change, unpack_change

SHAPE = (24, 32)
OLD, NEW = np.full(SHAPE, 100, np.float32), np.zeros(SHAPE, np.float32)


def moved(flow=(0.0, 0.0), sure=1.0) -> Motion:
    everywhere = np.ones(SHAPE, np.float32)
    return Motion(np.broadcast_to(np.float32(flow), (*SHAPE, 2)).copy(), everywhere, sure * everywhere)


def flat(value: float) -> np.ndarray:
    return np.full((*SHAPE, 3), value, np.float32)


def test_an_old_dream_goes_on_as_it_went():
    mean = WarpedMomentum.from_motion(moved(), flat(2.0), OLD).average(flat(-1.0))
    assert 0.5 < mean.mean() < 1.5


@pytest.mark.parametrize(("motion", "age"), [(moved(), NEW), (moved(sure=0.0), OLD)], ids=["young", "not sure"])
def test_where_it_is_young_or_the_motion_is_not_sure_its_own_step_is_all(motion, age):
    own = np.random.default_rng(0).normal(size=(*SHAPE, 3)).astype(np.float32)
    assert np.array_equal(WarpedMomentum.from_motion(motion, flat(5.0), age).average(own), own)


def test_what_every_step_has_in_common_stays_and_their_chance_evens_out():
    chance, change = np.random.default_rng(0), flat(0.0)
    for _ in range(30):
        change = WarpedMomentum.from_motion(moved(), change, OLD).average(
            1 + chance.normal(size=change.shape).astype(np.float32)
        )
    assert change.mean() == pytest.approx(1, abs=0.05)
    assert change.std() < 0.6


def test_momentum_moves_with_the_picture():
    change = flat(0.0)
    change[8:12, 8:12] = 6.0
    mean = WarpedMomentum.from_motion(moved((3.0, 0.0)), change, OLD).average(flat(0.0))
    assert np.argwhere(mean[..., 0] > 1).min(0).tolist() == [8, 5]


@pytest.mark.parametrize("change", [0.0, 0.02, 0.4, -0.4, 2.0, -7.5, 16.0])
def test_a_stored_change_is_within_a_tenth_or_a_hundredth_of_a_level(change):
    assert unpack_change(pack_change(flat(change))) == pytest.approx(change, rel=0.1, abs=0.01)


def test_what_is_stored_is_a_byte_a_channel_and_comes_back_bit_for_bit():
    changes = np.random.default_rng(0).normal(0, 9, (*SHAPE, 3)).astype(np.float32)
    once = pack_change(changes)
    assert once.dtype == np.int8
    assert np.abs(unpack_change(once)).max() <= 16
    assert np.array_equal(pack_change(unpack_change(once)), once)
