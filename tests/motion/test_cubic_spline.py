import cv2
import numpy as np
import pytest

from framedream.motion.cubic_spline import sample_spline, spline_coefficients


def grid(height, width):
    y, x = np.mgrid[:height, :width].astype(np.float64)
    return x, y


def test_at_its_pixels_an_image_is_itself():
    image = np.random.default_rng(0).uniform(0, 255, (30, 40, 3)).astype(np.float32)
    assert np.abs(sample_spline(image, *grid(30, 40), cv2.BORDER_REFLECT_101) - image).max() < 0.01


@pytest.mark.parametrize("shift", [0.003, 0.05, 0.27, 0.5, 0.9])
def test_a_wave_of_six_pixels_and_one_of_sixty_are_shifted_equally_far(shift):
    x, y = grid(40, 120)
    for length in (6, 60):
        wave = np.sin(2 * np.pi * (x + 0.3 * y) / length)
        shifted = sample_spline(wave.astype(np.float32), x + shift, y - shift, cv2.BORDER_REFLECT_101)
        expected = np.sin(2 * np.pi * (x + shift + 0.3 * (y - shift)) / length)
        inner = (slice(8, -8), slice(8, -8))
        assert np.abs(shifted - expected)[inner].max() < 0.02


def test_gray_images_have_no_third_axis_and_the_mean_stays():
    image = np.full((20, 30), 200, np.float32)
    for _ in range(200):
        image = sample_spline(image, *(at + 0.3 for at in grid(20, 30)), cv2.BORDER_REFLECT_101)
    assert image.shape == (20, 30)
    assert np.abs(image - 200).max() < 0.05
    assert spline_coefficients(image, cv2.BORDER_REFLECT_101).mean() == pytest.approx(200, abs=0.05)


def test_beyond_the_border_is_what_was_asked_for():
    image = np.full((20, 30), 100, np.float32)
    x, y = grid(20, 30)
    assert sample_spline(image, x - 15, y, cv2.BORDER_CONSTANT)[10, 0] == pytest.approx(0, abs=0.01)
    assert sample_spline(image, x - 15, y, cv2.BORDER_REFLECT_101)[10, 0] == pytest.approx(100, abs=0.01)
