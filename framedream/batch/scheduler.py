"""A batch on many workers: films in parts, stills in handfuls, the longest first."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from framedream.batch.finished_items import FOLDER
from framedream.batch.item_layout import BatchLayout, estimate_work, usable_settings
from framedream.batch.ledger import Ledger
from framedream.batch.still_tasks import StillsTask, absolute_items
from framedream.config.settings import Settings
from framedream.errors import FramedreamError
from framedream.film.film_tasks import FilmTasks, NetworkTask
from framedream.film.footage_job import FootageJob
from framedream.film.local_runner import Film
from framedream.film.progress import BatchProgress, Progress
from framedream.store.frame_storage import FrameStorage
from framedream.workers.dispatcher import dispatch
from framedream.workers.log_capture import capture_log
from framedream.workers.tasks import Outcome, Task, WorkerSlots, outcome_error

log = logging.getLogger(__name__)

_HANDFUL = 16
"""Stills of a task, at most: each costs a worker little more than its dream."""


def schedule_batch(
    ledger: Ledger,
    makers: BatchLayout,
    workers: WorkerSlots,
    stop: Callable[[], bool],
    progress: Callable[[BatchProgress], None],
) -> None:
    """Do every item of a batch.

    Args:
        ledger: The items.
        makers: What they have in common.
        workers: Who does them.
        stop: Asked now and then; once it says True, the frames in hand are stored and the run ends.
        progress: Told now and then where the batch stands.

    Raises:
        SettingsError: A network does not have a layer.
        InputError: Weights are not to be had.
        Stopped: ``stop`` said so.
    """
    with ThreadPoolExecutor(1) as finisher:
        batch = _Spread(ledger, makers, len(workers.names), finisher)
        try:
            dispatch(batch, workers, stop=stop, stopping=batch.stop, tick=lambda doing: progress(batch.progress(doing)))
            finisher.shutdown()
            batch.note_ends()
            progress(batch.progress({}))
        finally:
            finisher.shutdown()
            batch.close()
        if not batch.is_complete:
            raise ledger.end_early()


@dataclass
class _Open:
    """A film at work.

    Attributes:
        number: The item's.
        tasks: What is to be done for it.
        began: When it was begun.
        warnings: What was warned of.
        broken: Whether it has failed, and only waits for what still runs.
        running: Tasks of it that run.
    """

    number: int
    tasks: FilmTasks
    began: float
    warnings: list[str]
    broken: bool = False
    running: int = 0


class _Spread:
    """Gives out the tasks of a batch."""

    def __init__(self, ledger: Ledger, makers: BatchLayout, slots: int, finisher: ThreadPoolExecutor) -> None:
        self._ledger, self._makers, self._slots, self._finisher = ledger, makers, slots, finisher
        self._desk = FrameStorage(makers.target / FOLDER)
        self._token = self._desk.start_run()
        good = [item for item in ledger.items if not item.problem]
        self._networks: list[Settings] = list({item.settings.dream: item.settings for item in good}.values())
        self._sizes = {number: estimate_work(item) for number, item in enumerate(ledger.items)}
        films = [number for number, item in enumerate(ledger.items) if item.kind != "still"]
        self._films = sorted(films, key=lambda number: -self._sizes[number])
        self._stills = [number for number, item in enumerate(ledger.items) if item.kind == "still"]
        self._suspects: set[int] = set()
        self._open: list[_Open] = []
        self._owners: dict[int, _Open] = {}
        self._ends: list[Future[None]] = []
        self._frames = 0
        self._ended = 0

    @property
    def is_finished(self) -> bool:
        """Whether there will be no more tasks."""
        return not (self._networks or self._films or self._stills or self._open)

    @property
    def is_complete(self) -> bool:
        """Whether every item has been made, or cannot be."""
        return self._ended == len(self._ledger.items)

    def next_task(self) -> Task | None:
        """A part of the film with most to be done, or the next film, or a handful of stills."""
        if self._networks:
            return NetworkTask(self._networks.pop())
        while True:
            ready = [film for film in self._open if film.tasks.has_next and not film.broken]
            largest = max(ready, key=lambda film: film.tasks.remaining, default=None)
            if self._films and (largest is None or self._sizes[self._films[0]] > largest.tasks.remaining):
                self._begin_film(self._films.pop(0))
            elif largest is not None:
                return self._task_of(largest)
            elif self._stills:
                task = self._handful()
                if task:
                    return task
            else:
                return None

    def finish(self, task: Task, outcome: Outcome) -> None:
        """Take note of what became of a task; what it was of may be complete now, or have failed."""
        if isinstance(task, NetworkTask):
            if outcome.state == "failed":
                raise outcome_error(outcome)
        elif isinstance(task, StillsTask):
            self._stills_ended(task, outcome)
        else:
            self._film_ended(self._owners.pop(id(task)), task, outcome)

    def stop(self) -> None:
        """Let running tasks end after the frame in hand."""
        self._desk.end_run()
        for film in self._open:
            film.tasks.stop()

    def close(self) -> None:
        """Let go of the work folders of films that are not complete."""
        self._desk.end_run()
        for film in self._open:
            if not film.broken:
                self._ledger.stopped(film.number, str(film.tasks.job.stopped(self._done(film))))
            film.tasks.job.__exit__(None, None, None)
        self._open = []

    def note_ends(self) -> None:
        """See that all films that were put together are; what went wrong there is raised."""
        for end in self._ends:
            end.result()

    def progress(self, doing: Mapping[str, str]) -> BatchProgress:
        """Where the batch stands, all films together."""
        frames = self._frames + sum(self._done(film) for film in self._open)
        inner = Progress(frames, None, 0, 0, workers=doing)
        return BatchProgress(self._ended, len(self._ledger.items), "", inner, ended=True)

    def _done(self, film: _Open) -> int:
        known = film.tasks.progress()
        return known.frame if known else 0

    def _begin_film(self, number: int) -> None:
        item, warnings = self._ledger.items[number], list[str]()
        began = time.monotonic()
        try:
            with capture_log(warnings, this_thread_only=True):
                if not self._ledger.begin(number):
                    self._ended += 1
                    return
                job = FootageJob(
                    item.source, item.target, usable_settings(item),
                    work=self._makers.work_folder(item), restart=self._makers.restart,
                )  # fmt: skip
            film = _Open(number, FilmTasks(job), began, warnings)
        except Exception as error:
            self._ended += 1
            self._ledger.failed(number, error, warnings)
            return
        self._open.append(film)
        self._finish_if_over(film)

    def _task_of(self, film: _Open) -> Task:
        task = film.tasks.next_task()
        assert task is not None
        film.running += 1
        self._owners[id(task)] = film
        return task

    def _film_ended(self, film: _Open, task: Task, outcome: Outcome) -> None:
        film.running -= 1
        film.warnings += [warning for warning in outcome.warnings if warning not in film.warnings]
        try:
            if not film.broken:
                film.tasks.finish(task, outcome)
        except Exception as error:
            film.broken = True
            film.tasks.stop()
            self._ledger.failed(film.number, error, film.warnings)
        if film.broken and not film.running:
            self._ended += 1
            self._open.remove(film)
            film.tasks.job.__exit__(None, None, None)
        else:
            self._finish_if_over(film)

    def _finish_if_over(self, film: _Open) -> None:
        if not film.broken and film.tasks.is_finished:
            self._open.remove(film)
            self._frames += self._done(film)
            self._ends.append(self._finisher.submit(self._finish, film))

    def _finish(self, film: _Open) -> None:
        """Put a film together, in a thread of its own: workers go on meanwhile."""
        job = film.tasks.job
        try:
            with job, capture_log(film.warnings, this_thread_only=True):
                film.tasks.stop()
                if job.finished is None:
                    job.assemble(lambda: None)
                assert job.finished is not None
                made = Film(job.path, *job.finished, time.monotonic() - film.began)
                self._ledger.finished(film.number, made, film.warnings)
                job.folder.remove()
            self._ledger.illustrate(film.number)
        except Exception as error:
            self._ledger.failed(film.number, error, film.warnings)
        finally:
            self._ended += 1

    def _handful(self) -> StillsTask | None:
        """Some stills with the same settings: as many as leave work for all workers."""
        count = min(_HANDFUL, max(1, len(self._stills) // (2 * self._slots)))
        if self._stills[0] in self._suspects:
            count = 1
        first = self._ledger.items[self._stills[0]].settings.dream
        alike = [number for number in self._stills if self._ledger.items[number].settings.dream == first][:count]
        self._stills = [number for number in self._stills if number not in alike]
        chosen = []
        for number in alike:
            try:
                if self._ledger.begin(number):
                    chosen.append(number)
                    continue
            except Exception as error:
                self._ledger.failed(number, error, ())
            self._ended += 1
        if not chosen:
            return None
        items = absolute_items(self._ledger.items[number] for number in chosen)
        return StillsTask(items, tuple(chosen), self._desk.path.absolute(), self._token)

    def _stills_ended(self, task: StillsTask, outcome: Outcome) -> None:
        if outcome.state == "stopped":
            for number in task.numbers:
                self._ledger.stopped(number, "stopped before it was done")
            return
        if outcome.state == "failed" and len(task.numbers) > 1:
            # Its workers died, of one of them: each is tried for itself.
            self._stills[:0] = task.numbers
            self._suspects.update(task.numbers)
            return
        ends = outcome.value or [(outcome, outcome.warnings, 0.0)] * len(task.numbers)
        for number, (end, warnings, seconds) in zip(task.numbers, ends, strict=True):
            for warning in warnings:
                log.warning("%s", warning)
            if end.state == "stopped":
                self._ledger.stopped(number, end.problem)
                continue
            self._ended += 1
            if end.state != "done":
                self._ledger.failed(number, _outcome_error(end), warnings)
                continue
            try:
                self._ledger.finished(number, Film(self._ledger.items[number].target, 1, 1, seconds), warnings)
                self._ledger.illustrate(number)
            except FramedreamError as error:
                self._ledger.failed(number, error, warnings)


def _outcome_error(outcome: Outcome) -> Exception:
    return outcome_error(replace(outcome, state="failed"))
