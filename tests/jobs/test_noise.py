"""Noise to fall into: smooth, colored, as strong in each octave as a photograph."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from framedream.jobs.zoom_stills import natural_noise


@pytest.mark.parametrize(("width", "height"), [(640, 360), (64, 48), (31, 17), (1920, 1080)])
def test_it_has_the_mean_and_the_deviation_of_photographs(width, height):
    picture = natural_noise(width, height, 0)
    assert picture.shape == (height, width, 3)
    assert picture.dtype == np.float32
    assert picture.min() >= 0 and picture.max() <= 255
    for channel in range(3):
        assert abs(picture[..., channel].mean() - 117) < 3
        assert abs(picture[..., channel].std() - 45) < 4


def test_waves_are_as_strong_as_they_are_long():
    picture = natural_noise(512, 512, 3)[..., 0]
    spectrum = np.abs(np.fft.fft2(picture - picture.mean()))
    frequency = np.hypot(np.fft.fftfreq(512)[:, None], np.fft.fftfreq(512)[None])
    strengths = [spectrum[(frequency > low) & (frequency < 1.3 * low)].mean() for low in (0.01, 0.02, 0.04)]
    assert all(1.7 < one / other < 2.3 for one, other in itertools.pairwise(strengths))


def test_it_is_smooth_and_colored():
    picture = natural_noise(640, 360, 0)
    assert np.abs(np.diff(picture, axis=1)).mean() < 12
    assert abs(np.corrcoef(picture[..., 0].ravel(), picture[..., 1].ravel())[0, 1]) < 0.5


def test_the_seed_makes_the_picture():
    assert np.array_equal(natural_noise(64, 48, 5), natural_noise(64, 48, 5))
    assert np.abs(natural_noise(64, 48, 5) - natural_noise(64, 48, 6)).mean() > 30


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 2), (1, 9)])
def test_it_may_be_tiny(width, height):
    assert np.isfinite(natural_noise(width, height, 0)).all()
