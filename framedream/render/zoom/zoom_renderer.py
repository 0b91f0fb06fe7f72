"""Renders a zoom: each frame is the dreamed frame before it, transformed and dreamed again.

On its way a zoom reaches dreamed stills: the next one of several, or the first frame of a loop. See
`framedream.render.zoom.transition` for how it gets there.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import numpy as np

from framedream.media.frames import Frame
from framedream.render.color_matching import match_color
from framedream.render.inputs import SettingsAt
from framedream.render.state_store import StateStore, anchor_name, frame_name, transition_name
from framedream.render.video.frame_state import FULL_AGE, FrameState, RenderState
from framedream.render.video.step_schedule import StepSchedule
from framedream.render.video.strength_control import StrengthController
from framedream.render.zoom.mirrored_plane import MirroredPlane
from framedream.render.zoom.similarity import Similarity, distance_inside, resample
from framedream.render.zoom.zoom_calibration import ZoomCalibrator
from framedream.render.zoom.zoom_spec import ZoomSpec

if TYPE_CHECKING:
    from framedream.nn.ascent.dreamer import Dreamer

_SETTLING_DREAMS = 8
"""Further dreams of a still after the first, in which it moves a step on and back in turn (so their number is even):
then it is as old as the dream that reaches it."""

_MEASURING_INTERVAL = 2
"""Every how many frames the strength is measured."""

_NEW_AGE = 10.0
"""Age of what comes into view: it has been dreamed, but elsewhere."""

_NORMAL_STRETCH = 0.0105
"""Natural logarithm of the scale of a frame, about 1.3 in 25 frames, for which the follow steps are enough: a faster
zoom takes more of them."""

_MAX_STEP_FACTOR = 4.0
"""Largest factor of the number of steps for that reason."""

BlendTransition = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Blends a seed with its share of the next picture; also returns the factor of the step size, H×W."""


def render_zoom(
    spec: ZoomSpec, first: int, stop: int, dreamer: Dreamer, settings_at: SettingsAt, store: StateStore
) -> Generator[Frame | None]:
    """Dream neighbouring frames of a zoom; those in the store already are taken from there.

    Args:
        spec: The zoom.
        first: Number of the first frame. The frame before it must be stored, if there is one.
        stop: Number of the frame after the last one.
        dreamer: Dreams a single frame.
        settings_at: Returns the settings of each frame.
        store: Where dreamed frames are stored.

    Yields:
        The dreamed frames with their times, and None for each frame dreamed for a transition.

    Raises:
        KeyError: The frame before the first is not stored.
    """
    yield from ZoomRenderer(spec, dreamer, settings_at, store).render(first, stop)


class ZoomRenderer:
    """Renders one zoom.

    Attributes:
        padded_frame: The frame with the margin in which it is dreamed.
    """

    def __init__(self, spec: ZoomSpec, dreamer: Dreamer, settings_at: SettingsAt, store: StateStore) -> None:
        """Prepare a zoom; the arguments are those of `render_zoom`."""
        self._spec, self._dreamer, self._settings_at, self._store = spec, dreamer, settings_at, store
        self.padded_frame = spec.padded_frame
        self._calibrator = ZoomCalibrator(spec, dreamer, settings_at, store)
        self._plane: tuple[int, MirroredPlane] | None = None
        self._plane_transform: tuple[int, int, Similarity] = -1, 0, Similarity()

    def render(self, first: int, stop: int) -> Generator[Frame | None]:
        """Dream neighbouring frames; see `render_zoom`."""
        state = self._load(frame_name(first - 1)) if first else None
        if first and state is None:
            raise KeyError(frame_name(first - 1))
        for number in range(first, stop):
            following = self._load(frame_name(number))
            if following is None:
                yield from self._render_transition(number)
                following = self._save(frame_name(number), self.dream_frame(number, state))
            state = following
            yield Frame(self.padded_frame.crop(state.frame_state.dream), number / self._spec.rate)

    def dream_frame(self, number: int, before: RenderState | None) -> RenderState:
        """Dream a frame from the state of the one before it; a frame that shows a still needs none."""
        if number in self._spec.still_frames:
            return self._dream_still(self._spec.still_frames.index(number))
        assert before is not None
        section = self._section(number)

        def surroundings() -> np.ndarray:
            return self._section_plane(section).view(self._transform_since_still(section, number))

        transform, blend = self.padded_frame.transform(number - 1, number), self.blend_at(number)
        is_measured = number % _MEASURING_INTERVAL == 0
        return self.dream_next(number, before, transform, surroundings, blend, is_measured=is_measured)

    def dream_next(
        self,
        number: int,
        before: RenderState,
        transform: Similarity,
        surroundings: Callable[[], np.ndarray],
        blend: BlendTransition | None = None,
        *,
        is_measured: bool,
        steps: int | None = None,
    ) -> RenderState:
        """Transform a frame, fill in what comes into view, dream it, and match its spectrum.

        Args:
            number: Number of the new frame.
            before: State of the frame before it.
            transform: Transform of the picture between the two.
            surroundings: Returns the picture that comes into view.
            blend: Blends the seed into the next picture.
            is_measured: Whether to measure the strength.
            steps: Ascent steps at each octave. Default: those of the settings, more in a fast zoom.
        """
        settings, reference = self._settings_at(number), self._calibrator.at(number)
        seed = resample(before.frame_state.dream, transform)
        age = resample(before.frame_state.age, transform).clip(0, FULL_AGE)
        new = np.clip(-distance_inside(seed.shape, transform), 0, 1).astype(np.float32)
        if new.any():
            seed += new[..., None] * (surroundings() - seed)
            age += new * (_NEW_AGE - age)
        stretch = math.log(abs(transform.factor))
        size_factor: np.ndarray | float = 1.0
        if blend:
            seed, size_factor = blend(reference.spectrum.match_bands(seed, stretch))
        seed = np.clip(seed, 0, 255)
        controller = before.controller
        schedule = StepSchedule(_step_count(settings.motion.follow_steps, stretch) if steps is None else steps)
        pixels = self._dreamer.dream(
            seed, settings=settings.dream, steps=schedule.steps,
            step_size=schedule.step_size_map(settings.motion, controller.gain, age) * size_factor,
            ceilings=controller.ceilings(reference.strength),
        ).pixels  # fmt: skip
        if settings.dream.color == "luma":
            pixels = match_color(pixels, seed, "luma")
        if not blend:
            # A blended frame has the spectrum of the picture that it fades into.
            pixels = np.clip(reference.spectrum.match_bands(pixels, stretch), 0, 255)
            if settings.dream.color != "free":
                pixels = reference.spectrum.match_mean(pixels)
        frame_state = FrameState.from_dream(pixels, pixels, np.minimum(age + 1, FULL_AGE))
        if is_measured:
            strength = self._dreamer.strength(frame_state.dream, settings=settings.dream)
            controller = controller.update(strength, reference.strength)
        return RenderState(frame_state, controller, reference.strength)

    def _dream_still(self, index: int) -> RenderState:
        """Dream a still until it is as old as the dream that reaches it."""
        index %= len(self._spec.stills)
        number = self._spec.still_frames[index]
        stored = self._load(anchor_name(number))
        if stored is not None:
            return stored
        settings, reference = self._settings_at(number), self._calibrator.at(number)
        still = self.padded_frame.still(index)
        dream = self._dreamer.dream(still, settings=settings.dream)
        pixels = match_color(dream.pixels, still, settings.dream.color)
        state = RenderState(FrameState.from_dream(pixels, pixels, FULL_AGE), StrengthController(), reference.strength)
        start = max(0, min(number, self._spec.frames - 2))
        step = self.padded_frame.transform(start, start + 1)
        for count in range(_SETTLING_DREAMS):
            transform = step.inverse if count % 2 else step
            state = self.dream_next(number, state, transform, lambda: pixels, is_measured=True)
        return self._save(anchor_name(number), state)

    def _render_transition(self, number: int) -> Generator[None]:
        """Dream the picture that a frame fades into, from the end of the transition back to the frame."""
        section = self._section(number)
        transition = self.padded_frame.transitions[section]
        if transition is None or number < transition.first:
            return
        # Earlier frames of the transition have been released.
        first = max(number - 1, transition.first)
        if all(self._load(transition_name(each)) is not None for each in {first, number}):
            return
        state = self._dream_still(section + 1)
        plane = MirroredPlane(state.frame_state.dream)
        for each in range(transition.end - 1, first - 1, -1):
            following = self._load(transition_name(each))
            if following is None:
                back = self.padded_frame.transform(each, each + 1).inverse

                def surroundings(each: int = each) -> np.ndarray:
                    return plane.view(self.padded_frame.transform(each, transition.end).inverse)

                # The zoom dreams over it again: half of the steps are enough.
                steps = (_step_count(self._settings_at(each).motion.follow_steps, math.log(abs(back.factor))) + 1) // 2
                is_measured = each % _MEASURING_INTERVAL == 0
                following = self.dream_next(each, state, back, surroundings, is_measured=is_measured, steps=steps)
                self._save(transition_name(each), following)
                yield None
            state = following

    def blend_at(self, number: int) -> BlendTransition | None:
        """Return what blends a frame into the next picture, if it is part of a transition."""
        transition = self.padded_frame.transitions[self._section(number)]
        if transition is None or number < transition.first:
            return None
        target, previous = (self._load(transition_name(max(each, transition.first))) for each in (number, number - 1))
        assert target is not None and previous is not None
        before = resample(previous.frame_state.dream, self.padded_frame.transform(number - 1, number))

        def blend(seed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            blended = transition.blend(number, seed, target.frame_state.dream, before)
            return blended, 1 - transition.share(number, seed.shape) ** 4

        return blend

    def _section(self, number: int) -> int:
        """The index of the still that a frame comes from."""
        return bisect.bisect_right(self._spec.still_frames, number) - 1

    def _section_plane(self, section: int) -> MirroredPlane:
        if self._plane is None or self._plane[0] != section:
            self._plane = section, MirroredPlane(self._dream_still(section).frame_state.dream)
        return self._plane[1]

    def _transform_since_still(self, section: int, number: int) -> Similarity:
        """The transform of the plane around a still up to a frame."""
        known_section, start, transform = self._plane_transform
        if known_section != section or start > number:
            start, transform = self._spec.still_frames[section], Similarity()
        for frame in range(start, number):
            step = self.padded_frame.transform(frame, frame + 1)
            transform = self._section_plane(section).normalize(transform.then(step))
        self._plane_transform = section, number, transform
        return transform

    def _load(self, name: str) -> RenderState | None:
        stored = self._store.load(name)
        return None if stored is None else RenderState.from_arrays(stored["dream"], stored)

    def _save(self, name: str, state: RenderState) -> RenderState:
        self._store.save(name, state.to_arrays())
        return state


def _step_count(follow_steps: int, stretch: float) -> int:
    """Number of ascent steps that renew a texture as fast as it is stretched."""
    return round(follow_steps * min(max(abs(stretch) / _NORMAL_STRETCH, 1.0), _MAX_STEP_FACTOR))
