"""The strength of a dream, held at a set level over a shot of any length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_WANTED = 1.07
"""Strength to hold, against that of a frame dreamed from nothing."""

_CEILING = 3.0
"""What a place may have of the objective, against the mean of a frame dreamed from nothing."""

_PROMPT, _PATIENT = 2.0, 0.05
"""Exponents of the strength that is lacking: at once, and summed up from frame to frame."""

_LOWEST, _HIGHEST, _PEAK = 0.2, 2.0, 3.0
"""Bounds of what is summed up, and of the gain."""


@dataclass(frozen=True)
class StrengthReference:
    """What a dream from nothing reaches in this shot.

    Attributes:
        strength: Its objective at full size.
        losses: Its last objective at each octave.
    """

    strength: float
    losses: tuple[float, ...]

    def mixed(self, other: StrengthReference, share: float = 0.5) -> StrengthReference:
        """Some of another, 0…1, and the rest of this, for a shot that changes on its way.

        Where one has fewer octaves, its smallest stands for those that it lacks.
        """
        count = max(len(self.losses), len(other.losses))
        pairs = zip(align_octaves(self.losses, count), align_octaves(other.losses, count), strict=True)
        losses = tuple(mine + share * (its - mine) for mine, its in pairs)
        return StrengthReference(self.strength + share * (other.strength - self.strength), losses)

    def changed(self, before: StrengthReference, after: StrengthReference) -> StrengthReference:
        """This as it is after a change that made one of two others of the other.

        Args:
            before: What dreams from nothing of another size reach before the change.
            after: The same after it.
        """
        count = len(self.losses)
        sides = align_octaves(before.losses, count), align_octaves(after.losses, count)
        losses = tuple(loss * _ratio(was, now) for loss, was, now in zip(self.losses, *sides, strict=True))
        return StrengthReference(self.strength * _ratio(before.strength, after.strength), losses)


@dataclass(frozen=True)
class StrengthController:
    """A proportional-integral controller of the steps of frames that follow.

    Where the dream is weaker than it should be, steps are larger and its ceiling higher;
    where it is stronger, smaller and lower.

    Attributes:
        gain: Factor of the step size now.
        sum: The integral: what the strengths of all frames so far have added up to.
    """

    gain: float = 1.0
    sum: float = 1.0

    def seen(self, strength: float, reference: StrengthReference) -> StrengthController:
        """The controller after a frame of this strength."""
        if not (strength > 0 and reference.strength > 0):
            return self
        lack = _WANTED * reference.strength / strength
        total = min(max(self.sum * lack**_PATIENT, _LOWEST), _HIGHEST)
        return StrengthController(min(total * lack**_PROMPT, _PEAK), total)

    def ceilings(self, reference: StrengthReference, enlarged: float = 1.0) -> Sequence[float]:
        """What the objective may grow to in any place, at each octave.

        Args:
            reference: What a dream from nothing reaches.
            enlarged: What the gain is multiplied by, within its bounds here.
        """
        factor = _CEILING * min(max(self.gain * enlarged, 0.1), 1.5)
        return [max(0.0, factor * loss) for loss in reference.losses]


def align_octaves(values: Sequence[float], count: int) -> list[float]:
    """A value for each of so many octaves, of which the last is the largest, from those of another number.

    Args:
        values: The values, which count from the largest octave too; the first stands for all that are smaller still.
        count: How many are wanted.
    """
    given = list(values)
    return [*given[:1] * (count - len(given)), *given[-count:]]


def _ratio(before: float, after: float) -> float:
    return after / before if before > 0 and after > 0 else 1.0
