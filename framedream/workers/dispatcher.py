"""Gives tasks to workers until none is left; replaces workers that die and repeats their tasks."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from typing import Protocol

from framedream.errors import DeviceError, OutOfMemory, Stopped
from framedream.workers.tasks import Outcome, Task, WorkerSlots

log = logging.getLogger(__name__)

STOP_TIMEOUT = 60.0
"""Seconds that running tasks have to stop by themselves after an error."""


class TaskSource(Protocol):
    """Supplies tasks and receives their outcomes; called by one thread only."""

    def next_task(self) -> Task | None:
        """The best task that can start now, or None if all remaining ones wait for running tasks."""
        ...

    def finish(self, task: Task, outcome: Outcome) -> None:
        """Receive the outcome of a task, which may make more tasks available.

        Args:
            task: The task that `next_task` returned, even if a smaller one ran in its place.
            outcome: ``done``, ``stopped`` or ``failed``.
        """
        ...

    @property
    def is_finished(self) -> bool:
        """Whether no more tasks will come."""
        ...


@dataclass(frozen=True)
class _Assignment:
    """A task in progress.

    Attributes:
        source_task: The task as the source supplied it.
        task: The task that runs: the same, or a smaller one.
        deaths: How many workers have died of it.
        warnings: What earlier attempts logged.
    """

    source_task: Task
    task: Task
    deaths: int = 0
    warnings: tuple[str, ...] = ()


def dispatch(
    source: TaskSource,
    workers: WorkerSlots,
    *,
    stop: Callable[[], bool],
    stopping: Callable[[], None],
    tick: Callable[[Mapping[str, str]], None],
    max_deaths: int = 3,
    tick_interval: float = 0.2,
    stop_timeout: float = STOP_TIMEOUT,
) -> None:
    """Keep all workers busy until the source is finished.

    A task whose worker dies is repeated before all others. A task that runs out of memory is replaced by the
    result of its method ``smaller()``, if it has one, in a new process.

    Args:
        source: Supplies tasks, and receives the outcome of each.
        workers: Run the tasks. They are closed only if an error leaves tasks running that do not stop.
        stop: Called repeatedly; once it returns True, no task starts, and the running ones are awaited.
        stopping: Asks running tasks to stop soon; called once.
        tick: Called every ``tick_interval`` seconds with the label of the running task of each busy slot, by name.
        max_deaths: Number of workers that may die of a task before it has failed.
        tick_interval: Seconds between two calls of ``tick`` and ``stop``.
        stop_timeout: Seconds that running tasks have to stop by themselves after an error.

    Raises:
        RuntimeError: No task runs and none can start, although the source is not finished.
        BaseException: An error of the source, ``stop`` or ``tick``, raised after the running tasks have ended.
    """
    dispatcher = _Dispatcher(source, workers, max_deaths)
    is_stopping = False
    try:
        while True:
            dispatcher.collect(is_stopping)
            if not is_stopping and stop():
                is_stopping = True
                stopping()
            if is_stopping:
                dispatcher.cancel_repeats()
            else:
                dispatcher.start_tasks()
            tick(dispatcher.running_labels())
            if not dispatcher.running and (is_stopping or dispatcher.is_finished):
                return
            dispatcher.wait(tick_interval)
    except BaseException:
        try:
            if not is_stopping:
                stopping()
            dispatcher.wait_for_all(stop_timeout)
        finally:
            if dispatcher.is_busy:
                workers.close()
        raise


class _Dispatcher:
    """The running task of each slot, and the tasks to repeat."""

    def __init__(self, source: TaskSource, workers: WorkerSlots, max_deaths: int) -> None:
        self.running: dict[int, tuple[_Assignment, Future[Outcome]]] = {}
        self._repeat: deque[_Assignment] = deque()
        self._source = source
        self._workers = workers
        self._max_deaths = max_deaths

    @property
    def is_finished(self) -> bool:
        return not self.running and not self._repeat and self._source.is_finished

    @property
    def is_busy(self) -> bool:
        return any(not future.done() for _, future in self.running.values())

    def running_labels(self) -> dict[str, str]:
        return {
            self._workers.names[slot]: assignment.task.label for slot, (assignment, _) in sorted(self.running.items())
        }

    def start_tasks(self) -> None:
        """Start a task in each free slot, as long as the source supplies tasks."""
        for slot in range(len(self._workers.names)):
            if slot in self.running:
                continue
            assignment = self._repeat.popleft() if self._repeat else self._next_assignment()
            if assignment is None:
                break
            self.running[slot] = assignment, self._workers.submit(slot, assignment.task)
        if not self.running and not self.is_finished:
            raise RuntimeError("no task runs, and none can start, although some are left")

    def _next_assignment(self) -> _Assignment | None:
        task = None if self._source.is_finished else self._source.next_task()
        return None if task is None else _Assignment(task, task)

    def collect(self, is_stopping: bool) -> None:
        """Handle the tasks that have ended."""
        for slot in [slot for slot, (_, future) in self.running.items() if future.done()]:
            assignment, future = self.running.pop(slot)
            outcome = future.result()
            if outcome.state in ("lost", "out_of_memory"):
                self._workers.replace(slot)
                if is_stopping:
                    self._finish(assignment, _stopped(outcome))
                elif outcome.state == "lost":
                    self._repeat_lost(assignment, outcome)
                else:
                    self._retry_smaller(assignment, outcome)
            else:
                self._finish(assignment, outcome)

    def _repeat_lost(self, assignment: _Assignment, outcome: Outcome) -> None:
        label = assignment.task.label
        assignment = replace(assignment, deaths=assignment.deaths + 1)
        if assignment.deaths < self._max_deaths:
            log.warning("%s: %s; the task is repeated", label, outcome.problem)
            self._repeat.appendleft(assignment)
            return
        times = "once" if assignment.deaths == 1 else f"{assignment.deaths} times"
        problem = (
            f"{label}: its worker died {times} (the last time: {outcome.problem}); "
            "the machine may be short of memory: use fewer workers and run again"
        )
        self._finish(assignment, replace(outcome, state="failed", problem=problem, exit_code=DeviceError.exit_code))

    def _retry_smaller(self, assignment: _Assignment, outcome: Outcome) -> None:
        make = getattr(assignment.task, "smaller", None)
        smaller: Task | None = None if make is None else make()
        label = assignment.task.label
        problem = outcome.problem if outcome.problem.startswith(label) else f"{label}: {outcome.problem}"
        if smaller is None:
            self._finish(assignment, replace(outcome, state="failed", problem=problem, exit_code=OutOfMemory.exit_code))
            return
        log.warning("%s; it continues in smaller steps", problem)
        self._repeat.appendleft(
            replace(assignment, task=smaller, deaths=0, warnings=assignment.warnings + outcome.warnings)
        )

    def cancel_repeats(self) -> None:
        """Report the tasks that would have been repeated as stopped."""
        while self._repeat:
            self._finish(self._repeat.popleft(), _stopped(Outcome("stopped")))

    def _finish(self, assignment: _Assignment, outcome: Outcome) -> None:
        self._source.finish(assignment.source_task, replace(outcome, warnings=assignment.warnings + outcome.warnings))

    def wait(self, seconds: float) -> None:
        """Wait until a task has ended, at most for this many seconds."""
        wait([future for _, future in self.running.values()], timeout=seconds, return_when=FIRST_COMPLETED)

    def wait_for_all(self, seconds: float) -> None:
        """Wait until no task runs, at most for this many seconds."""
        until = time.monotonic() + seconds
        # In short steps, so that signals are handled between them.
        while self.is_busy and time.monotonic() < until:
            wait([future for _, future in self.running.values()], timeout=0.2)


def _stopped(outcome: Outcome) -> Outcome:
    """Turn an outcome into a stopped one: during a stop, the next run does every task that has not finished."""
    problem = outcome.problem or "stopped before it finished"
    return replace(outcome, state="stopped", problem=problem, exit_code=Stopped.exit_code)
