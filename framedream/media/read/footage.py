"""Footage as the person asked for it: a source, cut to a part of it and brought to a size."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from framedream.config.parsing import Moment
from framedream.config.settings import FootageSettings
from framedream.errors import InputError
from framedream.media.alpha import OVER_BLACK, over_black
from framedream.media.frames import FilmFormat, FootageReader, Frame, Pixels
from framedream.media.notes import OnceLogger
from framedream.media.read.frame_index import FrameIndex, FrameIndexer


class Footage:
    """Frames with exact times, of which as many passes can be made as are needed.

    A part cut out by `start` starts at film time 0, and so does its sound. Transparent parts are
    laid over black, unless ``keeps_alpha`` is set: then frames bring their alpha along.

    Attributes:
        path: The file or folder.
        format: Size, rate, colors and sound of the frames delivered.
        start: Time of the whole footage, in seconds, that is film time 0.
        frame_count: How many frames there are, as far as known: exact for a part cut out.
        keeps_alpha: Whether they are delivered so.

    Raises:
        InputError: No frame lies between start and end.
    """

    def __init__(self, source: FootageReader, settings: FootageSettings, seen: FrameIndex | None = None) -> None:
        """Take a part of a source.

        Args:
            source: The file or folder as it is.
            settings: Which part of it is taken, and at what size.
            seen: What footage with the same settings has seen of it; then it is not looked through for that part.
        """
        self._source = source
        self._first, self.start = 0, Fraction(0)
        self._stop: int | None = None
        self.path: Path = source.path
        width, height = _size(source, settings)
        self.format: FilmFormat = replace(
            source.format,
            width=width,
            height=height,
            sample_aspect=Fraction(1) if settings.size else source.format.sample_aspect,
        )
        self.frame_count: int | None = source.frame_count
        self._keeps_alpha = False
        self._notes = OnceLogger(source.path)
        if settings.start or settings.end:
            seen = seen or self._find(settings.start, settings.end)
            self._cut(seen, settings.start)
        self.seen = seen

    @property
    def seen(self) -> FrameIndex | None:
        """What was seen of it before: a pass may begin in the middle of a file then, with the very same frames."""
        return self._source.seen

    @seen.setter
    def seen(self, seen: FrameIndex | None) -> None:
        self._source.seen = seen

    def watch(self) -> FrameIndexer:
        """What notes all that the next pass sees, if that is a pass over a whole video."""
        self._source.watch = watch = FrameIndexer()
        return watch

    @property
    def keeps_alpha(self) -> bool:
        """Whether frames keep their alpha; a note says so where footage has alpha that is not kept."""
        return self._keeps_alpha

    @keeps_alpha.setter
    def keeps_alpha(self, is_kept: bool) -> None:
        self._keeps_alpha = is_kept
        if self.format.has_alpha and not is_kept:
            self._notes.info(OVER_BLACK)

    @property
    def source(self) -> Footage:
        """The footage as it is, which is this."""
        return self

    def frames(self, first: int = 0) -> Generator[Frame]:
        """A fresh pass over the frames; closing it closes the file.

        Args:
            first: The number of the frame to begin with.

        Raises:
            InputError: A file cannot be read any more.
        """
        for frame in self._source.frames(self._first + first, self._stop):
            yield self._delivered(frame)

    def times(self) -> Generator[Fraction]:
        """Times of all frames, in seconds; rising."""
        if self.seen is not None:
            yield from (time - self.start for time in self.seen.times)
            return
        for time in self._source.times():
            yield time - self.start

    def _delivered(self, frame: Frame) -> Frame:
        pixels, alpha = frame.pixels, frame.alpha
        if alpha is not None and not self.keeps_alpha:
            pixels, alpha = over_black(pixels, alpha, self._notes), None
        pixels, alpha = resize_with_alpha(pixels, alpha, self.format.width, self.format.height)
        return replace(frame, pixels=pixels, alpha=alpha, time=frame.time - self.start)

    def times_by(self, own: Sequence[Fraction]) -> Iterator[Fraction]:
        """Times of all frames where these are at hand."""
        return iter(own)

    def first_of(self, index: int) -> int:
        """The frame that shows a frame of this footage."""
        return index

    def moment(self, time: Fraction) -> Fraction:
        """The time of the whole footage that is shown at a time of these frames, both in seconds."""
        return self.start + time

    def reading(self, cuts: Sequence[int]) -> Callable[[int], Generator[Frame]]:
        """What reads the frames, whichever of them begin a shot."""
        return self.frames

    def _find(self, start: Moment | None, end: Moment | None) -> FrameIndex:
        """Find which frames are kept by a look at all up to the end."""
        first = last = None
        stop_time = None
        previous = None
        watch, times = self.watch(), []
        for index, time in enumerate(self._source.times()):
            if end is not None and has_reached(end, index, time):
                stop_time = time
                break
            times.append(time)
            if first is None and (start is None or has_reached(start, index, time)):
                first = index
            last, previous = index, time
        if first is None or last is None:
            raise InputError(_nothing_left(self.path, start, end, previous, last))
        return (watch.seen() or FrameIndex(0, times)).cut(first, last + 1, stop_time)

    def _cut(self, seen: FrameIndex, start: Moment | None) -> None:
        """Keep nothing but what was seen."""
        self._first, self._stop = seen.first, None if seen.end is None else seen.stop
        self.frame_count = len(seen.times)
        if start:
            self.start = seen.times[0]
        kept_from = self.start if start else None
        sound, extras = self.format.sound, self.format.extras
        self.format = replace(
            self.format,
            sound=sound and replace(sound, start=kept_from, end=seen.end),
            extras=extras and replace(extras, start=kept_from, end=seen.end),
            last_duration=self.format.last_duration if seen.end is None else seen.end - seen.times[-1],
        )


def resize(pixels: Pixels, width: int, height: int, *, enlarged_by: int = cv2.INTER_LANCZOS4) -> Pixels:
    """Bring a picture to a size: averaged where it shrinks, Lanczos where it grows.

    Args:
        pixels: float32 RGB, H×W×3, or luma, H×W, in levels 0…255.
        width: New width in pixels.
        height: New height in pixels.
        enlarged_by: Another of OpenCV's interpolations where it grows.

    Returns:
        float32, height×width×3 or height×width, in levels 0…255.
    """
    old_height, old_width = pixels.shape[:2]
    if width < old_width or height < old_height:
        small = min(width, old_width), min(height, old_height)
        pixels = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)
    if pixels.shape[:2] != (height, width):
        grown = cv2.resize(pixels, (width, height), interpolation=enlarged_by)
        pixels = np.clip(grown, 0, 255).astype(np.float32, copy=False)
    return pixels


def resize_with_alpha(
    pixels: Pixels, alpha: NDArray[np.float32] | None, width: int, height: int
) -> tuple[Pixels, NDArray[np.float32] | None]:
    """Bring a picture and its alpha to a size; invisible colors do not bleed into visible ones.

    Args:
        pixels: float32 RGB, H×W×3, in levels 0…255.
        alpha: How much of it is seen, H×W, in levels; None is all of it.
        width: New width in pixels.
        height: New height in pixels.
    """
    if pixels.shape[:2] == (height, width):
        return pixels, alpha
    if alpha is None:
        return resize(pixels, width, height), None
    seen, alpha = resize(over_black(pixels, alpha), width, height), resize(alpha, width, height)
    return np.clip(seen * (255 / np.maximum(alpha, 1))[..., None], 0, 255), alpha


def resize_to_fill(pixels: Pixels, width: int, height: int, aspect: Fraction = Fraction(1)) -> Pixels:
    """Bring a picture to a size without distorting it: all of the frame is filled, and what juts out is cut off.

    Args:
        pixels: float32 RGB, H×W×3, in levels 0…255.
        width: Width of the frame in pixels.
        height: Height of the frame in pixels.
        aspect: Width of the picture's pixels divided by their height; those of the frame are square.

    Returns:
        The middle of the picture, height×width×3.
    """
    old_height, old_width = pixels.shape[:2]
    if aspect != 1 or not (0 <= old_width - width <= 1 and 0 <= old_height - height <= 1):
        across, down = width / (old_width * float(aspect)), height / old_height
        across, down = float(aspect) * max(across, down), max(across, down)
        # Most of what juts out goes before the rest is enlarged.
        left, top = int(max(0, (old_width - width / across) / 2 - 2)), int(max(0, (old_height - height / down) / 2 - 2))
        pixels = pixels[top : old_height - top, left : old_width - left]
        new_height, new_width = round(pixels.shape[0] * down), round(pixels.shape[1] * across)
        pixels = resize(np.ascontiguousarray(pixels), max(width, new_width), max(height, new_height))
    left, top = (pixels.shape[1] - width) // 2, (pixels.shape[0] - height) // 2
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])


def _size(source: FootageReader, settings: FootageSettings) -> tuple[int, int]:
    if settings.size:
        return settings.size
    scale = Fraction(settings.scale or 1)
    return max(1, round(source.format.width * scale)), max(1, round(source.format.height * scale))


def has_reached(moment: Moment, index: int, time: Fraction) -> bool:
    """Whether a frame comes at a moment, or after it.

    Args:
        moment: A moment of the footage.
        index: Number of the frame.
        time: When it is shown, in seconds.
    """
    return time >= moment.seconds if moment.seconds is not None else index >= (moment.frame or 0)


def _nothing_left(
    path: Path, start: Moment | None, end: Moment | None, time: Fraction | None, index: int | None
) -> str:
    if time is None or index is None:
        return f"{path}: --end {end} is before the first frame; give a later --end"
    if end is not None:
        return f"{path}: the footage has no frame from --start {start} to --end {end}; change one of them"
    return (
        f"{path}: start {start} is beyond the last frame ({index}f, at {float(time):g} seconds); "
        "give an earlier --start"
    )
