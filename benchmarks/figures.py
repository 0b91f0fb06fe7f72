"""Rows of the table of speed, and how pairs of times are taken."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

PAIRS = 5
"""How often two things are timed in alternation, where nothing else is said."""

Timed = Callable[[], float]
"""Does something and gives the seconds that it took."""


@dataclass(frozen=True)
class Figure:
    """A row of the table.

    Attributes:
        what: What was measured.
        values: As often as it was measured; the median counts.
        goal: What it is to be, as in ``≥ 0.95``; "" if nothing was set.
        unit: What stands behind the number; "" for a ratio.
    """

    what: str
    values: Sequence[float]
    goal: str = ""
    unit: str = ""

    def __str__(self) -> str:
        """A line of a Markdown table."""
        spread = f"{_short(min(self.values))} to {_short(max(self.values))}" if len(self.values) > 1 else ""
        value = f"{_short(statistics.median(self.values))} {self.unit}".strip()
        return f"| {self.what} | {value} | {spread} | {self.goal} |"


HEADING = "| what | median | from, to | goal |\n|---|---|---|---|"


def in_alternation(things: Sequence[Timed], pairs: int) -> list[tuple[float, ...]]:
    """Time several things one after the other, again and again, each once beforehand to warm up.

    Returns:
        The seconds of each, for each time.
    """
    for thing in things:
        thing()
    return [tuple(thing() for thing in things) for _ in range(pairs)]


def ratios(pairs: Sequence[tuple[float, ...]], factor: float = 1.0) -> list[float]:
    """The first of each pair over the second, times a factor."""
    return [factor * pair[0] / pair[1] for pair in pairs]


def _short(number: float) -> str:
    return f"{number:.2f}" if number < 100 else f"{number:.0f}"
