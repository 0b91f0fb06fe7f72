"""A dream is carried along the motion, with its age, and rounded as it is stored."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import noise, scene

from framedream.motion.optical_flow import Motion
from framedream.motion.warping import warp
from framedream.render.video.frame_state import FULL_AGE, BackwardDream, FrameState, residual_seed

SHAPE = (24, 32)
LEFT, RIGHT = (slice(None), slice(0, 16)), (slice(None), slice(16, None))


def motion(flow=(0.0, 0.0), valid=None, sure=None) -> Motion:
    everywhere = np.ones(SHAPE, np.float32)
    return Motion(
        np.broadcast_to(np.float32(flow), (*SHAPE, 2)).copy(),
        everywhere if valid is None else valid,
        everywhere if sure is None else sure,
    )


def half(left: float, right: float) -> np.ndarray:
    mask = np.full(SHAPE, left, np.float32)
    mask[RIGHT] = right
    return mask


def backward(change: float, age: float) -> BackwardDream:
    return BackwardDream(
        np.full((*SHAPE, 3), change * BackwardDream.SCALE, np.int16), np.full(SHAPE, 2 * age, np.uint8)
    )


# What is handed on.


def test_what_is_stored_comes_back_bit_for_bit():
    frame, dream = noise(*SHAPE), noise(*SHAPE, seed=1)
    carried = FrameState.from_dream(frame, dream, np.random.default_rng(2).uniform(0, 90, SHAPE))
    stored = carried.to_arrays()
    assert {name: (item.dtype, item.shape) for name, item in stored.items()} == {
        "dream": (np.uint16, (*SHAPE, 3)),
        "maturity": (np.uint8, SHAPE),
    }
    again = FrameState.from_arrays(frame, stored)
    assert again.dream.tobytes() == carried.dream.tobytes()
    assert again.age.tobytes() == carried.age.tobytes()
    assert again.frame is frame
    assert {again.dream.dtype, again.age.dtype} == {np.dtype(np.float32)}


def test_what_a_dream_was_changed_by_is_stored_with_it_and_comes_back_bit_for_bit():
    frame = noise(*SHAPE)
    carried = FrameState.from_dream(frame, frame, 50, noise(*SHAPE, seed=1) / 16 - 8)
    stored = carried.to_arrays()
    assert (stored["change"].dtype, stored["change"].shape) == (np.int8, (*SHAPE, 3))
    assert FrameState.from_arrays(frame, stored).change.tobytes() == carried.change.tobytes()


def test_a_seed_has_momentum_where_the_frame_before_had_a_change():
    frame = scene(*SHAPE) / 2 + 64
    with_change, without = (
        residual_seed(frame, motion(), FrameState.from_dream(frame, frame, 50, change), 1.0)
        for change in (frame * 0 + 4, None)
    )
    assert without.apply_momentum(frame + 1)[0] == pytest.approx(frame + 1)
    dream, change = with_change.apply_momentum(with_change.image + 1)
    assert dream == pytest.approx(with_change.image + change, abs=1e-4)
    assert 2 < change.mean() < 4


def test_a_dream_is_rounded_to_the_nearest_256th_of_a_level_and_an_age_to_half_a_frame():
    frame, dream = noise(*SHAPE), noise(*SHAPE, seed=1)
    age = np.random.default_rng(2).uniform(0, 90, SHAPE).astype(np.float32)
    carried = FrameState.from_dream(frame, dream, age)
    assert np.abs(carried.dream - dream).max() <= 1 / 512
    assert np.abs(carried.age - age).max() <= 1 / 4


@pytest.mark.parametrize(("level", "stored"), [(255, 255), (0, 0), (300, 65535 / 256), (-5, 0)])
def test_the_ends_of_the_range_do_not_turn_around(level, stored):
    carried = FrameState.from_dream(scene(*SHAPE), np.full((*SHAPE, 3), level, np.float32), 500)
    assert (carried.dream == stored).all()
    assert (carried.age == FULL_AGE).all()


def test_one_age_is_that_of_every_pixel():
    assert np.array_equal(FrameState.from_dream(scene(*SHAPE), scene(*SHAPE), 3).age, np.full(SHAPE, 3))


def test_a_backward_dream_holds_the_change_and_the_age():
    frame = scene(*SHAPE)
    seen = FrameState.from_dream(frame, frame + 10.5, 7.5).to_backward_dream()
    assert np.abs(seen.change - 10.5).max() < 0.02
    assert (seen.age == 7.5).all()
    assert seen.packed_change.nbytes + seen.half_frames.nbytes == 7 * frame.shape[0] * frame.shape[1]


# How it gets there.


@pytest.mark.parametrize("persistence", [1.0, 0.5, 0.0])
def test_a_seed_is_the_frame_and_the_share_of_the_dream_that_came_along(persistence):
    frame, before, dream = scene(*SHAPE, (1.5, 0.5)), scene(*SHAPE), noise(*SHAPE)
    valid = np.random.default_rng(3).uniform(0, 1, SHAPE).astype(np.float32)
    moved = motion((1.5, 0.5), valid)
    carried = FrameState.from_dream(before, dream, FULL_AGE)
    seed = residual_seed(frame, moved, carried, persistence)
    expected = frame + persistence * valid[..., None] * warp(carried.dream - before, moved.flow)
    assert np.abs(seed.image - np.clip(expected, 0, 255)).max() < 1e-3
    assert seed.coverage == pytest.approx(valid.mean())


def test_seeds_stay_between_0_and_255():
    dream = np.zeros((*SHAPE, 3), np.float32)
    dream[RIGHT] = 255
    seed = residual_seed(
        scene(*SHAPE), motion(), FrameState.from_dream(np.full((*SHAPE, 3), 128, np.float32), dream, 1), 1
    )
    assert (seed.image.min(), seed.image.max()) == (0, 255)


def test_age_moves_with_the_picture():
    before = FrameState.from_dream(scene(*SHAPE), scene(*SHAPE), half(10, 50))
    age = residual_seed(scene(*SHAPE), motion((4, 0)), before, 1).age
    assert (age[:, :11] == pytest.approx(10, abs=1e-3)) and (age[:, 13:] == pytest.approx(50, abs=1e-3))


def test_age_stays_in_its_range_where_cubic_interpolation_overshoots():
    before = FrameState.from_dream(scene(*SHAPE), scene(*SHAPE), half(0, FULL_AGE))
    age = residual_seed(scene(*SHAPE), motion((0.5, 0)), before, 1).age
    assert (age.min(), age.max()) == (0, FULL_AGE)


def test_where_the_flow_is_not_sure_the_dream_is_kept_and_its_age_is_lost():
    frame = scene(*SHAPE)
    seed = residual_seed(frame, motion(sure=half(0, 1)), FrameState.from_dream(frame, frame + 20, 40), 1)
    assert np.abs(seed.image - frame - 20).max() < 0.01
    assert (seed.age[LEFT] == 0).all()
    assert (seed.age[RIGHT] == 40).all()


def test_where_nothing_can_be_carried_the_dream_of_the_pass_backwards_stands_in():
    frame = scene(*SHAPE)
    before = FrameState.from_dream(frame, frame + 20, 40)
    seed = residual_seed(frame, motion(valid=half(0, 1)), before, 0.5, backward(8, 6))
    change = seed.image - frame
    assert np.abs(change[LEFT] - 8).max() < 0.01
    assert np.abs(change[RIGHT] - 10).max() < 0.01
    assert (seed.age[LEFT] == 6).all()
    assert (seed.age[RIGHT] == 40).all()


def test_between_both_they_are_mixed_by_how_valid_the_flow_is():
    frame = scene(*SHAPE)
    seed = residual_seed(
        frame, motion(valid=half(0.25, 0.25)), FrameState.from_dream(frame, frame + 20, 40), 1, backward(8, 6)
    )
    assert (seed.image - frame).mean() == pytest.approx(0.25 * 20 + 0.75 * 8, abs=0.01)
    assert seed.age.mean() == pytest.approx(0.25 * 40 + 0.75 * 6, abs=0.01)


@pytest.mark.parametrize(("known", "covered"), [(None, 0.5), (backward(8, 6), 1.0), (backward(8, 0.5), 0.5)])
def test_covered_is_what_brings_a_dream_along_from_either_side(known, covered):
    frame = scene(*SHAPE)
    seed = residual_seed(frame, motion(valid=half(0, 1)), FrameState.from_dream(frame, frame, 40), 1, known)
    assert seed.coverage == pytest.approx(covered)
