"""Giving tasks to workers until there are none left: who dies is replaced, what was lost is done again."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from typing import Protocol

from framedream.errors import DeviceError, OutOfMemory, Stopped
from framedream.workers.processes import WorkerSlots
from framedream.workers.tasks import Outcome, Task

log = logging.getLogger(__name__)

GRACE = 60.0
"""Seconds that running tasks have to end by themselves when an error ends everything."""


class TaskSource(Protocol):
    """Where tasks come from and what became of them goes to; called by one thread only."""

    def next(self) -> Task | None:
        """The best task that can begin now, or None if each that is left waits for one that runs."""
        ...

    def ended(self, task: Task, outcome: Outcome) -> None:
        """Take what became of a task, which may make more tasks available.

        Args:
            task: The task as `next` gave it, also if a smaller one was run in its place.
            outcome: ``done``, ``stopped`` or ``failed``.
        """
        ...

    @property
    def is_over(self) -> bool:
        """Whether there will be no more tasks."""
        ...


@dataclass(frozen=True)
class _Errand:
    """A task on its way: as the source gave it, as it is run, and how many workers died of it."""

    given: Task
    run: Task
    deaths: int = 0
    warnings: tuple[str, ...] = ()


def dispatch(
    source: TaskSource,
    workers: WorkerSlots,
    *,
    stop: Callable[[], bool],
    stopping: Callable[[], None],
    tick: Callable[[Mapping[str, str]], None],
    tries: int = 3,
    every: float = 0.2,
) -> None:
    """Keep all workers busy until the source is over.

    A task whose worker dies is given out again before all others. One that runs out of memory is given
    out as what its method ``smaller()`` makes of it, if it has one, in a fresh process.

    Args:
        source: Gives tasks, and receives the outcome of each task that it gave.
        workers: Run them. They are not closed, unless an error finds tasks that do not end.
        stop: Whether to stop: what runs is waited for, nothing else begins.
        stopping: Makes running tasks end soon; called once if they are to.
        tick: Told each ``every`` seconds which slot, by name, is at which task, by label.
        tries: How many workers may die of a task before it has failed.
        every: Seconds.

    Raises:
        RuntimeError: Nothing runs, the source is not over, and yet no task can begin.
        BaseException: Whatever the source, ``stop`` or ``tick`` raised, after the running tasks have ended.
    """
    desk = _Desk(source, workers, tries)
    is_stopping = False
    try:
        while True:
            desk.collect(is_stopping)
            if not is_stopping and stop():
                is_stopping = True
                stopping()
            if is_stopping:
                desk.give_up()
            else:
                desk.hand_out()
            tick(desk.doing())
            if not desk.running and (is_stopping or desk.is_over):
                return
            desk.wait(every)
    except BaseException:
        try:
            if not is_stopping:
                stopping()
            desk.wait_for_all(GRACE)
        finally:
            if desk.is_busy:
                workers.close()
        raise


class _Desk:
    """Which slot is at what, and what is to be given out again."""

    def __init__(self, source: TaskSource, workers: WorkerSlots, tries: int) -> None:
        self.running: dict[int, tuple[_Errand, Future[Outcome]]] = {}
        self._again: deque[_Errand] = deque()
        self._source = source
        self._workers = workers
        self._tries = tries

    @property
    def is_over(self) -> bool:
        return not self.running and not self._again and self._source.is_over

    @property
    def is_busy(self) -> bool:
        return any(not future.done() for _, future in self.running.values())

    def doing(self) -> dict[str, str]:
        return {self._workers.names[slot]: errand.run.label for slot, (errand, _) in sorted(self.running.items())}

    def hand_out(self) -> None:
        """Give each free slot a task, as far as there are any."""
        for slot in range(len(self._workers.names)):
            if slot in self.running:
                continue
            errand = self._again.popleft() if self._again else self._fresh()
            if errand is None:
                break
            self.running[slot] = errand, self._workers.submit(slot, errand.run)
        if not self.running and not self.is_over:
            raise RuntimeError("no task runs, and none can begin, but there are some left")

    def _fresh(self) -> _Errand | None:
        task = None if self._source.is_over else self._source.next()
        return None if task is None else _Errand(task, task)

    def collect(self, is_stopping: bool) -> None:
        """Deal with the tasks that have ended."""
        for slot in [slot for slot, (_, future) in self.running.items() if future.done()]:
            errand, future = self.running.pop(slot)
            outcome = future.result()
            if outcome.state in ("lost", "out_of_memory"):
                self._workers.replace(slot)
                if is_stopping:
                    self._tell(errand, _stopped(outcome))
                elif outcome.state == "lost":
                    self._lost(errand, outcome)
                else:
                    self._out_of_memory(errand, outcome)
            else:
                self._tell(errand, outcome)

    def _lost(self, errand: _Errand, outcome: Outcome) -> None:
        label = errand.run.label
        errand = replace(errand, deaths=errand.deaths + 1)
        if errand.deaths < self._tries:
            log.warning("%s: %s; it is done again", label, outcome.problem)
            self._again.appendleft(errand)
            return
        times = "once" if errand.deaths == 1 else f"{errand.deaths} times"
        problem = (
            f"{label}: its worker died {times} (at last: {outcome.problem}); "
            "the machine may be short of memory: use fewer workers and run again"
        )
        self._tell(errand, replace(outcome, state="failed", problem=problem, exit_code=DeviceError.exit_code))

    def _out_of_memory(self, errand: _Errand, outcome: Outcome) -> None:
        make = getattr(errand.run, "smaller", None)
        smaller: Task | None = None if make is None else make()
        label = errand.run.label
        problem = outcome.problem if outcome.problem.startswith(label) else f"{label}: {outcome.problem}"
        if smaller is None:
            self._tell(errand, replace(outcome, state="failed", problem=problem, exit_code=OutOfMemory.exit_code))
            return
        log.warning("%s; it is done in smaller steps", problem)
        self._again.appendleft(replace(errand, run=smaller, deaths=0, warnings=errand.warnings + outcome.warnings))

    def give_up(self) -> None:
        """Tell the source of what would have been done again."""
        while self._again:
            self._tell(self._again.popleft(), _stopped(Outcome("stopped")))

    def _tell(self, errand: _Errand, outcome: Outcome) -> None:
        self._source.ended(errand.given, replace(outcome, warnings=errand.warnings + outcome.warnings))

    def wait(self, seconds: float) -> None:
        """Wait until a task has ended, but no longer than so many seconds."""
        wait([future for _, future in self.running.values()], timeout=seconds, return_when=FIRST_COMPLETED)

    def wait_for_all(self, seconds: float) -> None:
        """Wait until no task runs, but no longer than so many seconds."""
        until = time.monotonic() + seconds
        # In short steps, so that a signal is heard between them.
        while self.is_busy and time.monotonic() < until:
            wait([future for _, future in self.running.values()], timeout=0.2)


def _stopped(outcome: Outcome) -> Outcome:
    """A task that ended while all were to stop has stopped, whatever ended it: the next run does it."""
    problem = outcome.problem or "stopped before it was done"
    return replace(outcome, state="stopped", problem=problem, exit_code=Stopped.exit_code)
