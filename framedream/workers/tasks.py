"""Tasks for worker processes and their outcomes.

A task travels to a worker as a pickle. The worker answers with an `Outcome` instead of raising, because an
exception would have to be unpickled with its class, arguments and traceback on the other side.
"""

from __future__ import annotations

import functools
import pickle
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
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
from framedream.workers.log_capture import capture_log

Initializer = Callable[[], None]
"""Prepares a process before its first task, for instance by pinning its device."""

TaskState = Literal["done", "stopped", "failed", "out_of_memory", "lost"]


class Task(Protocol):
    """A piece of work that can be pickled."""

    @property
    def label(self) -> str:
        """Short name of the task for progress bars and messages: ``"bunny.mp4 1/4"``."""
        ...

    def run(self) -> Any:
        """Do the work in a worker; the result must be picklable."""
        ...


@dataclass(frozen=True)
class Outcome:
    """The result of a task, or the reason why it has none.

    Attributes:
        state: ``done``; ``stopped`` on request; ``failed``; ``out_of_memory``; ``lost`` with its process.
        value: The result of a task that is done.
        problem: What went wrong, in one line.
        exit_code: The command's exit code for the problem.
        trace: The traceback in the worker.
        warnings: The warnings and errors that were logged while the task ran.
    """

    state: TaskState
    value: Any = None
    problem: str = ""
    exit_code: int = 0
    trace: str = ""
    warnings: tuple[str, ...] = ()


class WorkerSlots(Protocol):
    """Worker processes, each of which runs one task at a time."""

    @property
    def names(self) -> Sequence[str]:
        """The name of each slot."""
        ...

    def submit(self, slot: int, task: Task) -> Future[Outcome]:
        """Run a task in the process of a slot; the future never raises, it holds an outcome."""
        ...

    def replace(self, slot: int) -> None:
        """End the process of a slot; the next task gets a new one."""
        ...

    def close(self) -> None:
        """End all processes at once, even those that hang; their unfinished work is lost."""
        ...


class RemoteTrace(Exception):
    """The traceback of an error in a worker, shown as the cause of the error in the parent."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


_task_lock = threading.Lock()
_initialized: list[Any] = []


def run_task(task: Task, initializer: Initializer | None) -> Outcome:
    """Run a task in this process, and initialize the process first where that has not been done.

    Args:
        task: The task. It waits until the tasks of other threads of this process have finished.
        initializer: Prepares the process. An initializer that equals an earlier one is not called again.

    Returns:
        The outcome. Nothing is raised.
    """
    return _run(lambda: task, lambda: initializer)


def run_pickled_task(task: bytes, initializer: bytes) -> Outcome:
    """Run a task as `run_task` does, and initialize the process before the modules of the task are imported.

    Args:
        task: The task, pickled by `pickle_task`.
        initializer: The initializer or None, pickled by `pickle_task`.

    Returns:
        The outcome. Nothing is raised, even if the task cannot be unpickled here.
    """
    return _run(lambda: pickle.loads(task), lambda: pickle.loads(initializer))


def pickle_task(task: Task | Initializer | None) -> bytes:
    """Pickle a task or an initializer for `run_pickled_task`."""
    return pickle.dumps(task)


def new_outcome(task: Task) -> tuple[Future[Outcome], bytes | None]:
    """Pickle a task and create the future of its outcome.

    Args:
        task: The task.

    Returns:
        The future, and the pickled task. The latter is None for a task that cannot be pickled; the future then
        already holds a failed outcome.
    """
    future: Future[Outcome] = Future()
    future.set_running_or_notify_cancel()
    try:
        return future, pickle_task(task)
    except Exception as error:
        future.set_result(failed_outcome(error))
        return future, None


def outcome_error(outcome: Outcome) -> Exception:
    """Convert the outcome of a task into the error that the parent raises.

    Args:
        outcome: The outcome of a task that is not done.

    Returns:
        An error of the class that has the outcome's exit code, or a RuntimeError for a bug.
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
    """Format an unexpected error as one line."""
    return " ".join(repr(error).split())


def failed_outcome(error: BaseException, problem: str = "") -> Outcome:
    """Convert an exception into an outcome.

    Args:
        error: The exception that the task raised.
        problem: What went wrong in one line. Default: the text of the exception.
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


def _run(load_task: Callable[[], Task], load_initializer: Callable[[], Initializer | None]) -> Outcome:
    warnings: list[str] = []
    # The parent shows the warnings.
    with _task_lock, capture_log(warnings, exclusive=True):
        try:
            initializer = load_initializer()
            if initializer is not None and _key(initializer) not in _initialized:
                initializer()
                _initialized.append(_key(initializer))
            outcome = Outcome("done", load_task().run())
        except BaseException as error:
            outcome = failed_outcome(error)
        return Outcome(outcome.state, outcome.value, outcome.problem, outcome.exit_code, outcome.trace, tuple(warnings))


def _key(initializer: Initializer) -> Any:
    """A value that is equal for equal initializers; partial objects compare by identity."""
    if isinstance(initializer, functools.partial):
        return (initializer.func, initializer.args, initializer.keywords)
    return initializer
