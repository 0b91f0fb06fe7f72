"""Footage → dreamed footage: every frame seeded by the dreamed frame before it.

Each shot is dreamed backwards first, so that every place has been dreamed of before it
comes into view, then forwards.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from framedream.media.frames import Frame
from framedream.motion.flow import FlowEstimator, Motion
from framedream.render.ahead import ahead
from framedream.render.carried import MATURE, Carried, Foreseen, residual_seed
from framedream.render.color import kept_color
from framedream.render.level import Level, Reference
from framedream.render.windows import Window, windows
from framedream.settings import DreamSettings, MotionSettings

_FRAMES_AHEAD = 3

_GROWTH = 10.0
"""Frames in which a young dream grows up: steps shrink by e in as many."""

_LOST = 0.25
"""Share of a frame that brings a dream along below which the whole is dreamed from nothing."""

_CANDIDATES = 9
"""Frames of a shot among which the typical one is looked for."""

_MEASURED_EVERY = 2
"""Every how many frames the strength is measured."""


class Dream(Protocol):
    """A dreamed frame: its pixels, and the last objective at each octave."""

    @property
    def pixels(self) -> np.ndarray: ...  # noqa: D102
    @property
    def losses(self) -> tuple[float, ...]: ...  # noqa: D102


class Dreamer(Protocol):
    """What dreams a single frame and tells how strong a dream is; see `framedream.dream.dreamer`."""

    def dream(  # noqa: D102
        self,
        image: np.ndarray,
        *,
        steps: int | None = None,
        step_size: float | np.ndarray | None = None,
        ceilings: Sequence[float] | None = None,
    ) -> Dream: ...

    def strength(self, image: np.ndarray) -> float: ...  # noqa: D102


def dream_footage(
    frames: Iterable[Frame],
    cuts: Collection[int],
    dreamer: Dreamer,
    dream: DreamSettings,
    motion: MotionSettings,
) -> Generator[Frame | None]:
    """Dream frames in their order, the dream sticking to what moves.

    With ``flow="none"`` every frame is dreamed from nothing. Reading and optical flow run
    ahead in a thread.

    Args:
        frames: The footage's frames, all of one size.
        cuts: Indices of the frames that begin a new shot.
        dreamer: What dreams a single frame.
        dream: How a frame is dreamed from nothing.
        motion: How a dream is carried on.

    Yields:
        The dreamed frames, one for each, with its time. Between them None for every frame
        of the passes backwards, so that whoever waits sees that something is done.
    """
    with closing(ahead(frames, _FRAMES_AHEAD)) as footage:
        if motion.flow == "none":
            for frame in footage:
                alone = kept_color(dreamer.dream(frame.pixels).pixels, frame.pixels, dream.color)
                yield replace(frame, pixels=alone)
            return
        shot = Shot(dreamer, dream, motion)
        for window in windows(footage, cuts):
            if window.begins_shot:
                shot = Shot(dreamer, dream, motion)
            yield from shot.dreamed(window)


@dataclass(frozen=True)
class State:
    """What one frame hands on to the next: with the shot's reference, all that is needed to go on.

    Attributes:
        carried: The frame and its dream.
        level: The controller of the dream's strength.
    """

    carried: Carried
    level: Level


class Shot:
    """A shot while it is dreamed, window after window.

    Attributes:
        state: What the last frame delivered hands on; None before the first.
        reference: What dreams from nothing reach in this shot; None before the first window.
    """

    def __init__(self, dreamer: Dreamer, dream: DreamSettings, motion: MotionSettings) -> None:
        """Nothing is dreamed yet."""
        self._dreamer, self._dream, self._motion = dreamer, dream, motion
        self.state: State | None = None
        self.reference: Reference | None = None

    def dreamed(self, window: Window) -> Generator[Frame | None]:
        """Dream a window, which begins where the one before it ended.

        Yields:
            The dreamed frames that belong to it, and None for each frame dreamed backwards.
        """
        frames = [frame.pixels for frame in window.frames]
        twice = self._motion.passes == 2 and len(frames) > 1
        at = len(frames) - 1 if twice else 0
        typical, dream = self._survey(frames, at)
        start: Carried | State | None = self.state
        foreseen: list[Foreseen] = []
        if twice:
            # The pass forwards dreams over the end of a window again: a quarter of the steps will do.
            first = dream if typical == at else self._from_nothing(frames[at], -(-self._dream.steps // 4), 1)
            steps = (self._motion.follow_steps + 1) // 2
            for state in self._follow(frames[::-1], first, steps):
                foreseen.append(state.carried.foreseen())
                yield None
            foreseen.reverse()
            start = start or Carried.of(frames[0], frames[0] + foreseen[0].change, foreseen[0].maturity)
        start = start or (dream if typical == at else self._from_nothing(frames[at], self._dream.steps, MATURE))
        states = self._follow(frames[: window.count], start, self._motion.follow_steps, foreseen)
        for frame, self.state in zip(window.frames, states, strict=False):
            yield replace(frame, pixels=self.state.carried.dream)

    def _survey(self, frames: Sequence[np.ndarray], start: int) -> tuple[int, Carried]:
        """See what dreams from nothing reach here; give the frame that told, and its dream."""
        typical = self._typical(frames, start)
        dream = self._dreamer.dream(frames[typical])
        carried = self._kept(frames[typical], dream.pixels, MATURE)
        found = Reference(self._dreamer.strength(carried.dream), dream.losses)
        self.reference = self.reference.blended(found) if self.reference else found
        return typical, carried

    def _typical(self, frames: Sequence[np.ndarray], start: int) -> int:
        """The frame of middling strength; of few frames the one to start from, which saves a dream."""
        if len(frames) <= 2 * self._dream.steps:
            return start
        candidates = np.unique(np.linspace(0, len(frames) - 1, _CANDIDATES).astype(int))
        by_strength = sorted(candidates, key=lambda index: self._dreamer.strength(frames[index]))
        return int(by_strength[len(by_strength) // 2])

    def _follow(
        self,
        frames: Sequence[np.ndarray],
        start: Carried | State,
        steps: int,
        foreseen: Sequence[Foreseen] = (),
    ) -> Generator[State]:
        """Dream frames one from the other.

        Args:
            frames: The frames, in the order in which they are dreamed.
            start: The first frame's own dream, or the state of the frame before it.
            steps: Ascent steps at each octave.
            foreseen: What the pass backwards dreamed of each frame, if there was one.
        """
        if isinstance(start, Carried):
            state = State(start, Level())
            yield state
            previous, frames, foreseen = frames[0], frames[1:], foreseen[1:]
        else:
            state, previous = start, start.carried.frame
        known_of = foreseen or itertools.repeat(None)
        pairs = zip(frames, self._motions(previous, frames), known_of, strict=False)
        with closing(ahead(pairs, _FRAMES_AHEAD)) as moving:
            for number, (frame, moved, known) in enumerate(moving):
                state = self._dream_on(frame, moved, state, steps, known, measured=number % _MEASURED_EVERY == 0)
                yield state

    def _dream_on(
        self, frame: np.ndarray, moved: Motion, before: State, steps: int, foreseen: Foreseen | None, *, measured: bool
    ) -> State:
        assert self.reference is not None
        seed = residual_seed(frame, moved, before.carried, self._motion.persistence, foreseen)
        if seed.covered < _LOST:
            return State(self._from_nothing(frame, self._dream.steps, MATURE), before.level)
        level = before.level
        held = self._motion.follow_step_size * level.gain
        young = max(self._motion.young_step_size - held, 0) * np.exp(-seed.maturity / _GROWTH)
        dream = self._dreamer.dream(
            seed.image, steps=steps, step_size=held + young, ceilings=level.ceilings(self.reference)
        )
        carried = self._kept(frame, dream.pixels, seed.maturity + 1)
        if measured:
            level = level.seen(self._dreamer.strength(carried.dream), self.reference)
        return State(carried, level)

    def _from_nothing(self, frame: np.ndarray, steps: int, maturity: float) -> Carried:
        return self._kept(frame, self._dreamer.dream(frame, steps=steps).pixels, maturity)

    def _kept(self, frame: np.ndarray, dream: np.ndarray, maturity: np.ndarray | float) -> Carried:
        return Carried.of(frame, kept_color(dream, frame, self._dream.color), maturity)

    def _motions(self, previous: np.ndarray, frames: Sequence[np.ndarray]) -> Generator[Motion]:
        assert self._motion.flow != "none"
        estimator = FlowEstimator(self._motion.flow)
        for frame in frames:
            yield estimator.motion(frame, previous)
            previous = frame
