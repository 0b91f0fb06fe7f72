"""Makes a film in this process, without workers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from framedream.film.film_job import FilmJob
from framedream.film.part_maker import PartMaker, PartProgress, Render
from framedream.film.plan import Plan
from framedream.film.progress import Progress, ProgressCallback

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Film:
    """A finished film.

    Attributes:
        path: The file, or the folder of PNGs.
        frames: Number of frames.
        shots: Number of shots that were found.
        seconds: Duration of this run in seconds.
    """

    path: Path
    frames: int
    shots: int
    seconds: float


class LocalRunner:
    """Makes a film in this process.

    Args:
        job: The film.
        stop: Called after each frame; if it returns True, the run stops.
        report: Called after each frame.
    """

    def __init__(self, job: FilmJob, stop: Callable[[], bool], report: ProgressCallback | None) -> None:
        self._job, self._stop, self._report = job, stop, report
        self._done = self._backwards = 0

    def make(self, render: Render, *, is_carried: bool) -> None:
        """Make all missing parts and assemble the film; the job must have a plan.

        Args:
            render: Yields the dreamed frames of windows.
            is_carried: Whether each frame continues the dream of the one before it.
        """
        job = self._job
        missing = job.missing()
        log_resuming(job)
        plan = job.plan
        assert plan is not None
        frames = len(plan.survey.times)
        before = frames - sum(part.stop - part.first for part in missing)
        for part in missing:
            report = partial(self._report_progress, plan, before, self._backwards)
            PartMaker(render, is_carried, job.film, job.folder, plan, self.check, report).make(part)
            before += part.stop - part.first
        self._done = frames
        job.assemble(self.check)

    def check(self) -> None:
        """Stop the run if requested.

        Raises:
            Stopped: A stop was requested.
        """
        if self._stop():
            raise self._job.stopped(self._done)

    def _report_progress(self, plan: Plan, before: int, backwards: int, stage: PartProgress) -> None:
        self._done, self._backwards = before + stage.frame, backwards + stage.backwards
        if self._report:
            frames, shot = len(plan.survey.times), plan.shot_of(stage.at)
            if plan.is_chain:
                self._report(Progress(self._done, frames, 0, 0, beforehand=self._backwards))
            else:
                self._report(Progress(self._done, frames, shot, plan.shots, self._backwards))


def log_resuming(job: FilmJob) -> None:
    """Log that the work of an earlier run is resumed."""
    if job.plan and job.missing() and not job.folder.is_empty():
        log.info("%s: resuming from %s", job.path, job.folder.path)
