"""Interpolates frames between two neighbouring frames.

Each pixel of an interpolated frame gets the *velocity* that best explains both frames. The flow at a pixel of
either frame applies where that pixel has moved to, so a velocity is looked up again where it leads until it
no longer changes. Flow bleeds over the edges of moving objects, as wide as the patches it was computed with;
there the velocity of a more distant pixel fits better and is used. Both frames are blended by their distance
in time, and a frame in which a place is hidden gets no weight (Jiang et al. 2018, Super SloMo, equation 1; their
average of both flows, equation 4, causes more ghosts at edges: `python -m benchmarks.between`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from framedream.motion.optical_flow import FlowEstimator, flows_agree, preprocess_pair
from framedream.motion.warping import points_inside, sample, warp

_SHARE, _SLACK = 0.02, 1.0
"""Largest squared difference of two velocities that agree: for each squared pixel of them, and at rest."""

_LOOKUPS = 4
"""How often a velocity is looked up again where it leads; it has converged by then."""

_BLEEDING = 16
"""Pixels by which flow bleeds over an edge: patches of 8 pixels at half size."""

_COMPARISON_SIDE = 5
"""Side, in pixels, of the squares in which frames are compared."""

_BORROWING_COST = 2.0
"""Levels by which the velocity of a distant pixel must fit better than a pixel's own."""

_ONE_SIDED_COST, _UNSEEN_COST = 12.0, 24.0
"""Cost, in levels, where only one of the frames, or neither, moves with the candidate velocity."""

_MAX_BLEND_DIFFERENCE = 8.0
"""Difference, in levels, around which only one of the two frames is shown instead of a blend."""

_MEDIAN_SIDE = 5
"""Side, in pixels, of the median filter of velocities, which removes specks at edges."""

_SOFTNESS = 2.0
"""Sigma, in pixels, of the blur that hides the edges of occluded areas."""

_MIN_CONSISTENT = 0.3
"""Share of the pixels whose flows must agree both ways, or two frames count as a cut."""

_MAX_UNEXPLAINED = 0.5
"""Largest difference after motion compensation, as a share of the contrast, or they count as a cut."""

_GRAIN = 9
"""Side, in pixels, of the box filter before that comparison, so that grain does not count."""


@dataclass(frozen=True)
class InBetween:
    """The motion at a moment between two frames.

    Attributes:
        share: Position between them, above 0 and below 1.
        velocity: h×w×2 float32: how far each pixel moves from frame to frame, in pixels.
        weight: h×w float32, 0…1: weight of the frame before; the rest is that of the frame after.
    """

    share: float
    velocity: np.ndarray
    weight: np.ndarray

    def blend(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Return the picture at this moment.

        Args:
            before: H×W×C or H×W float32 in levels, the frame before, or another plane that moves with it.
            after: The same of the frame after.
        """
        (height, width), own = before.shape[:2], self.weight.shape
        velocity, weight = self.velocity, self.weight
        if own != (height, width):
            scale = np.array([width / own[1], height / own[0]], np.float32)
            velocity = cv2.resize(velocity, (width, height), interpolation=cv2.INTER_LINEAR) * scale
            weight = cv2.resize(weight, (width, height), interpolation=cv2.INTER_LINEAR)
        one, other = warp(before, -self.share * velocity), warp(after, (1 - self.share) * velocity)
        weight = weight.reshape(height, width, *[1] * (before.ndim - 2))
        return np.asarray(np.clip(other + weight * (one - other), 0, 255), np.float32)


@dataclass(frozen=True)
class _Candidate:
    """Candidate velocities, and how well they fit.

    Attributes:
        velocity: h×w×2, in pixels from frame to frame.
        before: Where the frame before moves with it, h×w bool.
        after: Where the frame after moves with it, h×w bool.
        difference: Difference of both frames along it, h×w in levels.
        cost: Cost of choosing it, h×w in levels.
    """

    velocity: np.ndarray
    before: np.ndarray
    after: np.ndarray
    difference: np.ndarray
    cost: np.ndarray

    def cheaper(self, other: _Candidate) -> _Candidate:
        """Choose the one with the lower cost at each pixel."""
        others = other.cost < self.cost
        velocity = np.where(others[..., None], other.velocity, self.velocity)
        planes = ("before", "after", "difference", "cost")
        return _Candidate(velocity, *(np.where(others, getattr(other, name), getattr(self, name)) for name in planes))


class FramePair:
    """Two neighbouring frames between which frames can be interpolated.

    Args:
        before: H×W×3 float32, RGB, in levels.
        after: The frame after it, H×W×3 float32, RGB, in levels.
        estimator: Computes the flow.
    """

    def __init__(self, before: np.ndarray, after: np.ndarray, estimator: FlowEstimator) -> None:
        now, then = preprocess_pair(after, before)
        self._forward, self._backward = estimator.calculate(then, now), estimator.calculate(now, then)
        self._before, self._after = then.astype(np.float32), now.astype(np.float32)

    @cached_property
    def is_cut(self) -> bool:
        """Whether there is a cut between them: flow is mostly inconsistent, or does not explain the change."""
        there = sample(self._forward, self._backward, cv2.INTER_LINEAR)
        is_consistent = flows_agree(there, -self._backward, _SHARE, _SLACK) & points_inside(self._backward)
        return float(is_consistent.mean()) < _MIN_CONSISTENT or self._unexplained() > _MAX_UNEXPLAINED

    def _unexplained(self) -> float:
        """The difference after motion compensation, as a share of the contrast; grain counts little."""
        warped = sample(self._before, self._backward, cv2.INTER_LINEAR)
        before, after, warped = (cv2.blur(gray, (_GRAIN, _GRAIN)) for gray in (self._before, self._after, warped))
        contrast = max(float(np.abs(gray - gray.mean()).mean()) for gray in (before, after))
        return float(np.abs(after - warped).mean()) / max(1.0, contrast)

    def at(self, share: float) -> InBetween:
        """Interpolate the motion at a position between the frames; 0 would be the frame before, 1 the frame after."""
        best: _Candidate | None = None
        for candidate in self._candidates(share):
            best = candidate if best is None else best.cheaper(candidate)
        assert best is not None
        for velocity in _shifted_velocities(best.velocity):
            best = best.cheaper(self._borrowed_candidate(velocity, share))
        return InBetween(share, _median_filter(best.velocity), self._weight(best, share))

    def _candidates(self, share: float) -> Iterator[_Candidate]:
        """Velocities from the flow of the frame before, from that of the frame after, and their mean."""
        one, other = self._forward, -self._backward
        for _ in range(_LOOKUPS):
            one = sample(self._forward, -share * one, cv2.INTER_LINEAR)
            other = -sample(self._backward, (1 - share) * other, cv2.INTER_LINEAR)
        for velocity in ((one + other) / 2, one, other):
            yield self._own_candidate(velocity, share)

    def _own_candidate(self, velocity: np.ndarray, share: float) -> _Candidate:
        """A pixel's own velocity, with which both frames should agree; a frame that does not hides the place."""
        back, on = -share * velocity, (1 - share) * velocity
        before = flows_agree(sample(self._forward, back, cv2.INTER_LINEAR), velocity, _SHARE, _SLACK) & points_inside(
            back
        )
        after = flows_agree(-sample(self._backward, on, cv2.INTER_LINEAR), velocity, _SHARE, _SLACK) & points_inside(on)
        difference = self._difference_along(back, on)
        cost = np.where(
            before & after, difference, np.where(before | after, _ONE_SIDED_COST, _UNSEEN_COST + difference)
        )
        return _Candidate(velocity, before, after, difference, cost)

    def _borrowed_candidate(self, velocity: np.ndarray, share: float) -> _Candidate:
        """The velocity of another pixel, supported only by the similarity of both frames."""
        back, on = -share * velocity, (1 - share) * velocity
        inside, difference = points_inside(back) & points_inside(on), self._difference_along(back, on)
        return _Candidate(velocity, inside, inside, difference, np.where(inside, difference + _BORROWING_COST, np.inf))

    def _weight(self, candidate: _Candidate, share: float) -> np.ndarray:
        """Weight of the frame before: its distance in time, 0 where the place is hidden in it.

        Where the two differ, content that the other frame lacks was hidden there, and is shown alone.
        """
        before, after = (
            cv2.GaussianBlur(seen.astype(np.float32), (0, 0), _SOFTNESS) for seen in (candidate.before, candidate.after)
        )
        differ = np.clip(candidate.difference / _MAX_BLEND_DIFFERENCE - 0.5, 0, 1)
        similar = (1 - np.maximum(before, after)) * (1 - differ)
        lost, new = self._lost_and_new
        lost = sample(lost, -share * candidate.velocity, cv2.INTER_LINEAR) ** 2
        new = sample(new, (1 - share) * candidate.velocity, cv2.INTER_LINEAR) ** 2
        only = lost / (lost + new + 1e-3)
        one = (1 - share) * ((before + similar) * (1 - differ) + differ * only)
        other = share * ((after + similar) * (1 - differ) + differ * (1 - only))
        one, other = (one + 1e-3, other) if share <= 0.5 else (one, other + 1e-3)
        return np.asarray(one / (one + other), np.float32)

    @cached_property
    def _lost_and_new(self) -> tuple[np.ndarray, np.ndarray]:
        """How much each pixel of the frame before differs from its target, and of the frame after from its origin."""
        return (
            _difference(self._before, sample(self._after, self._forward, cv2.INTER_LINEAR)),
            _difference(self._after, sample(self._before, self._backward, cv2.INTER_LINEAR)),
        )

    def _difference_along(self, back: np.ndarray, on: np.ndarray) -> np.ndarray:
        """Difference of both frames at the two ends of a velocity."""
        one, other = sample(self._before, back, cv2.INTER_LINEAR), sample(self._after, on, cv2.INTER_LINEAR)
        return _difference(one, other)


def _difference(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Mean difference of two gray pictures around each pixel, in levels."""
    return np.asarray(cv2.blur(np.abs(one - other), (_COMPARISON_SIDE, _COMPARISON_SIDE)))


def _shifted_velocities(velocity: np.ndarray) -> Iterator[np.ndarray]:
    height, width = velocity.shape[:2]
    rows, columns = np.arange(height), np.arange(width)
    for step in (_BLEEDING, -_BLEEDING):
        yield velocity[:, np.clip(columns + step, 0, width - 1)]
        yield velocity[np.clip(rows + step, 0, height - 1)]


def _median_filter(velocity: np.ndarray) -> np.ndarray:
    return np.dstack([cv2.medianBlur(np.ascontiguousarray(velocity[..., axis]), _MEDIAN_SIDE) for axis in (0, 1)])
