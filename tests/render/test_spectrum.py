import cv2
import numpy as np
import pytest

from framedream.render.zoom.spectrum import Spectrum


def grain(sigma, seed=1, mean=(120, 100, 90), deviation=30):
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.standard_normal((96, 128, 3)).astype(np.float32), (0, 0), sigma)
    return np.float32(mean) + np.float32(deviation) * noise / noise.std()


def test_a_picture_of_this_spectrum_stays_as_it_is():
    picture = grain(2)
    assert np.abs(Spectrum.measure(picture).match_bands(picture) - picture).max() < 0.01


@pytest.mark.parametrize("sigma", [1.2, 3])
def test_what_has_become_too_fine_or_too_coarse_comes_back(sigma):
    wanted = Spectrum.measure(grain(2))
    picture = grain(sigma)
    far = np.abs(np.log(Spectrum.measure(picture).deviations / wanted.deviations)).max()
    for _ in range(120):
        picture = wanted.match_bands(picture)
    near = np.abs(np.log(Spectrum.measure(picture).deviations / wanted.deviations)).max()
    assert far > 0.5
    assert near < 0.15


def test_a_frame_changes_by_five_percent_at_most():
    picture = grain(4)
    changed = Spectrum.measure(grain(1.2, deviation=60)).match_bands(picture)
    before, after = Spectrum.measure(picture).deviations, Spectrum.measure(changed).deviations
    assert (np.abs(after / before - 1) < 0.06).all()
    assert np.allclose(changed.mean((0, 1)), picture.mean((0, 1)), atol=0.1)


def test_colors_that_have_grown_too_strong_come_back():
    gray = grain(2).mean(2, keepdims=True).repeat(3, 2)
    faint = gray + 0.1 * (grain(2, 5) - gray)
    loud = gray + 0.8 * (grain(2, 5) - gray)
    wanted = Spectrum.measure(faint)
    for _ in range(200):
        loud = wanted.match_bands(loud)
    colorful = [np.std(picture[..., 0] - picture[..., 1]) for picture in (faint, loud)]
    assert colorful[1] == pytest.approx(colorful[0], rel=0.1)


def test_centered_has_the_mean_color_even_where_it_is_clipped():
    picture = np.clip(grain(2, mean=(200, 60, 30), deviation=60), 0, 255)
    kept = Spectrum.measure(grain(2)).match_mean(picture)
    assert np.abs(kept.mean((0, 1)) - Spectrum.measure(grain(2)).mean).max() < 3
    assert kept.min() >= 0
    assert kept.max() <= 255


def test_mixed_lies_between_and_packed_comes_back():
    one, other = Spectrum.measure(grain(1.2)), Spectrum.measure(grain(4, mean=(10, 20, 30)))
    half = one.interpolate(other, 0.5)
    assert np.allclose(half.mean, (one.mean + other.mean) / 2)
    again = Spectrum.from_arrays(half.to_arrays())
    assert np.array_equal(again.deviations, half.deviations)
