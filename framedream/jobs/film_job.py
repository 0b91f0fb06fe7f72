"""A film in the making, whoever does the work."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType

from framedream.errors import InputError, OutputError, Stopped
from framedream.jobs.arrays import StoredPieces
from framedream.jobs.manifest import Manifest
from framedream.jobs.plan import Part, Plan, Survey
from framedream.jobs.preflight import check_memory, check_room
from framedream.jobs.work import WorkFolder, work_path
from framedream.media import FilmInPieces, open_footage
from framedream.settings import Settings

log = logging.getLogger("framedream")


class FilmJob:
    """A film in the making: from its work folder to the film under its own name.

    As a context manager it holds the work folder, and lets go of it at the end.

    Attributes:
        source: Name of the footage.
        name: Name of the film, as it was given: a slash at its end makes a folder.
        film: What it becomes.
        settings: How it is dreamed.
        folder: Its work folder.
        footage: What is dreamed of.
    """

    def __init__(
        self,
        source: Path | str,
        target: Path | str,
        settings: Settings,
        *,
        work: Path | str | None = None,
        restart: bool = False,
    ) -> None:
        """Look at everything that can be known to fail before the first hour is spent.

        Raises:
            FramedreamError: See `dream_video`.
        """
        name = str(target) if Path(target).name else str(Path(target).resolve())
        place = Path(work).resolve() if work is not None else work_path(Path(name))
        self.source, self.name, self.settings = Path(source), name, settings
        check_apart(self.source, Path(name))
        _check_place(self.source, Path(name), place)
        self.footage = open_footage(source, settings.footage)
        try:
            check_memory(self.footage.frame_count or 1, self.footage.height, self.footage.width)
        except InputError as error:
            raise InputError(f"{source}: {error}") from None
        self.film = FilmInPieces(name, like=self.footage, settings=settings.output)
        manifest = Manifest.of(self.source, self.film.path, settings)
        self.folder = WorkFolder(place, self.film.path, manifest, restart=restart)
        self.finished = self.folder.completed()
        self._plan: Plan | None = None
        try:
            self._begin()
        except BaseException as error:
            self.folder.__exit__(type(error), error, None)
            raise

    def _begin(self) -> None:
        if self.finished is not None:
            return
        self.film.check_vacant()
        if self.folder.begun_elsewise:
            changes = ", ".join(self.folder.begun_elsewise)
            log.warning("%s: was begun in other circumstances (%s); the dream may change a little", self.path, changes)
        known = self.folder.journal.find("survey")
        if known is not None:
            tick = self.footage.time_base
            self._take([ticks * tick for ticks in known["ticks"]], known["cuts"])

    @property
    def path(self) -> Path:
        """Where the film will be."""
        return self.film.path

    @property
    def plan(self) -> Plan | None:
        """How the work is divided, once the footage has been looked through."""
        return self._plan

    def surveyed(self, found: Survey) -> Plan:
        """Note what the footage is like.

        Raises:
            InputError: It has no frames.
            OutputError: There is no room for its film.
        """
        if not found.times:
            raise InputError(f"{self.source}: there is no frame in it; check that the file plays")
        tick = self.footage.time_base
        self.folder.note("survey", ticks=[int(time / tick) for time in found.times], cuts=list(found.cuts))
        return self._take(found.times, found.cuts)

    def _take(self, times: Sequence[Fraction], cuts: Sequence[int]) -> Plan:
        size = self.footage.height, self.footage.width
        check_room(self.folder.path, self.path, len(times), *size)
        self._plan = Plan(Survey(times, cuts, *size), self.settings)
        return self._plan

    def missing(self) -> list[Part]:
        """The parts that have pieces which are not stored."""
        assert self._plan is not None
        return [part for part in self._plan.parts if any(not self.folder.has_piece(piece) for piece in part.pieces)]

    def assemble(self, between: Callable[[], None]) -> None:
        """Put the film together of its pieces.

        Args:
            between: Called between pieces; what it raises ends the work.

        Raises:
            OutputError: A piece is damaged, or the disk refuses.
        """
        assert self._plan is not None
        plan = self._plan

        def note_complete(part: Path, frames: int) -> None:
            if frames != len(plan.survey.times):
                raise OutputError(
                    f"{self.folder.path}: holds {frames} of {len(plan.survey.times)} frames; "
                    "give --restart to begin anew"
                )
            self.folder.note_complete(part, frames, plan.shots)

        pieces = StoredPieces(self.folder, plan.pieces)
        self.finished = self.film.assemble(pieces, between=between, complete=note_complete), plan.shots

    def stopped(self, done: int) -> Stopped:
        """What to raise when the work is ended before it is done."""
        if self._plan is None:
            return Stopped(f"{self.path}: stopped before the first frame was dreamed")
        return Stopped(
            f"{self.path}: stopped with {done} of {len(self._plan.survey.times)} frames done; "
            "the same command goes on from there"
        )

    def __enter__(self) -> FilmJob:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.folder.__exit__(kind, error, trace)


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
