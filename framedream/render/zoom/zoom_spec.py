"""What a zoom is to be, and what of it is dreamed: the frame, and the surroundings it takes."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np

from framedream.render.zoom.camera_path import CameraPath, Similarity
from framedream.render.zoom.transition import Transition, transition_to

_FRAMES_OF_MARGIN = 6
_LEAST_MARGIN, _MOST_MARGIN = 16, 0.2
"""What is dreamed around the frame where something comes into view: as much as comes in six frames, but at
least so many pixels, and at most this share of the smaller side."""

_LOOKS = 200
"""Frames at which it is looked for what comes into view."""


@dataclass(frozen=True)
class ZoomSpec:
    """What a zoom is to be.

    Attributes:
        stills: The pictures it begins with, and passes through at equal times, each H×W×3 float32, in
            levels, all of the film's size.
        frames: How many frames it has.
        rate: Frames per second.
        journey: Where the view is at each time.
        loop: Whether the frame behind the last is the first again.
    """

    stills: Sequence[np.ndarray]
    frames: int
    rate: Fraction
    journey: CameraPath
    loop: bool

    @functools.cached_property
    def arrivals(self) -> list[int]:
        """The frames that show a still, each the next one; behind the last frame a loop shows the first again."""
        passages = len(self.stills) - (not self.loop)
        last = self.frames if self.loop else self.frames - 1
        return [last * passage // passages for passage in range(passages + 1)] if passages else [0]

    @functools.cached_property
    def canvas(self) -> PaddedFrame:
        """What of it is dreamed."""
        return PaddedFrame(self)

    def way(self, start: int, end: int) -> Similarity:
        """Where points of one frame are in a later one."""
        return self.journey.between(start / self.rate, end / self.rate)


class PaddedFrame:
    """What is dreamed of a zoom: each frame with a margin, in which what comes into view is dreamed before.

    Attributes:
        margin: Pixels at each side of the frame; 0 where nothing comes into view.
    """

    def __init__(self, fall: ZoomSpec) -> None:
        """See what comes into view."""
        self._fall = fall
        self.margin = _margin(fall)

    def still(self, index: int) -> np.ndarray:
        """A still with its surroundings, which mirror it."""
        edges = (self.margin,) * 4
        return cv2.copyMakeBorder(np.asarray(self._fall.stills[index], np.float32), *edges, cv2.BORDER_REFLECT_101)

    def way(self, start: int, end: int) -> Similarity:
        """Where points of the canvas at one frame are in a later one."""
        way, corner = self._fall.way(start, end), complex(self.margin, self.margin)
        return Similarity(way.factor, way.shift + corner - way.factor * corner)

    @functools.cached_property
    def turns(self) -> list[Transition | None]:
        """How each passage comes to its end, if something is to be met there."""
        height, width = self._fall.stills[0].shape[:2]
        shape, rate = (height + 2 * self.margin, width + 2 * self.margin), float(self._fall.rate)
        turns = [
            transition_to(self.way, start, end, rate, shape) for start, end in itertools.pairwise(self._fall.arrivals)
        ]
        return [*turns, None]

    def shown(self, picture: np.ndarray) -> np.ndarray:
        """The frame alone."""
        height, width = picture.shape[:2]
        edge = self.margin
        return np.ascontiguousarray(picture[edge : height - edge, edge : width - edge])


def _margin(fall: ZoomSpec) -> int:
    height, width = fall.stills[0].shape[:2]
    edge = [complex(x, y) for x in (0, (width - 1) / 2, width - 1) for y in (0, (height - 1) / 2, height - 1)]
    most = 0.0
    for number in range(1, fall.frames, max(1, fall.frames // _LOOKS)):
        back = fall.way(number - 1, number).inverse
        for at in map(back, edge):
            most = max(most, -at.real, -at.imag, at.real - (width - 1), at.imag - (height - 1))
    if most < 1e-3:
        return 0
    return int(min(max(_FRAMES_OF_MARGIN * most, _LEAST_MARGIN), _MOST_MARGIN * min(height, width)))
