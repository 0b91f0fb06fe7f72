"""Dreams and encodes one part of a film, resuming where an earlier run stopped."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from framedream.config.settings import Settings
from framedream.film.compositing import frame_compositor
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
"""Yields the dreamed frames of consecutive windows, and None for each frame of a backward pass."""

_FRAMES_WAITING = 3


def render_plan(
    footage: FootageProtocol, dreamer: Callable[[], Dreamer], settings: Settings, storage: FrameStorage, plan: Plan
) -> Render:
    """Make the function that renders windows of some footage.

    Args:
        footage: The footage that is dreamed.
        dreamer: Loads the dreamer of single frames; called when the first window is rendered.
        settings: How the film is dreamed.
        storage: Stores dreamed frames.
        plan: The division of the work.
    """
    schedule, times = load_schedule(settings), plan.survey.times
    read, compose = footage.reader(plan.survey.cuts), frame_compositor(settings, footage, plan.survey.mask_index)

    def settings_at(number: int) -> Settings:
        return schedule.at(times[number])

    def render(windows: Sequence[Window]) -> Generator[Frame | None]:
        return compose(partial(render_footage, read, windows, dreamer(), settings_at, storage, plan.keys))

    return render


@dataclass(frozen=True)
class PartProgress:
    """Progress of one part.

    Attributes:
        frame: Finished frames of the part.
        backwards: Finished frames of its backward passes.
        at: Number in the film of the frame in progress.
    """

    frame: int
    backwards: int
    at: int


@dataclass(frozen=True)
class PartMaker:
    """Makes parts of one film.

    Attributes:
        render: Yields the dreamed frames of windows.
        is_carried: Whether each frame continues the dream of the one before it.
        encoding: Makes the encoders of pieces.
        storage: Stores frames and pieces.
        plan: The division of the work.
        check: Called between frames; may raise to stop.
        report: Called after each frame of each pass.
    """

    render: Render
    is_carried: bool
    encoding: PieceFactory
    storage: FrameStorage
    plan: Plan
    check: Callable[[], None]
    report: Callable[[PartProgress], None]

    def missing(self, part: Part) -> list[int]:
        """Numbers of the pieces of a part that are not stored yet."""
        return [number for number in part.pieces if not self.storage.has_piece(number)]

    def make(self, part: Part) -> None:
        """Dream and encode all missing pieces of a part."""
        missing = self.missing(part)
        while missing:
            # Usually all pieces after the last stored one; a damaged piece may leave a gap.
            run = next(
                (index for index in range(1, len(missing)) if missing[index] != missing[0] + index), len(missing)
            )
            self._make_pieces(part, missing[0], missing[0] + run)
            missing = missing[run:]
        self.storage.release_part(part.first, part.stop)
        self._release_shared(part)

    def _make_pieces(self, part: Part, piece: int, stop: int) -> None:
        """Dream and encode consecutive pieces."""
        ends = dict(zip(part.pieces, part.ends, strict=True))
        start, end = ends.get(piece - 1, part.first), ends[stop - 1]
        windows = [window for window in part.windows[self._first_window(part, start) :] if window.first < end]
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
                        encoder.add(frame, self.encoding.frame_duration(times, number, frame.duration))
                    number += 1
                done = max(number, start)
                self.report(PartProgress(done - part.first, backwards, done - 1 if frame else done))
                if frame and number in caught_up:
                    self.storage.release(part.first, number)
                if number == ends[piece]:
                    self.storage.save_piece(piece, encoder.finish())
                    self.storage.release(part.first, number)
                    encoder, piece = self.encoding.encoder(), piece + 1
                if number < len(times):
                    self.check()

    def _release_shared(self, part: Part) -> None:
        """Remove the shared frames of the shots of a part once these are complete."""
        shots = {window.segment.shot for window in part.windows}
        for start, end in shots:
            others = [other for other in self.plan.parts if other.first < end and other.stop > start]
            if not any(self.missing(other) for other in others):
                self.storage.release_shared(start, end)

    def _first_window(self, part: Part, start: int) -> int:
        """The window that starts at a frame, or an earlier one if the frame before it is missing or damaged."""
        number = next(index for index, window in enumerate(part.windows) if window.first == start)
        if not self.is_carried:
            return number
        while not part.windows[number].begins_segment:
            if self.storage.load(frame_name(part.windows[number].first - 1)) is not None:
                break
            number -= 1
        return number
