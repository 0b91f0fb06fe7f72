"""Footage: the frames of a file or folder, trimmed and scaled as the settings ask."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from framedream.config.parsing import Moment
from framedream.config.settings import FootageSettings
from framedream.errors import InputError
from framedream.media.alpha import OVER_BLACK, over_black
from framedream.media.frames import FilmFormat, FootageReader, Frame
from framedream.media.once_logger import OnceLogger
from framedream.media.read.animation_reader import AnimationReader
from framedream.media.read.frame_index import FrameIndex, FrameIndexer
from framedream.media.read.image_reader import READABLE, read_image_info
from framedream.media.read.image_sequence_reader import ImageSequenceReader, list_images
from framedream.media.read.video_reader import VideoReader
from framedream.media.resizing import resize_with_alpha


class Footage:
    """Frames with exact times; any number of passes can be made over them.

    A trimmed part starts at film time 0, and so does its sound. Transparent parts are composited over
    black, unless ``keeps_alpha`` is set; then frames carry their alpha channel.

    Attributes:
        path: The file or folder.
        format: Size, rate, colors and sound of the frames.
        start: Time in the whole footage, in seconds, that is film time 0.
        frame_count: Number of frames, if known; exact for a trimmed part.
        keeps_alpha: Whether frames carry their alpha channel.

    Raises:
        InputError: No frame lies between start and end.
    """

    def __init__(self, source: FootageReader, settings: FootageSettings, frame_index: FrameIndex | None = None) -> None:
        """Trim and scale a source.

        Args:
            source: Reads the file or folder as it is.
            settings: The part to read, and its size.
            frame_index: The frame index that footage with the same settings made; saves scanning the file for the part.
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
            frame_index = frame_index or self._find(settings.start, settings.end)
            self._cut(frame_index, settings.start)
        self.frame_index = frame_index

    @property
    def frame_index(self) -> FrameIndex | None:
        """The frame index of an earlier pass; with it, a pass can start in the middle and yield the same frames."""
        return self._source.frame_index

    @frame_index.setter
    def frame_index(self, frame_index: FrameIndex | None) -> None:
        self._source.frame_index = frame_index

    def record_index(self) -> FrameIndexer:
        """Return an indexer that records the next pass, if that pass covers a whole video."""
        self._source.indexer = indexer = FrameIndexer()
        return indexer

    @property
    def keeps_alpha(self) -> bool:
        """Whether frames carry their alpha channel; if it is dropped, a note is logged once."""
        return self._keeps_alpha

    @keeps_alpha.setter
    def keeps_alpha(self, is_kept: bool) -> None:
        self._keeps_alpha = is_kept
        if self.format.has_alpha and not is_kept:
            self._notes.info(OVER_BLACK)

    @property
    def source(self) -> Footage:
        """The footage itself, as opposed to a retimed version of it."""
        return self

    def frames(self, first: int = 0) -> Generator[Frame]:
        """Start a new pass over the frames; closing it closes the file.

        Args:
            first: Number of the first frame.

        Raises:
            InputError: A file can no longer be read.
        """
        for frame in self._source.frames(self._first + first, self._stop):
            yield self._prepare(frame)

    def times(self) -> Generator[Fraction]:
        """Yield the times of all frames, in seconds, rising."""
        if self.frame_index is not None:
            yield from (time - self.start for time in self.frame_index.times)
            return
        for time in self._source.times():
            yield time - self.start

    def _prepare(self, frame: Frame) -> Frame:
        pixels, alpha = frame.pixels, frame.alpha
        if alpha is not None and not self.keeps_alpha:
            pixels, alpha = over_black(pixels, alpha, self._notes), None
        pixels, alpha = resize_with_alpha(pixels, alpha, self.format.width, self.format.height)
        return replace(frame, pixels=pixels, alpha=alpha, time=frame.time - self.start)

    def times_from(self, own: Sequence[Fraction]) -> Iterator[Fraction]:
        """Return the times of all frames, which are the given ones."""
        return iter(own)

    def first_frame_of(self, index: int) -> int:
        """Return the number of the frame that shows a frame of this footage."""
        return index

    def footage_time(self, time: Fraction) -> Fraction:
        """Return the time in the whole footage for a time of these frames, both in seconds."""
        return self.start + time

    def reader(self, cuts: Sequence[int]) -> Callable[[int], Generator[Frame]]:
        """Return the frame reader; cuts make no difference to it."""
        return self.frames

    def _find(self, start: Moment | None, end: Moment | None) -> FrameIndex:
        """Find the part between start and end by scanning the file up to the end."""
        first = last = None
        stop_time = None
        previous = None
        indexer, times = self.record_index(), []
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
        return (indexer.index() or FrameIndex(0, times)).cut(first, last + 1, stop_time)

    def _cut(self, frame_index: FrameIndex, start: Moment | None) -> None:
        """Trim to the frames of the index."""
        self._first, self._stop = frame_index.first, None if frame_index.end is None else frame_index.stop
        self.frame_count = len(frame_index.times)
        if start:
            self.start = frame_index.times[0]
        kept_from = self.start if start else None
        sound, extras = self.format.sound, self.format.extras
        self.format = replace(
            self.format,
            sound=sound and replace(sound, start=kept_from, end=frame_index.end),
            extras=extras and replace(extras, start=kept_from, end=frame_index.end),
            last_duration=self.format.last_duration
            if frame_index.end is None
            else frame_index.end - frame_index.times[-1],
        )


def open_footage(
    path: Path | str, settings: FootageSettings | None = None, frame_index: FrameIndex | None = None
) -> Footage:
    """Open a video, an animated image, a still image or a folder of images.

    Args:
        path: The file or folder.
        settings: The part to read, and its size. Default: all of it, at its own size.
        frame_index: The frame index of the same part from an earlier pass; saves scanning the file again.

    Raises:
        InputError: It is missing, empty, damaged beyond reading, or not footage.
    """
    path, settings = Path(path), settings or FootageSettings()
    return Footage(_open_reader(path, settings), settings, frame_index)


def is_image_footage(path: Path) -> bool:
    """Whether footage is a folder of images or a single image; its frame rate is a setting.

    Raises:
        InputError: The image is damaged.
    """
    return path.is_dir() or (path.suffix.lower() in READABLE and read_image_info(path).pictures == 1)


def _size(source: FootageReader, settings: FootageSettings) -> tuple[int, int]:
    if settings.size:
        return settings.size
    scale = Fraction(settings.scale or 1)
    return max(1, round(source.format.width * scale)), max(1, round(source.format.height * scale))


def has_reached(moment: Moment, index: int, time: Fraction) -> bool:
    """Whether a frame is at or after a moment.

    Args:
        moment: A moment of the footage.
        index: Number of the frame.
        time: Time of the frame, in seconds.
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


def _open_reader(path: Path, settings: FootageSettings) -> FootageReader:
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder; check the name")
    if path.is_dir():
        return ImageSequenceReader(path, list_images(path), settings.fps)
    if path.suffix.lower() not in READABLE:
        return VideoReader(path)
    if read_image_info(path).pictures > 1:
        return AnimationReader(path)
    return ImageSequenceReader(path, [path], settings.fps)
