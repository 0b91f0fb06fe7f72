"""The work on one film as tasks for worker processes, on this machine or another."""

from __future__ import annotations

import itertools
import logging
import os
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from framedream.config.machine import TILES
from framedream.config.settings import Settings
from framedream.errors import OutputError, Stopped
from framedream.film.compositing import film_format
from framedream.film.dreamers import dreamer_for
from framedream.film.footage_job import FootageJob
from framedream.film.part_maker import PartMaker, PartProgress, render_plan
from framedream.film.plan import Part, Plan
from framedream.film.progress import Progress
from framedream.film.survey import Survey, survey_footage
from framedream.media import FrameIndex, PieceFactory
from framedream.render.retimed_footage import open_retimed
from framedream.store.frame_storage import RUNNING, FrameStorage
from framedream.workers.tasks import Outcome, Task, outcome_error

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NetworkTask:
    """Load the network, to find out early whether it is available.

    Attributes:
        settings: The settings that name the network.
    """

    settings: Settings

    @property
    def label(self) -> str:
        """Name of the task in messages."""
        return self.settings.dream.model

    def run(self) -> None:
        """Load the network.

        Raises:
            FramedreamError: The network is not available.
        """
        dreamer_for(self.settings, 0)


@dataclass(frozen=True)
class SurveyTask:
    """Survey the footage of a film.

    Attributes:
        source: The footage.
        settings: The settings; they name the part of the footage and whether to look for cuts.
        folder: The work folder.
        token: Token of the run.
        frame_index: The index of the footage's frames, if an earlier pass made one.
    """

    source: Path
    settings: Settings
    folder: Path
    token: str
    frame_index: FrameIndex | None = None

    @property
    def label(self) -> str:
        """Name of the task in messages."""
        return f"{self.source.name} cuts"

    def run(self) -> Survey:
        """Survey the footage."""
        footage = open_retimed(self.source, self.settings.footage, self.frame_index)
        return survey_footage(footage, self.settings, partial(check_running, FrameStorage(self.folder), self.token))


@dataclass(frozen=True)
class PartTask:
    """Make a part of a film.

    Attributes:
        source: The footage.
        target: Name of the film.
        settings: How the film is dreamed.
        folder: The work folder.
        token: Token of the run.
        survey: The survey of the footage.
        number: Number of the part, from 0.
        tile: Side of tiles in pixels; 0 dreams whole frames.
    """

    source: Path
    target: str
    settings: Settings
    folder: Path
    token: str
    survey: Survey
    number: int
    tile: int = 0

    @property
    def label(self) -> str:
        """Name of the task in messages."""
        parts = len(Plan(self.survey, self.settings).parts)
        return self.source.name + (f" {self.number + 1}/{parts}" if parts > 1 else "")

    def run(self) -> int:
        """Make the missing pieces of the part.

        Returns:
            The side of tiles for which the memory was sufficient.
        """
        storage, settings = FrameStorage(self.folder), self.settings
        footage = open_retimed(self.source, settings.footage, self.survey.frame_index)
        plan = Plan(self.survey, settings)

        def report(progress: PartProgress) -> None:
            storage.write_progress(self.number, progress.frame, progress.backwards, progress.at)

        encoding = PieceFactory(self.target, film_format(settings, footage), settings.output)
        footage.keeps_alpha = encoding.keeps_alpha
        dreamer = partial(dreamer_for, settings, self.tile)
        check = partial(check_running, storage, self.token)
        render, is_carried = render_plan(footage, dreamer, settings, storage, plan), settings.motion.flow != "none"
        PartMaker(render, is_carried, encoding, storage, plan, check, report).make(plan.parts[self.number])
        return self.tile

    def smaller(self) -> PartTask | None:
        """The same task with smaller tiles; None if the tiles are the smallest."""
        tiles = [tile for tile in TILES if tile < (self.tile or max(self.survey.height, self.survey.width))]
        return replace(self, tile=tiles[0]) if tiles else None


def _absolute(name: str) -> str:
    """Make a name absolute, for another process; a trailing slash stays."""
    return str(Path.cwd() / name) + (os.sep if name.endswith(os.sep) else "")


def absolute_settings(settings: Settings) -> Settings:
    """Make all file names of settings absolute, for another process."""
    dream, mask = settings.dream, settings.footage.mask
    files = {"weights": dream.weights, "guide": dream.guide, "sound": settings.change.sound, "mask": mask}
    return settings.override({name: path.absolute() for name, path in files.items() if path})


def check_running(storage: FrameStorage, token: str) -> None:
    """Stop if the run has ended.

    Args:
        storage: The work folder.
        token: Token of the run.

    Raises:
        Stopped: The run has ended.
    """
    if not storage.is_running(token):
        raise Stopped(f"{storage.path}: stopped; run the same command again to resume")


def order_parts(parts: Iterable[Part]) -> list[Part]:
    """Order parts for workers: those of each shot alternately from its start and its end.

    Anchor frames are dreamed outwards from the middle of a shot, so neighbours would wait for the same ones.
    """
    ordered: list[Part] = []
    for _, group in itertools.groupby(parts, lambda part: part.windows[0].segment.shot):
        of_shot = deque(group)
        while of_shot:
            ordered.append(of_shot.popleft())
            if of_shot:
                ordered.append(of_shot.pop())
    return ordered


class FilmTasks:
    """All tasks of a film, each offered once it can start.

    Attributes:
        job: The film in progress.
    """

    def __init__(self, job: FootageJob, *, check_network: bool = False) -> None:
        """Start a run in the work folder.

        Args:
            job: The film in progress.
            check_network: Whether the first task loads the network to check it.
        """
        self.job, self._unchecked = job, check_network
        self._settings = absolute_settings(job.settings)
        self._token = job.folder.start_run()
        stored = int((job.folder.journal.find("tile") or {"side": 0})["side"])
        requested = 0 if job.settings.run.tile == "auto" else job.settings.run.tile
        self._tile = min(stored, requested) or stored or requested
        self._running: dict[int, Part] = {}
        self._warnings: set[str] = set()
        self._surveying = self._is_stopping = False
        self._waiting: list[Part] | None = None
        self._backwards = 0
        if job.plan is not None:
            self._list_parts()

    @property
    def is_finished(self) -> bool:
        """Whether all parts are finished."""
        return self.job.finished is not None or (self._waiting == [] and not self._running)

    @property
    def has_next(self) -> bool:
        """Whether a task can start now."""
        return self._unchecked or (not self._surveying if self._waiting is None else bool(self._waiting))

    @property
    def remaining(self) -> float:
        """Number of pixels in frames of parts that have not started."""
        size = self.job.footage.format.height * self.job.footage.format.width
        if self._waiting is None:
            return float(self.job.footage.frame_count or 0) * size
        return float(sum(part.stop - part.first for part in self._waiting)) * size

    def next_task(self) -> Task | None:
        """The next task; None if no task can start now."""
        job = self.job
        if self._unchecked:
            self._unchecked = False
            return NetworkTask(self._settings)
        if self._waiting is None:
            if self._surveying:
                return None
            self._surveying = True
            return SurveyTask(
                job.source.absolute(), self._settings, job.folder.path, self._token, job.footage.frame_index
            )
        if not self._waiting:
            return None
        part = self._waiting.pop(0)
        self._running[part.number] = part
        assert job.plan is not None
        return PartTask(
            job.source.absolute(), _absolute(job.paths.name), self._settings, job.folder.path, self._token,
            job.plan.survey, part.number, self._tile,
        )  # fmt: skip

    def finish(self, task: Task, outcome: Outcome) -> None:
        """Handle the outcome of a task, and log its warnings.

        Args:
            task: A task that `next_task` returned.
            outcome: Its outcome.

        Raises:
            FramedreamError: The task failed.
        """
        for warning in outcome.warnings:
            if warning not in self._warnings:  # Several parts may give the same warning.
                self._warnings.add(warning)
                log.warning("%s", warning)
        if outcome.state == "failed":
            raise outcome_error(outcome)
        if outcome.state == "stopped" and not self._is_stopping:
            raise OutputError(
                f"{self.job.folder.path}: the file {RUNNING} was removed from it; run the same command again"
            )
        if outcome.state == "done" and isinstance(task, PartTask):
            part = self._running.pop(task.number)
            self._backwards += (self.job.folder.read_progress(part.number) or [0, 0])[1]
            if outcome.value and not 0 < self._tile <= outcome.value:
                self._tile = outcome.value
                self.job.folder.note("tile", side=self._tile)
        if outcome.state == "done" and isinstance(task, SurveyTask):
            self.job.surveyed(outcome.value)
            self._list_parts()

    def stop(self) -> None:
        """Let running tasks stop after the current frame."""
        self._is_stopping = True
        self.job.folder.end_run()

    def progress(self) -> Progress | None:
        """Progress of the film; None before the footage is surveyed."""
        plan = self.job.plan
        if plan is None or self._waiting is None:
            return None
        stages = [self.job.folder.read_progress(number) or [0, 0, part.first] for number, part in self._running.items()]
        open_frames = sum(part.stop - part.first for part in (*self._waiting, *self._running.values()))
        frames = len(plan.survey.times)
        done = frames - open_frames + sum(stage[0] for stage in stages)
        shot = plan.shot_of(min((stage[2] for stage in stages), default=frames - 1))
        return Progress(done, frames, shot, plan.shots, self._backwards + sum(stage[1] for stage in stages))

    def _list_parts(self) -> None:
        self._waiting = order_parts(self.job.missing())
        for part in self._waiting:
            self.job.folder.write_progress(part.number)
