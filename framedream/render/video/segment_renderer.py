"""A segment while it is dreamed: backwards, then forwards, each frame seeded by the dreamed frame before it.

Each dreamed frame is stored before the next one is begun.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace

import numpy as np

from framedream.media.frames import Frame
from framedream.motion.optical_flow import FlowEstimator, FlowPair, Motion
from framedream.render.color_matching import match_color
from framedream.render.prefetching import prefetch
from framedream.render.state_store import StateStore, anchor_name, backward_name, frame_name
from framedream.render.video.calibration import Dreamer, StrengthCalibrator
from framedream.render.video.calibration_intervals import SettingsAt
from framedream.render.video.frame_state import FULL_AGE, GROWTH_FRAMES, BackwardDream, FrameState, Seed, residual_seed
from framedream.render.video.render_state import RenderState
from framedream.render.video.segments import Segment
from framedream.render.video.step_schedule import StepSchedule, schedule_steps
from framedream.render.video.strength_control import StrengthController
from framedream.render.video.windows import Window

_FRAMES_AHEAD = 3

_LOST = 0.25
"""Share of a frame that brings a dream along below which the whole is dreamed from nothing."""

_MEASURED_EVERY = 2
"""Every how many frames the strength is measured."""

_TURN = 36
"""Frames over which a dream turns into that of the key it comes to, at most."""


class SegmentRenderer:
    """A shot, or a segment of one, while it is dreamed, window after window.

    Attributes:
        state: What the last frame delivered hands on; None before the first.
    """

    def __init__(
        self, segment: Segment, bearings: StrengthCalibrator, dreamer: Dreamer, look: SettingsAt, store: StateStore
    ) -> None:
        """Nothing is dreamed yet but the segment's keys, which are in the store."""
        self._segment, self._bearings, self._dreamer, self._look, self._store = segment, bearings, dreamer, look, store
        # What must be the same for all frames: flow and passes.
        self._motion = look(segment.first).motion
        self._ways: dict[int, FlowPair] = {}
        self.state: RenderState | None = None

    def go_on_from(self, number: int, frame: np.ndarray) -> None:
        """Go on behind a frame that is stored.

        Args:
            number: The frame's number in the footage.
            frame: The frame itself, H×W×3 float32, in levels.

        Raises:
            KeyError: It is not stored.
        """
        self.state = RenderState.unpacked(frame, self._stored(frame_name(number)))

    def dreamed(self, window: Window, frames: Sequence[Frame]) -> Generator[Frame | None]:
        """Dream a window, which begins where the one before it ended.

        Args:
            window: Which frames of the footage it has.
            frames: All that it looks at.

        Yields:
            The dreamed frames that belong to it, and None for each frame dreamed backwards.

        Raises:
            KeyError: A key of the segment is not stored.
        """
        pixels = {number: frame.pixels for number, frame in enumerate(frames, window.first)}
        own = range(window.first, window.stop)
        self._ways = {number: ways for number, ways in self._ways.items() if number >= window.first}
        before, done = self.state, window.first
        reloaded = self._reloaded(pixels, [(number, frame_name(number)) for number in own])
        for number, state in zip(own, reloaded, strict=False):
            self.state, done = state, number + 1
            yield replace(frames[number - window.first], pixels=state.carried.dream)
        if done == window.stop:
            return
        self._bearings.take(pixels)
        known = self._known(pixels)
        foreseen: dict[int, BackwardDream] = {}
        for number, state in self._backwards(window, pixels, known):
            foreseen[number] = state.carried.foreseen()
            yield None
        if self.state is None:
            self.state = self._saved(frame_name(done), self._first(done, pixels[done], foreseen.get(done), known))
            yield replace(frames[0], pixels=self.state.carried.dream)
            done += 1
        rest = range(done, window.stop)
        states = self._follow(
            window,
            [(number, frame_name(number), pixels[number]) for number in rest],
            self.state, foreseen, done - window.first - (before is None),
        )  # fmt: skip
        for number, state in zip(rest, states, strict=True):
            self.state = state
            yield replace(frames[number - window.first], pixels=state.carried.dream)

    def _reloaded(self, frames: Mapping[int, np.ndarray], names: Sequence[tuple[int, str]]) -> Generator[RenderState]:
        """The states that are stored, up to the first that is not."""
        for number, name in names:
            stored = self._store.load(name)
            if stored is None:
                return
            yield RenderState.unpacked(frames[number], stored)

    def _saved(self, name: str, state: RenderState) -> RenderState:
        self._store.save(name, state.packed())
        return state

    def _stored(self, name: str) -> dict[str, np.ndarray]:
        stored = self._store.load(name)
        if stored is None:
            raise KeyError(name)
        return stored

    def _known(self, frames: Mapping[int, np.ndarray]) -> dict[int, RenderState]:
        """What has been dreamed of some of the frames beforehand: keys, and dreams from nothing."""
        found = {
            number: RenderState(carried, StrengthController(), self._bearings.reference(number))
            for number, carried in self._bearings.known().items()
        }
        for number in self._segment.keys:
            if number in frames:
                found[number] = RenderState.unpacked(frames[number], self._stored(anchor_name(number)))
        return found

    def _backwards(
        self, window: Window, frames: Mapping[int, np.ndarray], known: Mapping[int, RenderState]
    ) -> Generator[tuple[int, RenderState]]:
        """Dream all frames from the last to the first; with one pass, only those that turn into a key."""
        first = window.first if self._motion.passes == 2 else self._turns(window)
        numbers = range(window.end - 1, first - 1, -1)
        if len(numbers) < 2:
            return
        names = [(number, backward_name(window.first, number)) for number in numbers]
        state, done = None, 0
        for done, state in enumerate(self._reloaded(frames, names), 1):
            yield numbers[done - 1], state
        if state is None:
            last = numbers[0]
            # The pass forwards dreams over the end of a window again: a quarter of the steps will do.
            ends = known.get(last) or self._from_nothing(last, frames[last], quarter=True)
            state = self._saved(names[0][1], ends)
            yield last, state
            done = 1
        coming = [(number, name, frames[number]) for number, name in names[done:]]
        followed = self._follow(window, coming, state, {}, done - 1, backwards=True)
        yield from zip(numbers[done:], followed, strict=True)

    def _turns(self, window: Window) -> int:
        """The first frame of a window that turns into the key it comes to; its end where there is none."""
        if self._segment.ends_shot or not window.ends_segment:
            return window.end
        return max(window.first, window.stop - crossfade_length(self._segment))

    def _first(
        self, number: int, frame: np.ndarray, foreseen: BackwardDream | None, known: Mapping[int, RenderState]
    ) -> RenderState:
        """The dream of the first frame of a segment."""
        if foreseen and self._segment.begins_shot:
            carried = FrameState.of(frame, frame + foreseen.change, foreseen.maturity)
            return RenderState(carried, StrengthController(), self._bearings.reference(number))
        return known.get(number) or self._from_nothing(number, frame)

    def _follow(
        self,
        window: Window,
        frames: Sequence[tuple[int, str, np.ndarray]],
        state: RenderState,
        foreseen: Mapping[int, BackwardDream],
        count: int,
        *,
        backwards: bool = False,
    ) -> Generator[RenderState]:
        """Dream frames one from the other.

        Args:
            window: What they are part of.
            frames: Number, stored name and pixels of each, in the order in which they are dreamed.
            state: That of the frame before them.
            foreseen: What the pass backwards dreamed of each frame, if there was one.
            count: How many frames of this pass were dreamed on from another before.
            backwards: Whether this is that pass, which takes steps in some frames only and has no momentum.
        """
        motions = self._motions(state.carried.frame, frames, backwards=backwards)
        with closing(prefetch(zip(frames, motions, strict=True), _FRAMES_AHEAD)) as moving:
            for each, ((number, name, frame), moved) in enumerate(moving, count):
                state = replace(state, reference=self._bearings.reference(number))
                known = foreseen.get(number)
                turning = self._turning(window, number) if known else 0.0
                motion = self._look(number).motion
                taken = schedule_steps(motion.follow_steps, each, backwards=backwards)
                # What a frame that rests would lose, nothing would grow again.
                persistence = 1.0 if backwards and not taken.steps else motion.persistence
                seed = residual_seed(frame, moved, state.carried, persistence, known, turning)
                measured = each % _MEASURED_EVERY == 0
                coming = self._dream_on(number, frame, seed, state, taken, measured=measured, momentum=not backwards)
                state = self._saved(name, coming)
                yield state

    def _turning(self, window: Window, number: int) -> float:
        """Share of the pass backwards in a frame's seed: with it the last frame before a key has all of it.

        More than would fade it in evenly, for each ascent climbs back towards what the rest of the seed shows.
        """
        left = self._segment.stop - number
        return 2 / (left + 1) if number >= self._turns(window) else 0.0

    def _dream_on(
        self,
        number: int,
        frame: np.ndarray,
        seed: Seed,
        before: RenderState,
        taken: StepSchedule,
        *,
        measured: bool,
        momentum: bool,
    ) -> RenderState:
        look = self._look(number)
        if seed.covered < _LOST:
            return replace(self._from_nothing(number, frame), level=before.level)
        level, pixels, change = before.level, seed.image, None
        if taken.steps:
            held = look.motion.follow_step_size * taken.size * level.gain
            young = max(look.motion.young_step_size * taken.young - held, 0) * np.exp(-seed.maturity / GROWTH_FRAMES)
            pixels = self._dreamer.dream(
                seed.image, settings=look.dream, steps=taken.steps, step_size=held + young,
                ceilings=level.ceilings(before.reference, taken.ceiling),
            ).pixels  # fmt: skip
        if momentum:
            pixels, change = seed.evened(pixels)
        carried = self._kept(number, frame, pixels, seed.maturity + (1 if momentum else bool(taken.steps)), change)
        if measured:
            level = level.seen(self._dreamer.strength(carried.dream, settings=look.dream), before.reference)
        return RenderState(carried, level, before.reference)

    def _from_nothing(self, number: int, frame: np.ndarray, *, quarter: bool = False) -> RenderState:
        look = self._look(number).dream
        dream = self._dreamer.dream(frame, settings=look, steps=-(-look.steps // 4) if quarter else look.steps)
        carried = self._kept(number, frame, dream.pixels, 1 if quarter else FULL_AGE)
        return RenderState(carried, StrengthController(), self._bearings.reference(number))

    def _kept(
        self, number: int, frame: np.ndarray, dream: np.ndarray, maturity: np.ndarray | float,
        change: np.ndarray | None = None,
    ) -> FrameState:  # fmt: skip
        return FrameState.of(frame, match_color(dream, frame, self._look(number).dream.color), maturity, change)

    def _motions(
        self, previous: np.ndarray, frames: Sequence[tuple[int, str, np.ndarray]], *, backwards: bool
    ) -> Generator[Motion]:
        """The motion of each frame from the one before it; what the pass backwards has found serves the other too."""
        assert self._motion.flow != "none"
        estimator = FlowEstimator(self._motion.flow)
        for number, _, frame in frames:
            if backwards:
                found = self._ways.get(number + 1) or estimator.ways(previous, frame)
                self._ways[number + 1] = found
                yield found.reversed.motion(*frame.shape[:2])
            else:
                known = number in self._ways
                found = self._ways.pop(number) if known else estimator.ways(frame, previous)
                yield found.motion(*frame.shape[:2])
            previous = frame


def crossfade_length(segment: Segment) -> int:
    """Frames at the end of a segment in which its dream turns into that of the next one's key."""
    return 0 if segment.ends_shot else min(_TURN, segment.stop - segment.first - 1)
