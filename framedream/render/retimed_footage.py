"""Plays footage in slow motion or at another rate, with interpolated frames between its own."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from framedream.config.settings import FootageSettings
from framedream.media import (
    FilmFormat,
    Footage,
    FootageProtocol,
    Frame,
    FrameIndex,
    is_image_footage,
    open_footage,
)
from framedream.media.read.frame_index import FrameIndexer
from framedream.motion.interpolation import FramePair
from framedream.motion.optical_flow import FlowEstimator
from framedream.render.retiming import ConstantRateTiming, FrameTiming, SlowMotionTiming, SourcePosition

_USUAL_RATE = Fraction(25)

_LARGEST_DENOMINATOR = 1001
"""Largest denominator of a film's rate: that of 30000/1001."""


def open_retimed(path: Path | str, settings: FootageSettings, frame_index: FrameIndex | None = None) -> FootageProtocol:
    """Open footage at the rate and speed of the settings.

    For a folder of images the rate is that of the footage, not of the film. A single image is not retimed.

    Args:
        path: A video, an animated image, a still image or a folder of images.
        settings: The part to read, its size, its rate and its speed.
        frame_index: The frame index that footage with the same settings made, so that it need not be scanned again.

    Raises:
        InputError: See `framedream.media.open_footage`.
    """
    footage, factor = open_footage(path, settings, frame_index), settings.slow_motion
    rate = None if is_image_footage(Path(path)) else settings.fps
    if footage.frame_count == 1 or (rate is None and factor == 1):
        return footage
    if rate is None and factor.denominator == 1:
        return RetimedFootage(footage, SlowMotionTiming(footage, int(factor)), factor)
    rate = rate or (footage.format.rate or _USUAL_RATE).limit_denominator(_LARGEST_DENOMINATOR)
    return RetimedFootage(footage, ConstantRateTiming(footage, rate, factor), factor)


class RetimedFootage:
    """Footage whose frames are shown at other times, with interpolated frames between them.

    Every pass yields the same frames, to the bit, wherever it starts.

    Args:
        source: The footage.
        timing: When frames are shown, and what they show.
        factor: Length of the film relative to that of the footage.

    Attributes:
        source: The footage itself.
        path: The file or folder.
        format: Size, rate, colors and sound of the film, with its sound stretched.
        frame_count: Number of frames of the film, if known.
    """

    def __init__(self, source: Footage, timing: FrameTiming, factor: Fraction) -> None:
        self.source, self._timing, self._factor = source, timing, factor
        self.path: Path = source.path
        self.frame_count: int | None = timing.frame_count
        sound, extras = source.format.sound, source.format.extras
        self.format: FilmFormat = replace(
            source.format,
            rate=timing.rate,
            time_base=timing.time_base,
            last_duration=timing.last_duration,
            sound=sound and replace(sound, stretch=factor),
            extras=extras and replace(extras, stretch=factor),
        )

    @property
    def keeps_alpha(self) -> bool:
        """Whether frames keep their alpha channel."""
        return self.source.keeps_alpha

    @keeps_alpha.setter
    def keeps_alpha(self, is_kept: bool) -> None:
        self.source.keeps_alpha = is_kept

    @property
    def frame_index(self) -> FrameIndex | None:
        """The frame index of an earlier pass."""
        return self.source.frame_index

    @frame_index.setter
    def frame_index(self, frame_index: FrameIndex | None) -> None:
        self.source.frame_index = frame_index

    def record_index(self) -> FrameIndexer:
        """Return an indexer that records the next pass over the footage."""
        return self.source.record_index()

    def footage_time(self, time: Fraction) -> Fraction:
        """Return the time in the whole footage that a time of the film shows, both in seconds."""
        return self.source.footage_time(time / self._factor)

    def first_frame_of(self, index: int) -> int:
        """Return the first frame that shows a frame of the footage, or is nearer to it than to the one before."""
        return self._timing.first_frame_of(index)

    def times(self) -> Generator[Fraction]:
        """Yield the times of all frames, in seconds, rising."""
        with closing(self.source.times()) as own:
            yield from self.times_from(list(own))

    def times_from(self, own: Sequence[Fraction]) -> Iterator[Fraction]:
        """Return the same, given the times of the footage's frames."""
        return self._timing.times(own)

    def reader(self, cuts: Sequence[int]) -> Callable[[int], Generator[Frame]]:
        """Return a frame reader that does not interpolate across these cuts."""
        return partial(self.frames, cuts=cuts)

    def frames(self, first: int = 0, cuts: Sequence[int] = ()) -> Generator[Frame]:
        """Start a new pass over the frames; closing it closes the file.

        Args:
            first: Number of the first frame.
            cuts: Frames of the film that begin a shot; nothing is interpolated between them and those before.

        Raises:
            InputError: A file can no longer be read.
        """
        place = self._timing.place(first)
        if place is None:
            return
        shot_starts = {found.nearest for cut in cuts if (found := self._timing.place(cut))}
        estimator = FlowEstimator("dis")
        with closing(self.source.frames(place.index)) as frames:
            for index, (before, after) in enumerate(_with_next(frames), place.index):
                gap = _Gap(before, after, estimator, index + 1 in shot_starts)
                while place is not None and (place.index == index or after is None):
                    if after is None and place.share:
                        return
                    yield self._timed(gap, first, place)
                    first += 1
                    place = self._timing.place(first)

    def _timed(self, gap: _Gap, number: int, place: SourcePosition) -> Frame:
        frame, duration = gap.at(place.share), None
        if gap.after is None:
            duration = self.format.last_duration or (frame.duration and frame.duration * self._factor)
        return replace(frame, time=self._timing.time(number, gap.time(place.share)), duration=duration)


class _Gap:
    """Two neighbouring frames of the footage, between which frames are interpolated.

    Args:
        before: The first frame.
        after: The next frame, or None after the last.
        estimator: Computes the flow between them.
        is_cut: Whether a known cut lies between them.
    """

    def __init__(self, before: Frame, after: Frame | None, estimator: FlowEstimator, is_cut: bool) -> None:
        self.before, self.after = before, after
        self._estimator, self._is_cut = estimator, is_cut
        self._pair: FramePair | None = None

    def time(self, share: Fraction) -> Fraction:
        """Return the time at a position between the frames, in seconds of the footage."""
        return self.before.time + (share * (self.after.time - self.before.time) if self.after else 0)

    def at(self, share: Fraction) -> Frame:
        """Return the frame at a position between the frames; across a cut it is the nearer one."""
        before, after = self.before, self.after
        if after is None or not share:
            return before
        if self._pair is None and not self._is_cut:
            self._pair = FramePair(before.pixels, after.pixels, self._estimator)
        if self._pair is None or self._pair.is_cut:
            return after if SourcePosition(0, share).nearest else before
        moment = self._pair.at(float(share))
        alpha = before.alpha
        if alpha is not None and after.alpha is not None:
            alpha = moment.blend(alpha, after.alpha)
        return replace(before, pixels=moment.blend(before.pixels, after.pixels), alpha=alpha)


def _with_next(frames: Iterable[Frame]) -> Iterator[tuple[Frame, Frame | None]]:
    """Pair each frame with the next one; None after the last."""
    iterator = iter(frames)
    before = next(iterator, None)
    while before is not None:
        after = next(iterator, None)
        yield before, after
        before = after
