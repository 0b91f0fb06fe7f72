"""Computes backward optical flow and where it is reliable.

The occlusion test is that of Ruder, Dosovitskiy and Brox 2016 (section 4.2): what was hidden in the frame before,
or comes from outside the frame, does not return to where it started.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from framedream.errors import SettingsError
from framedream.motion.warping import points_inside, sample

_SHARE, _SLACK = 0.02, 1.0
"""Twice the error that Ruder et al. allow: a dream that is a pixel off looks better than a gap in it."""

WORKING_SIDE = 720
"""Smaller side, in pixels, above which frames are shrunk for the flow: the same motion, less grain."""

_MAX_LIGHT_CHANGE = 8.0
"""Largest change of a frame's mean brightness, in levels, that is not a flash or a fade."""

_FLOW_SCALE = 64
"""Flow is stored in 64ths of a pixel."""

_EDGE_SOFTNESS = 1.0
"""Sigma, in pixels, of the blur that hides the edges of the masks."""

FlowFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Returns the flow from one H×W uint8 gray image to another, H×W×2 float32 in pixels."""


@dataclass(frozen=True)
class Motion:
    """The motion from one frame to the next.

    Attributes:
        flow: H×W×2 float32 in pixels, x then y: the pixel at ``p`` was at ``p + flow(p)``.
        valid_mask: H×W float32, 0…1: where the flow is good enough to warp a dream along it.
        reliable_mask: H×W float32, 0…1: where it surely shows the same as before, by a stricter test.
    """

    flow: np.ndarray
    valid_mask: np.ndarray
    reliable_mask: np.ndarray


@dataclass(frozen=True)
class FlowPair:
    """Flow between two neighbouring frames in both directions, in compact form.

    Attributes:
        backward: From a frame to the one before it, h×w×2 int16 in 64ths of a pixel, at the size of the computation.
        forward: From the frame before to the frame, in the same form.
    """

    backward: np.ndarray
    forward: np.ndarray

    @classmethod
    def from_flows(cls, backward: np.ndarray, forward: np.ndarray) -> FlowPair:
        """Round flows, h×w×2 float32 in pixels each."""
        return cls(*(np.rint(np.clip(flow, -500, 500) * _FLOW_SCALE).astype(np.int16) for flow in (backward, forward)))

    @property
    def reversed(self) -> FlowPair:
        """The same pair with the two frames swapped."""
        return FlowPair(self.forward, self.backward)

    def motion(self, height: int, width: int) -> Motion:
        """Return the backward flow at a frame size, and where it is reliable.

        Args:
            height: Height of the frames in pixels.
            width: Width of the frames in pixels.
        """
        backward, forward = (
            flow.astype(np.float32) * np.float32(1 / _FLOW_SCALE) for flow in (self.backward, self.forward)
        )
        error = _forward_backward_error(backward, forward)
        valid = _soften(error.below(_SHARE, _SLACK))
        reliable = _soften(error.below() & ~_motion_boundaries(backward))
        if valid.shape != (height, width):
            scale = np.array([width / valid.shape[1], height / valid.shape[0]], np.float32)
            backward = cv2.resize(backward, (width, height), interpolation=cv2.INTER_LINEAR) * scale
            valid, reliable = (
                cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR) for mask in (valid, reliable)
            )
        return Motion(backward, valid, reliable)


class FlowEstimator:
    """Computes optical flow between neighbouring frames.

    Do not use one estimator in several threads: the method reuses its buffers.

    Attributes:
        calculate: Returns the flow from one gray image to another.
    """

    def __init__(self, method: str) -> None:
        """Set up a method.

        Args:
            method: A name in `FLOW_METHODS`.

        Raises:
            SettingsError: The method is unknown.
        """
        if method not in FLOW_METHODS:
            raise SettingsError(f"unknown flow method {method!r}; choose one of {', '.join(FLOW_METHODS)}")
        self.calculate: FlowFunction = FLOW_METHODS[method]()

    def flow_pair(self, frame: np.ndarray, previous: np.ndarray) -> FlowPair:
        """Compute the flow between a frame and the one before it in both directions.

        Args:
            frame: H×W×3 float32, RGB, in levels.
            previous: The frame before it, H×W×3 float32, RGB, in levels.
        """
        now, before = preprocess_pair(frame, previous)
        return FlowPair.from_flows(self.calculate(now, before), self.calculate(before, now))

    def motion(self, frame: np.ndarray, previous: np.ndarray) -> Motion:
        """Compute the backward flow and where it is reliable; arguments as for `flow_pair`."""
        return self.flow_pair(frame, previous).motion(*frame.shape[:2])


@dataclass(frozen=True)
class _ForwardBackwardError:
    """How far a place is from where it started after following the flow back and forth.

    Attributes:
        error: Squared distance, H×W, in pixels.
        length: Squared length of both flows.
        inside: Where the backward flow stays inside the frame.
    """

    error: np.ndarray
    length: np.ndarray
    inside: np.ndarray

    def below(self, share: float = 0.01, slack: float = 0.5) -> np.ndarray:
        """Return where the error is small relative to the motion, H×W bool.

        Args:
            share: Squared error allowed for each squared pixel of motion.
            slack: Squared error allowed where nothing moves, in squared pixels.
        """
        return np.asarray((self.error <= share * self.length + slack) & self.inside)


def flows_agree(one: np.ndarray, other: np.ndarray, share: float, slack: float) -> np.ndarray:
    """Return where two flows agree, ``|A − B|² ≤ share · (|A|² + |B|²) + slack``: H×W×2 in pixels each, to H×W bool."""
    return np.asarray(squared_norm(one - other) <= share * (squared_norm(one) + squared_norm(other)) + slack)


def _forward_backward_error(backward: np.ndarray, forward: np.ndarray) -> _ForwardBackwardError:
    returning = sample(forward, backward, cv2.INTER_LINEAR)
    length = squared_norm(backward) + squared_norm(returning)
    return _ForwardBackwardError(squared_norm(backward + returning), length, points_inside(backward))


def _motion_boundaries(backward: np.ndarray) -> np.ndarray:
    """Where the motion has an edge, H×W bool (Ruder et al. 2016)."""
    across, down = cv2.Sobel(backward, -1, 1, 0, ksize=1, scale=0.5), cv2.Sobel(backward, -1, 0, 1, ksize=1, scale=0.5)
    gradient = squared_norm(across) + squared_norm(down)
    return np.asarray(gradient > 0.01 * squared_norm(backward) + 0.002)


def squared_norm(vectors: np.ndarray) -> np.ndarray:
    """Return the squared length of each vector: H×W×2 to H×W."""
    return np.asarray(vectors[..., 0] ** 2 + vectors[..., 1] ** 2)


def preprocess_pair(frame: np.ndarray, previous: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Convert two neighbouring frames for the flow, h×w uint8 gray each.

    Frames whose smaller side is above 720 pixels are shrunk to that. If the light
    changes as a whole, as in a flash or a fade, it is equalized.

    Args:
        frame: H×W×3 float32, RGB, in levels.
        previous: The frame before it, H×W×3 float32, RGB, in levels.
    """
    return _equalize_light(_to_working_gray(frame), _to_working_gray(previous))


def _dis() -> FlowFunction:
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return lambda now, before: np.asarray(search.calc(now, before, None))  # type: ignore[call-overload]


def _farneback(now: np.ndarray, before: np.ndarray) -> np.ndarray:
    output = np.zeros((*now.shape, 2), np.float32)
    return np.asarray(cv2.calcOpticalFlowFarneback(now, before, output, 0.5, 5, 15, 3, 7, 1.5, 0))


FLOW_METHODS: dict[str, Callable[[], FlowFunction]] = {"dis": _dis, "farneback": lambda: _farneback}
"""Sets up each flow method, by name.

``dis`` is Dense Inverse Search (Kroeger et al. 2016) with its medium preset;
``farneback`` is Farnebäck's polynomial expansion (2003).
"""


def _to_working_gray(frame: np.ndarray) -> np.ndarray:
    """Convert to 8-bit gray of the working size."""
    height, width = frame.shape[:2]
    scale = WORKING_SIDE / min(height, width)
    if scale < 1:
        frame = cv2.resize(frame, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    return cv2.convertScaleAbs(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY))


def _equalize_light(now: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give both the mean and contrast of the one with more contrast, if the light has changed."""
    if abs(float(now.mean()) - float(before.mean())) < _MAX_LIGHT_CHANGE:
        return now, before
    if now.std() < before.std():
        return _match_light(now, before), before
    return now, _match_light(before, now)


def _match_light(gray: np.ndarray, like: np.ndarray) -> np.ndarray:
    matched = (gray - gray.mean()) * (like.std() / max(float(gray.std()), 1.0)) + like.mean()
    return np.asarray(np.clip(np.rint(matched), 0, 255), np.uint8)


def _soften(mask: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(mask.astype(np.float32), (0, 0), _EDGE_SOFTNESS)
