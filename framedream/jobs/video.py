"""A clip in, a dreamed film out, however often the work at it is stopped."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from framedream.jobs.crew import crew, leave_gpus, works_here
from framedream.jobs.devices import find_gpus
from framedream.jobs.dispatch import dispatch
from framedream.jobs.dreaming import dreamer_for
from framedream.jobs.film_job import FilmJob
from framedream.jobs.film_tasks import FilmTasks, NetworkTask
from framedream.jobs.part import PartMaker, Stage
from framedream.jobs.plan import Plan
from framedream.jobs.progress import Progress, Report
from framedream.jobs.survey import look_through
from framedream.jobs.tasks import error_of
from framedream.jobs.workers import Workers
from framedream.settings import Settings

log = logging.getLogger("framedream")

_LONG = 1000
"""Frames of footage that is long to look through."""


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
        DeviceError: A device or its worker failed again and again, or a cluster cannot be used.
        Stopped: ``stop`` said so.
    """
    began = time.monotonic()
    with FilmJob(source, target, settings or Settings(), work=work, restart=restart) as job:
        if job.finished is None:
            _make(job, stop, progress)
        assert job.finished is not None
        made = Film(job.path, *job.finished, time.monotonic() - began)
        finished_with(made)
        job.folder.remove()
    return made


def _make(job: FilmJob, stop: Callable[[], bool], progress: Report | None) -> None:
    """Make a film wherever it is to be made."""
    here, run = _Here(job, stop, progress), job.settings.run
    if works_here(run):
        return here.make()
    if job.plan is None and run.scheduler is None and run.devices == "auto" and not find_gpus():
        # How the processor is best shared depends on how many parts there are.
        if (job.footage.frame_count or _LONG) >= _LONG:
            _check_network(job)
        job.surveyed(look_through(job.footage, job.settings, here.check))
    with crew(run, job.folder.path, len(job.plan.parts) if job.plan else None) as workers:
        if workers is None:
            return here.make()
        make_with(workers, job, stop, progress)


def _check_network(job: FilmJob) -> None:
    """See in another process that the network can be had, before all of the footage is read."""
    with crew(replace(job.settings.run, devices="cpu:2"), job.folder.path) as workers:
        assert workers is not None
        outcome = workers.submit(0, NetworkTask(job.settings)).result()
        if outcome.state != "done":
            raise error_of(outcome)


def make_with(workers: Workers, job: FilmJob, stop: Callable[[], bool], progress: Report | None) -> None:
    """Make a film with workers."""
    tasks = FilmTasks(job, check_network=job.plan is None)
    _tell_of_earlier(job)

    def tick(doing: Mapping[str, str]) -> None:
        known = tasks.progress()
        if known and progress:
            progress(replace(known, workers=doing))

    def check() -> None:
        if stop() or not tasks.is_over:
            known = tasks.progress()
            raise job.stopped(known.frame if known else 0)

    dispatch(tasks, workers, stop=stop, stopping=tasks.stop, tick=tick)
    tasks.stop()
    check()
    job.assemble(check)


class _Here:
    """Makes a film in this process."""

    def __init__(self, job: FilmJob, stop: Callable[[], bool], progress: Report | None) -> None:
        self._job, self._stop, self._report = job, stop, progress
        self._done = self._backwards = 0

    def make(self) -> None:
        """Do all that is still to be done."""
        job = self._job
        leave_gpus()
        if job.plan is None:
            dreamer_for(job.settings)  # A network that cannot be had is told before all of the footage is read.
            job.surveyed(look_through(job.footage, job.settings, self.check))
        missing = job.missing()
        _tell_of_earlier(job)
        plan = job.plan
        assert plan is not None
        frames = len(plan.survey.times)
        before = frames - sum(part.stop - part.first for part in missing)
        for part in missing:
            tell = partial(self._tell, plan, before, self._backwards)
            dreamer = partial(dreamer_for, job.settings)
            PartMaker(job.footage, job.film, job.settings, job.folder, plan, dreamer, self.check, tell).make(part)
            before += part.stop - part.first
        self._done = frames
        job.assemble(self.check)

    def _tell(self, plan: Plan, before: int, backwards: int, stage: Stage) -> None:
        self._done, self._backwards = before + stage.frame, backwards + stage.backwards
        if self._report:
            shot = plan.shot_of(stage.at)
            self._report(Progress(self._done, len(plan.survey.times), shot, plan.shots, self._backwards))

    def check(self) -> None:
        """End the run if that was asked for."""
        if self._stop():
            raise self._job.stopped(self._done)


def _tell_of_earlier(job: FilmJob) -> None:
    if job.plan and job.missing() and not job.folder.is_empty():
        log.info("%s: going on with what %s holds", job.path, job.folder.path)
