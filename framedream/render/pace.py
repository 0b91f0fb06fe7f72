"""How many steps a frame that follows takes, and how large they are: as far as is asked for, in half as many.

A step costs a gradient, whatever its size. What a frame's single step lacks of many small ones, that they even out
each other's chance, it gets from the frames before, see `framedream.render.momentum`.
"""

from __future__ import annotations

from dataclasses import dataclass

BACKWARDS_EVERY = 2
"""Every how many frames the pass backwards takes steps. What it shows is dreamed over again by the pass forwards."""

_YOUNG = 1.5
"""Size of a step in place of two, against each of them, where the dream is young. Twice as large ones boil."""


@dataclass(frozen=True)
class Pace:
    """Steps of a frame.

    Attributes:
        steps: How many, at each octave.
        size: What the size of a step is multiplied by.
        young: The same where the picture has just come into view.
    """

    steps: int
    size: float = 1.0
    young: float = 1.0


def pace(wanted: int, number: int, *, backwards: bool) -> Pace:
    """The steps that a frame takes in place of others.

    Args:
        wanted: How many small steps are asked for.
        number: How many frames of its pass were dreamed on before.
        backwards: Whether that is the pass backwards.
    """
    if not wanted or (backwards and number % BACKWARDS_EVERY):
        return Pace(0)
    steps = (wanted + 1) // 2
    fewer = wanted / steps
    # No larger backwards: what that would grow at once is garish.
    return Pace(steps, fewer, 1 + (_YOUNG - 1) * (fewer - 1))
