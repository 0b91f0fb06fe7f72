"""Cuts, found by PySceneDetect."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import cv2
import numpy as np

with warnings.catch_warnings():
    # In a notebook, what PySceneDetect draws its bars with warns that it lacks widgets. None is drawn here.
    warnings.filterwarnings("ignore", "IProgress not found")
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
    number = -1
    for number, look in enumerate(_with_mirrored_ends(_look(frame) for frame in frames)):
        found += detector.process_frame(FrameTimecode(number, 25.0), look)
    frame_count = number + 1 - 2 * _WINDOW
    return sorted({cut.frame_num - _WINDOW for cut in found} & set(range(1, frame_count)))


def _with_mirrored_ends(looks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Frames mirrored at both ends, since a frame is judged by its neighbours on both sides."""
    looks = iter(looks)
    head = list(islice(looks, _WINDOW + 1))
    if len(head) < 2:
        return
    yield from (head[index] for index in np.pad(range(len(head)), (_WINDOW, 0), "reflect"))
    tail = deque(head, _WINDOW + 1)
    for look in looks:
        tail.append(look)
        yield look
    yield from (tail[index] for index in np.pad(range(len(tail)), (0, _WINDOW), "reflect")[-_WINDOW:])


def _look(frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape[:2]
    factor = min(1.0, _LOOK_SIZE / max(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(np.clip(np.rint(small), 0, 255).astype(np.uint8), cv2.COLOR_RGB2BGR)
