"""How a zoom comes to a picture it has to meet: the next of several stills, or its own first frame.

The picture is dreamed backwards from where it is to be met, each frame moved as the journey would
undo it. Seen in the film's direction it grows (or slides, or shrinks) into the frame, from as far
back as it is small. The zoom takes it in where it has come into view, and at last is nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from framedream.render.zoom.camera_path import Similarity
from framedream.render.zoom.resampling import distance_inside, resample

_FADE = 2.0
"""Seconds in which a picture fades in where it does not come into view by itself."""

_SMALL = 0.15
"""Share of the frame that is small enough to fade in first and grow then."""

_LONGEST = 0.6
"""Share of a passage that a turn may take."""

_FEATHER = 0.4
"""Width of the picture's soft border, as a share of its smaller side."""


_MOST_STRENGTHENED = 1.4
"""Factor by which detail is made stronger where two pictures are mixed, at most."""

_WHOLE = 0.999
"""Share from which a place is nothing but the picture."""


@dataclass(frozen=True)
class Transition:
    """The end of a passage, in which it turns into the picture that it comes to.

    Attributes:
        first: The frame it begins with.
        end: The frame that shows the picture.
        fade: Frames in which the picture fades in.
        way: Gives where points of one frame are in a later one.
        grows: Whether the picture is small at first, and grows.
    """

    first: int
    end: int
    fade: int
    way: Callable[[int, int], Similarity]
    grows: bool

    def share(self, number: int, shape: tuple[int, ...]) -> np.ndarray:
        """How much of a frame is to be the picture, H×W float32, 0…1.

        Args:
            number: The frame's number.
            shape: Its height and width.
        """
        if number < self.first:
            return np.zeros(shape[:2], np.float32)
        feather = _FEATHER * min(shape[:2])
        if self.grows:
            seen = feather_mask(distance_inside(shape, self.way(number, self.end).inverse), feather)
            seen *= _smooth((number - self.first + 1) / self.fade)
        else:
            since = self.way(self.first, number) if number > self.first else Similarity()
            seen = feather_mask(-distance_inside(shape, since), feather)
        return np.asarray(np.maximum(seen, _smooth(1 - (self.end - number - 1) / self.fade)))

    def mixed(self, number: int, own: np.ndarray, goal: np.ndarray, before: np.ndarray) -> np.ndarray:
        """A frame with its share of the picture.

        What it has of the picture already follows the picture's own dream; the rest is added.

        Args:
            number: The frame's number.
            own: The frame before it, moved here, H×W×3 float32, in levels.
            goal: The picture as it is here.
            before: The picture as it was in the frame before, moved here.
        """
        now = self.share(number, own.shape)
        kept = resample(self.share(number - 1, own.shape), self.way(number - 1, number), cv2.BORDER_CONSTANT)
        more = np.clip((now - kept) / np.maximum(1 - kept, 1e-3), 0, 1)
        more[now >= _WHOLE] = 1
        own = own + np.clip(kept, 0, 1)[..., None] * (goal - before)
        return crossfade(own, goal, more)


def transition_to(
    way: Callable[[int, int], Similarity], start: int, end: int, rate: float, shape: tuple[int, ...]
) -> Transition | None:
    """How a passage comes to its end.

    Args:
        way: Gives where points of one frame are in a later one.
        start: The first frame of the passage.
        end: The frame that shows the picture it comes to.
        rate: Frames per second.
        shape: Height and width of the frames.
    """
    longest = int(_LONGEST * (end - start))
    if longest < 1:
        return None
    fade = max(1, min(round(_FADE * rate), longest))
    lengths = [fade]
    while (length := lengths[-1] + max(1, lengths[-1] // 25)) <= longest:
        lengths.append(length)
    for length in lengths:
        if float((distance_inside(shape, way(end - length, end).inverse) > 0).mean()) <= _SMALL:
            return Transition(end - length, end, fade, way, True)
    for length in lengths:
        if float((distance_inside(shape, way(end - length, end)) < 0).mean()) >= 1 - _SMALL:
            return Transition(end - length, end, fade, way, False)
    return Transition(end - fade, end, fade, way, False)


def crossfade(one: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Two pictures mixed, their detail as strong as both have it: what differs would cancel out in a plain mean.

    Args:
        one: H×W×3 float32, in levels.
        other: Alike.
        share: How much of the other, H×W, 0…1.
    """
    weight = share[..., None].astype(np.float32)
    mean = one + weight * (other - one)
    sigma = max(min(one.shape[:2]) / 40, 2)
    coarse = cv2.GaussianBlur(mean, (0, 0), sigma)
    mine, its, left = (_detail(picture, sigma) for picture in (one, other, mean))
    wanted = mine + share * (its - mine)
    gain = np.clip(wanted / np.maximum(left, 1), 1, _MOST_STRENGTHENED)
    return np.asarray(coarse + (mean - coarse) * gain[..., None])


def _detail(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Deviation of the detail around each place, H×W."""
    light = picture.mean(2)
    detail = light - cv2.GaussianBlur(light, (0, 0), sigma)
    return np.asarray(np.sqrt(cv2.GaussianBlur(np.square(detail), (0, 0), sigma)))


def feather_mask(distance: np.ndarray, feather: float) -> np.ndarray:
    """0 below a distance of 0, 1 beyond the feather, smooth between, H×W float32."""
    return np.asarray(_smooth(distance / max(feather, 1.0)), np.float32)


def _smooth(share: np.ndarray | float) -> np.ndarray:
    """The smoothstep from 0 to 1."""
    within = np.clip(share, 0, 1)
    return np.asarray(within * within * (3 - 2 * within), np.float32)
