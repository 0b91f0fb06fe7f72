"""Transitions of a zoom into a picture that it must reach: the next of several stills, or its own first frame.

The picture is dreamed backwards from the frame that shows it, each frame transformed by the inverse of the camera path.
In the direction of the film it grows (or slides, or shrinks) into the frame, starting when it is small. The zoom blends
it in where it has come into view, until the frame shows nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from framedream.render.zoom.similarity import Similarity, distance_inside, resample

_FADE = 2.0
"""Seconds in which a picture fades in where it does not come into view by itself."""

MAX_INITIAL_SHARE = 0.15
"""Largest share of the frame that the picture covers when its transition starts."""

_MAX_SHARE = 0.6
"""Largest share of a section that its transition takes."""

_FEATHER = 0.4
"""Width of the picture's soft border, as a share of its smaller side."""

_MAX_DETAIL_GAIN = 1.4
"""Largest factor by which detail is amplified where two pictures are blended."""

_OPAQUE = 0.999
"""Share above which a pixel shows only the picture."""


@dataclass(frozen=True)
class Transition:
    """The end of a section of a zoom, in which it fades into the next picture.

    Attributes:
        first: Its first frame.
        end: The frame that shows the picture.
        fade: Number of frames in which the picture fades in.
        transform: Returns the transform from one frame to a later one.
        grows: Whether the picture is small at first and grows.
    """

    first: int
    end: int
    fade: int
    transform: Callable[[int, int], Similarity]
    grows: bool

    def share(self, number: int, shape: tuple[int, ...]) -> np.ndarray:
        """Return the share of the picture in each pixel of a frame, H×W float32, 0…1.

        Args:
            number: The frame's number.
            shape: Height and width of the frame.
        """
        if number < self.first:
            return np.zeros(shape[:2], np.float32)
        feather = _FEATHER * min(shape[:2])
        if self.grows:
            visible = feather_mask(distance_inside(shape, self.transform(number, self.end).inverse), feather)
            visible *= _smoothstep((number - self.first + 1) / self.fade)
        else:
            since = self.transform(self.first, number) if number > self.first else Similarity()
            visible = feather_mask(-distance_inside(shape, since), feather)
        return np.asarray(np.maximum(visible, _smoothstep(1 - (self.end - number - 1) / self.fade)))

    def blend(self, number: int, own: np.ndarray, target: np.ndarray, before: np.ndarray) -> np.ndarray:
        """Blend a frame with its share of the picture.

        The share that it has already follows the dream of the picture; the rest is added.

        Args:
            number: The frame's number.
            own: The frame before it, transformed to this one, H×W×3 float32, in levels.
            target: The picture at this frame, H×W×3 float32, in levels.
            before: The picture at the frame before, transformed to this one.
        """
        now = self.share(number, own.shape)
        previous = resample(self.share(number - 1, own.shape), self.transform(number - 1, number), cv2.BORDER_CONSTANT)
        added = np.clip((now - previous) / np.maximum(1 - previous, 1e-3), 0, 1)
        added[now >= _OPAQUE] = 1
        own = own + np.clip(previous, 0, 1)[..., None] * (target - before)
        return crossfade(own, target, added)


def transition_to(
    transform: Callable[[int, int], Similarity], start: int, end: int, rate: float, shape: tuple[int, ...]
) -> Transition | None:
    """Plan the transition at the end of a section.

    Args:
        transform: Returns the transform from one frame to a later one.
        start: The first frame of the section.
        end: The frame that shows the next picture.
        rate: Frames per second.
        shape: Height and width of the frames.

    Returns:
        The transition; None if the section is too short for one.
    """
    longest = int(_MAX_SHARE * (end - start))
    if longest < 1:
        return None
    fade = max(1, min(round(_FADE * rate), longest))
    lengths = [fade]
    while (length := lengths[-1] + max(1, lengths[-1] // 25)) <= longest:
        lengths.append(length)
    for length in lengths:
        if float((distance_inside(shape, transform(end - length, end).inverse) > 0).mean()) <= MAX_INITIAL_SHARE:
            return Transition(end - length, end, fade, transform, True)
    for length in lengths:
        if float((distance_inside(shape, transform(end - length, end)) < 0).mean()) >= 1 - MAX_INITIAL_SHARE:
            return Transition(end - length, end, fade, transform, False)
    return Transition(end - fade, end, fade, transform, False)


def crossfade(one: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Blend two pictures and keep the strength of their detail, since a plain mean cancels what differs between them.

    Args:
        one: H×W×3 float32, in levels.
        other: H×W×3 float32, in levels.
        share: Share of the other, H×W, 0…1.
    """
    weight = share[..., None].astype(np.float32)
    mean = one + weight * (other - one)
    sigma = max(min(one.shape[:2]) / 40, 2)
    coarse = cv2.GaussianBlur(mean, (0, 0), sigma)
    mine, its, left = (_detail(picture, sigma) for picture in (one, other, mean))
    target = mine + share * (its - mine)
    gain = np.clip(target / np.maximum(left, 1), 1, _MAX_DETAIL_GAIN)
    return np.asarray(coarse + (mean - coarse) * gain[..., None])


def _detail(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Deviation of the detail around each pixel, H×W."""
    light = picture.mean(2)
    detail = light - cv2.GaussianBlur(light, (0, 0), sigma)
    return np.asarray(np.sqrt(cv2.GaussianBlur(np.square(detail), (0, 0), sigma)))


def feather_mask(distance: np.ndarray, feather: float) -> np.ndarray:
    """Return 0 below a distance of 0, 1 beyond the feather, and a smoothstep between, H×W float32."""
    return np.asarray(_smoothstep(distance / max(feather, 1.0)), np.float32)


def _smoothstep(share: np.ndarray | float) -> np.ndarray:
    """The smoothstep from 0 to 1."""
    within = np.clip(share, 0, 1)
    return np.asarray(within * within * (3 - 2 * within), np.float32)
