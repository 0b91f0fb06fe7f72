"""How a dreamed film is measured against its footage and against frames dreamed alone.

E is the warping error of Lai et al. 2018 over the pixels that Ruder et al. 2016 trust; it
always stands beside the strength S and the fresh-area strength F, because a film that is
not dreamed at all has a perfect E.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.flow_checks import flow_between, trusted
from framedream.motion.optical_flow import FlowEstimator
from framedream.motion.warping import sample
from framedream.nn.ascent.dreamer import Dreamer

MATURE = 10
"""Frames for which a pixel must have been trusted to count as mature."""


@dataclass(frozen=True)
class Pair:
    """What is known of a frame and the one before it from the footage alone."""

    flow: np.ndarray
    trusted: np.ndarray
    mature: np.ndarray
    fresh: np.ndarray


def study(frames: Sequence[np.ndarray], cuts: Sequence[int] = ()) -> list[Pair | None]:
    """Flow and masks of every frame but the first of each shot, which has None.

    Args:
        frames: H×W×3 float32 in levels: the footage.
        cuts: Frames that begin a shot.
    """
    pairs: list[Pair | None] = []
    for index, frame in enumerate(frames):
        if index == 0 or index in cuts:
            pairs.append(None)
            trusted_for = np.zeros(frame.shape[:2], np.float32)
            since_uncovered = np.full(frame.shape[:2], MATURE, np.float32)
            continue
        backward, forward = both_flows(frame, frames[index - 1])
        sure = trusted(backward, forward)
        trusted_for = np.where(sure, sample(trusted_for, backward, cv2.INTER_NEAREST) + 1, 0)
        since_uncovered = np.where(sure, sample(since_uncovered, backward, cv2.INTER_NEAREST) + 1, 0)
        pairs.append(Pair(backward, sure, trusted_for >= MATURE, since_uncovered < MATURE))
    return pairs


def both_flows(frame: np.ndarray, previous: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Backward and forward flow by DIS, medium."""
    estimator = FlowEstimator("dis")
    return flow_between(estimator, frame, previous), flow_between(estimator, previous, frame)


def warping_error(film: Sequence[np.ndarray], pairs: Sequence[Pair | None], *, mature: bool = False) -> float:
    """E, or E_m over mature pixels only, of 8-bit frames."""
    errors = []
    for index, pair in enumerate(pairs):
        if pair is not None:
            mask = pair.trusted & pair.mature if mature else pair.trusted
            if mask.any():
                now, before = film[index] / np.float32(255), film[index - 1] / np.float32(255)
                difference = np.mean((now - sample(before, pair.flow, cv2.INTER_LINEAR)) ** 2, axis=2)
                errors.append(difference[mask].mean())
    return float(np.mean(errors)) if errors else float("nan")


def strengths(film: Sequence[np.ndarray], dreamer: Dreamer) -> np.ndarray:
    """The objective of each 8-bit frame at full size."""
    return np.array([dreamer.strength(frame.astype(np.float32)) for frame in film])


def fresh_energy(film: Sequence[np.ndarray], pairs: Sequence[Pair | None], dreamer: Dreamer) -> float:
    """Mean square activation of the deepest layer over cells that have just come into view."""
    total, cells = 0.0, 0
    for frame, pair in zip(film, pairs, strict=True):
        if pair is not None and pair.fresh.any():
            activation = dreamer.network.activations(frame[None].astype(np.float32))[-1].numpy()[0]
            height, width = activation.shape[:2]
            covered = cv2.resize(pair.fresh.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0.5
            total += float(np.square(activation[covered]).mean(axis=-1).sum())
            cells += int(covered.sum())
    return total / cells if cells else float("nan")


def tenth(values: Sequence[np.ndarray] | np.ndarray, number: int) -> Sequence[np.ndarray] | np.ndarray:
    """The first (0), second (1), … or last (9) tenth of a clip, at least one frame."""
    start = len(values) * number // 10
    return values[start : max(start + 1, len(values) * (number + 1) // 10)]


def drift(film: Sequence[np.ndarray], footage: Sequence[np.ndarray], number: int) -> np.ndarray:
    """Mean color of a tenth of the film less that of the footage, in levels, RGB."""
    pairs = zip(tenth(film, number), tenth(footage, number), strict=True)
    return np.mean([(dreamed - frame).mean(axis=(0, 1)) for dreamed, frame in pairs], axis=0)


@dataclass(frozen=True)
class Score:
    """A film's figures; E, E_m against the footage's own, S and F against frames dreamed alone."""

    e: float
    e_mature: float
    strength: float
    fresh: float
    growth: float
    drift_first: float
    drift_last: float


def score(
    film: Sequence[np.ndarray],
    alone: Sequence[np.ndarray],
    footage: Sequence[np.ndarray],
    pairs: Sequence[Pair | None],
    dreamer: Dreamer,
) -> Score:
    """Measure a film.

    Args:
        film: The dreamed frames, 8-bit.
        alone: The same frames dreamed with ``flow="none"``, 8-bit.
        footage: The footage, float32 in levels.
        pairs: What `study` says of the footage.
        dreamer: The dreamer, for its objective.
    """
    strength = strengths(film, dreamer)
    return Score(
        e=warping_error(film, pairs) / warping_error(footage, pairs),
        e_mature=warping_error(film, pairs, mature=True) / warping_error(footage, pairs, mature=True),
        strength=float(strength.mean() / strengths(alone, dreamer).mean()),
        fresh=fresh_energy(film, pairs, dreamer) / fresh_energy(alone, pairs, dreamer),
        growth=float(np.mean(tenth(strength, 9)) / np.mean(tenth(strength, 1))),
        drift_first=float(np.abs(drift(film, footage, 0)).max()),
        drift_last=float(np.abs(drift(film, footage, 9)).max()),
    )
