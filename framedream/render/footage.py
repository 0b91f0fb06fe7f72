"""Footage → dreamed footage: every frame seeded by the dreamed frame before it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np

from framedream.media.frames import Frame
from framedream.motion.flow import FlowEstimator, Motion
from framedream.motion.warp import warp
from framedream.render.ahead import ahead
from framedream.settings import DreamSettings, MotionSettings

_FRAMES_AHEAD = 3

_GROWTH = 3.0
"""Frames in which a young dream grows up: steps shrink by e in as many."""

_MATURE = 100.0
"""Maturity of what was dreamed from nothing, and the most there is, in frames."""

DreamFrame = Callable[[np.ndarray, int, float | np.ndarray], np.ndarray]
"""Dreams a frame: image, steps at each octave, step size in levels (H×W or one) → dreamed image."""


@dataclass(frozen=True)
class Carried:
    """What a frame hands on to the next one.

    Attributes:
        frame: The frame itself, H×W×3 float32, in levels.
        dream: What was dreamed of it, alike.
        maturity: How long each pixel has been dreamed, in frames, H×W float32.
    """

    frame: np.ndarray
    dream: np.ndarray
    maturity: np.ndarray


def dream_footage(
    frames: Iterable[Frame],
    cuts: Collection[int],
    dream_frame: DreamFrame,
    dream: DreamSettings,
    motion: MotionSettings,
) -> Generator[Frame]:
    """Dream frames in their order, the dream sticking to what moves.

    The first frame of a shot, and with ``flow="none"`` every frame, is dreamed from
    nothing. Reading and optical flow run ahead in a thread.

    Args:
        frames: The footage's frames, all of one size.
        cuts: Indices of the frames that begin a new shot.
        dream_frame: What dreams a single frame.
        dream: How a frame is dreamed from nothing.
        motion: How a dream is carried on.

    Yields:
        The dreamed frames, one for each, with its time.
    """
    before: Carried | None = None
    with closing(ahead(_with_motion(frames, cuts, motion), _FRAMES_AHEAD)) as moving:
        for frame, moved in moving:
            if moved is None or before is None:
                before = _dream_from_nothing(frame.pixels, dream_frame, dream)
            else:
                before = _dream_on(frame.pixels, moved, before, dream_frame, motion)
            yield replace(frame, pixels=before.dream)


def residual_seed(frame: np.ndarray, moved: Motion, before: Carried, persistence: float) -> np.ndarray:
    """The frame with the dream of the frame before it carried along.

    Only the dream is carried, ``frame + persistence · valid · warp(dream − frame before)``,
    so the footage itself stays sharp and nothing of the frame before it shines through.

    Args:
        frame: H×W×3 float32, in levels.
        moved: The motion from the frame before to this one.
        before: What that frame hands on.
        persistence: Share of the dream that is carried on, 0…1.

    Returns:
        H×W×3 float32, in levels 0…255.
    """
    carried = warp(before.dream - before.frame, moved.flow)
    return np.asarray(np.clip(frame + persistence * moved.valid[..., None] * carried, 0.0, 255.0))


def maturity_now(moved: Motion, before: Carried) -> np.ndarray:
    """How long each pixel has been dreamed: carried along the flow, lost where that is not trusted.

    Returns:
        H×W float32, in frames, 0…`_MATURE`.
    """
    return np.asarray(np.clip(warp(before.maturity, moved.flow) * moved.valid, 0.0, _MATURE))


def _dream_from_nothing(frame: np.ndarray, dream_frame: DreamFrame, settings: DreamSettings) -> Carried:
    dreamed = dream_frame(frame, settings.steps, settings.step_size)
    return Carried(frame, dreamed, np.full(frame.shape[:2], _MATURE, np.float32))


def _dream_on(
    frame: np.ndarray, moved: Motion, before: Carried, dream_frame: DreamFrame, settings: MotionSettings
) -> Carried:
    maturity = maturity_now(moved, before)
    youth = np.exp(-maturity / _GROWTH)
    step_size = settings.follow_step_size + (settings.young_step_size - settings.follow_step_size) * youth
    seed = residual_seed(frame, moved, before, settings.persistence)
    return Carried(frame, dream_frame(seed, settings.follow_steps, step_size), maturity + 1)


def _with_motion(
    frames: Iterable[Frame], cuts: Collection[int], settings: MotionSettings
) -> Generator[tuple[Frame, Motion | None]]:
    """Each frame with its motion against the one before; none at the start of a shot."""
    estimator = None if settings.flow == "none" else FlowEstimator(settings.flow)
    previous: np.ndarray | None = None
    for index, frame in zip(itertools.count(), frames):
        if estimator is None or previous is None or index in cuts:
            yield frame, None
        else:
            yield frame, estimator.motion(frame.pixels, previous)
        previous = frame.pixels
