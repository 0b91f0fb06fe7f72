"""What one dreamed frame hands on to the next, and how it gets there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from framedream.motion.optical_flow import Motion
from framedream.motion.warping import sample, warp
from framedream.render.video import momentum
from framedream.render.video.momentum import WarpedMomentum, scale_pixels

FULL_AGE = 100.0
"""Maturity of what was dreamed from nothing, and the most there is, in frames."""

_PARTS = np.float32(256)
"""Parts of a level in which dreams are stored."""

_MOST_STRENGTHENED = 1.25
"""Factor by which a mixture of dreams is made stronger, at most."""

GROWTH_FRAMES = 10.0
"""Frames in which a young dream grows up: steps shrink by e in as many."""


@dataclass(frozen=True)
class FrameState:
    """A frame, its dream and the dream's age.

    Both are rounded to what `packed` stores, so that a run that goes on from stored frames
    makes the same film as one that never stopped.

    Attributes:
        frame: The frame itself, H×W×3 float32, in levels.
        dream: What was dreamed of it, alike, in 256ths of a level.
        maturity: How long each pixel has been dreamed, H×W float32, in steps of half a frame.
        change: What the dream was changed by here, H×W×3 float32, in levels, as `momentum.stored` rounds it;
            None where that is not carried on.
    """

    frame: np.ndarray
    dream: np.ndarray
    maturity: np.ndarray
    change: np.ndarray | None
    _packed: dict[str, np.ndarray]

    @classmethod
    def of(
        cls, frame: np.ndarray, dream: np.ndarray, maturity: np.ndarray | float, change: np.ndarray | None = None
    ) -> FrameState:
        """Round, and give every pixel a maturity."""
        everywhere = np.broadcast_to(np.asarray(maturity, np.float32), frame.shape[:2])
        arrays = {
            "dream": np.asarray(cv2.addWeighted(dream, float(_PARTS), dream, 0, 0, dtype=cv2.CV_16U)),
            "maturity": np.rint(everywhere * 2).clip(0, 2 * FULL_AGE).astype(np.uint8),
        }
        return cls.unpacked(frame, arrays if change is None else arrays | {"change": momentum.pack_change(change)})

    def packed(self) -> dict[str, np.ndarray]:
        """Arrays to be stored with the frame.

        ``dream`` is H×W×3 uint16, ``maturity`` H×W uint8, ``change`` H×W×3 int8, if there is one.
        """
        return dict(self._packed)

    @classmethod
    def unpacked(cls, frame: np.ndarray, stored: Mapping[str, np.ndarray]) -> FrameState:
        """What `packed` gave, with its frame."""
        arrays = {name: stored[name] for name in ("dream", "maturity", "change") if name in stored}
        change = momentum.unpack_change(arrays["change"]) if "change" in arrays else None
        return cls(frame, arrays["dream"] * (1 / _PARTS), arrays["maturity"].astype(np.float32) / 2, change, arrays)

    def foreseen(self) -> BackwardDream:
        """What the pass forwards needs of it."""
        change = np.rint(cv2.subtract(self.dream, self.frame) * BackwardDream.PARTS).astype(np.int16)
        return BackwardDream(change, (self.maturity * 2).astype(np.uint8))


@dataclass(frozen=True)
class BackwardDream:
    """What the pass backwards dreamed of a frame, in little space.

    Attributes:
        parts: The dream less its frame, H×W×3 int16, in 64ths of a level.
        half_frames: The dream's maturity, H×W uint8, in halves of a frame.
    """

    PARTS: ClassVar = np.float32(64)

    parts: np.ndarray
    half_frames: np.ndarray

    @property
    def change(self) -> np.ndarray:
        """The dream less its frame, H×W×3 float32, in levels."""
        return self.parts * (1 / self.PARTS)

    @property
    def maturity(self) -> np.ndarray:
        """H×W float32, in frames."""
        return self.half_frames.astype(np.float32) / 2


@dataclass(frozen=True)
class Seed:
    """What a frame's dream starts from.

    Attributes:
        image: H×W×3 float32, in levels 0…255.
        maturity: How long each pixel has been dreamed, H×W float32, in frames, 0…`FULL_AGE`.
        covered: Share of the frame that brings any dream along, 0…1.
        momentum: What the frames before were changed by, if that was carried along.
    """

    image: np.ndarray
    maturity: np.ndarray
    covered: float
    momentum: WarpedMomentum | None = None

    def evened(self, dream: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A dream that began here, changed by the momentum too; and what it is changed by now."""
        change = dream - self.image
        if self.momentum is None:
            return dream, change
        change = self.momentum.mean(change)
        return np.clip(self.image + change, 0, 255), change


def residual_seed(
    frame: np.ndarray,
    moved: Motion,
    before: FrameState,
    persistence: float,
    foreseen: BackwardDream | None = None,
    turning: float = 0.0,
) -> Seed:
    """A frame with the dream of the frame before it carried along.

    Only the dream is carried, ``frame + persistence · valid · warp(dream − frame before)``,
    so the footage itself stays sharp and nothing of the frame before it shines through.
    Where it cannot be carried, the dream of the pass backwards stands in.

    Maturity goes the same way, and is lost where the flow is not sure; so does the momentum.

    Args:
        frame: H×W×3 float32, in levels.
        moved: The motion from the frame before to this one.
        before: What that frame hands on.
        persistence: Share of the dream that is carried on, 0…1.
        foreseen: What the pass backwards dreamed of this frame.
        turning: Share of it that is mixed in everywhere, 0…1.
    """
    image = warp(cv2.subtract(before.dream, before.frame), moved.flow)
    maturity = sample(before.maturity, moved.flow, cv2.INTER_LINEAR) * moved.sure
    covered = float(moved.valid.mean())
    if foreseen is None:
        image = scale_pixels(image, persistence * moved.valid)
    else:
        new, change, grown = 1 - moved.valid, foreseen.change, foreseen.maturity
        image = cv2.add(scale_pixels(cv2.addWeighted(image, persistence, change, -1, 0), moved.valid), change)
        maturity += new * (grown - maturity)
        covered += float(new[grown >= 1].sum()) / new.size
        if turning:
            image = _mixed(image, change, turning)
            maturity += turning * (grown - maturity)
    image += frame
    along = None if before.change is None else WarpedMomentum.along(moved, before.change, maturity)
    return Seed(np.clip(image, 0, 255, out=image), maturity, covered, along)


def _mixed(one: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    """Some of another dream, as strong as both: what differs in them would cancel out in a plain mean."""
    mean = one + share * (other - one)
    strengths = [float(np.sqrt(np.mean(np.square(each, dtype=np.float32)))) for each in (one, other, mean)]
    wanted = (1 - share) * strengths[0] + share * strengths[1]
    return np.asarray(mean * (min(wanted / strengths[2], _MOST_STRENGTHENED) if strengths[2] > 0 else 1), np.float32)
