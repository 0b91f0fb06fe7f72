"""What lies between two neighbouring frames: pictures of moments that no camera took.

Each place of such a picture is given the *velocity* that explains best what both frames show. What flow
says at a place of either frame holds where that place has come to, so a velocity is looked up again
where it leads, until it is that of the place itself. Flow between frames bleeds over the edges of what
moves, as wide as the patches it was found by; there the velocity of a place farther off fits better,
and is taken. Both frames are mixed as they are near in time, and a frame in which a place is hidden has
no share in it (Jiang et al. 2018, Super SloMo, equation 1; their average of both flows, equation 4, makes
more ghosts at edges: `python -m benchmarks.between`).
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
"""Squared difference of two velocities that are still one: for each squared pixel of them, and at rest."""

_ROUNDS = 4
"""Times a velocity is looked up again where it leads; it has settled by then."""

_BLEEDING = 16
"""Pixels by which flow bleeds over an edge: patches of eight at half the size."""

_COMPARED = 5
"""Side, in pixels, of the squares in which frames are compared."""

_BORROWED = 2.0
"""Levels by which a velocity from farther off must fit better than a place's own."""

_SEEN_ONCE, _UNSEEN = 12.0, 24.0
"""What counts as difference, in levels, where only one of the frames, or neither, moves as is supposed."""

_ALIKE = 8.0
"""Difference, in levels, around which two pictures are not mixed any more: one of them is shown."""

_TIDIED = 5
"""Side, in pixels, of the squares whose median velocity is taken, so that no crumbs lie about at edges."""

_SOFTNESS = 2.0
"""Sigma, in pixels, of the blur that keeps the edge of what is hidden from showing."""

_CONNECTED = 0.3
"""Share of the pixels that must be found again, there and back, for anything to lie between two frames."""

_EXPLAINED = 0.5
"""Share of the contrast that may be left of their difference then."""

_GRAIN = 9
"""Side, in pixels, of the squares that are averaged for that, so that grain is no difference."""


@dataclass(frozen=True)
class InBetween:
    """A moment between two frames.

    Attributes:
        share: Where it lies between them, above 0 and below 1.
        velocity: h×w×2 float32: how far each of its places moves from frame to frame, in pixels.
        first: h×w float32, 0…1: the share that the frame before has in it; the rest is that of the frame after.
    """

    share: float
    velocity: np.ndarray
    first: np.ndarray

    def mixed(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """What is seen at the moment.

        Args:
            before: H×W×C or H×W float32 in levels, the frame before, or another plane that moves with it.
            after: Alike, of the frame after.
        """
        (height, width), own = before.shape[:2], self.first.shape
        velocity, first = self.velocity, self.first
        if own != (height, width):
            scale = np.array([width / own[1], height / own[0]], np.float32)
            velocity = cv2.resize(velocity, (width, height), interpolation=cv2.INTER_LINEAR) * scale
            first = cv2.resize(first, (width, height), interpolation=cv2.INTER_LINEAR)
        one, other = warp(before, -self.share * velocity), warp(after, (1 - self.share) * velocity)
        first = first.reshape(height, width, *[1] * (before.ndim - 2))
        return np.asarray(np.clip(other + first * (one - other), 0, 255), np.float32)


@dataclass(frozen=True)
class _Guess:
    """Velocities that are supposed, and how well they fit.

    Attributes:
        velocity: h×w×2, in pixels from frame to frame.
        before: Where the frame before moves so, h×w bool.
        after: Where the frame after does.
        difference: Of both frames along it, h×w in levels.
        cost: What it is chosen by, h×w in levels.
    """

    velocity: np.ndarray
    before: np.ndarray
    after: np.ndarray
    difference: np.ndarray
    cost: np.ndarray

    def better(self, other: _Guess) -> _Guess:
        """At each place the one that costs less."""
        others = other.cost < self.cost
        velocity = np.where(others[..., None], other.velocity, self.velocity)
        planes = ("before", "after", "difference", "cost")
        return _Guess(velocity, *(np.where(others, getattr(other, name), getattr(self, name)) for name in planes))


class FramePair:
    """Two neighbouring frames, and what lies between them.

    Args:
        before: H×W×3 float32, RGB, in levels.
        after: The frame after it, alike.
        estimator: Finds the flow.
    """

    def __init__(self, before: np.ndarray, after: np.ndarray, estimator: FlowEstimator) -> None:
        now, then = preprocess_pair(after, before)
        self._forward, self._backward = estimator.calculate(then, now), estimator.calculate(now, then)
        self._before, self._after = then.astype(np.float32), now.astype(np.float32)

    @cached_property
    def is_apart(self) -> bool:
        """Whether nothing lies between them, as at a cut: hardly anything is found again, or it does not look alike."""
        there = sample(self._forward, self._backward, cv2.INTER_LINEAR)
        found = flows_agree(there, -self._backward, _SHARE, _SLACK) & points_inside(self._backward)
        return float(found.mean()) < _CONNECTED or self._unexplained() > _EXPLAINED

    def _unexplained(self) -> float:
        """What is left of the difference once motion is taken out, as a share of the contrast; grain counts little."""
        carried = sample(self._before, self._backward, cv2.INTER_LINEAR)
        before, after, carried = (cv2.blur(gray, (_GRAIN, _GRAIN)) for gray in (self._before, self._after, carried))
        contrast = max(float(np.abs(gray - gray.mean()).mean()) for gray in (before, after))
        return float(np.abs(after - carried).mean()) / max(1.0, contrast)

    def at(self, share: float) -> InBetween:
        """A moment between them; 0 would be the frame before, 1 the frame after."""
        best: _Guess | None = None
        for guess in self._guesses(share):
            best = guess if best is None else best.better(guess)
        assert best is not None
        for velocity in _from_farther_off(best.velocity):
            best = best.better(self._borrowed(velocity, share))
        return InBetween(share, _tidied(best.velocity), self._first(best, share))

    def _guesses(self, share: float) -> Iterator[_Guess]:
        """Velocities by what flow says of the frame before, of the frame after, and their mean."""
        one, other = self._forward, -self._backward
        for _ in range(_ROUNDS):
            one = sample(self._forward, -share * one, cv2.INTER_LINEAR)
            other = -sample(self._backward, (1 - share) * other, cv2.INTER_LINEAR)
        for velocity in ((one + other) / 2, one, other):
            yield self._own(velocity, share)

    def _own(self, velocity: np.ndarray, share: float) -> _Guess:
        """A place's own velocity, which both frames should agree to; a frame that does not hides the place."""
        back, on = -share * velocity, (1 - share) * velocity
        before = flows_agree(sample(self._forward, back, cv2.INTER_LINEAR), velocity, _SHARE, _SLACK) & points_inside(
            back
        )
        after = flows_agree(-sample(self._backward, on, cv2.INTER_LINEAR), velocity, _SHARE, _SLACK) & points_inside(on)
        difference = self._along(back, on)
        cost = np.where(before & after, difference, np.where(before | after, _SEEN_ONCE, _UNSEEN + difference))
        return _Guess(velocity, before, after, difference, cost)

    def _borrowed(self, velocity: np.ndarray, share: float) -> _Guess:
        """The velocity of another place, for which only speaks that both frames look alike."""
        back, on = -share * velocity, (1 - share) * velocity
        inside, difference = points_inside(back) & points_inside(on), self._along(back, on)
        return _Guess(velocity, inside, inside, difference, np.where(inside, difference + _BORROWED, np.inf))

    def _first(self, guess: _Guess, share: float) -> np.ndarray:
        """Share of the frame before: as near as it is in time, none where the place is hidden in it.

        Where the two look different, that which is nowhere in the other frame has been hidden there, and is shown
        alone.
        """
        before, after = (
            cv2.GaussianBlur(seen.astype(np.float32), (0, 0), _SOFTNESS) for seen in (guess.before, guess.after)
        )
        differ = np.clip(guess.difference / _ALIKE - 0.5, 0, 1)
        alike = (1 - np.maximum(before, after)) * (1 - differ)
        lost, new = self._lost_and_new
        lost = sample(lost, -share * guess.velocity, cv2.INTER_LINEAR) ** 2
        new = sample(new, (1 - share) * guess.velocity, cv2.INTER_LINEAR) ** 2
        only = lost / (lost + new + 1e-3)
        one = (1 - share) * ((before + alike) * (1 - differ) + differ * only)
        other = share * ((after + alike) * (1 - differ) + differ * (1 - only))
        one, other = (one + 1e-3, other) if share <= 0.5 else (one, other + 1e-3)
        return np.asarray(one / (one + other), np.float32)

    @cached_property
    def _lost_and_new(self) -> tuple[np.ndarray, np.ndarray]:
        """How little each place of the frame before is like where it goes, one of the frame after like its origin."""
        return (
            _difference(self._before, sample(self._after, self._forward, cv2.INTER_LINEAR)),
            _difference(self._after, sample(self._before, self._backward, cv2.INTER_LINEAR)),
        )

    def _along(self, back: np.ndarray, on: np.ndarray) -> np.ndarray:
        """Difference of what both frames show where a velocity leads."""
        one, other = sample(self._before, back, cv2.INTER_LINEAR), sample(self._after, on, cv2.INTER_LINEAR)
        return _difference(one, other)


def _difference(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Of two gray pictures around each place, in levels."""
    return np.asarray(cv2.blur(np.abs(one - other), (_COMPARED, _COMPARED)))


def _from_farther_off(velocity: np.ndarray) -> Iterator[np.ndarray]:
    height, width = velocity.shape[:2]
    rows, columns = np.arange(height), np.arange(width)
    for step in (_BLEEDING, -_BLEEDING):
        yield velocity[:, np.clip(columns + step, 0, width - 1)]
        yield velocity[np.clip(rows + step, 0, height - 1)]


def _tidied(velocity: np.ndarray) -> np.ndarray:
    return np.dstack([cv2.medianBlur(np.ascontiguousarray(velocity[..., axis]), _TIDIED) for axis in (0, 1)])
