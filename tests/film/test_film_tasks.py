"""The order in which the parts of a film are begun."""

from __future__ import annotations

from fractions import Fraction

import pytest

from framedream.config.settings import Settings
from framedream.film.film_tasks import order_parts
from framedream.film.plan import Plan
from framedream.film.survey import Survey


def begun(frames: int, cuts: tuple[int, ...], length: int) -> list[int]:
    """First frames of the parts of a film, in that order."""
    times = [Fraction(number, 25) for number in range(frames)]
    parts = Plan(Survey(times, cuts, 90, 160), Settings.of(segment=length)).parts
    return [part.first for part in order_parts(parts)]


@pytest.mark.parametrize(
    ("frames", "cuts", "expected"),
    [
        (160, (), [0, 120, 40, 80]),
        (200, (), [0, 160, 40, 120, 80]),
        (240, (160,), [0, 120, 40, 80, 160, 200]),
        (40, (), [0]),
    ],
)
def test_parts_of_a_shot_are_begun_from_both_of_its_ends(frames, cuts, expected):
    """Those next to each other wait for the same key; the first and the last for different ones."""
    assert begun(frames, cuts, 40) == expected
