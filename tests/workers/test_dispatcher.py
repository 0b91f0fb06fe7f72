"""Dispatching: every task is done, lost tasks are repeated, and it ends on a stop or an error."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import pytest
from stand_in_tasks import Hang, Heavy, Pin, Raise, Say, Warn, Write

from framedream.workers import dispatcher as dispatching
from framedream.workers.dispatcher import dispatch
from framedream.workers.local_workers import LocalWorkers
from framedream.workers.tasks import Outcome, Task, run_task


class Queue:
    """A source that supplies tasks in order and records their outcomes."""

    def __init__(self, *tasks: Task, follow_ups: tuple[Task, ...] = ()) -> None:
        self.tasks = list(tasks)
        self.follow_ups = list(follow_ups)
        self.given: list[Task] = []
        self.outcomes: list[tuple[Task, Outcome]] = []

    def next_task(self) -> Task | None:
        if not self.tasks:
            return None
        self.given.append(self.tasks.pop(0))
        return self.given[-1]

    def finish(self, task: Task, outcome: Outcome) -> None:
        self.outcomes.append((task, outcome))
        if not self.tasks and self.follow_ups:
            self.tasks.append(self.follow_ups.pop(0))

    @property
    def is_finished(self) -> bool:
        return not self.tasks and not self.follow_ups

    def states(self) -> list[str]:
        return [outcome.state for _, outcome in self.outcomes]


@dataclass(frozen=True)
class Wait:
    """Waits in a thread of this process for an event."""

    event: threading.Event
    label: str = "wait"

    def run(self) -> str:
        assert self.event.wait(30)
        return "waited"


class Threads:
    """Slots that are threads; scripted outcomes come before those of the tasks."""

    def __init__(self, slots: int = 2, *script: Outcome) -> None:
        self.names = [f"slot {slot}" for slot in range(slots)]
        self.script = list(script)
        self.replaced: list[int] = []
        self.submitted: list[Task] = []
        self.most = self.busy = 0
        self.is_closed = False

    def submit(self, slot: int, task: Task) -> Future[Outcome]:
        future: Future[Outcome] = Future()
        self.submitted.append(task)
        self.busy += 1
        self.most = max(self.most, self.busy)
        threading.Thread(target=self._run, args=(task, future), daemon=True).start()
        return future

    def _run(self, task: Task, future: Future[Outcome]) -> None:
        outcome = self.script.pop(0) if self.script else Outcome("done", task.run())
        self.busy -= 1
        future.set_result(outcome)

    def replace(self, slot: int) -> None:
        self.replaced.append(slot)

    def close(self) -> None:
        self.is_closed = True


LOST = Outcome("lost", problem="the worker process ended (SIGKILL(-9))", exit_code=7)


def go(source: Queue, workers, stop: Callable[[], bool] = lambda: False, **options) -> list[dict[str, str]]:
    """Dispatch, and return the labels that each tick received."""
    ticks: list[dict[str, str]] = []
    defaults = {"stopping": lambda: None, "tick": lambda labels: ticks.append(dict(labels)), "tick_interval": 0.02}
    dispatch(source, workers, stop=stop, **defaults | options)
    return ticks


@pytest.fixture
def processes() -> Iterator[LocalWorkers]:
    made = LocalWorkers([Pin("a"), Pin("b")], ["A", "B"])
    yield made
    made.close()


def test_all_slots_share_all_tasks_including_later_ones():
    source = Queue(*(Say(f"{n}") for n in range(7)), follow_ups=(Say("7"), Say("8")))
    workers = Threads(3)
    ticks = go(source, workers)
    assert sorted(task.label for task, _ in source.outcomes) == list("012345678")
    assert set(source.states()) == {"done"}
    assert ticks[0] == {"slot 0": "0", "slot 1": "1", "slot 2": "2"}
    assert ticks[-1] == {}


def test_slots_work_at_the_same_time_while_ticks_go_on():
    event = threading.Event()
    workers = Threads(3)
    threading.Timer(0.2, event.set).start()
    ticks = go(Queue(*[Wait(event)] * 3), workers)
    assert workers.most == 3
    assert len(ticks) > 5


def test_a_lost_task_is_repeated_first_in_a_new_process(caplog):
    source, workers = Queue(Say("first"), Say("second")), Threads(1, LOST)
    go(source, workers)
    assert [task.label for task in workers.submitted] == ["first", "first", "second"]
    assert [task.label for task, _ in source.outcomes] == ["first", "second"]
    assert workers.replaced == [0]
    assert "first" in caplog.text and "repeated" in caplog.text


@pytest.mark.parametrize(("deaths", "times"), [(1, "once"), (3, "3 times")])
def test_a_task_that_kills_its_workers_fails_alone(deaths, times):
    source, workers = Queue(Say("bad"), Say("good")), Threads(1, *[LOST] * deaths)
    go(source, workers, max_deaths=deaths)
    (task, outcome), (_, good) = source.outcomes
    assert (task.label, outcome.state, outcome.exit_code, good.state) == ("bad", "failed", 7, "done")
    assert outcome.problem.startswith(f"bad: its worker died {times}") and "fewer workers" in outcome.problem
    assert "\n" not in outcome.problem
    assert len(workers.submitted) == deaths + 1


def test_a_task_that_is_too_big_continues_smaller_in_new_processes(processes, caplog):
    source = Queue(Heavy(4))
    go(source, processes)
    ((task, outcome),) = source.outcomes
    assert task is source.given[0]
    assert (outcome.state, outcome.value[0]) == ("done", 1)
    assert caplog.text.count("smaller") == 2


@pytest.mark.parametrize("task", [Heavy(4, least=4), Raise("OutOfMemory", "no memory left")])
def test_a_task_that_cannot_shrink_fails_and_its_process_is_replaced(task):
    source, workers = Queue(task, Say()), Threads(1, run_task(task, None))
    go(source, workers)
    assert source.states() == ["failed", "done"]
    failed = source.outcomes[0][1]
    assert failed.exit_code == 7 and failed.problem.startswith(f"{task.label}: ")
    assert workers.replaced == [0]


def test_a_smaller_task_keeps_the_earlier_warnings():
    source = Queue(Heavy(2))
    go(
        source,
        Threads(1, Outcome("out_of_memory", problem="full", warnings=("w1",)), Outcome("done", warnings=("w2",))),
    )
    assert source.outcomes[0][1].warnings == ("w1", "w2")


def test_a_stop_waits_for_running_tasks_and_starts_no_others():
    event, calls = threading.Event(), []
    source = Queue(Wait(event, "1"), Wait(event, "2"), Say("3"))
    began = time.monotonic()

    def stopping() -> None:
        calls.append(1)
        event.set()

    go(source, Threads(2), stop=lambda: time.monotonic() > began + 0.1, stopping=stopping)
    assert calls == [1]
    assert sorted(task.label for task, _ in source.outcomes) == ["1", "2"]


@pytest.mark.parametrize("state", ["lost", "out_of_memory"])
def test_a_task_that_is_lost_during_a_stop_counts_as_stopped(state):
    event = threading.Event()
    source, workers = Queue(Heavy(2)), Threads(1)
    workers._run = lambda task, future: (event.wait(30), future.set_result(Outcome(state)))
    go(source, workers, stop=lambda: bool(workers.submitted), stopping=event.set)
    ((_, outcome),) = source.outcomes
    assert (outcome.state, outcome.exit_code, len(workers.submitted)) == ("stopped", 130, 1)


def test_a_task_to_repeat_counts_as_stopped_after_a_stop():
    source, workers = Queue(Say("lost"), Say("never")), Threads(1, LOST)
    go(source, workers, stop=lambda: bool(workers.replaced))
    assert [(task.label, outcome.state) for task, outcome in source.outcomes] == [("lost", "stopped")]


class Breaks(Queue):
    """Fails to receive outcomes."""

    def finish(self, task: Task, outcome: Outcome) -> None:
        raise OSError("disk full")


def test_an_error_of_the_source_is_raised_after_the_running_tasks():
    event, calls = threading.Event(), []
    waiting = Wait(event)
    workers = Threads(2)

    def stopping() -> None:
        calls.append(1)
        threading.Timer(0.3, event.set).start()

    with pytest.raises(OSError, match="disk full"):
        go(Breaks(Say(), waiting, Say("never")), workers, stopping=stopping)
    assert calls == [1] and workers.busy == 0
    assert [task.label for task in workers.submitted] == ["say", "wait"]
    assert not workers.is_closed


def test_an_error_closes_workers_whose_tasks_do_not_stop(processes, tmp_path):
    began = time.monotonic()
    path = tmp_path / "pid"

    def tick(_doing) -> None:
        if path.exists() and path.read_text():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(Queue(Hang(path)), processes, tick=tick, stop_timeout=0.5)
    assert time.monotonic() - began < 10
    assert not Path(f"/proc/{path.read_text()}").exists()


def test_a_second_interrupt_closes_the_workers_at_once(monkeypatch):
    event, workers = threading.Event(), Threads(1)

    def interrupted(*_arguments, **_options) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(dispatching, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        go(Queue(Wait(event)), workers)
    event.set()
    assert workers.is_closed


def test_a_stuck_source_raises_an_error():
    source = Queue(follow_ups=(Say(),))
    with pytest.raises(RuntimeError, match="none can start"):
        go(source, Threads(1))


def test_all_tasks_get_an_outcome_when_real_processes_die_and_fail(processes, tmp_path):
    source = Queue(Write(tmp_path / "a", dies=2, label="a"), Raise("InputError"), Warn(), *(Say() for _ in range(4)))
    go(source, processes)
    ended = {task.label: outcome for task, outcome in source.outcomes}
    assert len(source.outcomes) == 7
    assert ended["a"].state == "done" and len((tmp_path / "a").read_text().split()) == 3
    assert (ended["raise"].state, ended["raise"].exit_code) == ("failed", 4)
    assert ended["warn"].warnings == ("3 frames are missing",)
    assert ended["say"].state == "done"
