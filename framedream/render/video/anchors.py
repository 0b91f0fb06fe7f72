"""Renders the anchor frames of a divided shot: frames dreamed before all others, in which its segments meet.

What they dream of comes from a sketch: a small, cheap dream of the whole shot, carried from its middle to both ends
from frame to frame like the dream itself. So the dream that arrives at an anchor frame has grown much the same
creatures as the one that starts there.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from framedream.config.settings import DreamSettings
from framedream.motion.optical_flow import FlowEstimator
from framedream.render.color_matching import match_color
from framedream.render.inputs import FrameReader, SettingsAt, read_frames
from framedream.render.state_store import StateStore, anchor_name, sketch_name
from framedream.render.video.frame_state import FULL_AGE, FrameState, RenderState, residual_seed
from framedream.render.video.step_schedule import StepSchedule, schedule_steps
from framedream.render.video.strength_control import StrengthController, StrengthReference

if TYPE_CHECKING:
    from framedream.nn.ascent.dreamer import Dreamer

_MIN_SKETCH_SIDE = 64
"""Smallest smaller side of a sketch, in pixels, unless the frame itself is smaller."""

_STRIDE = 3
"""Every how many frames of a shot there is a frame of the sketch, if they fit the memory."""

MAX_SKETCH_BYTES = 2**28
"""Memory for the frames of a sketch between two anchor frames."""

_SKETCH_STEPS = StepSchedule(1)
"""One ascent step at each octave of a frame of a sketch."""

_RUN_UP = 24
"""Frames of the sketch before its first anchor frame, in which a dream from scratch becomes one that is carried."""

_FIRST_STEPS = 6
"""Ascent steps at each octave with which an anchor frame starts, as large as those of a dream from scratch."""

_SETTLING_DREAMS = 10
"""Further dreams of an anchor frame, as if the picture stood still: then it is as old as the dream arriving there."""


class AnchorRenderer:
    """Dreams the anchor frames of one shot.

    Args:
        shot: Its first frame, and the frame after its last.
        numbers: All its anchor frames, in rising order.
        read: Reads the footage.
        dreamer: Dreams a single frame.
        settings_at: Returns the settings of each frame.
        reference: Returns the strength reference of a frame.
        store: Where anchor frames and sketches are stored.
        max_bytes: Memory for the frames of a sketch between two anchor frames.
    """

    def __init__(
        self, shot: tuple[int, int], numbers: list[int], read: FrameReader, dreamer: Dreamer, settings_at: SettingsAt,
        reference: Callable[[int], StrengthReference], store: StateStore, *, max_bytes: int = MAX_SKETCH_BYTES,
    ) -> None:  # fmt: skip
        self._first, self._numbers, self._read, self._max_bytes = shot[0], numbers, read, max_bytes
        self._dreamer, self._settings_at, self._reference, self._store = dreamer, settings_at, reference, store

    def render(self, number: int) -> None:
        """Dream an anchor frame and store it, unless it is stored; waits for another process that is dreaming it.

        Args:
            number: The frame's number in the footage.
        """
        if self._store.load(anchor_name(number)) is not None:
            return
        reference = self._reference(number)
        for at in self._sketch_path(number):
            sketch = self._sketch(at)
        with self._store.alone_with(anchor_name(number)):
            if self._store.load(anchor_name(number)) is None:
                (frame,) = (each.pixels for each in read_frames(self._read, number, number + 1))
                self._store.save(anchor_name(number), self._dream(number, sketch, frame, reference).to_arrays())

    def _dream(
        self, number: int, sketch: dict[str, np.ndarray], frame: np.ndarray, reference: StrengthReference
    ) -> RenderState:
        """Dream an anchor frame from its sketch until it is as strong as a dream that was carried there."""
        height, width = frame.shape[:2]
        change = cv2.resize(sketch["change"].astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        settings, motion = self._settings_at(number).dream, self._settings_at(number).motion
        controller = StrengthController()
        state = self._ascend(
            frame, frame + change, settings, _FIRST_STEPS, settings.step_size, controller.ceilings(reference)
        )
        for count in range(_SETTLING_DREAMS):
            controller = controller.update(self._dreamer.strength(state.dream, settings=settings), reference)
            seed = frame + motion.persistence * (state.dream - frame)
            schedule = schedule_steps(motion.follow_steps, count, backwards=False)
            size = schedule.step_size(motion, controller.gain)
            ceilings = controller.ceilings(reference, schedule.ceiling)
            state = self._ascend(frame, seed, settings, schedule.steps, size, ceilings)
        # The controller's integral does not apply to frames that move.
        return RenderState(state, StrengthController(), reference)

    def _ascend(
        self, frame: np.ndarray, seed: np.ndarray, settings: DreamSettings, steps: int, size: float,
        ceilings: Sequence[float],
    ) -> FrameState:  # fmt: skip
        dream = self._dreamer.dream(
            np.clip(seed, 0, 255), settings=settings, steps=steps,
            step_size=np.full((*frame.shape[:2], 1), size, np.float32), ceilings=ceilings,
        )  # fmt: skip
        return FrameState.from_dream(frame, match_color(dream.pixels, frame, settings.color), FULL_AGE)

    def _sketch_path(self, number: int) -> list[int]:
        """The anchor frames that a sketch passes from the middle one to a given one."""
        middle = len(self._numbers) // 2
        index = self._numbers.index(number)
        return self._numbers[middle : index + 1] if index >= middle else self._numbers[index : middle + 1][::-1]

    def _sketch(self, number: int) -> dict[str, np.ndarray]:
        """The sketch at an anchor frame; if not stored, continued from that at its neighbour nearer to the middle."""
        stored = self._store.load(sketch_name(number))
        if stored is not None:
            return stored
        with self._store.alone_with(sketch_name(number)):
            stored = self._store.load(sketch_name(number))
            if stored is not None:
                return stored
            path = self._sketch_path(number)
            before = path[-2] if len(path) > 1 else max(self._first, number - _RUN_UP)
            frames = self._small_frames(before, number)
            first = frames[before]
            state = self._continue_sketch(
                frames,
                RenderState.from_arrays(first, self._sketch(before))
                if len(path) > 1
                else self._start_sketch(before, first),
            )
            change = (state.frame_state.dream - state.frame_state.frame).astype(np.float16)
            arrays = state.to_arrays() | {"change": change}
            self._store.save(sketch_name(number), arrays)
        return arrays

    def _small_frames(self, start: int, end: int) -> dict[int, np.ndarray]:
        """Evenly spaced small frames from one number to another, both included, in that order, by number."""
        low, high = min(start, end), max(start, end)
        small: dict[int, np.ndarray] = {}
        selected = {low}
        for number, frame in enumerate(read_frames(self._read, low, high + 1), low):
            if number in selected:
                small[number] = _shrink(frame.pixels)
            if number == low:
                max_count = max(2, self._max_bytes // small[low].nbytes)
                steps = max(1, min((high - low) // _STRIDE + 1, max_count - 1, high - low))
                selected = {low + round((high - low) * index / steps) for index in range(steps + 1)}
        return small if start <= end else dict(reversed(small.items()))

    def _continue_sketch(self, frames: Mapping[int, np.ndarray], state: RenderState) -> RenderState:
        """Carry a sketch from the first of some frames to the last."""
        numbers = list(frames)
        flow = self._settings_at(numbers[0]).motion.flow
        assert flow != "none"
        estimator = FlowEstimator(flow)
        stride = abs(numbers[-1] - numbers[0]) / max(1, len(numbers) - 1)
        for before, number in itertools.pairwise(numbers):
            frame, settings, motion = frames[number], self._settings_at(number).dream, self._settings_at(number).motion
            reference = state.reference
            if settings != self._settings_at(before).dream:
                reference = reference.rescale(self._reference(before), self._reference(number))
            frame_motion = estimator.motion(frame, state.frame_state.frame)
            seed = residual_seed(frame, frame_motion, state.frame_state, motion.persistence)
            dream = self._dreamer.dream(
                seed.image, settings=settings, steps=_SKETCH_STEPS.steps,
                step_size=_SKETCH_STEPS.step_size_map(motion, state.controller.gain, seed.age * stride),
                ceilings=state.controller.ceilings(reference),
            )  # fmt: skip
            pixels = match_color(dream.pixels, frame, settings.color)
            frame_state = FrameState.from_dream(frame, pixels, seed.age + 1)
            strength = self._dreamer.strength(frame_state.dream, settings=settings)
            state = RenderState(frame_state, state.controller.update(strength, reference), reference)
        return state

    def _start_sketch(self, number: int, frame: np.ndarray) -> RenderState:
        """Dream the sketch's first frame from scratch."""
        settings = self._settings_at(number).dream
        dream = self._dreamer.dream(frame, settings=settings)
        frame_state = FrameState.from_dream(frame, match_color(dream.pixels, frame, settings.color), FULL_AGE)
        strength = self._dreamer.strength(frame_state.dream, settings=settings)
        return RenderState(frame_state, StrengthController(), StrengthReference(strength, dream.losses))


def _shrink(frame: np.ndarray) -> np.ndarray:
    """Halve a frame, or shrink it to the smallest size of a sketch."""
    height, width = frame.shape[:2]
    scale = min(1.0, max(0.5, _MIN_SKETCH_SIDE / min(height, width)))
    if scale == 1:
        return frame
    return cv2.resize(frame, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
