"""How many ascent steps a frame takes that continues a dream, and how large they are.

A step costs a gradient whatever its size, so frames take half as many steps as the settings say, each larger.
Many small steps average out their noise; a frame with a single step gets that from the frames before it, through
the momentum in `framedream.render.video.frame_state`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framedream.config.settings import MotionSettings

GROWTH_FRAMES = 10.0
"""Time constant, in frames, with which steps shrink as a dream gets older."""

_REST_INTERVAL = 3
"""Every third frame of the backward pass takes no steps; the forward pass dreams over it again."""

_BACKWARD_SIZE = 2.0
"""Step size of the backward pass, relative to a step in every frame."""

_YOUNG_SIZE = 1.5
"""Size, where the dream is young, of a step that replaces two, relative to each of them; with 2 it boils."""

_CEILING = 1.2
"""Ceiling of a step that replaces two, relative to theirs: one step stops short of it, most where the dream is new.

With a much higher ceiling the whole dream becomes too strong.
"""


@dataclass(frozen=True)
class StepSchedule:
    """The steps of a frame.

    Attributes:
        steps: Number of steps at each octave.
        size: Factor of the step size.
        young: Factor of the step size where the picture has just come into view.
        ceiling: Factor of the ceilings of the objective.
    """

    steps: int
    size: float = 1.0
    young: float = 1.0
    ceiling: float = 1.0

    def step_size(self, motion: MotionSettings, gain: float) -> float:
        """Return the step size where the dream is old, in levels.

        Args:
            motion: The settings of the frame.
            gain: Gain of the strength controller.
        """
        return motion.follow_step_size * self.size * gain

    def step_size_map(self, motion: MotionSettings, gain: float, age: np.ndarray) -> np.ndarray:
        """Return the step size of each pixel, H×W float32 in levels: larger where the dream is young.

        Args:
            motion: The settings of the frame.
            gain: Gain of the strength controller.
            age: Age of each pixel of the dream, H×W float32, in frames.
        """
        size = self.step_size(motion, gain)
        return np.asarray(size + max(motion.young_step_size * self.young - size, 0) * np.exp(-age / GROWTH_FRAMES))


def schedule_steps(follow_steps: int, number: int, *, backwards: bool) -> StepSchedule:
    """Return the steps of a frame.

    Args:
        follow_steps: Number of small steps that the settings ask for.
        number: How many frames of the same pass continued a dream before this one.
        backwards: Whether this is the backward pass.
    """
    if not follow_steps or (backwards and number % _REST_INTERVAL == _REST_INTERVAL - 1):
        return StepSchedule(0)
    steps = (follow_steps + 1) // 2
    excess = follow_steps / steps - 1
    young = 1 + (_YOUNG_SIZE - 1) * excess
    return (
        StepSchedule(steps, _BACKWARD_SIZE, young)
        if backwards
        else StepSchedule(steps, 1 + excess, young, 1 + (_CEILING - 1) * excess)
    )
