"""A clip in, a dreamed film out, however often the work at it is stopped."""

from __future__ import annotations

import bisect
import logging
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from framedream.errors import InputError, OutputError, Stopped
from framedream.jobs.arrays import StoredPieces
from framedream.jobs.dreaming import dreamer_for
from framedream.jobs.manifest import Manifest
from framedream.jobs.preflight import check_memory, check_room
from framedream.jobs.progress import Progress, Report
from framedream.jobs.work import WorkFolder, work_path
from framedream.media import FilmInPieces, Footage, open_footage
from framedream.motion.cuts import find_cuts
from framedream.render.ahead import ahead
from framedream.render.footage import dream_footage, first_needed
from framedream.render.shot import Dreamer
from framedream.render.store import finished
from framedream.render.windows import Window, windows
from framedream.settings import Settings

log = logging.getLogger("framedream")

_FRAMES_WAITING = 3

_PIECE = 24
"""Frames of an encoded piece, at least: each begins with a key frame."""


@dataclass(frozen=True)
class Film:
    """A finished film.

    Attributes:
        path: Where it is.
        frames: How many frames it has.
        shots: How many shots were found in it.
        seconds: How long this run took.
    """

    path: Path
    frames: int
    shots: int
    seconds: float


def dream_video(
    source: Path | str,
    target: Path | str,
    settings: Settings | None = None,
    *,
    progress: Report | None = None,
    work: Path | str | None = None,
    restart: bool = False,
    stop: Callable[[], bool] = lambda: False,
    finished_with: Callable[[Film], None] = lambda film: None,
) -> Film:
    """Dream a film: every frame, its dream sticking to what moves, with its sound and timing.

    Dreamed frames are kept in a work folder, so that the same call goes on where another one
    ended, for whatever reason; the film is the same to the last bit. ``target`` appears, or
    is replaced, only once the film is complete; then the work folder is removed.

    Args:
        source: A video, a folder of images, or an animated image.
        target: The film; its suffix names the container. A name without one, or with a
            slash at its end, is a folder of PNGs.
        settings: Everything else; see `Settings`.
        progress: Called after each frame, and after each of the pass backwards.
        work: The work folder. Default: beside the film, with the suffix ``.framedream``.
        restart: Begin anew, whatever the work folder holds.
        stop: Asked after each frame; once it says True, the frame in hand is stored and the run ends.
        finished_with: Called with the film once it is there, before the work folder goes.

    Returns:
        The finished film.

    Raises:
        SettingsError: A setting cannot be used, such as a layer the model does not have, or the
            work folder was begun with others.
        InputError: The footage cannot be read, or the weights are not to be had.
        OutputError: The film cannot be written.
        LockedError: Another run is making the film.
        Stopped: ``stop`` said so.
    """
    began = time.monotonic()
    settings = settings or Settings()
    name = str(target) if Path(target).name else str(Path(target).resolve())
    place = Path(work).resolve() if work is not None else work_path(Path(name))
    check_apart(Path(source), Path(name))
    _check_place(Path(source), Path(name), place)
    footage = open_footage(source, settings.footage)
    try:
        check_memory(footage.frame_count or 1, footage.height, footage.width)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None
    film = FilmInPieces(name, like=footage, settings=settings.output)
    with WorkFolder(place, film.path, Manifest.of(Path(source), film.path, settings), restart=restart) as folder:
        known = folder.completed()
        if known is None:
            film.check_vacant()
            job = _Job(footage, film, settings, folder, stop)
            job.dream(progress)
            known = job.assemble(), len(job.cuts) + 1
        frames, shots = known
        made = Film(film.path, frames, shots, time.monotonic() - began)
        finished_with(made)
        folder.remove()
    return made


def _check_place(source: Path, target: Path, place: Path) -> None:
    """See that the work folder has neither the footage nor the output in it."""
    check_apart(source, place)
    here = place.resolve()
    for path in (source.resolve(), target.resolve()):
        if here == path or here in path.parents:
            raise OutputError(f"{place}: cannot be the work folder, for {path} lies in it; name another --work")


def check_apart(source: Path, target: Path) -> None:
    """See that a job does not write over or into what it reads.

    Raises:
        InputError: There is no such source.
        OutputError: Both are the same, or the target lies in a folder of images that is read.
    """
    if not source.exists():
        raise InputError(f"{source}: there is no such file or folder; check the name")
    here, there = source.resolve(), target.resolve()
    if here == there or (target.exists() and source.samefile(target)):
        raise OutputError(f"{target}: is the input itself; give the output another name")
    if source.is_dir() and here in there.parents:
        raise OutputError(f"{target}: lies in the folder that is read; put the output beside it")


class _Job:
    """A film in the making.

    Attributes:
        cuts: Frames that begin a later shot.
    """

    def __init__(
        self, footage: Footage, film: FilmInPieces, settings: Settings, folder: WorkFolder, stop: Callable[[], bool]
    ) -> None:
        self._footage, self._film, self._settings, self._folder, self._stop = footage, film, settings, folder, stop
        self._done = 0
        if folder.begun_elsewise:
            changes = ", ".join(folder.begun_elsewise)
            log.warning("%s: was begun in other circumstances (%s); the dream may change a little", film.path, changes)
        self._times, self.cuts = self._surveyed()
        size = footage.height, footage.width
        check_room(folder.path, film.path, len(self._times), *size)
        shots = self.cuts if settings.motion.flow != "none" else []
        self._windows = windows(len(self._times), shots, *size)
        self._ends = _piece_ends(self._windows)

    def dream(self, progress: Report | None) -> None:
        """Dream and encode all frames that are not yet."""
        missing = [number for number in range(len(self._ends)) if not self._folder.has_piece(number)]
        if missing and not self._folder.is_empty():
            log.info("%s: going on with what %s holds", self._film.path, self._folder.path)
        dreamer = dreamer_for(self._settings) if missing else None
        while missing and dreamer:
            # Usually all that follow the last one stored; a damaged one may lie between.
            run = next(
                (index for index in range(1, len(missing)) if missing[index] != missing[0] + index), len(missing)
            )
            self._dream_pieces(missing[0], missing[0] + run, dreamer, progress)
            missing = missing[run:]

    def _dream_pieces(self, piece: int, stop: int, dreamer: Dreamer, progress: Report | None) -> None:
        """Dream and encode some neighbouring pieces."""
        start, end = self._ends[piece - 1] if piece else 0, self._ends[stop - 1]
        parts = [part for part in self._windows[self._where_to_begin(start) :] if part.first < end]
        self._folder.release(parts[0].first)
        caught_up = {part.stop for part in parts if part.stop <= start}
        footage = self._footage.frames(first_needed(parts[0], self._settings.motion))
        frames = dream_footage(footage, parts, dreamer, self._settings.dream, self._settings.motion, self._folder)
        encoder, number, backwards = self._film.encoder(), parts[0].first, 0
        with closing(ahead(frames, _FRAMES_WAITING)) as dreamed:
            for frame in dreamed:
                if frame is None:
                    backwards += 1
                else:
                    if number >= start:
                        shown = self._film.shown_for(self._times, number, frame.duration)
                        encoder.add(frame.pixels, frame.time, shown)
                    number += 1
                self._done = max(number, start)
                if progress:
                    progress(self._progress(backwards, at=self._done - 1 if frame else self._done))
                if frame and number in caught_up:
                    self._folder.release(number)
                if number == self._ends[piece]:
                    self._folder.save_piece(piece, encoder.finish())
                    self._folder.release(number)
                    encoder, piece = self._film.encoder(), piece + 1
                if number < len(self._times):
                    self._check_stop()

    def assemble(self) -> int:
        """Put the film together, and note that it is complete; gives the number of its frames."""
        self._done = len(self._times)
        pieces = StoredPieces(self._folder, len(self._ends))
        return self._film.assemble(pieces, between=self._check_stop, complete=self._note_complete)

    def _note_complete(self, part: Path, frames: int) -> None:
        if frames != len(self._times):
            raise OutputError(
                f"{self._folder.path}: holds {frames} of {len(self._times)} frames; give --restart to begin anew"
            )
        self._folder.note_complete(part, frames, len(self.cuts) + 1)

    def _check_stop(self) -> None:
        """End the run if that was asked for."""
        if self._stop():
            raise Stopped(
                f"{self._film.path}: stopped with {self._done} of {len(self._times)} frames done; "
                "the same command goes on from there"
            )

    def _progress(self, backwards: int, at: int) -> Progress:
        shot = bisect.bisect_right(self.cuts, at) + 1
        return Progress(self._done, len(self._times), shot, len(self.cuts) + 1, backwards)

    def _surveyed(self) -> tuple[list[Fraction], list[int]]:
        """Times of all frames, and the frames that begin a later shot: looked up, or found and noted."""
        tick = self._footage.time_base
        known = self._folder.journal.find("survey")
        if known is None:
            dreamer_for(self._settings)  # A network that cannot be had is told before all of the footage is read.
            times, cuts = self._survey()
            if not times:
                raise InputError(f"{self._footage.path}: there is no frame in it; check that the file plays")
            self._folder.note("survey", ticks=[int(time / tick) for time in times], cuts=cuts)
            return times, cuts
        return [ticks * tick for ticks in known["ticks"]], known["cuts"]

    def _survey(self) -> tuple[list[Fraction], list[int]]:
        times: list[Fraction] = []
        motion = self._settings.motion
        if motion.cuts == "none" or motion.flow == "none":
            for moment in self._footage.times():
                times.append(moment)
                self._check_stop_early()
            return times, []

        def pictures() -> Generator[np.ndarray]:
            for frame in self._footage.frames():
                times.append(frame.time)
                self._check_stop_early()
                yield frame.pixels

        return times, find_cuts(ahead(pictures(), _FRAMES_WAITING))

    def _check_stop_early(self) -> None:
        if self._stop():
            raise Stopped(f"{self._film.path}: stopped before the first frame was dreamed")

    def _where_to_begin(self, start: int) -> int:
        """The window that begins with a frame, or an earlier one if what it goes on from is damaged."""
        begin = next(index for index, window in enumerate(self._windows) if window.first == start)
        if self._settings.motion.flow == "none":
            return begin
        while not self._windows[begin].begins_shot:
            if self._folder.load(finished(self._windows[begin].first - 1)) is not None:
                break
            begin -= 1
        return begin


def _piece_ends(parts: Sequence[Window]) -> list[int]:
    """The frame behind the last of each piece: whole windows, enough of them to be worth a key frame."""
    ends, first = [], 0
    for window in parts:
        if window.stop - first >= _PIECE:
            ends.append(window.stop)
            first = window.stop
    if parts and first < parts[-1].stop:
        ends.append(parts[-1].stop)
    return ends
