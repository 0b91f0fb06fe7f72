"""A film in the making, whoever does the work."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from framedream.config.schedule import check_sound
from framedream.config.settings import Settings
from framedream.errors import InputError, OutputError, Stopped
from framedream.film.plan import Part, Plan
from framedream.film.preflight import check_disk_space
from framedream.media import FilmAssembler, FilmProperties
from framedream.store.array_files import StoredPieces
from framedream.store.manifest import Manifest
from framedream.store.work_folder import WorkFolder, work_path

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FilmPaths:
    """Where a film is made of what.

    Attributes:
        sources: The files and folders that are read.
        name: Name of the film, as it was given: a slash at its end makes a folder.
        work: The work folder.
    """

    sources: tuple[Path, ...]
    name: str
    work: Path

    @classmethod
    def of(cls, sources: Iterable[Path], target: Path | str, work: Path | str | None = None) -> FilmPaths:
        """The places that are named, none of which may lie in another's way.

        Raises:
            InputError: There is no such source.
            OutputError: Something would be written over or into what is read, or the work folder is no good place.
        """
        name = str(target) if Path(target).name else str(Path(target).resolve())
        place = Path(work).resolve() if work is not None else work_path(Path(name))
        sources = tuple(sources)
        for source in sources:
            check_output_path(source, Path(name))
            _check_place(source, Path(name), place)
        return cls(sources, name, place)


class FilmJob:
    """A film in the making: from its work folder to the film under its own name.

    As a context manager it holds the work folder, and lets go of it at the end.

    Attributes:
        places: Where it is made of what.
        film: What it becomes.
        settings: How it is dreamed.
        folder: Its work folder.
        finished: Its frames and shots, if it is complete.
    """

    def __init__(
        self, places: FilmPaths, like: FilmProperties, settings: Settings, manifest: Manifest, *, restart: bool = False
    ) -> None:
        """Begin a work folder, or open the one that was begun.

        Args:
            places: Where it is made of what.
            like: The film's form.
            settings: How it is dreamed.
            manifest: What the work folder must have been begun with.
            restart: Begin anew, whatever it holds.

        Raises:
            FramedreamError: See `framedream.jobs.dream_video.dream_video`.
        """
        check_sound(settings, is_there=settings.change.sound is not None)
        self.places, self.settings, self._like = places, settings, like
        self.film = FilmAssembler(places.name, like=like, settings=settings.output)
        self.folder = WorkFolder(places.work, self.film.path, manifest, restart=restart)
        self.finished = self.folder.completed()
        self._plan: Plan | None = None
        try:
            if self.finished is None:
                self._begin()
        except BaseException as error:
            self.folder.__exit__(type(error), error, None)
            raise

    def _begin(self) -> None:
        """See whether the work can be done."""
        self.film.check_vacant()
        if self.folder.environment_changes:
            changes = ", ".join(self.folder.environment_changes)
            log.warning("%s: was begun in other circumstances (%s); the dream may change a little", self.path, changes)

    @property
    def path(self) -> Path:
        """Where the film will be."""
        return self.film.path

    @property
    def plan(self) -> Plan | None:
        """How the work is divided, once that is known."""
        return self._plan

    def _check_room(self, frames: int, in_flight: int) -> None:
        check_disk_space(self.folder.path, self.path, frames, self._like.height, self._like.width, in_flight)

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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.folder.__exit__(kind, error, trace)


def _check_place(source: Path, target: Path, place: Path) -> None:
    """See that the work folder has neither the footage nor the output in it."""
    check_output_path(source, place)
    here = place.resolve()
    for path in (source.resolve(), target.resolve()):
        if here == path or here in path.parents:
            raise OutputError(f"{place}: cannot be the work folder, for {path} lies in it; name another --work")


def check_output_path(source: Path, target: Path) -> None:
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
