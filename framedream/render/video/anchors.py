"""The keys of a divided shot: frames dreamed before all others, in which its segments meet.

What they dream of comes from a sketch: a small, cheap dream of the whole shot, carried from its
middle to both ends as the dream itself is from frame to frame. So the dream that comes to a key
has grown much the same creatures as the one that starts there.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np

from framedream.config.settings import DreamSettings
from framedream.motion.optical_flow import FlowEstimator
from framedream.render.color_matching import match_color
from framedream.render.state_store import StateStore, anchor_name, sketch_name
from framedream.render.video.calibration import Dreamer, FrameReader, slice_frames
from framedream.render.video.calibration_intervals import SettingsAt
from framedream.render.video.frame_state import FULL_AGE, GROWTH_FRAMES, FrameState, residual_seed
from framedream.render.video.render_state import RenderState
from framedream.render.video.step_schedule import schedule_steps
from framedream.render.video.strength_control import StrengthController, StrengthReference

_SMALLEST = 64
"""Smaller side of a sketch, in pixels, at least, if the frame has as many."""

_STRIDE = 3
"""Every how many frames of a shot there is one of the sketch, if they fit the memory."""

_BYTES = 2**28
"""What the sketch's frames between two keys may have of the memory."""

_STEPS = 1
"""Ascent steps at each octave of a sketch's frame."""

_RUN_UP = 24
"""Frames of the sketch before its first key: what was dreamed from nothing must become what is carried."""

_CLIMB = 6
"""Ascent steps at each octave with which a key begins, of the size that frames dreamed from nothing take."""

_SETTLE = 10
"""Dreams of a key that follow, as if the picture stood still: so it is as old as what is carried there."""


class AnchorFrames:
    """Dreams the keys of one shot.

    Args:
        shot: Its first frame, and the frame behind its last.
        numbers: All its keys, rising.
        read: Gives the footage's frames.
        dreamer: What dreams a single frame.
        look: How each frame is dreamed.
        reference: What dreams from nothing reach at a frame.
        store: Where keys and sketches are kept.
    """

    def __init__(
        self, shot: tuple[int, int], numbers: list[int], read: FrameReader, dreamer: Dreamer, look: SettingsAt,
        reference: Callable[[int], StrengthReference], store: StateStore,
    ) -> None:  # fmt: skip
        self._first, self._numbers, self._read = shot[0], numbers, read
        self._dreamer, self._look, self._reference, self._store = dreamer, look, reference, store

    def take(self, number: int) -> None:
        """Dream a key and store it, unless that is done; what another process does meanwhile is waited for.

        Args:
            number: The frame's number in the footage.
        """
        if self._store.load(anchor_name(number)) is not None:
            return
        reference = self._reference(number)
        for at in self._way_to(number):
            sketch = self._sketch(at)
        with self._store.alone_with(anchor_name(number)):
            if self._store.load(anchor_name(number)) is None:
                (frame,) = (seen.pixels for seen in slice_frames(self._read, number, number + 1))
                self._store.save(anchor_name(number), self._dreamed(number, sketch, frame, reference).packed())

    def _dreamed(
        self, number: int, sketch: dict[str, np.ndarray], frame: np.ndarray, reference: StrengthReference
    ) -> RenderState:
        """A key, dreamed from its sketch until it is as strong as a dream that has been carried there."""
        height, width = frame.shape[:2]
        change = cv2.resize(sketch["change"].astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        look, motion, level = self._look(number).dream, self._look(number).motion, StrengthController()
        carried = self._climbed(frame, frame + change, look, _CLIMB, look.step_size, level.ceilings(reference))
        for count in range(_SETTLE):
            level = level.seen(self._dreamer.strength(carried.dream, settings=look), reference)
            seed = frame + motion.persistence * (carried.dream - frame)
            slice_frames = schedule_steps(motion.follow_steps, count, backwards=False)
            size = motion.follow_step_size * slice_frames.size * level.gain
            ceilings = level.ceilings(reference, slice_frames.ceiling)
            carried = self._climbed(frame, seed, look, slice_frames.steps, size, ceilings)
        # What the controller summed up here says nothing about frames that move.
        return RenderState(carried, StrengthController(), reference)

    def _climbed(
        self, frame: np.ndarray, seed: np.ndarray, look: DreamSettings, steps: int, size: float,
        ceilings: Sequence[float],
    ) -> FrameState:  # fmt: skip
        dream = self._dreamer.dream(
            np.clip(seed, 0, 255), settings=look, steps=steps,
            step_size=np.full((*frame.shape[:2], 1), size, np.float32), ceilings=ceilings,
        )  # fmt: skip
        return FrameState.of(frame, match_color(dream.pixels, frame, look.color), FULL_AGE)

    def _way_to(self, number: int) -> list[int]:
        """The keys that a sketch passes on its way to one; it begins at the middle one."""
        keys, middle = self._numbers, len(self._numbers) // 2
        index = keys.index(number)
        return keys[middle : index + 1] if index >= middle else keys[index : middle + 1][::-1]

    def _sketch(self, number: int) -> dict[str, np.ndarray]:
        """The sketch at a key; made, if it is not there, from that at its neighbour nearer to the middle."""
        stored = self._store.load(sketch_name(number))
        if stored is not None:
            return stored
        with self._store.alone_with(sketch_name(number)):
            stored = self._store.load(sketch_name(number))
            if stored is not None:
                return stored
            way = self._way_to(number)
            before = way[-2] if len(way) > 1 else max(self._first, number - _RUN_UP)
            frames = self._small_frames(before, number)
            first = frames[before]
            begun = RenderState.unpacked(first, self._sketch(before)) if len(way) > 1 else self._begun(before, first)
            state = self._carried_on(frames, begun)
            change = (state.carried.dream - state.carried.frame).astype(np.float16)
            made = state.packed() | {"change": change}
            self._store.save(sketch_name(number), made)
        return made

    def _small_frames(self, start: int, end: int) -> dict[int, np.ndarray]:
        """Some frames between two by number, in the order from one to the other, both included."""
        low, high = min(start, end), max(start, end)
        small: dict[int, np.ndarray] = {}
        wanted = {low}
        for number, frame in enumerate(slice_frames(self._read, low, high + 1), low):
            if number in wanted:
                small[number] = _small(frame.pixels)
            if number == low:
                fitting = max(2, _BYTES // small[low].nbytes)
                steps = max(1, min((high - low) // _STRIDE + 1, fitting - 1, high - low))
                wanted = {low + round((high - low) * index / steps) for index in range(steps + 1)}
        return small if start <= end else dict(reversed(small.items()))

    def _carried_on(self, frames: Mapping[int, np.ndarray], state: RenderState) -> RenderState:
        """The sketch of the last of some frames, from that of the first."""
        numbers = list(frames)
        flow = self._look(numbers[0]).motion.flow
        assert flow != "none"
        estimator = FlowEstimator(flow)
        stride = abs(numbers[-1] - numbers[0]) / max(1, len(numbers) - 1)
        for before, number in itertools.pairwise(numbers):
            frame, look, motion = frames[number], self._look(number).dream, self._look(number).motion
            reference = state.reference
            if look != self._look(before).dream:
                reference = reference.changed(self._reference(before), self._reference(number))
            moved = estimator.motion(frame, state.carried.frame)
            seed = residual_seed(frame, moved, state.carried, motion.persistence)
            held = motion.follow_step_size * state.level.gain
            young = max(motion.young_step_size - held, 0) * np.exp(-seed.maturity * stride / GROWTH_FRAMES)
            dream = self._dreamer.dream(
                seed.image,
                settings=look,
                steps=_STEPS,
                step_size=held + young,
                ceilings=state.level.ceilings(reference),
            )
            pixels = match_color(dream.pixels, frame, look.color)
            carried = FrameState.of(frame, pixels, seed.maturity + 1)
            level = state.level.seen(self._dreamer.strength(carried.dream, settings=look), reference)
            state = RenderState(carried, level, reference)
        return state

    def _begun(self, number: int, frame: np.ndarray) -> RenderState:
        """The sketch's first frame, dreamed from nothing."""
        look = self._look(number).dream
        dream = self._dreamer.dream(frame, settings=look)
        carried = FrameState.of(frame, match_color(dream.pixels, frame, look.color), FULL_AGE)
        return RenderState(
            carried,
            StrengthController(),
            StrengthReference(self._dreamer.strength(carried.dream, settings=look), dream.losses),
        )


def _small(frame: np.ndarray) -> np.ndarray:
    """A frame at half its size, or at the smallest that a sketch may have."""
    height, width = frame.shape[:2]
    scale = min(1.0, max(0.5, _SMALLEST / min(height, width)))
    if scale == 1:
        return frame
    return cv2.resize(frame, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
