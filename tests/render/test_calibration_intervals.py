"""A shot is divided where its frames are dreamed otherwise, and finely where that changes all the time."""

from __future__ import annotations

import itertools

import pytest

from framedream.config.settings import Settings
from framedream.render.video.calibration import CalibrationInterval, calibration_intervals

ALIKE = Settings()


def look_of(*runs: tuple[int, float | None], first: int = 0):
    """So many frames with a step size each; None makes one of its own for each frame."""
    counter = itertools.count()
    settings = [
        Settings.of(step_size=20 + next(counter) / 100 if size is None else size)
        for count, size in runs
        for _ in range(count)
    ]
    return lambda number: settings[number - first]


def bounds(found: list[CalibrationInterval]) -> list[tuple[int, int, bool]]:
    return [(stretch.first, stretch.stop, stretch.is_steady) for stretch in found]


@pytest.mark.parametrize("count", [1, 100, 136, 300])
def test_steady_frames_have_interpolation_points_at_the_centers_of_long_intervals(count):
    found = calibration_intervals((7, 7 + count), lambda number: ALIKE)
    assert [stretch.points for stretch in found] == [((part.first + part.stop - 1) / 2,) for part in found]
    assert all(stretch.is_steady for stretch in found)
    assert len(found) == (1 if count < 137 else 3)


def test_settings_of_motion_divide_nothing():
    settings = [Settings.of(follow_steps=number) for number in range(100)]
    assert calibration_intervals((0, 100), settings.__getitem__) == [CalibrationInterval(0, 100, (49.5,))]


def test_where_settings_change_intervals_have_at_most_24_frames_and_a_point_in_the_middle():
    found = calibration_intervals((0, 200), look_of((60, 2.0), (50, None), (90, 3.0)))
    assert bounds(found) == [(0, 60, True), (60, 76, False), (76, 93, False), (93, 110, False), (110, 200, True)]
    assert [stretch.points for stretch in found[1:-1]] == [(67.0,), (84.0,), (101.0,)]


def test_the_reference_of_steady_frames_holds_up_to_the_change():
    found = calibration_intervals((0, 200), look_of((60, 2.0), (50, None), (90, 3.0)))
    assert (found[0].points, found[-1].points) == ((29.5, 59.0), (110.0, 154.5))


def test_at_a_jump_of_settings_both_intervals_have_points_next_to_it():
    found = calibration_intervals((5, 105), look_of((10, 2.0), (90, 3.0), first=5))
    assert found == [CalibrationInterval(5, 15, (9.5, 14.0)), CalibrationInterval(15, 105, (15.0, 59.5))]


def test_a_few_frames_between_two_jumps_are_dreamed_alike():
    found = calibration_intervals((0, 120), look_of((50, 2.0), (1, 3.0), (69, 4.0)))
    assert found[1] == CalibrationInterval(50, 51, (50.0,))
    assert bounds(found) == [(0, 50, True), (50, 51, True), (51, 120, True)]


def test_a_shot_that_changes_throughout_is_divided_evenly():
    found = calibration_intervals((10, 60), look_of((50, None), first=10))
    assert bounds(found) == [(10, 26, False), (26, 43, False), (43, 60, False)]


def test_long_frames_dreamed_alike_beside_a_change_are_divided_as_ever():
    found = calibration_intervals((0, 330), look_of((300, 2.0), (30, None)))
    assert bounds(found)[:3] == [(0, 100, True), (100, 200, True), (200, 300, True)]
    assert [stretch.points for stretch in found[:3]] == [(49.5,), (149.5,), (249.5, 299.0)]
