"""Footage as the person asked for it: a source, cut to a part of it and brought to a size."""

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


def open_footage(path: Path | str, settings: FootageSettings | None = None, seen: FrameIndex | None = None) -> Footage:
    """Open a video, an animated image, a still image or a folder of images.

    Args:
        path: The file or folder.
        settings: Which part of it is taken, and at what size. Default: all, as it is.
        seen: What footage of the same part has seen of it, so that it need not be looked through again.

    Raises:
        InputError: It is missing, empty, damaged beyond reading, or no footage.
    """
    path, settings = Path(path), settings or FootageSettings()
    return Footage(_open_reader(path, settings), settings, seen)


def is_image_footage(path: Path) -> bool:
    """Whether footage is images, whose rate is what they are given: a folder of them, or a single one.

    Raises:
        InputError: It is a damaged image.
    """
    return path.is_dir() or (path.suffix.lower() in READABLE and read_image_info(path).pictures == 1)


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
