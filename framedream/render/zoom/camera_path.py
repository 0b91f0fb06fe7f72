"""Where the view of a zoom is at each time: speeds for a second, added up whatever the frame rate."""

from __future__ import annotations

import cmath
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from framedream.config.schedule import easing_curve
from framedream.config.settings import ZoomSettings

_STEP = Fraction(1, 120)
"""Seconds over which speeds are taken as constant: a grid of its own, the same for every frame rate."""


@dataclass(frozen=True)
class Similarity:
    """A map of the plane that scales, turns and shifts: ``p → factor · p + shift``, points as ``x + iy``.

    Attributes:
        factor: Scale and turn; a positive angle turns clockwise, since y points down.
        shift: What is added, in pixels.
    """

    factor: complex = 1
    shift: complex = 0

    def then(self, other: Similarity) -> Similarity:
        """This map, and after it another."""
        return Similarity(other.factor * self.factor, other.factor * self.shift + other.shift)

    @property
    def inverse(self) -> Similarity:
        """The map back."""
        return Similarity(1 / self.factor, -self.shift / self.factor)

    def __call__(self, point: complex) -> complex:
        """Where a point comes to."""
        return self.factor * point + self.shift

    def matrix(self) -> np.ndarray:
        """The same as OpenCV has it, 2×3 float64."""
        a, b = complex(self.factor), complex(self.shift)
        return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


class CameraPath:
    """The way of the view over the picture.

    A point of the picture moves by ``dp/dt = a · (p − center) − pan``, with ``a = ln zoom + i · rotate``:
    each step has the exact solution for constant speeds.

    Args:
        rates: The speeds at a time in seconds.
        width: Width of the frames in pixels.
        height: Height of the frames in pixels.
        length: Length of the whole journey in seconds.
    """

    def __init__(self, rates: Callable[[float], ZoomSettings], width: int, height: int, length: Fraction) -> None:
        self._rates, self._width, self._height, self._length = rates, width, height, length
        self._step = functools.lru_cache(maxsize=2**16)(self._moved)

    def between(self, start: Fraction, end: Fraction) -> Similarity:
        """Where points of the picture at one time are at a later one, in pixels."""
        moved, at = Similarity(), start
        while at < end:
            until = min(end, (at // _STEP + 1) * _STEP)
            moved = moved.then(self._step(at, until))
            at = until
        return moved

    def _moved(self, start: Fraction, end: Fraction) -> Similarity:
        # The middle of the grid's step, whatever part of it this is.
        middle, seconds = float((start // _STEP + Fraction(1, 2)) * _STEP), float(end - start)
        rates = self._rates(middle)
        seconds *= self._eased(middle, float(rates.ease))
        speed = complex(math.log(rates.zoom), math.radians(rates.rotate))
        center = self._pixels(rates.center)
        pan = complex(rates.pan[0] * self._width, rates.pan[1] * self._height)
        factor = cmath.exp(speed * seconds)
        # (e^{as} − 1) / a, also where a is 0.
        covered = (factor - 1) / speed if abs(speed) > 1e-9 else seconds
        return Similarity(factor, center - factor * center - pan * covered)

    def _pixels(self, point: tuple[float, float]) -> complex:
        """A point in widths and heights as OpenCV counts: the center of the first pixel is 0."""
        return complex(point[0] * self._width - 0.5, point[1] * self._height - 0.5)

    def _eased(self, at: float, ease: float) -> float:
        """How much of its speed the journey has at a time, 0…1."""
        if not ease:
            return 1.0
        near = min(at, float(self._length) - at) / min(ease, float(self._length) / 2)
        return easing_curve(min(max(near, 0.0), 1.0), "smooth")
