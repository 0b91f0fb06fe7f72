import math
from fractions import Fraction

import numpy as np
import pytest

from framedream import ZoomSettings
from framedream.render.zoom.camera_path import CameraPath
from framedream.render.zoom.similarity import Similarity

WIDTH, HEIGHT = 320, 240
MIDDLE = complex(WIDTH / 2 - 0.5, HEIGHT / 2 - 0.5)


def journey(length=10, **settings):
    rates = ZoomSettings(**settings)
    return CameraPath(lambda seconds: rates, WIDTH, HEIGHT, Fraction(length))


def test_a_second_of_zoom_grows_by_its_factor_and_leaves_the_center_in_place():
    way = journey(zoom=1.3).between(Fraction(2), Fraction(3))
    assert way.factor == pytest.approx(1.3)
    assert way(MIDDLE) == pytest.approx(MIDDLE)


def test_the_center_that_is_named_stays_in_place():
    way = journey(zoom=2, rotate=30, center=(0.25, 0.75)).between(Fraction(0), Fraction(1))
    assert way(complex(79.5, 179.5)) == pytest.approx(complex(79.5, 179.5))


def test_a_turn_is_clockwise():
    way = journey(zoom=1, rotate=90).between(Fraction(0), Fraction(1))
    assert way(MIDDLE + 10) - MIDDLE == pytest.approx(10j)  # What was right is below; y points down.


def test_a_view_that_moves_right_and_down_shifts_the_picture_left_and_up():
    way = journey(zoom=1, pan=(0.1, 0.05)).between(Fraction(0), Fraction(2))
    assert way(100 + 100j) == pytest.approx(100 - 64 + (100 - 24) * 1j)


@pytest.mark.parametrize(
    "settings",
    [
        {"zoom": 1.3, "rotate": 20, "pan": (0.1, -0.05)},
        {"zoom": 0.5, "rotate": -400, "center": (0.1, 0.9), "ease": 2},
        {"zoom": 3, "ease": Fraction(1, 2)},
    ],
)
@pytest.mark.parametrize("rates", [(25, 60), (24, Fraction(30000, 1001)), (12, 144)])
def test_frames_of_equal_time_show_the_same_whatever_the_rate(settings, rates):
    at = journey(**settings)
    corners = [0j, WIDTH - 1, (HEIGHT - 1) * 1j, WIDTH - 1 + (HEIGHT - 1) * 1j]
    for seconds in (Fraction(1), Fraction(4), Fraction(37, 5)):
        ends = []
        for rate in rates:
            way, time = Similarity(), Fraction(0)
            while time < seconds:
                following = min(time + Fraction(1) / rate, seconds)
                way, time = way.then(at.between(time, following)), following
            ends.append([way.inverse(corner) for corner in corners])
        assert np.abs(np.subtract(*ends)).max() < 0.01


def test_speeds_may_change_on_the_way():
    at = CameraPath(lambda seconds: ZoomSettings(zoom=math.exp(seconds)), WIDTH, HEIGHT, Fraction(10))
    assert at.between(Fraction(0), Fraction(2)).factor == pytest.approx(math.exp(2), rel=1e-3)


def test_easing_begins_and_ends_at_rest():
    at = journey(length=10, zoom=1.3, ease=2)
    steps = [at.between(Fraction(n, 25), Fraction(n + 1, 25)).factor.real - 1 for n in (0, 25, 50, 125, 200, 225, 249)]
    full = 1.3 ** (1 / 25) - 1
    assert steps[0] < 0.01 * full
    assert steps[-1] < 0.01 * full
    assert steps[1] == pytest.approx(steps[-2], rel=0.1)
    assert steps[1] == pytest.approx(full / 2, rel=0.1)
    assert steps[2:4] == pytest.approx([full, full])


def test_a_way_and_its_inverse_are_a_way_back():
    way = Similarity(1.2 * np.exp(0.3j), 5 - 7j)
    assert way.inverse(way(12 + 34j)) == pytest.approx(12 + 34j)
    assert way.then(way.inverse)(3 + 4j) == pytest.approx(3 + 4j)
    assert np.allclose(way.matrix() @ [12, 34, 1], [way(12 + 34j).real, way(12 + 34j).imag])
