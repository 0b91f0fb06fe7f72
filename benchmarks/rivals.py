"""How four other projects seed a frame with the dream before it, on framedream's own dream core.

Each formula is the project's own, with its default settings, restated in a few lines. What
is beside the formula is framedream's: network, octaves, gradient, 8 bits, and a fresh start
at each cut, which none of them makes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

import cv2
import numpy as np

from benchmarks.films import eight_bit
from benchmarks.flow_checks import flow_between
from framedream.motion.optical_flow import FlowEstimator
from framedream.nn.ascent.dreamer import Dreamer

Rival = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""Frame, frame before it, dream of that → seed; all H×W×3 float32 in levels."""


def blended(frame: np.ndarray, before: np.ndarray, dream: np.ndarray) -> np.ndarray:
    """Seed of pytorch-deepdream (gordicaleksa): ``dream + 0.85 · (frame − dream)``, no flow."""
    return np.asarray(dream + 0.85 * (frame - dream))


def residual(frame: np.ndarray, before: np.ndarray, dream: np.ndarray) -> np.ndarray:
    """Seed of DeepDreamAnim (samim23): ``frame + (dream − before)(p − F(p))``, gain 1, no mask.

    F is Farnebäck's flow from the frame before to this one, taken at p as if it were the
    backward flow negated. Beyond the border nothing was dreamed.
    """
    return np.asarray(frame + _pull(dream - before, _farneback(before, frame)))


def masked_residual(frame: np.ndarray, before: np.ndarray, dream: np.ndarray) -> np.ndarray:
    """Seed of DeepDreamVideoOpticalFlow (ksk_s): the residual decays, and only what moves has it.

    ``frame + 0.75 · (dream − before)(p − F(p))`` where the length of the flow, stretched to
    0…255 over the frame, is above 6; elsewhere ``0.9 · frame + 0.1 · dream``, not moved.
    The threshold is that of its README's example, since its code has no default for it.
    """
    flow = _farneback(before, frame)
    length = cv2.normalize(cv2.magnitude(flow[..., 0], flow[..., 1]), None, 0, 255, cv2.NORM_MINMAX)  # type: ignore[call-overload]
    moving = frame + 0.75 * _pull(dream - before, flow)
    return np.where(length[..., None] > 6, moving, 0.9 * frame + 0.1 * dream)


def masked_warp(frame: np.ndarray, before: np.ndarray, dream: np.ndarray) -> np.ndarray:
    """Seed of deepdream-video-pytorch (jeremicna): half the frame, half the dream before, warped.

    ``0.5 · frame + 0.5 · (M · dream(p − F(p)) + (1 − M) · frame)``. M is 1 where the frame
    before, moved alike, is within 30 levels of grey of the frame; opened, then blurred. F is
    RAFT's flow there, DIS's here.
    """
    flow = flow_between(FlowEstimator("dis"), before, frame)
    change = np.abs(_grey(frame) - _grey(_pull(before, flow)))
    size = np.sqrt(change.size)
    opening, blur = max(3, int(0.003 * size) | 1), max(5, int(0.009 * size) | 1)
    mask = cv2.morphologyEx((change <= 30).astype(np.float32), cv2.MORPH_OPEN, np.ones((opening, opening), np.uint8))
    mask = cv2.GaussianBlur(mask, (blur, blur), 0)[..., None]
    return np.asarray(0.5 * frame + 0.5 * (mask * _pull(dream, flow) + (1 - mask) * frame))


RIVALS: dict[str, Rival] = {
    "pytorch-deepdream": blended,
    "DeepDreamAnim": residual,
    "DeepDreamVideoOpticalFlow": masked_residual,
    "deepdream-video-pytorch": masked_warp,
}
"""Seeds by the project that makes them."""


def dream_like(
    rival: Rival, frames: Iterable[np.ndarray], cuts: Collection[int], dreamer: Dreamer, steps: int, step_size: float
) -> Iterator[np.ndarray]:
    """Dream frames with another project's seeds.

    The first frame of a shot is dreamed from nothing, with the dreamer's own settings.

    Args:
        rival: What makes the seeds.
        frames: H×W×3 float32 in levels: the footage.
        cuts: Frames that begin a shot.
        dreamer: What dreams a frame.
        steps: Gradient steps at each octave of a seeded frame.
        step_size: Levels that one of them changes.

    Yields:
        The dreamed frames, 8-bit.
    """
    before = dream = np.empty(0)
    for index, frame in enumerate(frames):
        if index == 0 or index in cuts:
            dream = dreamer.dream(frame).pixels
        else:
            seed = np.clip(rival(frame, before, dream), 0, 255)
            dream = dreamer.dream(seed.astype(np.float32), steps=steps, step_size=step_size).pixels
        yield eight_bit(dream)
        before = frame


def _farneback(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    unknown = np.zeros((*start.shape[:2], 2), np.float32)
    return np.asarray(cv2.calcOpticalFlowFarneback(_grey(start), _grey(end), unknown, 0.5, 3, 15, 3, 5, 1.2, 0))


def _pull(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """What lies against the flow: the image at ``p − flow(p)``, 0 beyond its border."""
    y, x = np.indices(flow.shape[:2], np.float32)
    return cv2.remap(image, x - flow[..., 0], y - flow[..., 1], cv2.INTER_LINEAR)


def _grey(frame: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
