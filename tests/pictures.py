"""Synthetic pictures and clips whose motion is known exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from framedream.media import Frame


def scene(height: int, width: int, at: tuple[float, float] = (0.0, 0.0), seed: int = 0) -> np.ndarray:
    """A smooth endless texture, seen through a window whose corner lies ``at`` (x, y).

    It is a formula of the place, not an image, so a window moved by any fraction of a
    pixel shows exactly the moved texture: the pixel at ``p`` of the window at ``a`` is the
    pixel at ``p + a − b`` of the window at ``b``.
    """
    random = np.random.default_rng(seed)
    x = np.arange(width)[None, :, None] + at[0]
    y = np.arange(height)[:, None, None] + at[1]
    picture = np.full((height, width, 3), 128.0)
    for _ in range(24):
        angle, length = random.uniform(0, 2 * np.pi), random.uniform(6, 40)
        phase = 2 * np.pi * (np.cos(angle) * x + np.sin(angle) * y) / length + random.uniform(0, 2 * np.pi)
        picture = picture + random.uniform(-14, 14, 3) * np.sin(phase)
    return np.clip(picture, 0, 255).astype(np.float32)


def pan(
    count: int, height: int = 96, width: int = 128, step: tuple[float, float] = (2.0, 0.0), seed: int = 0
) -> list[np.ndarray]:
    """A window that moves over a `scene` by ``step`` pixels a frame."""
    return [scene(height, width, (step[0] * index, step[1] * index), seed) for index in range(count)]


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A picture that is all fine detail."""
    return np.random.default_rng(seed).uniform(30, 225, (height, width, 3)).astype(np.float32)


def footage(pictures: Sequence[np.ndarray], rate: int = 25) -> list[Frame]:
    """Pictures as frames with their times."""
    return [Frame(picture, Fraction(index, rate)) for index, picture in enumerate(pictures)]


def write_clip(
    path: Path, pictures: Sequence[np.ndarray], ticks: Sequence[int] | None = None, aspect: int = 1, rate: int = 25,
    group: int = 250,
) -> Path:  # fmt: skip
    """Encode a clip without framedream's own writer; a tick is one frame, pixels ``aspect`` times as wide as high.

    From one key frame it is at most ``group`` frames to the next.
    """
    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, width=width, height=height, options={"crf": "12"})
        stream.pix_fmt, stream.codec_context.gop_size = "yuv420p", group
        stream.codec_context.sample_aspect_ratio = Fraction(aspect)
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.rint(picture).astype(np.uint8), format="rgb24")
            frame.pts, frame.time_base = (ticks[index] if ticks else index), Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
