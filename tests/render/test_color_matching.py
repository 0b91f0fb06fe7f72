"""A dream keeps the color and brightness of its frame, as far as asked for."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import noise, scene

from framedream.render.color_matching import match_color

LUMA = np.float32([0.2126, 0.7152, 0.0722])
FRAME = scene(48, 64) / 2 + 64
DREAM = np.clip(FRAME + 0.3 * (noise(48, 64) - 128) + np.float32([25, -10, 5]), 0, 255)


def clipped(image: np.ndarray) -> float:
    return float(((image <= 0) | (image >= 255)).mean())


def test_left_free_a_dream_is_as_it_was():
    assert np.array_equal(match_color(DREAM, FRAME, "free"), DREAM)


@pytest.mark.parametrize("choice", ["keep", "luma"])
def test_the_mean_color_is_the_frames(choice):
    assert np.abs((DREAM - FRAME).mean((0, 1))).min() > 3
    assert np.abs((match_color(DREAM, FRAME, choice) - FRAME).mean((0, 1))).max() < 1e-3


def test_kept_color_shifts_a_dream_and_changes_nothing_else_of_it():
    shift = match_color(DREAM, FRAME, "keep") - DREAM
    assert np.ptp(shift, axis=(0, 1)).max() < 1e-3


def test_in_luma_each_pixel_keeps_its_color():
    change = match_color(DREAM, FRAME, "luma") - FRAME
    assert np.abs(change - change.mean(-1, keepdims=True)).max() < 1e-3
    assert change.std() > 5


def test_in_luma_the_dream_is_its_change_of_brightness():
    expected = (DREAM - FRAME) @ LUMA
    change = match_color(DREAM, FRAME, "luma")[..., 0] - FRAME[..., 0]
    assert np.abs(change - (expected - expected.mean())).max() < 1e-3


@pytest.mark.parametrize("choice", ["keep", "luma"])
@pytest.mark.parametrize("brightness", [40, 215])
def test_what_is_clipped_at_black_and_white_hardly_shifts_the_mean(choice, brightness):
    """Shifted but once, the mean would be off by more."""
    frame = FRAME - 128 + brightness
    dream = np.clip(frame + 0.7 * (noise(48, 64, 1) - 128), 0, 255)
    kept = match_color(dream, frame, choice)
    change = dream - frame if choice == "keep" else ((dream - frame) @ LUMA)[..., None]
    once = np.clip(frame + change - change.mean((0, 1)), 0, 255)
    assert clipped(kept) > 0.05
    assert (kept.min() == 0) if brightness == 40 else (kept.max() == 255)
    assert np.abs((kept - frame).mean((0, 1))).max() < 0.5 * np.abs((once - frame).mean((0, 1))).max()
    assert np.abs((kept - frame).mean((0, 1))).max() < 1


@pytest.mark.parametrize("choice", ["keep", "free", "luma"])
@pytest.mark.parametrize("level", [0, 255])
def test_black_stays_black_and_white_white_where_nothing_is_dreamed(choice, level):
    frame = np.full((8, 8, 3), level, np.float32)
    assert np.array_equal(match_color(frame, frame, choice), frame)


@pytest.mark.parametrize("choice", ["keep", "luma"])
def test_neither_frame_nor_dream_is_changed_in_place(choice):
    frame, dream = FRAME.copy(), DREAM.copy()
    match_color(dream, frame, choice)
    assert np.array_equal(frame, FRAME)
    assert np.array_equal(dream, DREAM)
