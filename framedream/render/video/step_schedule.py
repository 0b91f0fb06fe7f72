"""How many steps a frame that follows takes, and how large they are: as far as is asked for, in half as many.

A step costs a gradient, whatever its size. What a frame's single step lacks of many small ones, that they even out
each other's chance, it gets from the frames before, see `framedream.render.video.momentum`.
"""

from __future__ import annotations

from dataclasses import dataclass

_RESTS_EVERY = 3
"""Every how many frames the pass backwards takes no steps. What it shows is dreamed over again by the pass forwards."""

_BACKWARDS = 2.0
"""Size of a step of the pass backwards in place of one in every frame, against that."""

_YOUNG = 1.5
"""Size of a step in place of two, against each of them, where the dream is young. Twice as large ones boil."""

_CEILING = 1.2
"""Ceiling of a step in place of two, against theirs: a single one stops short of it, and most where the dream is new.

With much higher ones the whole dream becomes too strong.
"""


@dataclass(frozen=True)
class StepSchedule:
    """Steps of a frame.

    Attributes:
        steps: How many, at each octave.
        size: What the size of a step is multiplied by.
        young: The same where the picture has just come into view.
        ceiling: What the ceilings are multiplied by.
    """

    steps: int
    size: float = 1.0
    young: float = 1.0
    ceiling: float = 1.0


def schedule_steps(wanted: int, number: int, *, backwards: bool) -> StepSchedule:
    """The steps that a frame takes in place of others.

    Args:
        wanted: How many small steps are asked for.
        number: How many frames of its pass were dreamed on before.
        backwards: Whether that is the pass backwards.
    """
    if not wanted or (backwards and number % _RESTS_EVERY == _RESTS_EVERY - 1):
        return StepSchedule(0)
    steps = (wanted + 1) // 2
    more = wanted / steps - 1
    young = 1 + (_YOUNG - 1) * more
    return (
        StepSchedule(steps, _BACKWARDS, young)
        if backwards
        else StepSchedule(steps, 1 + more, young, 1 + (_CEILING - 1) * more)
    )
