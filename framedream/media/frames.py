"""Frames, film formats and the interfaces of footage."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from framedream.media.color_conversion import ColorTags
from framedream.media.read.frame_index import FrameIndex, FrameIndexer

FootageKind = Literal["video", "animation", "still", "images"]
"""Kinds of footage: a video file, an animated image, a still image, a folder of numbered images."""

Pixels = NDArray[np.float32]
"""H×W×3 RGB in levels 0…255."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame of footage or film.

    Attributes:
        pixels: float32 RGB, H×W×3, in levels 0…255.
        time: When it is shown, in seconds of the film.
        duration: How long it is shown, in seconds, if the footage says so.
        alpha: float32, H×W, in levels: 0 is transparent, 255 opaque. None is all opaque.

    Raises:
        ValueError: The pixels are not H×W×3 numbers.
    """

    pixels: Pixels
    time: Fraction
    duration: Fraction | None = None
    alpha: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        check_pixels(self.pixels)


def check_pixels(pixels: NDArray[Any]) -> None:
    """Check that an array is an RGB picture.

    Raises:
        ValueError: The pixels are not H×W×3 numbers.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape or pixels.dtype.kind not in "fui":
        raise ValueError(f"a picture is H×W×3 numbers; received {pixels.dtype} of shape {pixels.shape}")


@dataclass(frozen=True)
class TimeRange:
    """A part of a file's time, and its place in a film.

    Attributes:
        path: The file.
        origin: Time in the file's clock, in seconds, that is film time 0 of the whole film.
        start: Film time at which the part starts; None if the beginning is kept.
        end: Film time at which the part ends; None if the end is kept.
        stretch: How many times as long the part lasts in the film.
    """

    path: Path
    origin: Fraction = Fraction(0)
    start: Fraction | None = None
    end: Fraction | None = None
    stretch: Fraction = Fraction(1)

    def to_film(self, time: Fraction) -> Fraction:
        """Return when a time of the file is shown in the film, in seconds."""
        return (time - self.origin - (self.start or 0)) * self.stretch

    @property
    def length(self) -> Fraction | None:
        """Length of the part in the film, in seconds; None if the end is kept."""
        return None if self.end is None else (self.end - (self.start or 0)) * self.stretch


class Sound(TimeRange):
    """The file that holds a film's sound, and the part of it that the film plays."""


@dataclass(frozen=True)
class FilmFormat:
    """Everything about a film but its frames: size, rate, time base, colors, sound.

    Footage has one, and the film made of it keeps it.

    Attributes:
        width: Width of the frames in pixels.
        height: Height of the frames in pixels.
        rate: Nominal frames per second (the average where it varies), or None if unknown.
        time_base: Seconds per tick; frame times are whole numbers of ticks. Default: one frame.
        sample_aspect: Width of a pixel divided by its height.
        color: How colors are stored. Default: what is usual at this size.
        sound: Where the sound is, or None for a silent film.
        last_duration: How long the last frame is shown, in seconds, or None if unknown.
        depth: Bits per channel: 8 to 16.
        has_alpha: Whether parts of the frames may be transparent.
        extras: Where subtitles, chapters and titles are, or None if there are none.
    """

    width: int
    height: int
    rate: Fraction | None = Fraction(25)
    time_base: Fraction = Fraction(0)
    sample_aspect: Fraction = Fraction(1)
    color: ColorTags = field(default=None)  # type: ignore[assignment]
    sound: Sound | None = None
    last_duration: Fraction | None = None
    depth: int = 8
    has_alpha: bool = False
    extras: TimeRange | None = None

    def __post_init__(self) -> None:
        if not self.time_base:
            object.__setattr__(self, "time_base", 1 / Fraction(self.rate or 25))
        if self.color is None:
            object.__setattr__(self, "color", ColorTags.of_images(self.width, self.height))


class FootageProtocol(Protocol):
    """Frames to dream: `Footage` as it is, or retimed to slow motion or another rate.

    Attributes:
        format: Size, rate, colors and sound of the frames.
        keeps_alpha: Whether frames keep their alpha channel.
        frame_index: The frame index of an earlier pass over the file; with it, a pass can start in the middle.
        path: The file or folder.
        frame_count: How many frames there are, if known.
    """

    format: FilmFormat
    keeps_alpha: bool
    frame_index: FrameIndex | None

    @property
    def path(self) -> Path: ...  # noqa: D102
    @property
    def frame_count(self) -> int | None: ...  # noqa: D102

    @property
    def source(self) -> FootageProtocol:
        """The footage itself, as opposed to a retimed version of it."""
        ...

    def frames(self, first: int = 0) -> Generator[Frame]:
        """Start a new pass over the frames at a frame number; closing it closes the file."""
        ...

    def record_index(self) -> FrameIndexer:
        """Return an indexer that records the next pass over `source`."""
        ...

    def times(self) -> Generator[Fraction]:
        """Yield the times of all frames, in seconds, rising."""
        ...

    def times_from(self, own: Sequence[Fraction]) -> Iterator[Fraction]:
        """Return the same, given the times of the frames of `source`."""
        ...

    def first_frame_of(self, index: int) -> int:
        """Return the first frame that shows a frame of `source`, or is nearer to it than to the one before."""
        ...

    def footage_time(self, time: Fraction) -> Fraction:
        """Return the time in the whole footage that a time of the film shows, both in seconds."""
        ...

    def reader(self, cuts: Sequence[int]) -> Callable[[int], Generator[Frame]]:
        """Return a frame reader that does not interpolate across these cuts."""
        ...


class FootageReader(Protocol):
    """A file or folder as it is: every frame, at its own size. Each kind of footage has one.

    Attributes:
        format: Size, rate, colors and sound, as stored in the file.
        frame_index: The frame index of an earlier pass.
        indexer: Records the next pass, if the file is a video.
        path: The file or folder.
        frame_count: How many frames there are, if known without decoding.
    """

    format: FilmFormat
    frame_index: FrameIndex | None
    indexer: FrameIndexer | None

    @property
    def path(self) -> Path: ...  # noqa: D102
    @property
    def frame_count(self) -> int | None: ...  # noqa: D102

    def times(self) -> Iterator[Fraction]:
        """Yield the times of all frames, in seconds, rising."""
        ...

    def frames(self, first: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Start a new pass over the frames from index ``first`` up to, not including, ``stop``."""
        ...
