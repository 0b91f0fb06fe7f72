"""Detects cuts with PySceneDetect."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import cv2
import numpy as np

with warnings.catch_warnings():
    # In a notebook, tqdm warns that its widgets are missing; framedream draws no bars of PySceneDetect.
    warnings.filterwarnings("ignore", "IProgress not found")
    from scenedetect import AdaptiveDetector, FrameTimecode

_DETECTION_SIDE = 320
"""Larger side, in pixels, at which frames are compared."""

_WINDOW = 2
"""Neighbours on each side with which a frame's change is compared."""


def find_cuts(frames: Iterable[np.ndarray]) -> list[int]:
    """Return the indices of the frames that begin a new shot, without the first frame.

    A frame begins a shot if it differs from the one before much more than its
    neighbours do (PySceneDetect's adaptive detector), so fast motion does not count as a cut.

    Args:
        frames: H×W×3 float32, RGB, in levels, all of one size.
    """
    detector = AdaptiveDetector(window_width=_WINDOW, min_scene_len=2)
    found: list[Any] = []
    # The detector needs times but only counts frames; any rate works.
    number = -1
    for number, image in enumerate(_mirror_ends(_shrink(frame) for frame in frames)):
        found += detector.process_frame(FrameTimecode(number, 25.0), image)
    frame_count = number + 1 - 2 * _WINDOW
    return sorted({cut.frame_num - _WINDOW for cut in found} & set(range(1, frame_count)))


def _mirror_ends(images: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Mirror the frames at both ends, since the detector compares a frame with neighbours on both sides."""
    images = iter(images)
    head = list(islice(images, _WINDOW + 1))
    if len(head) < 2:
        return
    yield from (head[index] for index in np.pad(range(len(head)), (_WINDOW, 0), "reflect"))
    tail = deque(head, _WINDOW + 1)
    for image in images:
        tail.append(image)
        yield image
    yield from (tail[index] for index in np.pad(range(len(tail)), (0, _WINDOW), "reflect")[-_WINDOW:])


def _shrink(frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape[:2]
    factor = min(1.0, _DETECTION_SIDE / max(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(np.clip(np.rint(small), 0, 255).astype(np.uint8), cv2.COLOR_RGB2BGR)
