"""A part of a film: dreamed and encoded by one process, from where an earlier one left it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from framedream.config.settings import Settings
from framedream.film.compositing import composed_frames
from framedream.film.plan import Part, Plan
from framedream.film.schedule_loading import load_schedule
from framedream.media import FootageProtocol, Frame, PieceFactory
from framedream.render.prefetching import prefetch
from framedream.render.state_store import frame_name
from framedream.render.video.video_renderer import render_footage
from framedream.render.video.windows import Window
from framedream.store.frame_storage import FrameStorage

if TYPE_CHECKING:
    from framedream.nn.ascent.dreamer import Dreamer

Render = Callable[[Sequence[Window]], Generator[Frame | None]]
"""Gives the dreamed frames of neighbouring windows; None for every frame that is dreamed for their sake."""

_FRAMES_WAITING = 3


def render_plan(
    footage: FootageProtocol, dreamer: Callable[[], Dreamer], settings: Settings, storage: FrameStorage, plan: Plan
) -> Render:
    """What renders footage.

    Args:
        footage: What is dreamed of.
        dreamer: Gives what dreams a single frame; asked once something is to be dreamed.
        settings: How it is dreamed.
        storage: Where frames are kept.
        plan: How the work is divided.
    """
    course, times = load_schedule(settings), plan.survey.times
    read, as_film = footage.reading(plan.survey.cuts), composed_frames(settings, footage, plan.survey.mask_seen)

    def look(number: int) -> Settings:
        return course.at(times[number])

    def render(windows: Sequence[Window]) -> Generator[Frame | None]:
        return as_film(partial(render_footage, read, windows, dreamer(), look, storage, plan.keys))

    return render


@dataclass(frozen=True)
class PartProgress:
    """How far a part is.

    Attributes:
        frame: Frames of it that are finished.
        backwards: Frames of its passes backwards that are.
        at: The frame at work, by its number in the film.
    """

    frame: int
    backwards: int
    at: int


@dataclass(frozen=True)
class PartMaker:
    """Makes parts of one film.

    Attributes:
        render: Gives the dreamed frames.
        is_carried: Whether a frame is dreamed on from the one before it.
        encoding: Makes the film's encoders.
        storage: Where frames and pieces are kept.
        plan: How the work is divided.
        check: Called between frames; what it raises ends the work.
        tell: Called after each frame of each pass.
    """

    render: Render
    is_carried: bool
    encoding: PieceFactory
    storage: FrameStorage
    plan: Plan
    check: Callable[[], None]
    tell: Callable[[PartProgress], None]

    def missing(self, part: Part) -> list[int]:
        """Pieces of a part that are not stored."""
        return [number for number in part.pieces if not self.storage.has_piece(number)]

    def make(self, part: Part) -> None:
        """Dream and encode all pieces of a part that are not stored yet."""
        missing = self.missing(part)
        while missing:
            # Usually all that follow the last one stored; a damaged one may lie between.
            run = next(
                (index for index in range(1, len(missing)) if missing[index] != missing[0] + index), len(missing)
            )
            self._make_pieces(part, missing[0], missing[0] + run)
            missing = missing[run:]
        self.storage.release_part(part.first, part.stop)
        self._release_shared(part)

    def _make_pieces(self, part: Part, piece: int, stop: int) -> None:
        """Dream and encode some neighbouring pieces."""
        ends = dict(zip(part.pieces, part.ends, strict=True))
        start, end = ends.get(piece - 1, part.first), ends[stop - 1]
        windows = [window for window in part.windows[self._where_to_begin(part, start) :] if window.first < end]
        self.storage.release(part.first, windows[0].first)
        caught_up = {window.stop for window in windows if window.stop <= start}
        times = self.plan.survey.times
        encoder, number, backwards = self.encoding.encoder(), windows[0].first, 0
        with closing(prefetch(self.render(windows), _FRAMES_WAITING)) as dreamed:
            for frame in dreamed:
                if frame is None:
                    backwards += 1
                else:
                    if number >= start:
                        encoder.add(frame, self.encoding.shown_for(times, number, frame.duration))
                    number += 1
                done = max(number, start)
                self.tell(PartProgress(done - part.first, backwards, done - 1 if frame else done))
                if frame and number in caught_up:
                    self.storage.release(part.first, number)
                if number == ends[piece]:
                    self.storage.save_piece(piece, encoder.finish())
                    self.storage.release(part.first, number)
                    encoder, piece = self.encoding.encoder(), piece + 1
                if number < len(times):
                    self.check()

    def _release_shared(self, part: Part) -> None:
        """Remove what the shots of a part share once they are complete."""
        shots = {window.segment.shot for window in part.windows}
        for start, end in shots:
            others = [other for other in self.plan.parts if other.first < end and other.stop > start]
            if not any(self.missing(other) for other in others):
                self.storage.release_shared(start, end)

    def _where_to_begin(self, part: Part, start: int) -> int:
        """The window that begins with a frame, or an earlier one if what it goes on from is damaged."""
        begin = next(index for index, window in enumerate(part.windows) if window.first == start)
        if not self.is_carried:
            return begin
        while not part.windows[begin].begins_segment:
            if self.storage.load(frame_name(part.windows[begin].first - 1)) is not None:
                break
            begin -= 1
        return begin
