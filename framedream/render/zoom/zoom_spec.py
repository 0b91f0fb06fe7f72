"""The specification of a zoom, and the frames with margins in which it is dreamed."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np

from framedream.render.zoom.camera_path import CameraPath
from framedream.render.zoom.similarity import Similarity
from framedream.render.zoom.transition import Transition, transition_to

_MARGIN_FRAMES = 6
_MIN_MARGIN, _MAX_MARGIN = 16, 0.2
"""The margin is as wide as what comes into view in six frames, but at least so many pixels
and at most this share of the smaller side."""

_SAMPLED_FRAMES = 200
"""Number of frames at which the width of what comes into view is measured."""


@dataclass(frozen=True)
class ZoomSpec:
    """The specification of a zoom.

    Attributes:
        stills: The pictures that it passes through at equal times, starting with the first, each H×W×3 float32, in
            levels, all of the film's size.
        frames: Number of frames.
        rate: Frames per second.
        camera_path: The motion of the view.
        loop: Whether the frame after the last is the first again.
    """

    stills: Sequence[np.ndarray]
    frames: int
    rate: Fraction
    camera_path: CameraPath
    loop: bool

    @functools.cached_property
    def still_frames(self) -> list[int]:
        """The frames that show the stills in turn; in a loop, the frame after the last shows the first still again."""
        sections = len(self.stills) - (not self.loop)
        last = self.frames if self.loop else self.frames - 1
        return [last * section // sections for section in range(sections + 1)] if sections else [0]

    @functools.cached_property
    def padded_frame(self) -> PaddedFrame:
        """The frame with the margin in which it is dreamed."""
        return PaddedFrame(self)

    def transform(self, start: int, end: int) -> Similarity:
        """Return the transform of the picture from one frame to a later one, in pixels."""
        return self.camera_path.between(start / self.rate, end / self.rate)


class PaddedFrame:
    """The frame of a zoom with a margin, in which everything is dreamed before it comes into view.

    Attributes:
        margin: Pixels at each side of the frame; 0 if nothing comes into view.
    """

    def __init__(self, spec: ZoomSpec) -> None:
        """Measure how much comes into view."""
        self._spec = spec
        self.margin = _margin(spec)

    def still(self, index: int) -> np.ndarray:
        """Return a still with its margin, which mirrors it."""
        edges = (self.margin,) * 4
        return cv2.copyMakeBorder(np.asarray(self._spec.stills[index], np.float32), *edges, cv2.BORDER_REFLECT_101)

    def transform(self, start: int, end: int) -> Similarity:
        """Return the transform of the padded picture from one frame to a later one, in pixels."""
        transform, corner = self._spec.transform(start, end), complex(self.margin, self.margin)
        return Similarity(transform.factor, transform.shift + corner - transform.factor * corner)

    @functools.cached_property
    def transitions(self) -> list[Transition | None]:
        """The transition at the end of each section, where there is one."""
        height, width = self._spec.stills[0].shape[:2]
        shape, rate = (height + 2 * self.margin, width + 2 * self.margin), float(self._spec.rate)
        transitions = [
            transition_to(self.transform, start, end, rate, shape)
            for start, end in itertools.pairwise(self._spec.still_frames)
        ]
        return [*transitions, None]

    def crop(self, picture: np.ndarray) -> np.ndarray:
        """Return a picture without its margin."""
        height, width = picture.shape[:2]
        edge = self.margin
        return np.ascontiguousarray(picture[edge : height - edge, edge : width - edge])


def _margin(spec: ZoomSpec) -> int:
    height, width = spec.stills[0].shape[:2]
    border = [complex(x, y) for x in (0, (width - 1) / 2, width - 1) for y in (0, (height - 1) / 2, height - 1)]
    most = 0.0
    for number in range(1, spec.frames, max(1, spec.frames // _SAMPLED_FRAMES)):
        back = spec.transform(number - 1, number).inverse
        for point in map(back, border):
            most = max(most, -point.real, -point.imag, point.real - (width - 1), point.imag - (height - 1))
    if most < 1e-3:
        return 0
    return int(min(max(_MARGIN_FRAMES * most, _MIN_MARGIN), _MAX_MARGIN * min(height, width)))
