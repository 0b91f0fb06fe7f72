"""Tasks for worker processes, and what became of them.

A task travels to a worker by pickle and says there what happened by its outcome: an exception
would need its class, its arguments and its traceback to survive the journey.
"""

from __future__ import annotations

import functools
import logging
import pickle
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from framedream.errors import (
    DeviceError,
    FramedreamError,
    InputError,
    LockedError,
    OutOfMemory,
    OutputError,
    SettingsError,
    Stopped,
)

log = logging.getLogger("framedream")

Prepare = Callable[[], None]
"""Makes a process ready for tasks, for instance by pinning its device."""

TaskState = Literal["done", "stopped", "failed", "out_of_memory", "lost"]


class Task(Protocol):
    """A piece of work that can be pickled."""

    @property
    def label(self) -> str:
        """What the work is, in a few words, for a bar: ``"bunny.mp4 1/4"``."""
        ...

    def run(self) -> Any:
        """Do the work, in a worker; what is returned must be picklable."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    Attributes:
        state: ``done``; ``stopped`` on request; ``failed``; ``out_of_memory``; ``lost`` with its process.
        value: What the task returned, if it is done.
        problem: What went wrong, in one line.
        exit_code: The command's exit code for the problem.
        trace: The traceback in the worker.
        warnings: What was logged as a warning or worse while the task ran.
    """

    state: TaskState
    value: Any = None
    problem: str = ""
    exit_code: int = 0
    trace: str = ""
    warnings: tuple[str, ...] = ()


class RemoteTrace(Exception):
    """The traceback of an error in a worker, shown as the cause of the error in the parent."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


_one_at_a_time = threading.Lock()
_prepared: list[Any] = []


def run_task(task: Task, prepare: Prepare | None) -> Outcome:
    """Run a task in this process, which is made ready first if it is not yet.

    Args:
        task: What to do. Tasks of other threads of the process wait for it.
        prepare: Makes the process ready; what equals an earlier one is not called again.

    Returns:
        What became of the task. Nothing is raised.
    """
    return _perform(lambda: task, lambda: prepare)


def run_pickled_task(task: bytes, prepare: bytes) -> Outcome:
    """Run a task as `run_task` does; the process is ready before the task's modules are imported.

    Args:
        task: The task as `pickle_task`.
        prepare: What makes the process ready as `pickle_task`, or None.

    Returns:
        What became of the task. Nothing is raised, also if it cannot be unpickled here.
    """
    return _perform(lambda: pickle.loads(task), lambda: pickle.loads(prepare))


def pickle_task(thing: Task | Prepare | None) -> bytes:
    """A task, or what makes a process ready, for `run_pickled_task`."""
    return pickle.dumps(thing)


def error_of(outcome: Outcome) -> Exception:
    """The error that the parent raises for a task that is not done.

    Args:
        outcome: What became of the task.

    Returns:
        An error of the class that has the outcome's exit code, or a RuntimeError for what is a bug.
        Its cause is the traceback in the worker.

    Raises:
        ValueError: The task is done.
    """
    if outcome.state == "done":
        raise ValueError("a task that is done has no error")
    error: Exception
    if outcome.state == "stopped":
        error = Stopped(outcome.problem)
    elif outcome.state == "out_of_memory":
        error = OutOfMemory(outcome.problem)
    elif outcome.state == "lost":
        error = DeviceError(outcome.problem)
    else:
        kinds = (SettingsError, InputError, OutputError, LockedError, DeviceError)
        kind = {kind.exit_code: kind for kind in kinds}.get(outcome.exit_code, RuntimeError)
        error = kind(outcome.problem)
    if outcome.trace:
        error.__cause__ = RemoteTrace(outcome.trace)
    return error


def one_line(error: BaseException) -> str:
    """An error nobody foresaw, in one line."""
    return " ".join(repr(error).split())


def failure(error: BaseException, problem: str = "") -> Outcome:
    """What an exception makes of a task.

    Args:
        error: What was raised.
        problem: What went wrong in one line, if the exception does not say it.
    """
    trace = "".join(traceback.format_exception(error))
    match error:
        case Stopped() | KeyboardInterrupt():
            return Outcome("stopped", None, problem or str(error) or "stopped", Stopped.exit_code, trace)
        case OutOfMemory() | MemoryError():
            problem = problem or str(error) or "the machine ran out of memory"
            return Outcome("out_of_memory", None, problem, OutOfMemory.exit_code, trace)
        case FramedreamError():
            return Outcome("failed", None, problem or str(error), error.exit_code, trace)
    return Outcome("failed", None, problem or one_line(error), FramedreamError.exit_code, trace)


def _perform(load: Callable[[], Task], load_prepare: Callable[[], Prepare | None]) -> Outcome:
    with _one_at_a_time, _warnings_kept() as warnings:
        try:
            prepare = load_prepare()
            if prepare is not None and _key(prepare) not in _prepared:
                prepare()
                _prepared.append(_key(prepare))
            outcome = Outcome("done", load().run())
        except BaseException as error:
            outcome = failure(error)
        return Outcome(outcome.state, outcome.value, outcome.problem, outcome.exit_code, outcome.trace, tuple(warnings))


def _key(prepare: Prepare) -> Any:
    """What tells by equality whether two are the same; partial objects compare by identity."""
    if isinstance(prepare, functools.partial):
        return (prepare.func, prepare.args, prepare.keywords)
    return prepare


class _Kept(logging.Handler):
    """Keeps the messages."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.messages.append(record.getMessage())
        except Exception:
            self.handleError(record)


@contextmanager
def _warnings_kept() -> Iterator[list[str]]:
    """What is logged is kept for the parent to show, instead of being shown from here."""
    messages: list[str] = []
    before = log.handlers[:], log.propagate, log.level
    log.handlers[:] = [_Kept(messages)]
    log.propagate = False
    log.setLevel(logging.WARNING)
    try:
        yield messages
    finally:
        log.handlers[:], log.propagate = before[:2]
        log.setLevel(before[2])
