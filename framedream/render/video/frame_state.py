"""The state a dreamed frame hands on to the next one, how it is stored, and how it is warped along the motion.

The state holds the dream, the age of each pixel of it, and its momentum: a single ascent step is noisy, which flickers;
what the steps of several frames have in common is not. So each frame is changed by a mean of its own step and those of
the frames before it, warped like the dream (B. Polyak's heavy ball method of 1964, on a moving picture). A dream in
balance then hardly changes, with half of the gradients that many small steps would need.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from framedream.motion.optical_flow import Motion
from framedream.motion.warping import sample, warp
from framedream.render.video.strength_control import StrengthController, StrengthReference

FULL_AGE = 100.0
"""Age of a dream from scratch, and the largest age, in frames."""

_DREAM_SCALE = np.float32(256)
"""Dreams are stored in 256ths of a level."""

_MAX_BLEND_GAIN = 1.25
"""Largest factor by which a blend of two dreams is amplified."""

_MOMENTUM_SHARE = 0.65
"""Share of the momentum in the change of an old dream."""

_MOMENTUM_GROWTH = 6.0
"""Time constant, in frames, with which a young dream reaches that share: young dreams must grow."""

_LARGEST_CHANGE = 16.0
"""The largest change that is stored, in levels."""

_ROOT_SCALE = np.float32(127 / np.sqrt(_LARGEST_CHANGE))
"""Factor of the square root of a change when it is stored."""

_ROOTS = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.float32) / _ROOT_SCALE
_CHANGE_OF_BYTE = _ROOTS * np.abs(_ROOTS)
"""The change, in levels, that each byte stands for."""


@dataclass(frozen=True)
class FrameState:
    """A frame, its dream, and the age of the dream.

    All are rounded to what `to_arrays` stores, so a run resumed from stored frames
    makes the same film as one that was never interrupted.

    Attributes:
        frame: The source frame, H×W×3 float32, in levels.
        dream: The dreamed frame, H×W×3 float32, in levels, a multiple of 1/256.
        age: For how many frames each pixel has been dreamed, H×W float32, a multiple of 1/2.
        change: What the dream was changed by here, H×W×3 float32, in levels, rounded by `pack_change`;
            None without momentum.
    """

    frame: np.ndarray
    dream: np.ndarray
    age: np.ndarray
    change: np.ndarray | None
    _arrays: dict[str, np.ndarray]

    @classmethod
    def from_dream(
        cls, frame: np.ndarray, dream: np.ndarray, age: np.ndarray | float, change: np.ndarray | None = None
    ) -> FrameState:
        """Round a dream and what belongs to it.

        Args:
            frame: The source frame, H×W×3 float32, in levels.
            dream: The dreamed frame, H×W×3 float32, in levels.
            age: Age in frames, H×W or one number for all pixels.
            change: What the dream was changed by, H×W×3 float32, in levels.
        """
        age_map = np.broadcast_to(np.asarray(age, np.float32), frame.shape[:2])
        arrays = {
            "dream": np.asarray(cv2.addWeighted(dream, float(_DREAM_SCALE), dream, 0, 0, dtype=cv2.CV_16U)),
            "maturity": np.rint(age_map * 2).clip(0, 2 * FULL_AGE).astype(np.uint8),
        }
        return cls.from_arrays(frame, arrays if change is None else arrays | {"change": pack_change(change)})

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays to store; the source frame is not among them.

        ``dream`` is H×W×3 uint16, ``maturity`` (the age) H×W uint8, ``change`` H×W×3 int8, if there is one.
        """
        return dict(self._arrays)

    @classmethod
    def from_arrays(cls, frame: np.ndarray, stored: Mapping[str, np.ndarray]) -> FrameState:
        """Restore a state from its source frame and the arrays of `to_arrays`."""
        arrays = {name: stored[name] for name in ("dream", "maturity", "change") if name in stored}
        change = unpack_change(arrays["change"]) if "change" in arrays else None
        return cls(
            frame, arrays["dream"] * (1 / _DREAM_SCALE), arrays["maturity"].astype(np.float32) / 2, change, arrays
        )

    def to_backward_dream(self) -> BackwardDream:
        """Return what the forward pass needs of this state of the backward pass."""
        change = np.rint(cv2.subtract(self.dream, self.frame) * BackwardDream.SCALE).astype(np.int16)
        return BackwardDream(change, (self.age * 2).astype(np.uint8))


@dataclass(frozen=True)
class RenderState:
    """A dreamed frame with the state of its strength control.

    Attributes:
        frame_state: The frame and its dream.
        controller: The controller of the dream's strength.
        reference: What dreams from scratch reach here.
    """

    frame_state: FrameState
    controller: StrengthController
    reference: StrengthReference

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to store; the source frame is not among them."""
        return self.frame_state.to_arrays() | {
            "level": np.array([self.controller.gain, self.controller.integral]),
            "reference": np.array([self.reference.strength, *self.reference.losses]),
        }

    @classmethod
    def from_arrays(cls, frame: np.ndarray, stored: dict[str, NDArray[Any]]) -> RenderState:
        """Restore the same state, to the last bit, from its source frame and the arrays of `to_arrays`."""
        gain, integral = stored["level"].tolist()
        return cls(FrameState.from_arrays(frame, stored), StrengthController(gain, integral), load_reference(stored))


def load_reference(stored: Mapping[str, NDArray[Any]]) -> StrengthReference:
    """Restore only the strength reference from the arrays of `RenderState.to_arrays`."""
    strength, *losses = stored["reference"].tolist()
    return StrengthReference(strength, tuple(losses))


@dataclass(frozen=True)
class BackwardDream:
    """The dream of a frame in the backward pass, in compact form.

    Attributes:
        packed_change: The dream minus its frame, H×W×3 int16, in 64ths of a level.
        half_frames: The dream's age, H×W uint8, in halves of a frame.
    """

    SCALE: ClassVar = np.float32(64)

    packed_change: np.ndarray
    half_frames: np.ndarray

    @property
    def change(self) -> np.ndarray:
        """The dream minus its frame, H×W×3 float32, in levels."""
        return self.packed_change * (1 / self.SCALE)

    @property
    def age(self) -> np.ndarray:
        """H×W float32, in frames."""
        return self.half_frames.astype(np.float32) / 2


@dataclass(frozen=True)
class WarpedMomentum:
    """The momentum of a frame.

    Attributes:
        change: The change of the frames before it, warped to it, H×W×3 float32, in levels.
        share: Weight of that change in the mean, H×W float32, 0…1.
    """

    change: np.ndarray
    share: np.ndarray

    @classmethod
    def from_motion(cls, motion: Motion, change: np.ndarray, age: np.ndarray) -> WarpedMomentum:
        """Warp a change along the motion.

        Args:
            motion: The motion from the frame before to this one.
            change: What that frame was changed by, H×W×3 float32, in levels.
            age: Age of each pixel of this frame, H×W float32, in frames.
        """
        share = _MOMENTUM_SHARE * motion.reliable_mask * (1 - np.exp(-age / _MOMENTUM_GROWTH))
        return cls(sample(change, motion.flow, cv2.INTER_LINEAR), share)

    def average(self, change: np.ndarray) -> np.ndarray:
        """Return the weighted mean of a frame's own change, H×W×3, and this one."""
        return np.asarray(cv2.add(change, scale_pixels(cv2.subtract(self.change, change), self.share)))


@dataclass(frozen=True)
class Seed:
    """The image that a frame's dream starts from.

    Attributes:
        image: H×W×3 float32, in levels 0…255.
        age: Age of each pixel, H×W float32, in frames, 0…`FULL_AGE`.
        coverage: Share of the frame that has a dream already, 0…1.
        momentum: The momentum of the frames before, if there is one.
    """

    image: np.ndarray
    age: np.ndarray
    coverage: float
    momentum: WarpedMomentum | None = None

    def apply_momentum(self, dream: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Apply the momentum to a dream that started from this seed.

        Args:
            dream: H×W×3 float32, in levels.

        Returns:
            The changed dream, and what it differs by from the seed; both H×W×3 float32, in levels.
        """
        change = dream - self.image
        if self.momentum is None:
            return dream, change
        change = self.momentum.average(change)
        return np.clip(self.image + change, 0, 255), change


def residual_seed(
    frame: np.ndarray,
    motion: Motion,
    before: FrameState,
    persistence: float,
    backward: BackwardDream | None = None,
    blend: float = 0.0,
) -> Seed:
    """Add the dream of the frame before, warped along the motion, to a frame.

    Only the dream is warped, ``frame + persistence · valid · warp(dream − frame before)``,
    so the footage stays sharp and nothing of the frame before it shines through.
    Where flow is not valid, the dream of the backward pass is used instead.

    Age and momentum are warped the same way, and reset where the flow is not reliable.

    Args:
        frame: H×W×3 float32, in levels.
        motion: The motion from the frame before to this one.
        before: State of the frame before.
        persistence: Share of the dream that is carried on, 0…1.
        backward: The dream of this frame in the backward pass.
        blend: Share of it that is blended in everywhere, 0…1.
    """
    image = warp(cv2.subtract(before.dream, before.frame), motion.flow)
    age = sample(before.age, motion.flow, cv2.INTER_LINEAR) * motion.reliable_mask
    coverage = float(motion.valid_mask.mean())
    if backward is None:
        image = scale_pixels(image, persistence * motion.valid_mask)
    else:
        new, change, backward_age = 1 - motion.valid_mask, backward.change, backward.age
        image = cv2.add(scale_pixels(cv2.addWeighted(image, persistence, change, -1, 0), motion.valid_mask), change)
        age += new * (backward_age - age)
        coverage += float(new[backward_age >= 1].sum()) / new.size
        if blend:
            image = _blend_changes(image, change, blend)
            age += blend * (backward_age - age)
    image += frame
    momentum = None if before.change is None else WarpedMomentum.from_motion(motion, before.change, age)
    return Seed(np.clip(image, 0, 255, out=image), age, coverage, momentum)


def _blend_changes(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """Blend two dreams and keep their strength, since a plain mean cancels what differs between them."""
    mean = first + share * (second - first)
    strengths = [float(np.sqrt(np.mean(np.square(each, dtype=np.float32)))) for each in (first, second, mean)]
    target = (1 - share) * strengths[0] + share * strengths[1]
    return np.asarray(mean * (min(target / strengths[2], _MAX_BLEND_GAIN) if strengths[2] > 0 else 1), np.float32)


def scale_pixels(change: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Multiply H×W×3 by H×W, in a third of the time that NumPy takes."""
    return np.asarray(cv2.multiply(change, cv2.merge([weight] * 3)))


def pack_change(change: np.ndarray) -> np.ndarray:
    """Store a change as one byte a channel, H×W×3 int8: its square root, so that small changes keep their fraction."""
    roots = np.copysign(cv2.sqrt(np.abs(change)), change)
    return np.asarray(np.rint(roots * _ROOT_SCALE).clip(-127, 127), np.int8)


def unpack_change(change: np.ndarray) -> np.ndarray:
    """Return the change, in levels, that `pack_change` stored."""
    return np.asarray(cv2.LUT(change.view(np.uint8), _CHANGE_OF_BYTE))
