"""What footage is made of: frames with exact times, and what a film must keep of its footage."""

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
"""What a piece of footage is: a video file, an animated image, a still image, a folder of numbered images."""

Pixels = NDArray[np.float32]
"""H×W×3 RGB in levels 0…255."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a film.

    Attributes:
        pixels: float32 RGB, H×W×3, in levels 0…255.
        time: When it is shown, in seconds of the film.
        duration: How long it is shown, in seconds, where the footage says so.
        alpha: float32, H×W, in levels: 0 where nothing of it is seen, 255 where all is. None is all of it.

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
    """A part of a file's time, and where it lies in a film.

    Attributes:
        path: The file.
        origin: Time in the file's own clock, in seconds, that is film time 0 of the whole film.
        start: Film time at which the kept part starts, or None if nothing was cut off in front.
        end: Film time at which the kept part ends, or None if nothing was cut off behind.
        stretch: How many times as long the film takes over it.
    """

    path: Path
    origin: Fraction = Fraction(0)
    start: Fraction | None = None
    end: Fraction | None = None
    stretch: Fraction = Fraction(1)

    def to_film(self, time: Fraction) -> Fraction:
        """When a moment of the file is shown in the film, in seconds."""
        return (time - self.origin - (self.start or 0)) * self.stretch

    @property
    def length(self) -> Fraction | None:
        """How long the part is in the film, in seconds, if something was cut off behind."""
        return None if self.end is None else (self.end - (self.start or 0)) * self.stretch


class Sound(TimeRange):
    """Where a film's sound is found, and which part of it belongs to the film."""


class FilmProperties(Protocol):
    """What a writer must know of a film: footage has it, and so has `FilmFormat`.

    Attributes:
        width: Width of the frames in pixels.
        height: Height of the frames in pixels.
        rate: Nominal frames per second (the average where it varies), or None.
        time_base: Seconds per tick; frame times are whole numbers of ticks.
        sample_aspect: Width of a pixel divided by its height.
        color: How the colors are to be written.
        depth: Bits of a channel that are worth keeping: 8 to 16.
        has_alpha: Whether parts of it may be transparent.
        sound: Where its sound is, or None for a silent film.
        extras: Where its subtitles, chapters and titles are, or None if it has none.
        last_duration: How long the last frame is shown, in seconds, where known beforehand.
    """

    @property
    def width(self) -> int: ...  # noqa: D102
    @property
    def height(self) -> int: ...  # noqa: D102
    @property
    def rate(self) -> Fraction | None: ...  # noqa: D102
    @property
    def time_base(self) -> Fraction: ...  # noqa: D102
    @property
    def sample_aspect(self) -> Fraction: ...  # noqa: D102
    @property
    def color(self) -> ColorTags: ...  # noqa: D102
    @property
    def depth(self) -> int: ...  # noqa: D102
    @property
    def has_alpha(self) -> bool: ...  # noqa: D102
    @property
    def sound(self) -> Sound | None: ...  # noqa: D102
    @property
    def extras(self) -> TimeRange | None: ...  # noqa: D102
    @property
    def last_duration(self) -> Fraction | None: ...  # noqa: D102


@dataclass(frozen=True)
class FilmFormat:
    """The form of a film that has no footage, such as a zoom into a still.

    Attributes:
        width: Width of the frames in pixels.
        height: Height of the frames in pixels.
        rate: Frames per second.
        time_base: Seconds per tick. Default: one frame.
        sample_aspect: Width of a pixel divided by its height.
        color: How the colors are to be written. Default: what is usual at this size.
        sound: Where its sound is, or None for a silent film.
        last_duration: How long the last frame is shown. Default: as long as the one before.
        depth: Bits of a channel that are worth keeping.
        has_alpha: Whether parts of it may be transparent.
        extras: Where its subtitles, chapters and titles are.
    """

    width: int
    height: int
    rate: Fraction = Fraction(25)
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
            object.__setattr__(self, "time_base", 1 / Fraction(self.rate))
        if self.color is None:
            object.__setattr__(self, "color", ColorTags.of_images(self.width, self.height))


class FootageProtocol(FilmProperties, Protocol):
    """Frames that are dreamed of: footage has it, and so has what is made of footage in slow motion.

    Attributes:
        path: The file or folder.
        frame_count: How many frames there are, as far as known.
        keeps_alpha: Whether frames bring their alpha along.
        sound: Where the sound of these frames is, or None.
        seen: What was seen before of the file they come from: a pass may begin in its middle then.
    """

    keeps_alpha: bool
    sound: Sound | None
    seen: FrameIndex | None

    @property
    def path(self) -> Path: ...  # noqa: D102
    @property
    def frame_count(self) -> int | None: ...  # noqa: D102
    @property
    def has_sound(self) -> bool: ...  # noqa: D102

    @property
    def source(self) -> FootageProtocol:
        """The footage as it is, at its own times."""
        ...

    def frames(self, first: int = 0) -> Generator[Frame]:
        """A fresh pass over the frames from one with a number on; closing it closes the file."""
        ...

    def watch(self) -> FrameIndexer:
        """What notes all that the next pass over `source` sees, if that is a whole video."""
        ...

    def times(self) -> Generator[Fraction]:
        """Times of all frames, in seconds; rising."""
        ...

    def times_by(self, own: Sequence[Fraction]) -> Iterator[Fraction]:
        """The same by the times of the frames of `source`, where these are at hand."""
        ...

    def first_of(self, index: int) -> int:
        """The first frame that shows a frame of `source`, or is nearer to it than to the one before."""
        ...

    def moment(self, time: Fraction) -> Fraction:
        """The time of the whole footage that is shown at a time of the film, both in seconds."""
        ...

    def reading(self, cuts: Sequence[int]) -> Callable[[int], Generator[Frame]]:
        """What reads the frames where it is known which of them begin a shot."""
        ...


class FootageReader(FilmProperties, Protocol):
    """A file or folder as it is: every frame, at its own size. One for each kind of footage.

    Attributes:
        path: The file or folder.
        frame_count: How many frames there are, as far as that is known without decoding.
        seen: What an earlier pass has seen of it.
        watch: Notes what the next pass sees, if it is a video.
    """

    seen: FrameIndex | None
    watch: FrameIndexer | None

    @property
    def path(self) -> Path: ...  # noqa: D102
    @property
    def frame_count(self) -> int | None: ...  # noqa: D102

    def times(self) -> Iterator[Fraction]:
        """Times of all frames, in seconds; rising."""
        ...

    def frames(self, first: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """A fresh pass over the frames with index ``first`` up to, not including, ``stop``."""
        ...
