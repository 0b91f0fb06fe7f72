"""What one frame hands on to the next: all that is needed to go on from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framedream.render.video.frame_state import FrameState
from framedream.render.video.strength_control import StrengthController, StrengthReference


@dataclass(frozen=True)
class RenderState:
    """A dreamed frame with what steers the dream.

    Attributes:
        carried: The frame and its dream.
        level: The controller of the dream's strength.
        reference: What dreams from nothing reach here.
    """

    carried: FrameState
    level: StrengthController
    reference: StrengthReference

    def packed(self) -> dict[str, NDArray[Any]]:
        """Arrays to be stored; the frame itself is not among them."""
        return self.carried.packed() | {
            "level": np.array([self.level.gain, self.level.sum]),
            "reference": np.array([self.reference.strength, *self.reference.losses]),
        }

    @classmethod
    def unpacked(cls, frame: np.ndarray, stored: dict[str, NDArray[Any]]) -> RenderState:
        """What `packed` gave, with its frame: the same state to the last bit."""
        gain, total = stored["level"].tolist()
        return cls(FrameState.unpacked(frame, stored), StrengthController(gain, total), cls.reference_of(stored))

    @staticmethod
    def reference_of(stored: dict[str, NDArray[Any]]) -> StrengthReference:
        """The reference alone of what `packed` gave."""
        strength, *losses = stored["reference"].tolist()
        return StrengthReference(strength, tuple(losses))
