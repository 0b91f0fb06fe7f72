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


def foreseen(change: float, maturity: float) -> BackwardDream:
    return BackwardDream(
        np.full((*SHAPE, 3), change * BackwardDream.PARTS, np.int16), np.full(SHAPE, 2 * maturity, np.uint8)
    )


# What is handed on.


def test_what_is_stored_comes_back_bit_for_bit():
    frame, dream = noise(*SHAPE), noise(*SHAPE, seed=1)
    carried = FrameState.of(frame, dream, np.random.default_rng(2).uniform(0, 90, SHAPE))
    stored = carried.packed()
    assert {name: (item.dtype, item.shape) for name, item in stored.items()} == {
        "dream": (np.uint16, (*SHAPE, 3)),
        "maturity": (np.uint8, SHAPE),
    }
    again = FrameState.unpacked(frame, stored)
    assert again.dream.tobytes() == carried.dream.tobytes()
    assert again.maturity.tobytes() == carried.maturity.tobytes()
    assert again.frame is frame
    assert {again.dream.dtype, again.maturity.dtype} == {np.dtype(np.float32)}


def test_what_a_dream_was_changed_by_is_stored_with_it_and_comes_back_bit_for_bit():
    frame = noise(*SHAPE)
    carried = FrameState.of(frame, frame, 50, noise(*SHAPE, seed=1) / 16 - 8)
    stored = carried.packed()
    assert (stored["change"].dtype, stored["change"].shape) == (np.int8, (*SHAPE, 3))
    assert FrameState.unpacked(frame, stored).change.tobytes() == carried.change.tobytes()


def test_a_seed_has_momentum_where_the_frame_before_had_a_change():
    frame = scene(*SHAPE) / 2 + 64
    with_change, without = (
        residual_seed(frame, motion(), FrameState.of(frame, frame, 50, change), 1.0) for change in (frame * 0 + 4, None)
    )
    assert without.evened(frame + 1)[0] == pytest.approx(frame + 1)
    dream, change = with_change.evened(with_change.image + 1)
    assert dream == pytest.approx(with_change.image + change, abs=1e-4)
    assert 2 < change.mean() < 4


def test_a_dream_is_rounded_to_the_nearest_256th_of_a_level_and_an_age_to_half_a_frame():
    frame, dream = noise(*SHAPE), noise(*SHAPE, seed=1)
    maturity = np.random.default_rng(2).uniform(0, 90, SHAPE).astype(np.float32)
    carried = FrameState.of(frame, dream, maturity)
    assert np.abs(carried.dream - dream).max() <= 1 / 512
    assert np.abs(carried.maturity - maturity).max() <= 1 / 4


@pytest.mark.parametrize(("level", "stored"), [(255, 255), (0, 0), (300, 65535 / 256), (-5, 0)])
def test_the_ends_of_the_range_do_not_turn_around(level, stored):
    carried = FrameState.of(scene(*SHAPE), np.full((*SHAPE, 3), level, np.float32), 500)
    assert (carried.dream == stored).all()
    assert (carried.maturity == FULL_AGE).all()


def test_one_age_is_that_of_every_pixel():
    assert np.array_equal(FrameState.of(scene(*SHAPE), scene(*SHAPE), 3).maturity, np.full(SHAPE, 3))


def test_what_is_foreseen_is_the_change_and_the_age():
    frame = scene(*SHAPE)
    seen = FrameState.of(frame, frame + 10.5, 7.5).foreseen()
    assert np.abs(seen.change - 10.5).max() < 0.02
    assert (seen.maturity == 7.5).all()
    assert seen.parts.nbytes + seen.half_frames.nbytes == 7 * frame.shape[0] * frame.shape[1]


# How it gets there.


@pytest.mark.parametrize("persistence", [1.0, 0.5, 0.0])
def test_a_seed_is_the_frame_and_the_share_of_the_dream_that_came_along(persistence):
    frame, before, dream = scene(*SHAPE, (1.5, 0.5)), scene(*SHAPE), noise(*SHAPE)
    valid = np.random.default_rng(3).uniform(0, 1, SHAPE).astype(np.float32)
    moved = motion((1.5, 0.5), valid)
    carried = FrameState.of(before, dream, FULL_AGE)
    seed = residual_seed(frame, moved, carried, persistence)
    expected = frame + persistence * valid[..., None] * warp(carried.dream - before, moved.flow)
    assert np.abs(seed.image - np.clip(expected, 0, 255)).max() < 1e-3
    assert seed.covered == pytest.approx(valid.mean())


def test_seeds_stay_between_0_and_255():
    dream = np.zeros((*SHAPE, 3), np.float32)
    dream[RIGHT] = 255
    seed = residual_seed(scene(*SHAPE), motion(), FrameState.of(np.full((*SHAPE, 3), 128, np.float32), dream, 1), 1)
    assert (seed.image.min(), seed.image.max()) == (0, 255)


def test_age_moves_with_the_picture():
    before = FrameState.of(scene(*SHAPE), scene(*SHAPE), half(10, 50))
    maturity = residual_seed(scene(*SHAPE), motion((4, 0)), before, 1).maturity
    assert (maturity[:, :11] == pytest.approx(10, abs=1e-3)) and (maturity[:, 13:] == pytest.approx(50, abs=1e-3))


def test_age_stays_in_its_range_where_cubic_interpolation_overshoots():
    before = FrameState.of(scene(*SHAPE), scene(*SHAPE), half(0, FULL_AGE))
    maturity = residual_seed(scene(*SHAPE), motion((0.5, 0)), before, 1).maturity
    assert (maturity.min(), maturity.max()) == (0, FULL_AGE)


def test_where_the_flow_is_not_sure_the_dream_is_kept_and_its_age_is_lost():
    frame = scene(*SHAPE)
    seed = residual_seed(frame, motion(sure=half(0, 1)), FrameState.of(frame, frame + 20, 40), 1)
    assert np.abs(seed.image - frame - 20).max() < 0.01
    assert (seed.maturity[LEFT] == 0).all()
    assert (seed.maturity[RIGHT] == 40).all()


def test_where_nothing_can_be_carried_the_dream_of_the_pass_backwards_stands_in():
    frame = scene(*SHAPE)
    before = FrameState.of(frame, frame + 20, 40)
    seed = residual_seed(frame, motion(valid=half(0, 1)), before, 0.5, foreseen(8, 6))
    change = seed.image - frame
    assert np.abs(change[LEFT] - 8).max() < 0.01
    assert np.abs(change[RIGHT] - 10).max() < 0.01
    assert (seed.maturity[LEFT] == 6).all()
    assert (seed.maturity[RIGHT] == 40).all()


def test_between_both_they_are_mixed_by_how_valid_the_flow_is():
    frame = scene(*SHAPE)
    seed = residual_seed(frame, motion(valid=half(0.25, 0.25)), FrameState.of(frame, frame + 20, 40), 1, foreseen(8, 6))
    assert (seed.image - frame).mean() == pytest.approx(0.25 * 20 + 0.75 * 8, abs=0.01)
    assert seed.maturity.mean() == pytest.approx(0.25 * 40 + 0.75 * 6, abs=0.01)


@pytest.mark.parametrize(("known", "covered"), [(None, 0.5), (foreseen(8, 6), 1.0), (foreseen(8, 0.5), 0.5)])
def test_covered_is_what_brings_a_dream_along_from_either_side(known, covered):
    frame = scene(*SHAPE)
    seed = residual_seed(frame, motion(valid=half(0, 1)), FrameState.of(frame, frame, 40), 1, known)
    assert seed.covered == pytest.approx(covered)
