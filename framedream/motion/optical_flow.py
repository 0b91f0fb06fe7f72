"""Backward optical flow, and where it can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from framedream.motion.warping import points_inside, sample

_SHARE, _SLACK = 0.02, 1.0
"""Twice what Ruder et al. allow: a dream carried a pixel astray looks better than a gap in it."""

WORKING_SIDE = 720
"""Smaller side, in pixels, above which frames are shrunk for the flow: as much motion, less grain."""

_STEADY_LIGHT = 8.0
"""Change of a frame's mean brightness, in levels, that is not taken for a flash or a fade."""

_PARTS = 64
"""Parts of a pixel in which flow is kept: OpenCV samples in half as many."""

_EDGE_SOFTNESS = 1.0
"""Sigma, in pixels, of the blur that keeps the edge of a trusted area from showing."""


FlowFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Flow from one H×W uint8 grey image to another, H×W×2 float32 in pixels."""


@dataclass(frozen=True)
class Motion:
    """How a frame came out of the one before it.

    Attributes:
        flow: H×W×2 float32 in pixels, x then y: the pixel at ``p`` was at ``p + flow(p)``.
        valid: H×W float32, 0…1: whether a dream can be carried there.
        sure: H×W float32, 0…1: whether it is there what it was before, by a stricter test.
    """

    flow: np.ndarray
    valid: np.ndarray
    sure: np.ndarray


@dataclass(frozen=True)
class FlowPair:
    """Flow between two neighbouring frames both ways, in little space.

    Attributes:
        backward: From a frame to the one before it, h×w×2 int16 in 64ths of a pixel, at the size it was found at.
        forward: From the one before it to the frame, alike.
    """

    backward: np.ndarray
    forward: np.ndarray

    @classmethod
    def of(cls, backward: np.ndarray, forward: np.ndarray) -> FlowPair:
        """Round; in pixels h×w×2 float32 each."""
        return cls(*(np.rint(np.clip(flow, -500, 500) * _PARTS).astype(np.int16) for flow in (backward, forward)))

    @property
    def reversed(self) -> FlowPair:
        """The same with the two frames in each other's place."""
        return FlowPair(self.forward, self.backward)

    def motion(self, height: int, width: int) -> Motion:
        """Backward flow of frames of some size, and where it can be trusted."""
        backward, forward = (flow.astype(np.float32) * np.float32(1 / _PARTS) for flow in (self.backward, self.forward))
        closing = _closing(backward, forward)
        valid = _soft(closing.within(_SHARE, _SLACK))
        sure = _soft(closing.within() & ~_bends(backward))
        if valid.shape != (height, width):
            scale = np.array([width / valid.shape[1], height / valid.shape[0]], np.float32)
            backward = cv2.resize(backward, (width, height), interpolation=cv2.INTER_LINEAR) * scale
            valid, sure = (cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR) for mask in (valid, sure))
        return Motion(backward, valid, sure)


class FlowEstimator:
    """Optical flow between neighbouring frames, by one of OpenCV's methods.

    Not for several threads at once: the method keeps its buffers.
    """

    def __init__(self, method: Literal["dis", "farneback"]) -> None:
        """Set the method up.

        Args:
            method: ``dis`` is Dense Inverse Search (Kroeger et al. 2016) with its medium
                preset; ``farneback`` is Farnebäck's polynomial expansion (2003).
        """
        self.calculate: FlowFunction = _dis() if method == "dis" else _farneback

    def ways(self, frame: np.ndarray, previous: np.ndarray) -> FlowPair:
        """Flow between a frame and the one before it, both ways, found as `preprocess_pair` shows them.

        Args:
            frame: H×W×3 float32, RGB, in levels.
            previous: The frame before it, alike.
        """
        now, before = preprocess_pair(frame, previous)
        return FlowPair.of(self.calculate(now, before), self.calculate(before, now))

    def motion(self, frame: np.ndarray, previous: np.ndarray) -> Motion:
        """Backward flow, and where it can be trusted; arguments as `ways`."""
        return self.ways(frame, previous).motion(*frame.shape[:2])

    def flow(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Where each pixel of one image lies in another: H×W×2 float32, in pixels."""
        return self.calculate(_grey(start), _grey(end))


@dataclass(frozen=True)
class _Closing:
    """How far the way back and forth is from closing.

    Attributes:
        error: Squared distance, H×W, in pixels.
        length: Squared length of both ways.
        inside: Where the way back leads inside the frame.
    """

    error: np.ndarray
    length: np.ndarray
    inside: np.ndarray

    def within(self, share: float = 0.01, slack: float = 0.5) -> np.ndarray:
        """Where it closes well enough, H×W bool."""
        return np.asarray((self.error <= share * self.length + slack) & self.inside)


def flows_agree(one: np.ndarray, other: np.ndarray, share: float, slack: float) -> np.ndarray:
    """Where two flows are the same, ``|A − B|² ≤ share · (|A|² + |B|²) + slack``: H×W×2 in pixels each, to H×W bool."""
    return np.asarray(squared_norm(one - other) <= share * (squared_norm(one) + squared_norm(other)) + slack)


def _closing(backward: np.ndarray, forward: np.ndarray) -> _Closing:
    there = sample(forward, backward, cv2.INTER_LINEAR)
    length = squared_norm(backward) + squared_norm(there)
    return _Closing(squared_norm(backward + there), length, points_inside(backward))


def consistent(backward: np.ndarray, forward: np.ndarray, *, share: float = 0.01, slack: float = 0.5) -> np.ndarray:
    """Where the way back and forth closes, ``|B + F|² ≤ share · (|B|² + |F|²) + slack``.

    The occlusion test of Ruder, Dosovitskiy and Brox 2016 (section 4.2), with its
    constants as defaults. What was hidden in the frame before does not pass, nor what
    comes from outside the frame.

    Args:
        backward: B, the flow from the frame to the one before it, H×W×2 in pixels.
        forward: The flow from the one before it to the frame, alike; F is what it says
            at the place where the backward flow leads.
        share: Error allowed for each squared pixel of motion.
        slack: Error allowed where nothing moves, in squared pixels.

    Returns:
        H×W bool.
    """
    return _closing(backward, forward).within(share, slack)


def trusted(backward: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """Where flow is consistent and not at an edge of the motion (Ruder et al. 2016), H×W bool.

    Args:
        backward: B, the flow from the frame to the one before it, H×W×2 in pixels.
        forward: The flow from the one before it to the frame, alike.
    """
    return np.asarray(consistent(backward, forward) & ~_bends(backward))


def _bends(backward: np.ndarray) -> np.ndarray:
    """Where the motion has an edge, H×W bool."""
    across, down = cv2.Sobel(backward, -1, 1, 0, ksize=1, scale=0.5), cv2.Sobel(backward, -1, 0, 1, ksize=1, scale=0.5)
    bends = squared_norm(across) + squared_norm(down)
    return np.asarray(bends > 0.01 * squared_norm(backward) + 0.002)


def squared_norm(vectors: np.ndarray) -> np.ndarray:
    """Squared length of each vector: H×W×2 to H×W."""
    return np.asarray(vectors[..., 0] ** 2 + vectors[..., 1] ** 2)


def preprocess_pair(frame: np.ndarray, previous: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two neighbouring frames as flow is found between them, h×w uint8 gray each.

    Frames whose smaller side is above 720 pixels are shrunk to that. Where the light
    has changed as a whole, as in a flash or a fade, it is evened out.

    Args:
        frame: H×W×3 float32, RGB, in levels.
        previous: The frame before it, alike.
    """
    return _same_light(_working(frame), _working(previous))


def _dis() -> FlowFunction:
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return lambda now, before: np.asarray(search.calc(now, before, None))  # type: ignore[call-overload]


def _farneback(now: np.ndarray, before: np.ndarray) -> np.ndarray:
    unknown = np.zeros((*now.shape, 2), np.float32)
    return np.asarray(cv2.calcOpticalFlowFarneback(now, before, unknown, 0.5, 5, 15, 3, 7, 1.5, 0))


def _working(frame: np.ndarray) -> np.ndarray:
    """8-bit grey of a working size."""
    height, width = frame.shape[:2]
    scale = WORKING_SIDE / min(height, width)
    if scale < 1:
        frame = cv2.resize(frame, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    return _grey(frame)


def _same_light(now: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both with mean and contrast of the one with more contrast, if the light has changed."""
    if abs(float(now.mean()) - float(before.mean())) < _STEADY_LIGHT:
        return now, before
    if now.std() < before.std():
        return _lit(now, before), before
    return now, _lit(before, now)


def _lit(grey: np.ndarray, like: np.ndarray) -> np.ndarray:
    even = (grey - grey.mean()) * (like.std() / max(float(grey.std()), 1.0)) + like.mean()
    return np.asarray(np.clip(np.rint(even), 0, 255), np.uint8)


def _grey(frame: np.ndarray) -> np.ndarray:
    return cv2.convertScaleAbs(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY))


def _soft(mask: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(mask.astype(np.float32), (0, 0), _EDGE_SOFTNESS)
