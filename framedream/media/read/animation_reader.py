"""Reads animated GIF, WebP and PNG files; each picture has its own duration."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from itertools import accumulate, islice
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from imageio.plugins.pillow import PillowPlugin
from PIL import Image

from framedream.media.alpha import split_alpha
from framedream.media.frames import FilmFormat, Frame
from framedream.media.plausibility import check_animation_plausible
from framedream.media.read.frame_index import FrameIndex, FrameIndexer
from framedream.media.read.image_reader import image_errors_as_input_errors, open_image

_PATIENCE = Fraction(1, 10)
"""Seconds that viewers show a picture whose duration is 0."""

_LARGEST_DENOMINATOR = 65535
"""Largest denominator of a duration: Pillow returns the fractions of an animated PNG as floating-point milliseconds."""

_LONGEST = 24 * 3600
"""Longest duration of a picture in seconds; anything longer is damage."""

_FINEST = 1_000_000
"""Finest time base in ticks per second."""


class AnimationReader:
    """Reads an animated image; every picture is complete, as a viewer shows it.

    Args:
        path: The file.

    Raises:
        InputError: The file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.frame_index: FrameIndex | None = None
        self.indexer: FrameIndexer | None = None
        with image_errors_as_input_errors(path, "animation"):
            durations, has_alpha = _scan(path)
            self._durations, time_base = to_ticks(durations)
        self.frame_count = len(self._durations)
        with image_errors_as_input_errors(path, "animation"), closing(_opened(path)) as file:
            height, width = file.properties(index=0).shape[:2]
        rate = self.frame_count / sum(self._durations, Fraction(0))
        self.format = FilmFormat(width, height, rate, time_base, last_duration=self._durations[-1], has_alpha=has_alpha)

    def times(self) -> Iterator[Fraction]:
        """Yield the times of all frames, in seconds, rising."""
        return accumulate(self._durations[:-1], initial=Fraction(0))

    def frames(self, first: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Start a new pass over the frames from index ``first`` up to, not including, ``stop``."""
        with closing(_opened(self.path)) as file:
            pictures = file.iter(mode="RGBA")
            for time, duration in islice(zip(self.times(), self._durations, strict=True), stop):
                with image_errors_as_input_errors(self.path, "animation"):
                    picture = next(pictures, None)
                    if picture is None:
                        raise EOFError("it ends early")
                if first <= 0:
                    pixels, alpha = split_alpha(np.asarray(picture, np.float32))
                    yield Frame(pixels, time, duration, alpha)
                first -= 1


def _opened(path: Path) -> PillowPlugin:
    file = iio.imopen(path, "r", plugin="pillow")
    assert isinstance(file, PillowPlugin)
    return file


def _scan(path: Path) -> tuple[list[Fraction], bool]:
    """Return the duration of each picture, and whether any picture has transparent parts."""
    with open_image(path) as image:
        size, pictures = image.size, getattr(image, "n_frames", 1)
        check_animation_plausible(path, *size, pictures)
        durations, has_alpha = [], False
        for index in range(pictures):
            durations.append(_duration(image, index, size))
            has_alpha = has_alpha or _is_transparent(image)
        return durations, has_alpha


def _is_transparent(image: Image.Image) -> bool:
    # Optimized animations use a transparent color where a picture does not change.
    return image.has_transparency_data and bool((np.asarray(image.convert("RGBA"))[..., 3] < 255).any())


def _duration(image: Image.Image, index: int, size: tuple[int, int]) -> Fraction:
    image.seek(index)
    if image.size != size:  # Pillow would enlarge all later pictures, without a limit.
        raise ValueError(f"picture {index + 1} is outside the first one")
    # Pillow knows the duration of a WebP picture only after decoding it.
    image.load()
    milliseconds = image.info.get("duration", 0)
    if not 0 < milliseconds <= 1000 * _LONGEST:
        return _PATIENCE
    return Fraction(milliseconds / 1000).limit_denominator(_LARGEST_DENOMINATOR) or _PATIENCE


def to_ticks(durations: list[Fraction]) -> tuple[list[Fraction], Fraction]:
    """Return durations that are whole numbers of ticks, and the coarsest tick that allows this, in seconds.

    If that tick were finer than `_FINEST`, durations are rounded to `_FINEST`.
    """
    common = math.lcm(*(duration.denominator for duration in durations))
    if common > _FINEST:
        common = _FINEST
        durations = [Fraction(max(1, round(duration * common)), common) for duration in durations]
    return durations, Fraction(1, common)
