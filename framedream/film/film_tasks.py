"""The work at one film as tasks that worker processes do, on this machine or another."""

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
from framedream.film.compositing import film_properties
from framedream.film.dreamers import dreamer_for
from framedream.film.footage_job import FootageJob
from framedream.film.part_maker import PartMaker, PartProgress, render_plan
from framedream.film.plan import Part, Plan
from framedream.film.progress import Progress
from framedream.film.survey import Survey, survey_footage
from framedream.media import FrameIndex, PieceFactory
from framedream.render.retimed_footage import open_retimed
from framedream.store.frame_storage import RUNNING, FrameStorage
from framedream.workers.tasks import Outcome, Task, error_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NetworkTask:
    """See that the network can be had, and load it.

    Attributes:
        settings: What names it.
    """

    settings: Settings

    @property
    def label(self) -> str:
        """What the work is."""
        return self.settings.dream.model

    def run(self) -> None:
        """Load it; what it raises says what is wrong."""
        dreamer_for(self.settings, 0)


@dataclass(frozen=True)
class SurveyTask:
    """Look through a film's footage.

    Attributes:
        source: The footage.
        settings: Which part of it is taken, and whether cuts are looked for.
        folder: The work folder.
        token: Of the run.
        seen: What was seen of the footage to find the part that is taken.
    """

    source: Path
    settings: Settings
    folder: Path
    token: str
    seen: FrameIndex | None = None

    @property
    def label(self) -> str:
        """What the work is."""
        return f"{self.source.name} cuts"

    def run(self) -> Survey:
        """Look through it."""
        footage = open_retimed(self.source, self.settings.footage, self.seen)
        return survey_footage(footage, self.settings, partial(check_running, FrameStorage(self.folder), self.token))


@dataclass(frozen=True)
class PartTask:
    """Make a part of a film.

    Attributes:
        source: The footage.
        target: Name of the film.
        settings: How it is dreamed.
        folder: The work folder.
        token: Of the run.
        survey: What the footage is like.
        number: Number of the part, from 0.
        tile: Side of tiles in pixels; 0 dreams frames whole.
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
        """What the work is."""
        parts = len(Plan(self.survey, self.settings).parts)
        return self.source.name + (f" {self.number + 1}/{parts}" if parts > 1 else "")

    def run(self) -> int:
        """Make what is missing of it; gives the side of tiles that memory was enough for."""
        storage, settings = FrameStorage(self.folder), self.settings
        footage = open_retimed(self.source, settings.footage, self.survey.seen)
        plan = Plan(self.survey, settings)

        def tell(stage: PartProgress) -> None:
            storage.write_progress(self.number, stage.frame, stage.backwards, stage.at)

        encoding = PieceFactory(self.target, film_properties(settings, footage), settings.output)
        footage.keeps_alpha = encoding.keeps_alpha
        dreamer = partial(dreamer_for, settings, self.tile)
        check = partial(check_running, storage, self.token)
        render, is_carried = render_plan(footage, dreamer, settings, storage, plan), settings.motion.flow != "none"
        PartMaker(render, is_carried, encoding, storage, plan, check, tell).make(plan.parts[self.number])
        return self.tile

    def smaller(self) -> PartTask | None:
        """The same in smaller tiles, or None if there are none."""
        tiles = [tile for tile in TILES if tile < (self.tile or max(self.survey.height, self.survey.width))]
        return replace(self, tile=tiles[0]) if tiles else None


def _absolute(name: str) -> str:
    """A name that is good in another process; a slash at its end stays."""
    return str(Path.cwd() / name) + (os.sep if name.endswith(os.sep) else "")


def absolute_settings(settings: Settings) -> Settings:
    """The same with names of files that are good in another process."""
    dream, mask = settings.dream, settings.footage.mask
    files = {"weights": dream.weights, "guide": dream.guide, "sound": settings.change.sound, "mask": mask}
    return settings.override({name: path.absolute() for name, path in files.items() if path})


def check_running(storage: FrameStorage, token: str) -> None:
    """End the work if its run does not want it any more.

    Raises:
        Stopped: It does not.
    """
    if not storage.is_running(token):
        raise Stopped(f"{storage.path}: stopped; the same command goes on from there")


def order_parts(parts: Iterable[Part]) -> list[Part]:
    """The order in which parts are begun: those of a shot from both of its ends by turns.

    Its keys are dreamed from its middle on, so that neighbours would wait for the same ones.
    """
    found: list[Part] = []
    for _, group in itertools.groupby(parts, lambda part: part.windows[0].segment.shot):
        of_shot = deque(group)
        while of_shot:
            found.append(of_shot.popleft())
            if of_shot:
                found.append(of_shot.pop())
    return found


class FilmTasks:
    """All tasks of a film, each once it can begin.

    Attributes:
        job: The film.
    """

    def __init__(self, job: FootageJob, *, check_network: bool = False) -> None:
        """Let work begin.

        Args:
            job: The film.
            check_network: Whether the first task is to see that the network can be had.
        """
        self.job, self._unchecked = job, check_network
        self._settings = absolute_settings(job.settings)
        self._token = job.folder.start_run()
        known = int((job.folder.journal.find("tile") or {"side": 0})["side"])
        asked = 0 if job.settings.run.tile == "auto" else job.settings.run.tile
        self._tile = min(known, asked) or known or asked
        self._running: dict[int, Part] = {}
        self._warnings: set[str] = set()
        self._surveying = self._is_stopping = False
        self._waiting: list[Part] | None = None
        self._backwards = 0
        if job.plan is not None:
            self._divide()

    @property
    def is_over(self) -> bool:
        """Whether all parts are made."""
        return self.job.finished is not None or (self._waiting == [] and not self._running)

    @property
    def has_next(self) -> bool:
        """Whether a task can begin now."""
        return self._unchecked or (not self._surveying if self._waiting is None else bool(self._waiting))

    @property
    def remaining(self) -> float:
        """Pixels that are to be dreamed by tasks that have not begun."""
        size = self.job.footage.height * self.job.footage.width
        if self._waiting is None:
            return float(self.job.footage.frame_count or 0) * size
        return float(sum(part.stop - part.first for part in self._waiting)) * size

    def next(self) -> Task | None:
        """The next task, or None if none can begin now."""
        job = self.job
        if self._unchecked:
            self._unchecked = False
            return NetworkTask(self._settings)
        if self._waiting is None:
            if self._surveying:
                return None
            self._surveying = True
            return SurveyTask(job.source.absolute(), self._settings, job.folder.path, self._token, job.footage.seen)
        if not self._waiting:
            return None
        part = self._waiting.pop(0)
        self._running[part.number] = part
        assert job.plan is not None
        return PartTask(
            job.source.absolute(), _absolute(job.places.name), self._settings, job.folder.path, self._token,
            job.plan.survey, part.number, self._tile,
        )  # fmt: skip

    def ended(self, task: Task, outcome: Outcome) -> None:
        """Take note of what became of a task, and pass on what it warned of.

        Raises:
            FramedreamError: It failed.
        """
        for warning in outcome.warnings:
            if warning not in self._warnings:  # Each part may warn of the same.
                self._warnings.add(warning)
                log.warning("%s", warning)
        if outcome.state == "failed":
            raise error_of(outcome)
        if outcome.state == "stopped" and not self._is_stopping:
            raise OutputError(f"{self.job.folder.path}: the file {RUNNING} in it has gone; run the same command again")
        if outcome.state == "done" and isinstance(task, PartTask):
            part = self._running.pop(task.number)
            self._backwards += (self.job.folder.read_progress(part.number) or [0, 0])[1]
            if outcome.value and not 0 < self._tile <= outcome.value:
                self._tile = outcome.value
                self.job.folder.note("tile", side=self._tile)
        if outcome.state == "done" and isinstance(task, SurveyTask):
            self.job.surveyed(outcome.value)
            self._divide()

    def stop(self) -> None:
        """Let running tasks end after the frame in hand."""
        self._is_stopping = True
        self.job.folder.end_run()

    def progress(self) -> Progress | None:
        """How far the film is, or None before it is known how long it is."""
        plan = self.job.plan
        if plan is None or self._waiting is None:
            return None
        told = [self.job.folder.read_progress(number) or [0, 0, part.first] for number, part in self._running.items()]
        open_frames = sum(part.stop - part.first for part in (*self._waiting, *self._running.values()))
        frames = len(plan.survey.times)
        done = frames - open_frames + sum(stage[0] for stage in told)
        shot = plan.shot_of(min((stage[2] for stage in told), default=frames - 1))
        return Progress(done, frames, shot, plan.shots, self._backwards + sum(stage[1] for stage in told))

    def _divide(self) -> None:
        self._waiting = order_parts(self.job.missing())
        for part in self._waiting:
            self.job.folder.write_progress(part.number)
