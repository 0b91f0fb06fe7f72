"""Keeps the strength of a dream at a set level over a shot of any length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_TARGET = 1.07
"""Strength to keep, relative to that of a frame dreamed from scratch."""

_CEILING = 3.0
"""Largest objective of any place, relative to the mean of a frame dreamed from scratch."""

_PROPORTIONAL, _INTEGRAL = 2.0, 0.05
"""Exponents of the ratio of target to strength in the proportional and in the integral term."""

_MIN_INTEGRAL, _MAX_INTEGRAL, _MAX_GAIN = 0.2, 2.0, 3.0


@dataclass(frozen=True)
class StrengthReference:
    """What a dream from scratch reaches in a shot.

    Attributes:
        strength: The objective at full size.
        losses: The last objective at each octave, smallest octave first.
    """

    strength: float
    losses: tuple[float, ...]

    def interpolate(self, other: StrengthReference, share: float = 0.5) -> StrengthReference:
        """Interpolate linearly between this reference and another.

        If one of them has fewer octaves, its smallest octave stands for those that it lacks.

        Args:
            other: The other reference.
            share: Share of the other, 0…1.
        """
        count = max(len(self.losses), len(other.losses))
        pairs = zip(align_octaves(self.losses, count), align_octaves(other.losses, count), strict=True)
        losses = tuple(mine + share * (its - mine) for mine, its in pairs)
        return StrengthReference(self.strength + share * (other.strength - self.strength), losses)

    def rescale(self, before: StrengthReference, after: StrengthReference) -> StrengthReference:
        """Scale this reference by the ratio of two others, as when the settings change.

        Args:
            before: What dreams from scratch of another size reach before the change.
            after: What they reach after it.
        """
        count = len(self.losses)
        sides = align_octaves(before.losses, count), align_octaves(after.losses, count)
        losses = tuple(loss * _safe_ratio(was, now) for loss, was, now in zip(self.losses, *sides, strict=True))
        return StrengthReference(self.strength * _safe_ratio(before.strength, after.strength), losses)


@dataclass(frozen=True)
class StrengthController:
    """A proportional-integral controller of the step size of frames that continue a dream.

    Where the dream is too weak, steps are larger and the ceilings higher; where it is too strong, smaller and lower.

    Attributes:
        gain: Current factor of the step size.
        integral: The integral term: accumulates the strengths of all frames so far.
    """

    gain: float = 1.0
    integral: float = 1.0

    def update(self, strength: float, reference: StrengthReference) -> StrengthController:
        """Return the controller after a frame of this strength."""
        if not (strength > 0 and reference.strength > 0):
            return self
        ratio = _TARGET * reference.strength / strength
        integral = min(max(self.integral * ratio**_INTEGRAL, _MIN_INTEGRAL), _MAX_INTEGRAL)
        return StrengthController(min(integral * ratio**_PROPORTIONAL, _MAX_GAIN), integral)

    def ceilings(self, reference: StrengthReference, scale: float = 1.0) -> Sequence[float]:
        """Return the largest objective allowed in any place, at each octave.

        Args:
            reference: What a dream from scratch reaches.
            scale: Factor of the gain, which stays within its bounds here.
        """
        factor = _CEILING * min(max(self.gain * scale, 0.1), 1.5)
        return [max(0.0, factor * loss) for loss in reference.losses]


def align_octaves(values: Sequence[float], count: int) -> list[float]:
    """Fit values of octaves to another number of octaves.

    Args:
        values: One value for each octave, the largest octave last; the first stands for all smaller ones.
        count: Number of octaves.
    """
    given = list(values)
    return [*given[:1] * (count - len(given)), *given[-count:]]


def _safe_ratio(before: float, after: float) -> float:
    return after / before if before > 0 and after > 0 else 1.0
