"""Footage → dreamed footage: every frame seeded by the dreamed frame before it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Generator, Iterable
from contextlib import closing
from dataclasses import replace

import numpy as np

from framedream.media.frames import Frame
from framedream.motion.flow import FlowEstimator, Motion
from framedream.motion.warp import warp
from framedream.render.ahead import ahead
from framedream.settings import DreamSettings, MotionSettings

_FRAMES_AHEAD = 3

DreamFrame = Callable[[np.ndarray, int, float], np.ndarray]
"""Dreams a frame: image, steps at each octave, step size in levels → dreamed image."""


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
    before: tuple[np.ndarray, np.ndarray] | None = None
    with closing(ahead(_with_motion(frames, cuts, motion), _FRAMES_AHEAD)) as moving:
        for frame, moved in moving:
            if moved is None or before is None:
                dreamed = dream_frame(frame.pixels, dream.steps, dream.step_size)
            else:
                seed = residual_seed(frame.pixels, moved, *before, motion.persistence)
                dreamed = dream_frame(seed, motion.follow_steps, motion.follow_step_size)
            before = frame.pixels, dreamed
            yield replace(frame, pixels=dreamed)


def residual_seed(
    frame: np.ndarray, moved: Motion, previous: np.ndarray, dreamed_previous: np.ndarray, persistence: float
) -> np.ndarray:
    """The frame with the dream of the frame before it carried along.

    Only the dream is carried, ``frame + persistence · valid · warp(dream − previous)``, so
    the footage itself stays sharp and nothing of the frame before it shines through.

    Args:
        frame: H×W×3 float32, in levels.
        moved: The motion from the frame before to this one.
        previous: The frame before it.
        dreamed_previous: What was dreamed of that.
        persistence: Share of the dream that is carried on, 0…1.

    Returns:
        H×W×3 float32, in levels 0…255.
    """
    carried = warp(dreamed_previous - previous, moved.flow)
    seed: np.ndarray = np.clip(frame + persistence * moved.valid[..., None] * carried, 0.0, 255.0)
    return seed


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
