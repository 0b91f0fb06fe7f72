"""A film in progress: its paths, its work folder, its plan and its assembly, whoever does the work."""

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
from framedream.media import FilmAssembler, FilmFormat
from framedream.store.array_files import StoredPieces
from framedream.store.manifest import Manifest
from framedream.store.work_folder import WorkFolder, work_path

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FilmPaths:
    """The paths that a film is read from and written to.

    Attributes:
        sources: The files and folders that are read.
        name: Name of the film as given by the user: a trailing slash makes it a folder.
        work: The work folder.
    """

    sources: tuple[Path, ...]
    name: str
    work: Path

    @classmethod
    def of(cls, sources: Iterable[Path], target: Path | str, work: Path | str | None = None) -> FilmPaths:
        """Check the paths against each other and resolve the work folder.

        Args:
            sources: The files and folders that are read.
            target: Name of the film.
            work: The work folder. Default: beside the film.

        Raises:
            InputError: A source does not exist.
            OutputError: An output would overwrite a source or lie in it, or the work folder would contain one of both.
        """
        name = str(target) if Path(target).name else str(Path(target).resolve())
        work_folder = Path(work).resolve() if work is not None else work_path(Path(name))
        sources = tuple(sources)
        for source in sources:
            check_output_path(source, Path(name))
            _check_work_path(source, Path(name), work_folder)
        return cls(sources, name, work_folder)


class FilmJob:
    """A film in progress: from its work folder to the finished film.

    As a context manager it keeps the work folder locked and unlocks it at the end.

    Attributes:
        paths: The sources, the film and the work folder.
        film: Assembles the film.
        settings: How the film is dreamed.
        format: Size, rate, colors and sound of the film.
        folder: The work folder.
        finished: The numbers of frames and shots, once the film is complete.
    """

    def __init__(
        self,
        paths: FilmPaths,
        film_format: FilmFormat,
        settings: Settings,
        manifest: Manifest,
        *,
        restart: bool = False,
    ) -> None:
        """Create the work folder, or open the one that an earlier run left.

        Args:
            paths: The sources, the film and the work folder.
            film_format: Size, rate, colors and sound of the film.
            settings: How the film is dreamed.
            manifest: What an existing work folder must have been started with.
            restart: Discard what an existing work folder holds.

        Raises:
            FramedreamError: See `framedream.jobs.dream_video.dream_video`.
        """
        check_sound(settings, is_there=settings.change.sound is not None)
        self.paths, self.settings, self.format = paths, settings, film_format
        self.film = FilmAssembler(paths.name, film_format=film_format, settings=settings.output)
        self.folder = WorkFolder(paths.work, self.film.path, manifest, restart=restart)
        self.finished = self.folder.completed()
        self._plan: Plan | None = None
        try:
            if self.finished is None:
                self._begin()
        except BaseException as error:
            self.folder.__exit__(type(error), error, None)
            raise

    def _begin(self) -> None:
        """Check that the film can be made."""
        self.film.check_vacant()
        if self.folder.environment_changes:
            changes = ", ".join(self.folder.environment_changes)
            log.warning(
                "%s: was started with different library versions or threads (%s); the dream may change slightly",
                *(self.path, changes),
            )

    @property
    def path(self) -> Path:
        """Where the film will be."""
        return self.film.path

    @property
    def plan(self) -> Plan | None:
        """The division of the work, once the footage is surveyed."""
        return self._plan

    def _check_disk_space(self, frames: int, in_flight: int) -> None:
        check_disk_space(self.folder.path, self.path, frames, self.format.height, self.format.width, in_flight)

    def missing(self) -> list[Part]:
        """The parts of which pieces are still missing."""
        assert self._plan is not None
        return [part for part in self._plan.parts if any(not self.folder.has_piece(piece) for piece in part.pieces)]

    def assemble(self, between: Callable[[], None]) -> None:
        """Assemble the film from its stored pieces.

        Args:
            between: Called between pieces; may raise to stop.

        Raises:
            OutputError: A piece is damaged, or the film cannot be written.
        """
        assert self._plan is not None
        plan = self._plan

        def note_complete(part: Path, frames: int) -> None:
            if frames != len(plan.survey.times):
                raise OutputError(
                    f"{self.folder.path}: holds {frames} of {len(plan.survey.times)} frames; "
                    "give --restart to start over"
                )
            self.folder.note_complete(part, frames, plan.shots)

        pieces = StoredPieces(self.folder, plan.pieces)
        self.finished = self.film.assemble(pieces, between=between, complete=note_complete), plan.shots

    def stopped(self, done: int) -> Stopped:
        """The exception to raise when the run stops early.

        Args:
            done: Finished frames.
        """
        if self._plan is None:
            return Stopped(f"{self.path}: stopped before the first frame was dreamed")
        return Stopped(
            f"{self.path}: stopped with {done} of {len(self._plan.survey.times)} frames done; "
            "run the same command again to resume"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.folder.__exit__(kind, error, trace)


def _check_work_path(source: Path, target: Path, work: Path) -> None:
    """Check that neither the footage nor the output lies in the work folder."""
    check_output_path(source, work)
    resolved = work.resolve()
    for path in (source.resolve(), target.resolve()):
        if resolved == path or resolved in path.parents:
            raise OutputError(f"{work}: cannot be the work folder, because {path} lies in it; give another --work")


def check_output_path(source: Path, target: Path) -> None:
    """Check that a job does not overwrite its source or write into it.

    Args:
        source: A file or folder that is read.
        target: A file or folder that will be written.

    Raises:
        InputError: The source does not exist.
        OutputError: Both are the same, or the target lies in a folder that is read.
    """
    if not source.exists():
        raise InputError(f"{source}: does not exist; check the name")
    source_path, target_path = source.resolve(), target.resolve()
    if source_path == target_path or (target.exists() and source.samefile(target)):
        raise OutputError(f"{target}: is the input itself; give the output another name")
    if source.is_dir() and source_path in target_path.parents:
        raise OutputError(f"{target}: lies in the folder that is read; choose a place outside it")
