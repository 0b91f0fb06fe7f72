"""Reads the stills of a zoom: images, single frames of videos, or noise."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np

from framedream.config.parsing import Size
from framedream.config.settings import FootageSettings, Settings
from framedream.errors import InputError
from framedream.film.preflight import check_image_memory, check_memory
from framedream.media import (
    Footage,
    Pixels,
    has_reached,
    open_footage,
    read_image,
    read_image_info,
    resize_to_fill,
)
from framedream.media.read.image_reader import READABLE

log = logging.getLogger(__name__)

NOISE = "noise"
"""The source that means noise, unless a file has that name."""

_NOISE_MEAN, _NOISE_DEVIATION = 117.0, 45.0
"""Mean and deviation of noise in levels: about those of the photos that networks were trained on."""

_SHORTEST_WAVE = 4.0
"""Length in pixels of the shortest waves in noise."""

_NOISE_SIZE = 640, 360
_LONGEST_SIDE = 1920
"""Longest side of a film in pixels if no size is given."""


class ZoomStill(Protocol):
    """A picture to zoom into.

    Attributes:
        name: Its name in messages.
        size: Displayed width and height in pixels; None for noise, which takes any size.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def size(self) -> Size | None: ...  # noqa: D102

    def read(self, width: int, height: int) -> Pixels:
        """Read the picture, scaled and cropped to fill a size.

        Raises:
            InputError: It cannot be read.
        """
        ...


def find_still(source: Path | str, settings: Settings) -> ZoomStill:
    """Find out what a source is, without reading its pixels.

    Args:
        source: An image; a video, an animated image or a folder of images, to use one frame of; or `NOISE`.
        settings: The time of that frame, and the seed of noise.

    Raises:
        InputError: The source is missing or unreadable.
    """
    if is_noise(source):
        return _Noise(settings.dream.random_seed)
    path = Path(source)
    start, fps = settings.footage.start, settings.footage.fps
    if path.is_dir():
        return _FilmFrame.of(path, settings.footage)
    if path.suffix.lower() in READABLE:
        info = read_image_info(path)
        is_still = info.pictures == 1 or start is None
        return _Image(path, (info.width, info.height)) if is_still else _FilmFrame.of(path, settings.footage)
    try:
        return _FilmFrame.of(path, FootageSettings(start=start, fps=fps))
    except InputError as error:
        try:  # Images may have any name.
            info = read_image_info(path)
        except InputError:
            raise error from None
        return _Image(path, (info.width, info.height))


def is_noise(source: Path | str) -> bool:
    """Whether a source means noise rather than a file."""
    return str(source) == NOISE and not Path(source).exists()


def film_size(stills: Sequence[ZoomStill], settings: FootageSettings) -> Size:
    """Width and height of the film.

    Args:
        stills: All stills; the first with a size decides.
        settings: The size or scale.
    """
    if settings.size:
        return settings.size
    width, height = next((still.size for still in stills if still.size), _NOISE_SIZE)
    if settings.scale:
        return _even(width * settings.scale), _even(height * settings.scale)
    longer = max(width, height)
    if longer <= _LONGEST_SIDE:
        return max(2, width - width % 2), max(2, height - height % 2)
    size = _even(width * _LONGEST_SIDE / longer), _even(height * _LONGEST_SIDE / longer)
    log.info("%s: the film scales %dx%d down to %dx%d; --scale 1 keeps its size", stills[0].name, width, height, *size)
    return size


def check_stills(stills: Sequence[ZoomStill], width: int, height: int) -> None:
    """Check that all stills and the film fit in memory.

    Raises:
        InputError: They do not fit.
    """
    try:
        check_memory(4, height, width, kept=len(stills))
    except InputError as error:
        raise InputError(f"{stills[0].name}: {error}") from None
    for still in stills:
        check_image_memory(still.name, *(still.size or (0, 0)))


@dataclass(frozen=True)
class _Image:
    path: Path
    size: Size

    @property
    def name(self) -> str:
        return str(self.path)

    def read(self, width: int, height: int) -> Pixels:
        return resize_to_fill(read_image(self.path), width, height)


@dataclass(frozen=True)
class _Noise:
    seed: int
    name: str = NOISE
    size: Size | None = None

    def read(self, width: int, height: int) -> Pixels:
        return natural_noise(width, height, self.seed)


@dataclass(frozen=True)
class _FilmFrame:
    footage: Footage
    number: int

    @classmethod
    def of(cls, path: Path, settings: FootageSettings) -> _FilmFrame:
        """Find the frame at the start time."""
        footage, start = open_footage(path, FootageSettings(fps=settings.fps)), settings.start
        if start is None:
            return cls(footage, 0)
        number = next((number for number, time in enumerate(footage.times()) if has_reached(start, number, time)), None)
        if number is None:
            open_footage(path, FootageSettings(fps=settings.fps, start=start))  # Raises a more specific error.
            raise InputError(f"{path}: no frame lies at start {start}; give an earlier --start")
        return cls(footage, number)

    @property
    def name(self) -> str:
        return str(self.footage.path)

    @property
    def size(self) -> Size:
        return max(1, round(self.footage.format.width * self.footage.format.sample_aspect)), self.footage.format.height

    def read(self, width: int, height: int) -> Pixels:
        with closing(self.footage.frames(self.number)) as frames:
            frame = next(frames, None)
        if frame is None:
            raise InputError(f"{self.name}: frame {self.number} cannot be read; check that the file plays")
        return resize_to_fill(frame.pixels, width, height, Fraction(self.footage.format.sample_aspect))


def _even(length: float) -> int:
    return max(2, 2 * round(length / 2))


def natural_noise(width: int, height: int, seed: int) -> Pixels:
    """Return colored Gaussian noise with the 1/f spectrum of photographs (Field 1987).

    Args:
        width: Width in pixels.
        height: Height in pixels.
        seed: Seed of the random numbers; the same seed gives the same picture.

    Returns:
        float32 RGB, H×W×3, in levels 0…255.
    """
    random = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = np.inf
    strength = np.exp(-((frequency * _SHORTEST_WAVE) ** 2)) / frequency
    strength[0, 0] = 0
    picture = np.empty((height, width, 3), np.float32)
    for channel in range(3):
        waves = np.fft.rfft2(random.standard_normal((height, width))) * strength
        plane = np.fft.irfft2(waves, (height, width))
        picture[..., channel] = _NOISE_MEAN + _NOISE_DEVIATION * plane / max(float(plane.std()), 1e-9)
    return picture.clip(0, 255)
