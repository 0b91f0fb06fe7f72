"""Renders a segment: backwards, then forwards, each frame starting from the dream of the frame before it.

Each dreamed frame is stored before the next one starts.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from framedream.media.frames import Frame
from framedream.motion.optical_flow import FlowEstimator, FlowPair, Motion
from framedream.render.color_matching import match_color
from framedream.render.inputs import SettingsAt
from framedream.render.prefetching import FRAMES_AHEAD, prefetch
from framedream.render.state_store import StateStore, anchor_name, backward_name, frame_name
from framedream.render.video.calibration import StrengthCalibrator
from framedream.render.video.frame_state import FULL_AGE, BackwardDream, FrameState, RenderState, Seed, residual_seed
from framedream.render.video.segments import Segment
from framedream.render.video.step_schedule import StepSchedule, schedule_steps
from framedream.render.video.strength_control import StrengthController
from framedream.render.video.windows import Window

if TYPE_CHECKING:
    from framedream.nn.ascent.dreamer import Dreamer

_MIN_COVERAGE = 0.25
"""A frame of which a smaller share has a dream to continue is dreamed from scratch."""

_MEASURING_INTERVAL = 2
"""Every how many frames the strength is measured."""

MAX_CROSSFADE = 36
"""The most frames over which a dream fades into that of the anchor frame at the end of its segment."""


class SegmentRenderer:
    """Renders a shot, or a segment of one, window after window.

    Attributes:
        state: State of the last frame delivered; None before the first.
    """

    def __init__(
        self,
        segment: Segment,
        calibrator: StrengthCalibrator,
        dreamer: Dreamer,
        settings_at: SettingsAt,
        store: StateStore,
        *,
        frames_ahead: int = FRAMES_AHEAD,
    ) -> None:
        """Prepare a segment; its anchor frames must be in the store.

        Args:
            segment: The segment.
            calibrator: Gives the strength references of its shot.
            dreamer: Dreams a single frame.
            settings_at: Returns the settings of each frame. Flow and passes are those of the first frame throughout.
            store: Where dreamed frames are stored.
            frames_ahead: For how many frames flow is computed ahead of the dreaming.
        """
        self._segment, self._calibrator, self._dreamer = segment, calibrator, dreamer
        self._settings_at, self._store, self._frames_ahead = settings_at, store, frames_ahead
        self._motion = settings_at(segment.first).motion
        self._flows: dict[int, FlowPair] = {}
        self.state: RenderState | None = None

    def resume_after(self, number: int, frame: np.ndarray) -> None:
        """Continue after a stored frame.

        Args:
            number: The frame's number in the footage.
            frame: The source frame, H×W×3 float32, in levels.

        Raises:
            KeyError: It is not stored.
        """
        self.state = RenderState.from_arrays(frame, self._load(frame_name(number)))

    def render(self, window: Window, frames: Sequence[Frame]) -> Generator[Frame | None]:
        """Dream a window, which starts where the one before it ended.

        Args:
            window: The window.
            frames: All frames of the window, with those that it looks ahead.

        Yields:
            The dreamed frames that the window delivers, and None for each frame of the backward pass.

        Raises:
            KeyError: An anchor frame of the segment is not stored.
        """
        pixels = {number: frame.pixels for number, frame in enumerate(frames, window.first)}
        own = range(window.first, window.stop)
        self._flows = {number: flows for number, flows in self._flows.items() if number >= window.first}
        before, done = self.state, window.first
        stored_states = self._load_states(pixels, [(number, frame_name(number)) for number in own])
        for number, state in zip(own, stored_states, strict=False):
            self.state, done = state, number + 1
            yield replace(frames[number - window.first], pixels=state.frame_state.dream)
        if done == window.stop:
            return
        self._calibrator.set_frames(pixels)
        finished = self._finished_states(pixels)
        backward: dict[int, BackwardDream] = {}
        for number, state in self._render_backwards(window, pixels, finished):
            backward[number] = state.frame_state.to_backward_dream()
            yield None
        if self.state is None:
            first = self._first_state(done, pixels[done], backward.get(done), finished)
            self.state = self._save(frame_name(done), first)
            yield replace(frames[0], pixels=self.state.frame_state.dream)
            done += 1
        remaining = range(done, window.stop)
        states = self._continue(
            window,
            [(number, frame_name(number), pixels[number]) for number in remaining],
            self.state, backward, done - window.first - (before is None),
        )  # fmt: skip
        for number, state in zip(remaining, states, strict=True):
            self.state = state
            yield replace(frames[number - window.first], pixels=state.frame_state.dream)

    def _load_states(
        self, frames: Mapping[int, np.ndarray], names: Sequence[tuple[int, str]]
    ) -> Generator[RenderState]:
        """The states that are stored, up to the first that is not."""
        for number, name in names:
            stored = self._store.load(name)
            if stored is None:
                return
            yield RenderState.from_arrays(frames[number], stored)

    def _save(self, name: str, state: RenderState) -> RenderState:
        self._store.save(name, state.to_arrays())
        return state

    def _load(self, name: str) -> dict[str, np.ndarray]:
        stored = self._store.load(name)
        if stored is None:
            raise KeyError(name)
        return stored

    def _finished_states(self, frames: Mapping[int, np.ndarray]) -> dict[int, RenderState]:
        """The frames that were dreamed before the segment: anchor frames and calibration frames."""
        found = {
            number: RenderState(frame_state, StrengthController(), self._calibrator.reference(number))
            for number, frame_state in self._calibrator.calibration_dreams().items()
        }
        for number in self._segment.keys:
            if number in frames:
                found[number] = RenderState.from_arrays(frames[number], self._load(anchor_name(number)))
        return found

    def _render_backwards(
        self, window: Window, frames: Mapping[int, np.ndarray], finished: Mapping[int, RenderState]
    ) -> Generator[tuple[int, RenderState]]:
        """Dream all frames from the last to the first; with one pass, only those that fade into an anchor frame."""
        first = window.first if self._motion.passes == 2 else self._crossfade_start(window)
        numbers = range(window.end - 1, first - 1, -1)
        if len(numbers) < 2:
            return
        names = [(number, backward_name(window.first, number)) for number in numbers]
        state, done = None, 0
        for done, state in enumerate(self._load_states(frames, names), 1):
            yield numbers[done - 1], state
        if state is None:
            last = numbers[0]
            # The forward pass dreams over the end of a window again: a quarter of the steps is enough.
            initial = finished.get(last) or self._dream_from_scratch(last, frames[last], is_quick=True)
            state = self._save(names[0][1], initial)
            yield last, state
            done = 1
        remaining = [(number, name, frames[number]) for number, name in names[done:]]
        states = self._continue(window, remaining, state, {}, done - 1, backwards=True)
        yield from zip(numbers[done:], states, strict=True)

    def _crossfade_start(self, window: Window) -> int:
        """The first frame of a window that fades into an anchor frame; the window's end if none does."""
        if self._segment.ends_shot or not window.ends_segment:
            return window.end
        return max(window.first, window.stop - crossfade_length(self._segment))

    def _first_state(
        self, number: int, frame: np.ndarray, backward: BackwardDream | None, finished: Mapping[int, RenderState]
    ) -> RenderState:
        """The dream of the first frame of a segment."""
        if backward and self._segment.begins_shot:
            frame_state = FrameState.from_dream(frame, frame + backward.change, backward.age)
            return RenderState(frame_state, StrengthController(), self._calibrator.reference(number))
        return finished.get(number) or self._dream_from_scratch(number, frame)

    def _continue(
        self,
        window: Window,
        frames: Sequence[tuple[int, str, np.ndarray]],
        state: RenderState,
        backward: Mapping[int, BackwardDream],
        count: int,
        *,
        backwards: bool = False,
    ) -> Generator[RenderState]:
        """Dream frames, each starting from the dream of the one before it.

        Args:
            window: Their window.
            frames: Number, stored name and pixels of each, in the order in which they are dreamed.
            state: State of the frame before them.
            backward: The dreams of the backward pass, if there was one, by frame number.
            count: How many frames of this pass continued a dream before these.
            backwards: Whether this is the backward pass, which takes steps in some frames only and has no momentum.
        """
        motions = self._motions(state.frame_state.frame, frames, backwards=backwards)
        with closing(prefetch(zip(frames, motions, strict=True), self._frames_ahead)) as pairs:
            for index, ((number, name, frame), frame_motion) in enumerate(pairs, count):
                state = replace(state, reference=self._calibrator.reference(number))
                backward_dream = backward.get(number)
                blend = self._crossfade_share(window, number) if backward_dream else 0.0
                motion = self._settings_at(number).motion
                schedule = schedule_steps(motion.follow_steps, index, backwards=backwards)
                # A frame without steps could not regrow what it would lose.
                persistence = 1.0 if backwards and not schedule.steps else motion.persistence
                seed = residual_seed(frame, frame_motion, state.frame_state, persistence, backward_dream, blend)
                is_measured = index % _MEASURING_INTERVAL == 0
                following = self._dream_next(
                    number, frame, seed, state, schedule, is_measured=is_measured, has_momentum=not backwards
                )
                state = self._save(name, following)
                yield state

    def _crossfade_share(self, window: Window, number: int) -> float:
        """Share of the backward dream in a frame's seed, so that the last frame before an anchor has all of it.

        It rises faster than linearly, since each ascent climbs back towards what the rest of the seed shows.
        """
        left = self._segment.stop - number
        return 2 / (left + 1) if number >= self._crossfade_start(window) else 0.0

    def _dream_next(
        self,
        number: int,
        frame: np.ndarray,
        seed: Seed,
        before: RenderState,
        schedule: StepSchedule,
        *,
        is_measured: bool,
        has_momentum: bool,
    ) -> RenderState:
        settings = self._settings_at(number)
        if seed.coverage < _MIN_COVERAGE:
            return replace(self._dream_from_scratch(number, frame), controller=before.controller)
        controller, pixels, change = before.controller, seed.image, None
        if schedule.steps:
            pixels = self._dreamer.dream(
                seed.image, settings=settings.dream, steps=schedule.steps,
                step_size=schedule.step_size_map(settings.motion, controller.gain, seed.age),
                ceilings=controller.ceilings(before.reference, schedule.ceiling),
            ).pixels  # fmt: skip
        if has_momentum:
            pixels, change = seed.apply_momentum(pixels)
        age = seed.age + (1 if has_momentum else bool(schedule.steps))
        frame_state = self._matched_state(number, frame, pixels, age, change)
        if is_measured:
            strength = self._dreamer.strength(frame_state.dream, settings=settings.dream)
            controller = controller.update(strength, before.reference)
        return RenderState(frame_state, controller, before.reference)

    def _dream_from_scratch(self, number: int, frame: np.ndarray, *, is_quick: bool = False) -> RenderState:
        """Dream a frame that continues no dream, if quick in a quarter of the steps."""
        settings = self._settings_at(number).dream
        steps = -(-settings.steps // 4) if is_quick else settings.steps
        dream = self._dreamer.dream(frame, settings=settings, steps=steps)
        frame_state = self._matched_state(number, frame, dream.pixels, 1 if is_quick else FULL_AGE)
        return RenderState(frame_state, StrengthController(), self._calibrator.reference(number))

    def _matched_state(
        self, number: int, frame: np.ndarray, dream: np.ndarray, age: np.ndarray | float,
        change: np.ndarray | None = None,
    ) -> FrameState:  # fmt: skip
        """The state of a dream whose color is matched to its frame."""
        pixels = match_color(dream, frame, self._settings_at(number).dream.color)
        return FrameState.from_dream(frame, pixels, age, change)

    def _motions(
        self, previous: np.ndarray, frames: Sequence[tuple[int, str, np.ndarray]], *, backwards: bool
    ) -> Generator[Motion]:
        """The motion of each frame from the one before it; both passes share the flow."""
        assert self._motion.flow != "none"
        estimator = FlowEstimator(self._motion.flow)
        for number, _, frame in frames:
            if backwards:
                flows = self._flows.get(number + 1) or estimator.flow_pair(previous, frame)
                self._flows[number + 1] = flows
                yield flows.reversed.motion(*frame.shape[:2])
            else:
                is_known = number in self._flows
                flows = self._flows.pop(number) if is_known else estimator.flow_pair(frame, previous)
                yield flows.motion(*frame.shape[:2])
            previous = frame


def crossfade_length(segment: Segment) -> int:
    """Return the number of frames at the end of a segment that fade into the anchor frame of the next one."""
    return 0 if segment.ends_shot else min(MAX_CROSSFADE, segment.stop - segment.first - 1)
