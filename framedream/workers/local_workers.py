"""Worker processes on this machine; the death of one does not affect the others."""

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
from typing import TYPE_CHECKING

from framedream.errors import DeviceError
from framedream.workers.tasks import (
    Initializer,
    Outcome,
    Task,
    failed_outcome,
    new_outcome,
    pickle_task,
    run_pickled_task,
)

if TYPE_CHECKING:
    from loky import ProcessPoolExecutor

PARENT_CHECK_INTERVAL = 0.5
"""Seconds between two checks of a worker process that its parent is alive."""

SHUTDOWN_TIMEOUT = 10.0
"""Seconds to wait for processes that were killed."""


class LocalWorkers:
    """Worker processes on this machine.

    Each slot is an executor of its own with one process, so that a process that dies takes only its own task along.

    Attributes:
        names: The name of each slot.
    """

    def __init__(
        self,
        initializers: Sequence[Initializer | None],
        names: Sequence[str],
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Create the slots; the process of a slot starts with its first task.

        Args:
            initializers: For each slot, prepares its processes; called once in each process before the first
                task is unpickled; picklable.
            names: The name of each slot.
            env: Environment variables of the processes, in addition to those of this one.

        Raises:
            ValueError: The numbers of names and initializers differ, or are zero.
        """
        if not names or len(initializers) != len(names):
            raise ValueError(f"{len(names)} names and {len(initializers)} initializers: each slot needs one of both")
        self.names = tuple(names)
        self._initializers = [pickle_task(function) for function in initializers]
        self._env = dict(env or {})
        self._executors: list[ProcessPoolExecutor | None] = [None] * len(names)
        self._lock = threading.Lock()
        self._is_closed = False
        # Between two tasks loky replaces a worker that has grown by 300 MB, and warns about it.
        warnings.filterwarnings("ignore", r"A worker .*while some jobs were given", UserWarning)

    def submit(self, slot: int, task: Task) -> Future[Outcome]:
        """Run a task in the process of a slot.

        Args:
            slot: Number of the slot.
            task: The task.

        Returns:
            The future of its outcome, which is ``lost`` if the process dies. It never raises.

        Raises:
            DeviceError: The workers are closed, or the system cannot start a process.
        """
        outcome, payload = new_outcome(task)
        if payload is None:
            return outcome
        with self._lock:
            try:
                future = self._submit(slot, payload)
            except BrokenExecutor:
                # The process died while it was idle, and no task is lost.
                _kill(self._executors[slot])
                self._executors[slot] = None
                future = self._submit(slot, payload)
        future.add_done_callback(partial(_set_outcome, outcome))
        return outcome

    def _submit(self, slot: int, payload: bytes) -> Future[Outcome]:
        if self._is_closed:
            raise DeviceError("the worker processes are closed; create new ones")
        executor = self._executors[slot]
        if executor is None:
            executor = self._executors[slot] = _start_executor(self._env)
        try:
            with _sigint_blocked():
                future: Future[Outcome] = executor.submit(run_pickled_task, payload, self._initializers[slot])
        except OSError as error:
            reason = error.strerror or error
            raise DeviceError(f"cannot start a worker process: {reason}; use fewer workers") from error
        return future

    def replace(self, slot: int) -> None:
        """End the process of a slot; the next task gets a new one.

        Args:
            slot: Number of the slot. Its running task is lost.
        """
        with self._lock:
            executor, self._executors[slot] = self._executors[slot], None
        _kill(executor)

    def close(self) -> None:
        """End all processes at once, even those that hang; their unfinished work is lost."""
        with self._lock:
            self._is_closed = True
            executors, self._executors = self._executors, [None] * len(self.names)
        _kill(*executors)


def parent_is_alive(parent: int) -> bool:
    """Check that the process that started this one still runs.

    Args:
        parent: Its process ID, as ``os.getppid()`` returned it at the start.
    """
    return os.getppid() == parent


def _start_executor(env: Mapping[str, str]) -> ProcessPoolExecutor:
    from loky import ProcessPoolExecutor

    return ProcessPoolExecutor(
        max_workers=1,
        timeout=None,
        env=dict(env),
        initializer=_start_worker,
        initargs=(os.getpid(), PARENT_CHECK_INTERVAL),
    )


def _start_worker(parent: int, interval: float) -> None:
    """Set up the signals of a worker process and watch its parent."""
    # Ctrl-C reaches all processes of a terminal, and a service manager ends all processes of a service;
    # the parent decides when its workers end.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if hasattr(os, "getppid"):
        threading.Thread(target=_watch_parent, args=(parent, interval), name="parent watch", daemon=True).start()


def _watch_parent(parent: int, interval: float) -> None:
    """End this process when its parent has ended."""
    while parent_is_alive(parent):
        time.sleep(interval)
    os._exit(1)


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Block SIGINT in processes that start inside the context, until they ignore it themselves."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _set_outcome(outcome: Future[Outcome], future: Future[Outcome]) -> None:
    """Settle a task with the result of loky's future."""
    from loky.process_executor import ShutdownExecutorError

    error = future.exception()
    if error is None:
        outcome.set_result(future.result())
    elif isinstance(error, BrokenExecutor | ShutdownExecutorError):
        found = re.search(r"exit codes of the workers are \{(.+?)\}", str(error))
        how = f" ({found[1]})" if found else ""
        outcome.set_result(Outcome("lost", None, f"the worker process ended{how}", DeviceError.exit_code))
    else:
        outcome.set_result(failed_outcome(error))


def _kill(*executors: ProcessPoolExecutor | None) -> None:
    """Kill the processes of executors with all their children, and wait until they are gone."""
    threads = [
        threading.Thread(target=executor.shutdown, kwargs={"wait": True, "kill_workers": True}, daemon=True)
        for executor in executors
        if executor is not None
    ]
    for thread in threads:
        thread.start()
    until = time.monotonic() + SHUTDOWN_TIMEOUT
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
