"""Worker processes on this machine, each on its own: what ends one leaves the others alone."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

from framedream.errors import DeviceError
from framedream.workers.tasks import Outcome, Prepare, Task, failure, pickle_task, run_pickled_task

WATCH_EVERY = 0.5
"""Seconds between two looks of a worker for its parent."""

PATIENCE = 10.0
"""Seconds that closing waits for processes that were killed."""


class WorkerSlots(Protocol):
    """Slots that run a task each, in a process of their own."""

    @property
    def names(self) -> Sequence[str]:
        """A name for each slot."""
        ...

    def submit(self, slot: int, task: Task) -> Future[Outcome]:
        """Have a slot run a task; the future has its outcome, and an exception never."""
        ...

    def replace(self, slot: int) -> None:
        """Throw a slot's process away; the next task gets a fresh one."""
        ...

    def close(self) -> None:
        """End all processes at once, also those that hang; what they did is lost."""
        ...


class LocalWorkers:
    """Worker processes on this machine.

    Attributes:
        names: A name for each slot.
    """

    def __init__(
        self, prepare: Sequence[Prepare | None], names: Sequence[str], env: Mapping[str, str] | None = None
    ) -> None:
        """Name the slots; a slot's process begins with its first task.

        Args:
            prepare: For each slot, what makes its processes ready, called once in each before the first task
                is unpickled; picklable.
            names: A name for each slot.
            env: Environment variables of the processes, besides those of this one.

        Raises:
            ValueError: There are not as many names as functions, or none.
        """
        if not names or len(prepare) != len(names):
            raise ValueError(f"{len(names)} names and {len(prepare)} functions to prepare with do not make slots")
        self.names = tuple(names)
        self._prepare = [pickle_task(function) for function in prepare]
        self._env = dict(env or {})
        self._executors: list[Any] = [None] * len(names)
        self._lock = threading.Lock()
        self._is_closed = False
        # A worker that has grown by 300 MB makes way for a fresh one between two tasks, which loky warns of.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given", UserWarning)

    def submit(self, slot: int, task: Task) -> Future[Outcome]:
        """Have a slot run a task.

        Args:
            slot: Number of the slot.
            task: What to do.

        Returns:
            Its outcome to come: ``lost`` if the process died, never an exception.

        Raises:
            DeviceError: The workers are closed, or the system gives no process.
        """
        outcome, payload = prepare_task(task)
        if payload is None:
            return outcome
        with self._lock:
            try:
                inner = self._submit(slot, payload)
            except BrokenExecutor:
                # It died while idle, which harmed no task.
                _end(self._executors[slot])
                self._executors[slot] = None
                inner = self._submit(slot, payload)
        inner.add_done_callback(partial(_settle, outcome))
        return outcome

    def _submit(self, slot: int, payload: bytes) -> Future[Outcome]:
        if self._is_closed:
            raise DeviceError("the worker processes are closed; make new ones")
        if self._executors[slot] is None:
            self._executors[slot] = _executor(self._env)
        try:
            with _interrupts_held_back():
                inner: Future[Outcome] = self._executors[slot].submit(run_pickled_task, payload, self._prepare[slot])
        except OSError as error:
            reason = error.strerror or error
            raise DeviceError(f"no worker process can be started: {reason}; use fewer workers") from error
        return inner

    def replace(self, slot: int) -> None:
        """Throw a slot's process away; the next task gets a fresh one.

        Args:
            slot: Number of the slot. A task that it runs is lost.
        """
        with self._lock:
            executor, self._executors[slot] = self._executors[slot], None
        _end(executor)

    def close(self) -> None:
        """End all processes at once, also those that hang; what they do is lost."""
        with self._lock:
            self._is_closed = True
            executors, self._executors = self._executors, [None] * len(self.names)
        threads = [_end(executor, wait=False) for executor in executors]
        until = time.monotonic() + PATIENCE
        for thread in threads:
            if thread is not None:
                thread.join(max(0.0, until - time.monotonic()))


def prepare_task(task: Task) -> tuple[Future[Outcome], bytes | None]:
    """An outcome to come and the task as it travels; None for a task that cannot, whose outcome is there already."""
    outcome: Future[Outcome] = Future()
    outcome.set_running_or_notify_cancel()
    try:
        return outcome, pickle_task(task)
    except Exception as error:
        outcome.set_result(failure(error))
        return outcome, None


def parent_is_alive(parent: int) -> bool:
    """Whether the process that started this one is still there.

    Args:
        parent: Its number, as ``os.getppid()`` said at the start.
    """
    return os.getppid() == parent


def _executor(env: Mapping[str, str]) -> Any:
    from joblib.externals.loky import ProcessPoolExecutor

    return ProcessPoolExecutor(
        max_workers=1, timeout=None, env=dict(env), initializer=_begin, initargs=(os.getpid(), WATCH_EVERY)
    )


def _begin(parent: int, every: float) -> None:
    """What a worker process does first."""
    # Ctrl-C goes to all processes of a terminal, and who stops a service asks all of its processes to end;
    # the parent decides what it means for its workers.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if hasattr(os, "getppid"):
        threading.Thread(target=_watch, args=(parent, every), name="watch of the parent", daemon=True).start()


def _watch(parent: int, every: float) -> None:
    """End this process, whatever it does, when its parent is gone."""
    while parent_is_alive(parent):
        time.sleep(every)
    os._exit(1)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """A process that starts meanwhile hears no Ctrl-C until it ignores them by itself."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _settle(outcome: Future[Outcome], inner: Future[Outcome]) -> None:
    error = inner.exception()
    if error is None:
        outcome.set_result(inner.result())
    elif isinstance(error, BrokenExecutor) or type(error).__name__ == "ShutdownExecutorError":
        found = re.search(r"exit codes of the workers are \{(.+?)\}", str(error))
        how = f" ({found[1]})" if found else ""
        outcome.set_result(Outcome("lost", None, f"the worker process ended{how}", DeviceError.exit_code))
    else:
        outcome.set_result(failure(error))


def _end(executor: Any, wait: bool = True) -> threading.Thread | None:
    """Kill an executor's process and what that has started; the thread is over when they are gone."""
    if executor is None:
        return None
    thread: threading.Thread | None = executor._executor_manager_thread
    executor.shutdown(wait=False, kill_workers=True)
    if wait and thread is not None:
        thread.join(PATIENCE)
    return thread
