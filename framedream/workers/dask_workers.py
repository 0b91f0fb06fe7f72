"""Workers of a running Dask cluster."""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from framedream.errors import DeviceError
from framedream.workers.dask_checks import check_workers, describe_worker, folder_token
from framedream.workers.tasks import (
    Initializer,
    Outcome,
    Task,
    failed_outcome,
    new_outcome,
    pickle_task,
    run_pickled_task,
)

CONNECT_TIMEOUT = 10.0
"""Seconds that the scheduler has to answer."""

CHECK_INTERVAL = 2.0
"""Seconds between two checks of the cluster's workers."""

NO_WORKER_TIMEOUT = 30.0
"""Seconds that a task waits for a new worker after the last suitable one has gone."""


class DaskWorkers:
    """Workers of a running Dask cluster, with one slot for each worker that is present at the start.

    The scheduler runs a task on the worker of its slot or, if that has gone, on another one.

    Attributes:
        address: Address of the scheduler.
        names: Host and process ID of each worker.
    """

    def __init__(
        self,
        address: str,
        folder: Path,
        initializer: Initializer | None,
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        check_interval: float = CHECK_INTERVAL,
        no_worker_timeout: float = NO_WORKER_TIMEOUT,
    ) -> None:
        """Connect to a cluster and check that its workers can do the work.

        Args:
            address: Address of the scheduler, such as ``tcp://host:8786``.
            folder: A folder shared with all workers, which the tasks read and write.
            initializer: Prepares the process of a worker before its first task; picklable.
            connect_timeout: Seconds that the scheduler has to answer.
            check_interval: Seconds between two checks of the cluster's workers.
            no_worker_timeout: Seconds that a task waits for a new worker after the last suitable one has gone.

        Raises:
            DeviceError: Dask is not installed, the scheduler does not answer, it has no workers, or one of them
                cannot see the folder or has other versions of the libraries.
            OutputError: This process cannot write to the folder.
        """
        try:
            import distributed
        except ImportError as error:
            raise DeviceError(
                'clusters need dask.distributed, which is not installed; pip install "framedream[dask]"'
            ) from error
        self.address = address
        self._initializer = pickle_task(initializer)
        self._no_worker_timeout = no_worker_timeout
        self._lock = threading.Lock()
        self._waiting: dict[Future[Outcome], tuple[bool, float]] = {}
        self._slots_to_restart: set[int] = set()
        self._closed = threading.Event()
        self._log_levels = _silence_dask()
        warnings.filterwarnings("ignore", category=distributed.versions.VersionMismatchWarning)
        try:
            self._client = distributed.Client(address, set_as_default=False, timeout=connect_timeout)
        except (OSError, ValueError) as error:
            _restore_levels(self._log_levels)
            raise DeviceError(
                f"no Dask scheduler answers at {address}; check the address, or start one with: dask scheduler"
            ) from error
        try:
            self._present = self._find_workers()
            if not self._present:
                raise DeviceError(f"the scheduler at {address} has no workers; start some with: dask worker {address}")
            self._addresses = sorted(self._present)
            with folder_token(folder) as (path, text):
                found = self._client.run(describe_worker, str(path), workers=self._addresses, on_error="return")
            self.names = tuple(check_workers(found, self._addresses, text, folder))
        except BaseException:
            self.close()
            raise
        threading.Thread(target=self._watch, args=(check_interval,), name="cluster watch", daemon=True).start()

    def submit(self, slot: int, task: Task) -> Future[Outcome]:
        """Run a task on the worker of a slot, or on another one if that has gone.

        Args:
            slot: Number of the slot.
            task: The task.

        Returns:
            The future of its outcome, which is ``lost`` if too many workers died of the task. It never raises.
        """
        outcome, payload = new_outcome(task)
        if payload is None:
            return outcome
        with self._lock:
            self._waiting[outcome] = (False, time.monotonic())
        threading.Thread(target=self._run, args=(slot, payload, outcome), name=f"slot {slot}", daemon=True).start()
        return outcome

    def replace(self, slot: int) -> None:
        """Restart the worker of a slot before its next task, if it has a nanny that can do so.

        Args:
            slot: Number of the slot.
        """
        self._slots_to_restart.add(slot)

    def close(self) -> None:
        """Leave the cluster, which continues; its queued tasks are cancelled, its running ones run to their end."""
        self._closed.set()
        self._settle_all(Outcome("lost", None, "this run has left the cluster", DeviceError.exit_code))
        try:
            self._client.close(timeout=2)
        except (OSError, RuntimeError, TimeoutError):
            pass
        finally:
            _restore_levels(self._log_levels)

    def _run(self, slot: int, payload: bytes, outcome: Future[Outcome]) -> None:
        """Run a task in the cluster and wait for it, in a thread of its own."""
        from distributed.scheduler import KilledWorker

        try:
            if slot in self._slots_to_restart:
                self._slots_to_restart.discard(slot)
                self._restart(self._addresses[slot])
            address = self._worker_address(slot)
            options: dict[str, Any] = {} if address is None else {"workers": [address], "allow_other_workers": True}
            needs_gpu = bool(address and _has_gpu(self._present.get(address, {})))
            if needs_gpu:
                options["resources"] = {"GPU": 1}
            with self._lock:
                self._waiting[outcome] = (needs_gpu, time.monotonic())
            future = self._client.submit(run_pickled_task, payload, self._initializer, pure=False, **options)
            result = future.result()
        except KilledWorker as error:
            where = getattr(error.last_worker, "address", "a worker")
            result = Outcome(
                "lost", None, f"workers of the cluster died, the last one at {where}", DeviceError.exit_code
            )
        except Exception as error:
            result = failed_outcome(error) if self._client.status == "running" else self._scheduler_gone()
        self._settle(outcome, result)

    def _worker_address(self, slot: int) -> str | None:
        """The worker for a slot's tasks: its own, else one that joined later, else None for any."""
        with self._lock:
            if self._addresses[slot] not in self._present:
                spare = sorted(set(self._present) - set(self._addresses))
                if not spare:
                    return None
                self._addresses[slot] = spare[0]
            return self._addresses[slot]

    def _restart(self, address: str) -> None:
        if not self._present.get(address, {}).get("nanny"):
            return
        try:
            self._client.restart_workers([address], timeout=60, raise_for_error=False)
            self._present = self._find_workers()
        except (OSError, ValueError, KeyError, TimeoutError):
            # The worker has gone, so that its successor is new anyway.
            pass

    def _find_workers(self) -> dict[str, Mapping[str, Any]]:
        """What the scheduler knows about each worker, by address."""
        return dict(self._client.scheduler_info(n_workers=-1)["workers"])

    def _watch(self, interval: float) -> None:
        """End the tasks that no worker can run: the scheduler would keep them forever."""
        while not self._closed.wait(interval):
            try:
                self._present = self._find_workers()
            except Exception:
                if self._client.status in ("closed", "closing"):
                    self._settle_all(self._scheduler_gone())
                    return
                continue
            has_gpu = any(_has_gpu(worker) for worker in self._present.values())
            now = time.monotonic()
            with self._lock:
                for future, (needs_gpu, seen) in list(self._waiting.items()):
                    if has_gpu or (self._present and not needs_gpu):
                        self._waiting[future] = (needs_gpu, now)
                    elif now - seen > self._no_worker_timeout:
                        del self._waiting[future]
                        future.set_result(self._workers_gone())

    def _workers_gone(self) -> Outcome:
        if self._present:
            return Outcome("lost", None, "the cluster's workers with a GPU have gone", DeviceError.exit_code)
        problem = f"the cluster has no workers left; start some with: dask worker {self.address}, and run again"
        return Outcome("failed", None, problem, DeviceError.exit_code)

    def _scheduler_gone(self) -> Outcome:
        problem = f"the Dask scheduler at {self.address} has gone; start the cluster and run again"
        return Outcome("failed", None, problem, DeviceError.exit_code)

    def _settle(self, future: Future[Outcome], outcome: Outcome) -> None:
        with self._lock:
            if self._waiting.pop(future, None) is not None:
                future.set_result(outcome)

    def _settle_all(self, outcome: Outcome) -> None:
        for future in list(self._waiting):
            self._settle(future, outcome)


def _has_gpu(worker: Mapping[str, Any]) -> bool:
    return bool((worker.get("resources") or {}).get("GPU", 0) >= 1)


def _silence_dask() -> dict[str, int]:
    """Silence Dask's loggers, which write to the terminal, and return their previous levels."""
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in ("distributed", "tornado")]
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return levels


def _restore_levels(levels: Mapping[str, int]) -> None:
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
