"""The camera path of a zoom: integrates the speeds of the settings over time, independent of the frame rate."""

from __future__ import annotations

import cmath
import functools
import math
from collections.abc import Callable
from fractions import Fraction

from framedream.config.schedule import easing_curve
from framedream.config.settings import ZoomSettings
from framedream.render.zoom.similarity import Similarity

_STEP = Fraction(1, 120)
"""Integration step, in seconds: a grid of its own, the same for every frame rate."""


class CameraPath:
    """The motion of the view over the picture.

    A point of the picture moves by ``dp/dt = a · (p − center) − pan``, with ``a = ln zoom + i · rotate``:
    each step has the exact solution for constant speeds.

    Args:
        rates: Returns the zoom settings at a time in seconds.
        width: Width of the frames in pixels.
        height: Height of the frames in pixels.
        length: Length of the zoom in seconds.
    """

    def __init__(self, rates: Callable[[float], ZoomSettings], width: int, height: int, length: Fraction) -> None:
        self._rates, self._width, self._height, self._length = rates, width, height, length
        self._step = functools.lru_cache(maxsize=2**16)(self._integrate)

    def between(self, start: Fraction, end: Fraction) -> Similarity:
        """Return the transform of the picture, in pixels, from one time to a later one, in seconds."""
        transform, time = Similarity(), start
        while time < end:
            until = min(end, (time // _STEP + 1) * _STEP)
            transform = transform.then(self._step(time, until))
            time = until
        return transform

    def _integrate(self, start: Fraction, end: Fraction) -> Similarity:
        # Speeds are those in the middle of the grid's step, whichever part of it this is.
        middle, seconds = float((start // _STEP + Fraction(1, 2)) * _STEP), float(end - start)
        rates = self._rates(middle)
        seconds *= self._ease_factor(middle, float(rates.ease))
        speed = complex(math.log(rates.zoom), math.radians(rates.rotate))
        center = self._to_pixels(rates.center)
        pan = complex(rates.pan[0] * self._width, rates.pan[1] * self._height)
        factor = cmath.exp(speed * seconds)
        # (e^{as} − 1) / a, also where a is 0.
        integral = (factor - 1) / speed if abs(speed) > 1e-9 else seconds
        return Similarity(factor, center - factor * center - pan * integral)

    def _to_pixels(self, point: tuple[float, float]) -> complex:
        """Convert a point in widths and heights to pixels, where the center of the first pixel is 0."""
        return complex(point[0] * self._width - 0.5, point[1] * self._height - 0.5)

    def _ease_factor(self, time: float, ease: float) -> float:
        """The factor of the speed at a time near the beginning or the end, 0…1."""
        if not ease:
            return 1.0
        near = min(time, float(self._length) - time) / min(ease, float(self._length) / 2)
        return easing_curve(min(max(near, 0.0), 1.0), "smooth")
