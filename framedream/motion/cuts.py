"""Cuts, found by PySceneDetect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import cv2
import numpy as np
from scenedetect import AdaptiveDetector, FrameTimecode

_LOOK_SIZE = 320
"""Larger side, in pixels, at which frames are compared."""

_WINDOW = 2
"""Neighbours on each side that a frame's change is held against."""


def find_cuts(frames: Iterable[np.ndarray]) -> list[int]:
    """Indices of the frames that begin a new shot; the first frame is not among them.

    A frame begins a shot where it differs from the one before much more than its
    neighbours do (PySceneDetect's adaptive detector), so fast motion is no cut.

    Args:
        frames: H×W×3 float32, RGB, in levels, all of one size.
    """
    detector = AdaptiveDetector(window_width=_WINDOW, min_scene_len=2)
    found: list[Any] = []
    # The detector wants times but only counts frames; any rate will do.
    for number, look in enumerate(_with_still_ends(_look(frame) for frame in frames)):
        found += detector.process_frame(FrameTimecode(number, 25.0), look)
    return sorted({cut.frame_num - _WINDOW for cut in found} - {0})


def _with_still_ends(looks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """First and last frame repeated, since a frame is judged by its neighbours on both sides."""
    look, first = None, True
    for look in looks:
        yield from [look] * (_WINDOW + 1 if first else 1)
        first = False
    if look is not None:
        yield from [look] * _WINDOW


def _look(frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape[:2]
    factor = min(1.0, _LOOK_SIZE / max(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(np.clip(np.rint(small), 0, 255).astype(np.uint8), cv2.COLOR_RGB2BGR)
