"""Dreams a video; a stopped run resumes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from framedream.config.settings import Settings
from framedream.film.dreamers import dreamer_for
from framedream.film.film_tasks import FilmTasks, NetworkTask
from framedream.film.footage_job import FootageJob
from framedream.film.local_runner import Film, LocalRunner, log_resuming
from framedream.film.part_maker import render_plan
from framedream.film.progress import ProgressCallback
from framedream.film.survey import survey_footage
from framedream.workers.dispatcher import dispatch
from framedream.workers.gpu_discovery import find_gpus
from framedream.workers.tasks import WorkerSlots, outcome_error
from framedream.workers.worker_pool import hide_gpus, reserve_core, runs_in_process, worker_pool

LONG_FOOTAGE = 1000
"""Frames from which reading all footage takes long enough to check the network first."""


def dream_video(
    source: Path | str,
    target: Path | str,
    settings: Settings | None = None,
    *,
    progress: ProgressCallback | None = None,
    work: Path | str | None = None,
    restart: bool = False,
    stop: Callable[[], bool] = lambda: False,
    finished_with: Callable[[Film], None] = lambda film: None,
) -> Film:
    """Dream a film: every frame, its dream sticking to what moves, with its sound and timing.

    Dreamed frames are kept in a work folder, so the same call resumes an interrupted run; the film
    is identical to the last bit. ``target`` appears, or
    is replaced, only once the film is complete; then the work folder is removed.

    Args:
        source: A video, a folder of images, or an animated image.
        target: The film; its suffix names the container. A name without one, or with a
            slash at its end, is a folder of PNGs.
        settings: Everything else; see `Settings`.
        progress: Called after each frame of the forward and the backward pass.
        work: The work folder. Default: beside the film, with the suffix ``.framedream``.
        restart: Discard the work folder and start over.
        stop: Called after each frame; once it returns True, the current frame is stored and the run ends.
        finished_with: Called with the finished film before the work folder is removed.

    Returns:
        The finished film.

    Raises:
        SettingsError: A setting cannot be used, such as a layer the model does not have, or the
            work folder belongs to a run with other settings.
        InputError: The footage cannot be read, or the weights are not available.
        OutputError: The film cannot be written.
        LockedError: Another run is making the film.
        DeviceError: A device or its worker failed repeatedly, or the cluster is unusable.
        Stopped: ``stop`` returned True.
    """
    began = time.monotonic()
    with FootageJob(source, target, settings or Settings(), work=work, restart=restart) as job:
        if job.finished is None:
            _make(job, stop, progress)
        assert job.finished is not None
        made = Film(job.path, *job.finished, time.monotonic() - began)
        finished_with(made)
        job.folder.remove()
    return made


def _make(job: FootageJob, stop: Callable[[], bool], progress: ProgressCallback | None) -> None:
    """Dream the film in this process or with workers."""
    runner, run = LocalRunner(job, stop, progress), job.settings.run
    if runs_in_process(run):
        return _make_in_process(job, runner)
    if job.plan is None and run.scheduler is None and run.devices == "auto" and not find_gpus():
        # The number of parts decides how the cores are shared.
        if (job.footage.frame_count or LONG_FOOTAGE) >= LONG_FOOTAGE:
            _check_network(job)
        job.surveyed(survey_footage(job.footage, job.settings, runner.check))
    with worker_pool(run, job.folder.path, len(job.plan.parts) if job.plan else None) as workers:
        if workers is None:
            return _make_in_process(job, runner)
        make_with(workers, job, stop, progress)


def _check_network(job: FootageJob) -> None:
    """Check in another process that the network loads, before all footage is read."""
    with worker_pool(replace(job.settings.run, devices="cpu:2"), job.folder.path) as workers:
        assert workers is not None
        outcome = workers.submit(0, NetworkTask(job.settings)).result()
        if outcome.state != "done":
            raise outcome_error(outcome)


def make_with(
    workers: WorkerSlots, job: FootageJob, stop: Callable[[], bool], progress: ProgressCallback | None
) -> None:
    """Dream the film with workers."""
    tasks = FilmTasks(job, check_network=job.plan is None)
    log_resuming(job)

    def tick(doing: Mapping[str, str]) -> None:
        known = tasks.progress()
        if known and progress:
            progress(replace(known, workers=doing))

    def check() -> None:
        if stop() or not tasks.is_finished:
            known = tasks.progress()
            raise job.stopped(known.frame if known else 0)

    dispatch(tasks, workers, stop=stop, stopping=tasks.stop, tick=tick)
    tasks.stop()
    check()
    job.assemble(check)


def _make_in_process(job: FootageJob, runner: LocalRunner) -> None:
    """Dream the film in this process."""
    hide_gpus()
    reserve_core(job.settings)
    if job.plan is None:
        dreamer_for(job.settings)  # Fails early, before all footage is read.
        job.surveyed(survey_footage(job.footage, job.settings, runner.check))
    assert job.plan is not None
    render = render_plan(job.footage, partial(dreamer_for, job.settings), job.settings, job.folder, job.plan)
    runner.make(render, is_carried=job.settings.motion.flow != "none")
