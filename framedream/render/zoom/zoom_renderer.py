"""A zoom while it is dreamed: each frame is the dreamed frame before it, moved and dreamed again.

On its way it comes to *arrivals*: dreamed stills that it has to meet, the next one of several, or the
first frame of a loop. See `framedream.render.zoom.transition` for how it gets there.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Generator

import numpy as np

from framedream.media.frames import Frame
from framedream.render.color_matching import match_color
from framedream.render.state_store import StateStore, anchor_name, frame_name, transition_name
from framedream.render.video.calibration import Dreamer
from framedream.render.video.calibration_intervals import SettingsAt
from framedream.render.video.frame_state import FULL_AGE, GROWTH_FRAMES, FrameState
from framedream.render.video.render_state import RenderState
from framedream.render.video.strength_control import StrengthController
from framedream.render.zoom.camera_path import Similarity
from framedream.render.zoom.mirrored_plane import MirroredPlane
from framedream.render.zoom.resampling import distance_inside, resample
from framedream.render.zoom.zoom_calibration import ZoomCalibrator
from framedream.render.zoom.zoom_spec import ZoomSpec

_SETTLE = 8
"""Dreams of a still that follow its first, as it moves a step on and back: so it is as old as what is carried
to it. An even number."""

_MEASURED_EVERY = 2
"""Every how many frames the strength is measured."""

_NEW = 10.0
"""Maturity of what comes into view: it has been dreamed, but not there."""

_STRETCH = 0.0105
"""Natural logarithm of the scale of a step, about 1.3 in 25 frames, that the steps of frames that follow are meant
for: a faster fall takes more of them."""

_MOST_STEPS = 4.0
"""How many times as many, at most."""

BlendTransition = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""A seed → that seed with its share of what it turns into, and the share of the steps it still takes, H×W."""


def render_zoom(
    fall: ZoomSpec, first: int, stop: int, dreamer: Dreamer, look: SettingsAt, store: StateStore
) -> Generator[Frame | None]:
    """Dream some neighbouring frames of a zoom; what is in the store already is taken from there.

    Args:
        fall: What it is to be.
        first: Number of the first of them. The frame before it must be stored, if there is one.
        stop: The frame behind the last.
        dreamer: What dreams a single frame.
        look: The settings at each frame.
        store: Where dreamed frames are kept.

    Yields:
        The dreamed frames, each with its time, and None for each dream that is no frame yet.

    Raises:
        KeyError: The frame before the first is not stored.
    """
    yield from ZoomRenderer(fall, dreamer, look, store).frames(first, stop)


class ZoomRenderer:
    """A zoom while it is dreamed.

    Attributes:
        canvas: What is dreamed of it.
    """

    def __init__(self, fall: ZoomSpec, dreamer: Dreamer, look: SettingsAt, store: StateStore) -> None:
        """Nothing is dreamed yet; arguments are those of `render_zoom`."""
        self._fall, self._dreamer, self._look, self._store = fall, dreamer, look, store
        self.canvas = fall.canvas
        self._touchstones = ZoomCalibrator(fall, self.canvas, dreamer, look, store)
        self._backdrop: tuple[int, MirroredPlane] | None = None
        self._gone: tuple[int, int, Similarity] = -1, 0, Similarity()

    def frames(self, first: int, stop: int) -> Generator[Frame | None]:
        """Neighbouring frames; see `render_zoom`."""
        state = self._stored(frame_name(first - 1)) if first else None
        if first and state is None:
            raise KeyError(frame_name(first - 1))
        for number in range(first, stop):
            coming = self._stored(frame_name(number))
            if coming is None:
                yield from self._foreseen(number)
                coming = self._saved(frame_name(number), self.dreamed(number, state))
            state = coming
            yield Frame(self.canvas.shown(state.carried.dream), number / self._fall.rate)

    def dreamed(self, number: int, before: RenderState | None) -> RenderState:
        """A frame, dreamed on from the one before it; that of an arrival needs none."""
        arrivals = self._fall.arrivals
        if number in arrivals:
            return self._arrived(arrivals.index(number))
        assert before is not None
        passage = self._passage(number)

        def beyond() -> np.ndarray:
            return self._surroundings(passage).seen(self._way_since(passage, number))

        way, turning = self.canvas.way(number - 1, number), self.turning(number)
        return self.onward(number, before, way, beyond, turning, measured=number % _MEASURED_EVERY == 0)

    def onward(
        self,
        number: int,
        before: RenderState,
        way: Similarity,
        beyond: Callable[[], np.ndarray],
        turning: BlendTransition | None = None,
        *,
        measured: bool,
        steps: int | None = None,
    ) -> RenderState:
        """The next frame: moved, what comes into view filled in, dreamed, its spectrum held.

        Args:
            number: Which one it is.
            before: The frame before it.
            way: How points move from there.
            beyond: Gives what is seen where something comes into view.
            turning: How it turns into something else.
            measured: Whether its strength is measured.
            steps: Ascent steps at each octave; those that follow if not given.
        """
        settings, wanted = self._look(number), self._touchstones.at(number)
        seed = resample(before.carried.dream, way)
        maturity = resample(before.carried.maturity, way).clip(0, FULL_AGE)
        new = np.clip(-distance_inside(seed.shape, way), 0, 1).astype(np.float32)
        if new.any():
            seed += new[..., None] * (beyond() - seed)
            maturity += new * (_NEW - maturity)
        stretch = math.log(abs(way.factor))
        left: np.ndarray | float = 1.0
        if turning:
            seed, left = turning(wanted.spectrum.held(seed, stretch))
        seed = np.clip(seed, 0, 255)
        motion, level = settings.motion, before.level
        held = motion.follow_step_size * level.gain
        young = max(motion.young_step_size - held, 0) * np.exp(-maturity / GROWTH_FRAMES)
        pixels = self._dreamer.dream(
            seed, settings=settings.dream, steps=_steps(motion.follow_steps, stretch) if steps is None else steps,
            step_size=(held + young) * left, ceilings=level.ceilings(wanted.reference),
        ).pixels  # fmt: skip
        if settings.dream.color == "luma":
            pixels = match_color(pixels, seed, "luma")
        if not turning:
            # What turns into a picture has that one's spectrum.
            pixels = np.clip(wanted.spectrum.held(pixels, stretch), 0, 255)
            if settings.dream.color != "free":
                pixels = wanted.spectrum.centered(pixels)
        carried = FrameState.of(pixels, pixels, np.minimum(maturity + 1, FULL_AGE))
        if measured:
            level = level.seen(self._dreamer.strength(carried.dream, settings=settings.dream), wanted.reference)
        return RenderState(carried, level, wanted.reference)

    def _arrived(self, index: int) -> RenderState:
        """The dream of a still, as old as what is carried to it."""
        index %= len(self._fall.stills)
        number = self._fall.arrivals[index]
        stored = self._stored(anchor_name(number))
        if stored is not None:
            return stored
        settings, wanted = self._look(number), self._touchstones.at(number)
        still = self.canvas.still(index)
        pixels = match_color(self._dreamer.dream(still, settings=settings.dream).pixels, still, settings.dream.color)
        state = RenderState(FrameState.of(pixels, pixels, FULL_AGE), StrengthController(), wanted.reference)
        here = max(0, min(number, self._fall.frames - 2))
        step = self.canvas.way(here, here + 1)
        for count in range(_SETTLE):
            state = self.onward(number, state, step.inverse if count % 2 else step, lambda: pixels, measured=True)
        return self._saved(anchor_name(number), state)

    def _foreseen(self, number: int) -> Generator[None]:
        """See that what a frame turns into has been dreamed, from its end to its beginning."""
        passage = self._passage(number)
        turn = self.canvas.turns[passage]
        if turn is None or number < turn.first:
            return
        # What lies behind has been let go of.
        first = max(number - 1, turn.first)
        if all(self._stored(transition_name(at)) is not None for at in {first, number}):
            return
        state = self._arrived(passage + 1)
        surroundings = MirroredPlane(state.carried.dream)
        for at in range(turn.end - 1, first - 1, -1):
            coming = self._stored(transition_name(at))
            if coming is None:
                back = self.canvas.way(at, at + 1).inverse

                def beyond(at: int = at) -> np.ndarray:
                    return surroundings.seen(self.canvas.way(at, turn.end).inverse)

                # What it shows is dreamed over again by the zoom itself: half of the steps will do.
                steps = (_steps(self._look(at).motion.follow_steps, math.log(abs(back.factor))) + 1) // 2
                measured = at % _MEASURED_EVERY == 0
                coming = self.onward(at, state, back, beyond, measured=measured, steps=steps)
                self._saved(transition_name(at), coming)
                yield None
            state = coming

    def turning(self, number: int) -> BlendTransition | None:
        """How a frame turns into what the zoom comes to, if it does."""
        turn = self.canvas.turns[self._passage(number)]
        if turn is None or number < turn.first:
            return None
        goal, last = (self._stored(transition_name(max(at, turn.first))) for at in (number, number - 1))
        assert goal is not None and last is not None
        before = resample(last.carried.dream, self.canvas.way(number - 1, number))

        def turning(seed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return turn.mixed(number, seed, goal.carried.dream, before), 1 - turn.share(number, seed.shape) ** 4

        return turning

    def _passage(self, number: int) -> int:
        """Which still a frame has left behind."""
        return bisect.bisect_right(self._fall.arrivals, number) - 1

    def _surroundings(self, passage: int) -> MirroredPlane:
        if self._backdrop is None or self._backdrop[0] != passage:
            self._backdrop = passage, MirroredPlane(self._arrived(passage).carried.dream)
        return self._backdrop[1]

    def _way_since(self, passage: int, number: int) -> Similarity:
        """The way from a still to a frame, for what surrounds the still."""
        known, at, way = self._gone
        if known != passage or at > number:
            at, way = self._fall.arrivals[passage], Similarity()
        for frame in range(at, number):
            way = self._surroundings(passage).folded(way.then(self.canvas.way(frame, frame + 1)))
        self._gone = passage, number, way
        return way

    def _stored(self, name: str) -> RenderState | None:
        stored = self._store.load(name)
        return None if stored is None else RenderState.unpacked(stored["dream"], stored)

    def _saved(self, name: str, state: RenderState) -> RenderState:
        self._store.save(name, state.packed())
        return state


def _steps(usual: int, stretch: float) -> int:
    """Ascent steps that renew a texture as fast as it is stretched."""
    return round(usual * min(max(abs(stretch) / _STRETCH, 1.0), _MOST_STEPS))
