import cv2
import numpy as np
import pytest

from framedream.render.zoom.similarity import Similarity, distance_inside, resample


def pattern(height=120, width=160):
    rng = np.random.default_rng(3)
    return cv2.GaussianBlur(rng.uniform(0, 255, (height, width, 3)).astype(np.float32), (0, 0), 3)


def around(center, factor):
    return Similarity(factor, center - factor * center)


CENTER = complex(79.5, 59.5)


@pytest.mark.parametrize("factor", [1.3, 0.9, np.exp(0.2j), 1.1 * np.exp(-0.5j)])
def test_a_picture_goes_where_its_points_go(factor):
    picture, way = pattern(), around(CENTER, factor)
    expected = cv2.warpAffine(picture, way.matrix(), (160, 120), flags=cv2.INTER_CUBIC)
    seen = distance_inside(picture.shape, way) > 2
    assert seen.mean() > 0.4
    assert np.abs(resample(picture, way) - expected)[seen].mean() < 1


def test_motion_far_below_a_pixel_adds_up():
    """OpenCV rounded places to 1/32 pixel before version 5: what moved by a hundredth stood still."""
    picture = pattern()
    here = picture
    for _ in range(100):
        here = resample(here, Similarity(1, 0.01 + 0j))
    expected = resample(picture, Similarity(1, 1 + 0j))
    stood = np.abs(picture - expected)[10:-10, 10:-10].mean()
    assert np.abs(here - expected)[10:-10, 10:-10].mean() < 0.05 * stood


def test_many_small_steps_lead_where_one_large_one_leads():
    """With OpenCV's own filters these end up to pixels apart."""
    picture = cv2.GaussianBlur(pattern(), (0, 0), 3)
    step = around(CENTER, 1.2 ** (1 / 60))
    here = picture
    for _ in range(60):
        here = resample(here, step)
    once = resample(picture, around(CENTER, 1.2))
    gray = [cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) for each in (once, here)]
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 200, 1e-7)
    _, found = cv2.findTransformECC(*gray, np.eye(2, 3, dtype=np.float32), cv2.MOTION_AFFINE, criteria, None, 5)
    for corner in ([20, 20, 1], [140, 20, 1], [20, 100, 1], [140, 100, 1]):
        assert np.hypot(*(found @ corner - corner[:2])) < 0.25


def test_a_slow_zoom_leaves_no_cross_in_its_center():
    picture = pattern()
    here = picture
    for _ in range(60):
        here = resample(here, around(CENTER, 1.004))
    expected = resample(picture, around(CENTER, 1.004**60))
    error = np.abs(here - expected).mean(2)
    assert error[:, 78:82].mean() < 1.5 * error[:, 60:76].mean()


def test_inside_is_the_distance_from_the_border_before():
    distance = distance_inside((120, 160), Similarity(1, 10 + 0j))
    assert distance[60, 5] == pytest.approx(-5)
    assert distance[60, 12] == pytest.approx(2)
    assert (distance_inside((120, 160), around(CENTER, 1.01)) >= 0).all()


@pytest.mark.parametrize("period", [8, 12, 20, 40])
@pytest.mark.parametrize("step", [0.01, 0.1, 0.25, 0.6])
def test_shapes_of_every_size_move_as_far_as_they_are_to(period, step):
    """In 60 frames; OpenCV's Lanczos filter is off by up to 0.8 pixels."""
    wave = np.exp(2j * np.pi * np.arange(200) / period)
    here = np.float32(128 + 60 * wave.real)[None, :, None].repeat(40, 0).repeat(3, 2)
    for _ in range(60):
        here = resample(here, Similarity(1, complex(step)))
    inner = slice(80, 160)
    phase = np.angle((here[20, inner, 0] - 128) @ wave[inner].conj())
    off = (-phase / (2 * np.pi) * period - 60 * step + period / 2) % period - period / 2
    assert abs(off) < 0.1
