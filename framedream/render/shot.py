"""A shot while it is dreamed: backwards, then forwards, each frame seeded by the dreamed frame before it.

Each dreamed frame is stored before the next one is begun.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Protocol

import numpy as np

from framedream.media.frames import Frame
from framedream.motion.flow import FlowEstimator, Motion
from framedream.render.ahead import ahead
from framedream.render.carried import MATURE, Carried, Foreseen, residual_seed
from framedream.render.color import kept_color
from framedream.render.level import Level, Reference
from framedream.render.state import State
from framedream.render.store import Nowhere, Store, finished, judged, seen_backwards
from framedream.render.windows import Window
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


class Shot:
    """A shot while it is dreamed, window after window.

    Attributes:
        state: What the last frame delivered hands on; None before the first.
    """

    def __init__(
        self, dreamer: Dreamer, dream: DreamSettings, motion: MotionSettings, store: Store | None = None
    ) -> None:
        """Nothing is dreamed yet."""
        self._dreamer, self._dream, self._motion = dreamer, dream, motion
        self._store = store or Nowhere()
        self.state: State | None = None

    def go_on_from(self, number: int, frame: np.ndarray) -> None:
        """Go on behind a frame that is stored.

        Args:
            number: The frame's number in the footage.
            frame: The frame itself, H×W×3 float32, in levels.

        Raises:
            KeyError: It is not stored.
        """
        stored = self._store.load(finished(number))
        if stored is None:
            raise KeyError(finished(number))
        self.state = State.unpacked(frame, stored)

    def dreamed(self, window: Window, frames: Sequence[Frame]) -> Generator[Frame | None]:
        """Dream a window, which begins where the one before it ended.

        Args:
            window: Which frames of the footage it has.
            frames: All that it looks at.

        Yields:
            The dreamed frames that belong to it, and None for each frame dreamed backwards.
        """
        pixels = [frame.pixels for frame in frames]
        own = frames[: window.stop - window.first]
        names = [finished(number) for number in range(window.first, window.stop)]
        before = self.state
        done = 0
        for done, (frame, state) in enumerate(zip(own, self._reloaded(pixels, names), strict=False), 1):  # noqa: B007
            self.state = state
            yield replace(frame, pixels=state.carried.dream)
        if done == len(own):
            return
        twice = self._motion.passes == 2 and len(frames) > 1
        typical, known = self._judged(window, pixels, len(frames) - 1 if twice else 0, before)
        foreseen: list[Foreseen] = []
        if twice:
            for state in self._backwards(window, pixels, typical, known):
                foreseen.append(state.carried.foreseen())
                yield None
            foreseen.reverse()
        if self.state is None:
            self.state = self._saved(names[0], replace(known, carried=self._first(pixels[0], foreseen, typical, known)))
            yield replace(own[0], pixels=self.state.carried.dream)
            done = 1
        states = self._follow(
            pixels[done : len(own)], names[done:], replace(self.state, reference=known.reference),
            self._motion.follow_steps, foreseen[done:], done - (before is None),
        )  # fmt: skip
        for frame, state in zip(own[done:], states, strict=False):
            self.state = state
            yield replace(frame, pixels=state.carried.dream)

    def _reloaded(self, frames: Sequence[np.ndarray], names: Sequence[str]) -> Generator[State]:
        """The states that are stored, up to the first that is not."""
        for frame, name in zip(frames, names, strict=False):
            stored = self._store.load(name)
            if stored is None:
                return
            yield State.unpacked(frame, stored)

    def _saved(self, name: str, state: State) -> State:
        self._store.save(name, state.packed())
        return state

    def _judged(
        self, window: Window, frames: Sequence[np.ndarray], start: int, before: State | None
    ) -> tuple[int, State]:
        """See what dreams from nothing reach here, and in the window before: which frame told, and its dream."""
        stored = self._store.load(judged(window.first))
        if stored is None:
            typical = self._typical(frames, start)
            dream = self._dreamer.dream(frames[typical])
            carried = self._kept(frames[typical], dream.pixels, MATURE)
            found = Reference(self._dreamer.strength(carried.dream), dream.losses)
            reference = before.reference.blended(found) if before else found
            stored = State(carried, Level(), reference).packed() | {"typical": np.array(typical)}
            self._store.save(judged(window.first), stored)
        typical = int(stored["typical"])
        return typical, State.unpacked(frames[typical], stored)

    def _typical(self, frames: Sequence[np.ndarray], start: int) -> int:
        """The frame of middling strength; of few frames the one to start from, which saves a dream."""
        if len(frames) <= 2 * self._dream.steps:
            return start
        candidates = np.unique(np.linspace(0, len(frames) - 1, _CANDIDATES).astype(int))
        by_strength = sorted(candidates, key=lambda index: self._dreamer.strength(frames[index]))
        return int(by_strength[len(by_strength) // 2])

    def _backwards(self, window: Window, frames: Sequence[np.ndarray], typical: int, known: State) -> Generator[State]:
        """Dream all frames from the last to the first."""
        names = [seen_backwards(window.first, number) for number in range(window.first, window.end)][::-1]
        state, done = None, 0
        for done, state in enumerate(self._reloaded(frames[::-1], names), 1):  # noqa: B007
            yield state
        if state is None:
            # The pass forwards dreams over the end of a window again: a quarter of the steps will do.
            last = len(frames) - 1
            ends = known.carried if typical == last else self._from_nothing(frames[last], -(-self._dream.steps // 4), 1)
            state = self._saved(names[0], replace(known, carried=ends))
            yield state
            done = 1
        steps = (self._motion.follow_steps + 1) // 2
        yield from self._follow(frames[::-1][done:], names[done:], state, steps, (), done - 1)

    def _first(self, frame: np.ndarray, foreseen: Sequence[Foreseen], typical: int, known: State) -> Carried:
        """The dream of the first frame of a shot."""
        if foreseen:
            return Carried.of(frame, frame + foreseen[0].change, foreseen[0].maturity)
        return known.carried if typical == 0 else self._from_nothing(frame, self._dream.steps, MATURE)

    def _follow(
        self,
        frames: Sequence[np.ndarray],
        names: Sequence[str],
        state: State,
        steps: int,
        foreseen: Sequence[Foreseen],
        number: int,
    ) -> Generator[State]:
        """Dream frames one from the other.

        Args:
            frames: The frames, in the order in which they are dreamed.
            names: What they are stored as.
            state: That of the frame before them.
            steps: Ascent steps at each octave.
            foreseen: What the pass backwards dreamed of each frame, if there was one.
            number: How many frames of this pass were dreamed on from another before.
        """
        pairs = zip(
            frames, names, self._motions(state.carried.frame, frames), foreseen or itertools.repeat(None), strict=False
        )
        with closing(ahead(pairs, _FRAMES_AHEAD)) as moving:
            for count, (frame, name, moved, known) in enumerate(moving, number):
                measured = count % _MEASURED_EVERY == 0
                state = self._saved(name, self._dream_on(frame, moved, state, steps, known, measured=measured))
                yield state

    def _dream_on(
        self, frame: np.ndarray, moved: Motion, before: State, steps: int, foreseen: Foreseen | None, *, measured: bool
    ) -> State:
        seed = residual_seed(frame, moved, before.carried, self._motion.persistence, foreseen)
        if seed.covered < _LOST:
            return replace(before, carried=self._from_nothing(frame, self._dream.steps, MATURE))
        level = before.level
        held = self._motion.follow_step_size * level.gain
        young = max(self._motion.young_step_size - held, 0) * np.exp(-seed.maturity / _GROWTH)
        dream = self._dreamer.dream(
            seed.image, steps=steps, step_size=held + young, ceilings=level.ceilings(before.reference)
        )
        carried = self._kept(frame, dream.pixels, seed.maturity + 1)
        if measured:
            level = level.seen(self._dreamer.strength(carried.dream), before.reference)
        return State(carried, level, before.reference)

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
