"""Masks: white shows all of the dream, black the frame, gray some of both; what is carried on is not touched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pictures import footage, noise, pan
from stand_ins import Box, Dreaming, reader, unchanging

from framedream.config.settings import DreamSettings, MotionSettings
from framedream.media import Frame
from framedream.render.frame_compositing import apply_mask, mask_opacity
from framedream.render.video.segments import divide_into_segments
from framedream.render.video.video_renderer import render_footage
from framedream.render.video.windows import divide_into_windows


def flat(level: float, height: int = 48, width: int = 64) -> np.ndarray:
    return np.full((height, width, 3), level, np.float32)


FRAME, DREAM = noise(48, 64), noise(48, 64, seed=1)


@pytest.mark.parametrize("size", [(48, 64), (480, 640), (5, 7), (300, 9)])
def test_through_black_is_the_frame_and_through_white_the_dream_to_the_last_bit(size):
    black, white = (mask_opacity(flat(level, *size), 48, 64) for level in (0, 255))
    assert np.array_equal(apply_mask(FRAME, DREAM, black), FRAME)
    assert np.array_equal(apply_mask(FRAME, DREAM, white), DREAM)


@pytest.mark.parametrize("level", [1, 64, 128, 254])
def test_through_gray_there_is_as_much_of_the_dream_as_it_is_light(level):
    seen = apply_mask(FRAME, DREAM, mask_opacity(flat(level), 48, 64))
    assert np.abs(seen - (FRAME + level / 255 * (DREAM - FRAME))).max() < 1e-3


def test_colors_count_by_their_luma():
    green, blue = flat(0), flat(0)
    green[..., 1] = blue[..., 2] = 255
    assert mask_opacity(green, 48, 64).mean() == pytest.approx(0.7152, abs=1e-4)
    assert mask_opacity(blue, 48, 64).mean() == pytest.approx(0.0722, abs=1e-4)


def test_an_enlarged_edge_lets_nothing_through_beyond_its_next_pixel():
    mask = flat(0, 6, 8)
    mask[:, 4:] = 255
    strength = mask_opacity(mask, 48, 64)[..., 0]
    assert (strength[:, :28] == 0).all() and (strength[:, 36:] == 1).all()
    assert (np.diff(strength, axis=1) >= 0).all()


@pytest.mark.parametrize("flow", ["dis", "none"])
def test_frames_are_composed_with_their_dreams_and_only_dreams_are_stored(flow):
    frames = footage(pan(10, 64, 80))
    parts = divide_into_windows(divide_into_segments(10, ()), 64, 80)
    look = unchanging(DreamSettings(), MotionSettings(flow=flow))

    def dreamed(store: Box, **options) -> list[Frame]:
        found = render_footage(reader(frames), parts, Dreaming(), look, store, **options)
        return [frame for frame in found if frame is not None]

    def half(frame: Frame, dream: Frame) -> Frame:
        assert frame.time == dream.time
        return replace(dream, pixels=(frame.pixels + dream.pixels) / 2)

    plain_store, store = Box(), Box()
    plain, shown = dreamed(plain_store), dreamed(store, compose=half)
    again = dreamed(store, compose=half)
    for frame, dream, seen, reloaded in zip(frames, plain, shown, again, strict=True):
        assert np.array_equal(seen.pixels, (frame.pixels + dream.pixels) / 2)
        assert np.array_equal(reloaded.pixels, seen.pixels)
    assert store.names == plain_store.names
    for name, arrays in plain_store.kept.items():
        assert all(np.array_equal(arrays[key], store.kept[name][key]) for key in arrays)
