from fractions import Fraction

import numpy as np
import pytest
from pictures import scene

from framedream.config.settings import ZoomSettings
from framedream.render.zoom.camera_path import CameraPath
from framedream.render.zoom.zoom_spec import PaddedFrame, ZoomSpec

HEIGHT, WIDTH = 120, 160


def zoom_spec(stills=1, frames=50, loop=False, height=HEIGHT, width=WIDTH, rate=25, **settings):
    """A fall whose speeds do not change."""
    rates, rate = ZoomSettings(**settings), Fraction(rate)
    journey = CameraPath(lambda seconds: rates, width, height, frames / rate)
    return ZoomSpec([scene(height, width, seed=number) for number in range(stills)], frames, rate, journey, loop)


@pytest.mark.parametrize(
    ("stills", "loop", "arrivals"),
    [(1, False, [0]), (1, True, [0, 50]), (2, False, [0, 49]), (3, False, [0, 24, 49]), (3, True, [0, 16, 33, 50])],
)
def test_stills_are_passed_at_equal_times_and_a_loop_comes_back_to_the_first(stills, loop, arrivals):
    assert zoom_spec(stills, loop=loop).still_frames == arrivals


def test_a_way_of_frames_is_the_journey_of_their_times():
    for rate in (25, Fraction(30000, 1001)):
        way = zoom_spec(rate=rate, zoom=2).transform(10, 35)
        assert abs(way.factor) == pytest.approx(2 ** float(25 / Fraction(rate)))


@pytest.mark.parametrize("settings", [{"zoom": 1.3}, {"zoom": 20}, {"zoom": 1.3, "center": (0.3, 0.6)}, {"zoom": 1}])
def test_where_nothing_comes_into_view_nothing_but_the_frame_is_dreamed(settings):
    canvas = PaddedFrame(zoom_spec(**settings))
    assert canvas.margin == 0
    assert canvas.still(0).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize(
    "settings",
    [
        {"zoom": 0.9},
        {"zoom": 1, "rotate": 10},
        {"zoom": 1, "rotate": -10},
        {"zoom": 1, "pan": (0.05, 0)},
        {"zoom": 1, "pan": (0, -0.05)},
        {"zoom": 1.3, "rotate": 40},
        {"zoom": 1.05, "pan": (0.2, 0)},
        {"zoom": 3, "center": (-0.2, 0.5)},
        {"zoom": 1.3, "center": (0.5, 1.2)},
    ],
)
def test_where_something_comes_into_view_there_is_a_margin(settings):
    assert 16 <= PaddedFrame(zoom_spec(**settings)).margin <= 0.2 * HEIGHT


def test_a_margin_holds_what_comes_into_view_in_six_frames_but_a_fifth_of_the_smaller_side_at_most():
    """The view moves by 0.4 heights a second: 7.68 pixels a frame of 480."""
    assert PaddedFrame(zoom_spec(height=480, width=480, zoom=1, pan=(0, 0.4))).margin == 46
    assert PaddedFrame(zoom_spec(height=480, width=480, zoom=0.05)).margin == 96
    assert PaddedFrame(zoom_spec(height=40, width=90, zoom=0.05)).margin == 8


@pytest.mark.parametrize("frames", [50, 2000])
def test_what_comes_into_view_late_is_seen_too(frames):
    journey = CameraPath(lambda seconds: ZoomSettings(zoom=1.3 if seconds < 1.5 else 0.8), WIDTH, HEIGHT, Fraction(80))
    assert PaddedFrame(ZoomSpec([scene(HEIGHT, WIDTH)], frames, Fraction(25), journey, False)).margin >= 16


def test_surroundings_mirror_the_still_which_is_shown_as_it_is():
    what = zoom_spec(stills=2, zoom=0.8)
    canvas = PaddedFrame(what)
    edge = canvas.margin
    for number in range(2):
        still = canvas.still(number)
        assert still.dtype == np.float32
        assert np.array_equal(canvas.crop(still), what.stills[number])
        assert np.array_equal(still[:edge], still[2 * edge : edge : -1])
        assert np.array_equal(still[:, -edge:], still[:, -edge - 2 : -2 * edge - 2 : -1])


def test_points_of_the_canvas_move_as_those_of_the_frame_in_it():
    what = zoom_spec(zoom=0.8, rotate=30, pan=(0.1, -0.05), center=(0.3, 0.8))
    canvas = PaddedFrame(what)
    corner = complex(canvas.margin, canvas.margin)
    assert canvas.margin
    for point in (0j, 37 + 91j, -5 + 3j):
        assert canvas.transform(3, 29)(point + corner) == pytest.approx(what.transform(3, 29)(point) + corner)
