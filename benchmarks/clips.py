"""Footage with known motion, made of the sample stills.

Every frame is a still seen through a moving window, with fresh film grain and rounded to
8 bits as a camera's would be. The same name always gives the same frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

SAMPLES = Path(__file__).parent.parent / "samples"
WIDTH, HEIGHT = 480, 270
FRAMES = 60
GRAIN = 2.0
"""Standard deviation of the grain, in levels."""


def made(name: str, frames: int | None = None) -> Iterator[np.ndarray]:
    """Frames of a made clip, H×W×3 float32 in whole levels.

    Args:
        name: One of `CLIPS`.
        frames: How many; the clip's own number if not given.
    """
    grain = np.random.default_rng(1)
    for clean in CLIPS[name](frames or FRAMES):
        noisy = clean + GRAIN * grain.standard_normal(clean.shape, np.float32)
        yield np.clip(np.rint(noisy), 0, 255).astype(np.float32)


def _moved(count: int) -> Iterator[np.ndarray]:
    """A pan across a still, 2.3 pixels right and 0.6 down a frame."""
    still = _still("china.jpg")
    return (_view(still, (245 + 2.3 * index, 140 + 0.6 * index)) for index in range(count))


def _turned(count: int) -> Iterator[np.ndarray]:
    """A still turned by one degree a frame."""
    still = _still("astronaut.png")
    return (_view(still, (256, 256), turn=index, zoom=1.12) for index in range(count))


def _scaled(count: int) -> Iterator[np.ndarray]:
    """A zoom into a still, 0.6 percent a frame."""
    still = _still("hubble.jpg")
    return (_view(still, (480, 440), zoom=0.55 * 1.006**index) for index in range(count))


def _occluded(count: int) -> Iterator[np.ndarray]:
    """A disk that crosses a slow pan, 6 pixels a frame."""
    ground, face = _still("china.jpg"), _still("astronaut.png")
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    for index in range(count):
        left = 60 + 6 * index
        inside = np.clip(56 - np.hypot(x - left, y - 140), 0, 1)[..., None]
        over = _view(face, (220 - left + WIDTH / 2, 110 - 140 + HEIGHT / 2))
        yield inside * over + (1 - inside) * _view(ground, (300 + 0.4 * index, 200))


def _flashed(count: int) -> Iterator[np.ndarray]:
    """A pan with a flash of two frames in its middle and a fade to black at its end."""
    still = _still("astronaut.png")
    for index in range(count):
        view = _view(still, (225 + 1.1 * index, 170 + 0.7 * index), zoom=1.1)
        if count // 2 <= index < count // 2 + 2:
            view = view * 0.4 + 150
        yield view * min(1.0, (count - index) / (count / 6))


def _resting(count: int) -> Iterator[np.ndarray]:
    """A still that rests."""
    still = _view(_still("astronaut.png"), (256, 200), zoom=0.95)
    return (still for _ in range(count))


CLIPS: dict[str, Callable[[int], Iterator[np.ndarray]]] = {
    "moved": _moved,
    "turned": _turned,
    "scaled": _scaled,
    "occluded": _occluded,
    "flashed": _flashed,
    "resting": _resting,
}
"""Makers of clean frames by name."""


def _still(name: str) -> np.ndarray:
    return cv2.imread(str(SAMPLES / name))[..., ::-1].astype(np.float32)


def _view(still: np.ndarray, center: tuple[float, float], turn: float = 0.0, zoom: float = 1.0) -> np.ndarray:
    """A window on a still: what lies at ``center``, turned in degrees and enlarged."""
    matrix = cv2.getRotationMatrix2D(center, turn, zoom)
    matrix[:, 2] += np.array([WIDTH / 2, HEIGHT / 2]) - center
    if zoom < 1:
        still = cv2.GaussianBlur(still, (0, 0), 0.4 / zoom)
    return cv2.warpAffine(still, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
