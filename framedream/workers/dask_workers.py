"""Workers of a running Dask cluster, through joblib's Dask backend."""

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
from framedream.workers.dask_backend import dask_backend
from framedream.workers.dask_checks import check_workers, describe_worker, folder_token
from framedream.workers.processes import prepare_task
from framedream.workers.tasks import Outcome, Prepare, Task, failure, pickle_task, run_pickled_task

TIMEOUT = 10.0
"""Seconds a scheduler has to answer."""

WATCH_EVERY = 2.0
"""Seconds between two looks at which workers there are."""

PATIENCE = 30.0
"""Seconds that a task waits for a worker that can run it, once there is none."""


class DaskWorkers:
    """Workers of a running Dask cluster, a slot for each that is there at the beginning.

    The scheduler gives a task to its slot's worker or, if that is gone, to another one.

    Attributes:
        names: Host and process of each worker.
    """

    def __init__(self, address: str, folder: Path, prepare: Prepare | None, timeout: float = TIMEOUT) -> None:
        """Connect to a cluster and see that its workers can do the work.

        Args:
            address: The scheduler's, such as ``tcp://host:8786``.
            folder: A folder, shared with all workers, that the tasks read from and write to.
            prepare: Makes a worker's process ready before its first task; picklable.
            timeout: Seconds the scheduler has to answer.

        Raises:
            DeviceError: Dask is not installed, no scheduler answers, it has no workers, or one of them
                cannot see the folder or has other versions of what the work depends on.
            OutputError: The folder cannot be written to from here.
        """
        try:
            import distributed
        except ImportError as error:
            raise DeviceError(
                'clusters need dask.distributed, which is not installed; pip install "framedream[dask]"'
            ) from error
        self.address = address
        self._prepare = pickle_task(prepare)
        self._lock = threading.Lock()
        self._waiting: dict[Future[Outcome], tuple[bool, float]] = {}
        self._stale: set[int] = set()
        self._closed = threading.Event()
        self._levels = _silence()
        warnings.filterwarnings("ignore", category=distributed.versions.VersionMismatchWarning)
        try:
            self._client = distributed.Client(address, set_as_default=False, timeout=timeout)
        except (OSError, ValueError) as error:
            _restore(self._levels)
            raise DeviceError(
                f"no Dask scheduler answers at {address}; check the address, or start one with: dask scheduler"
            ) from error
        try:
            self._alive = self._look_around()
            if not self._alive:
                raise DeviceError(f"the scheduler at {address} has no workers; start some with: dask worker {address}")
            self._addresses = sorted(self._alive)
            with folder_token(folder) as (path, text):
                found = self._client.run(describe_worker, str(path), workers=self._addresses, on_error="return")
            self.names = tuple(check_workers(found, self._addresses, text, folder))
        except BaseException:
            self.close()
            raise
        threading.Thread(target=self._watch, name="watch of the cluster", daemon=True).start()

    def submit(self, slot: int, task: Task) -> Future[Outcome]:
        """Have a slot's worker run a task, or another one if that is gone.

        Args:
            slot: Number of the slot.
            task: What to do.

        Returns:
            Its outcome to come: ``lost`` if too many workers died of it, never an exception.
        """
        outcome, payload = prepare_task(task)
        if payload is None:
            return outcome
        with self._lock:
            self._waiting[outcome] = (False, time.monotonic())
        threading.Thread(target=self._run, args=(slot, payload, outcome), name=f"slot {slot}", daemon=True).start()
        return outcome

    def replace(self, slot: int) -> None:
        """Have a slot's worker started anew before its next task, if it has a nanny that can do that.

        Args:
            slot: Number of the slot.
        """
        self._stale.add(slot)

    def close(self) -> None:
        """Leave the cluster, which goes on; what is queued there is cancelled, what runs there runs to its end."""
        self._closed.set()
        self._settle_all(Outcome("lost", None, "the cluster was left", DeviceError.exit_code))
        try:
            self._client.close(timeout=2)
        except (OSError, RuntimeError, TimeoutError):
            pass
        finally:
            _restore(self._levels)

    def _run(self, slot: int, payload: bytes, outcome: Future[Outcome]) -> None:
        """Run a task over there and wait for it, in a thread of its own."""
        import joblib
        from distributed.scheduler import KilledWorker

        try:
            if slot in self._stale:
                self._stale.discard(slot)
                self._restart(self._addresses[slot])
            address = self._home(slot)
            options: dict[str, Any] = {} if address is None else {"workers": [address], "allow_other_workers": True}
            needs_gpu = bool(address and _has_gpu(self._alive.get(address, {})))
            if needs_gpu:
                options["resources"] = {"GPU": 1}
            with self._lock:
                self._waiting[outcome] = (needs_gpu, time.monotonic())
            with joblib.parallel_config(backend=dask_backend(self._client, options), n_jobs=-1):
                result = joblib.Parallel()([joblib.delayed(run_pickled_task)(payload, self._prepare)])[0]
        except KilledWorker as error:
            where = getattr(error.last_worker, "address", "a worker")
            result = Outcome("lost", None, f"workers of the cluster died, at last {where}", DeviceError.exit_code)
        except Exception as error:
            result = failure(error) if self._client.status == "running" else self._gone()
        self._settle(outcome, result)

    def _home(self, slot: int) -> str | None:
        """Where a slot's tasks go: to its worker, or else to one that came later, or else anywhere."""
        with self._lock:
            if self._addresses[slot] not in self._alive:
                spare = sorted(set(self._alive) - set(self._addresses))
                if not spare:
                    return None
                self._addresses[slot] = spare[0]
            return self._addresses[slot]

    def _restart(self, address: str) -> None:
        if not self._alive.get(address, {}).get("nanny"):
            return
        try:
            self._client.restart_workers([address], timeout=60, raise_for_error=False)
            self._alive = self._look_around()
        except (OSError, ValueError, KeyError, TimeoutError):
            # It is gone, and its successor, if there is one, is fresh.
            pass

    def _look_around(self) -> dict[str, Mapping[str, Any]]:
        """What the scheduler says of each worker, by address."""
        return dict(self._client.scheduler_info(n_workers=-1)["workers"])

    def _watch(self) -> None:
        """See which workers there are, since the scheduler keeps tasks that none can run for ever."""
        while not self._closed.wait(WATCH_EVERY):
            try:
                self._alive = self._look_around()
            except Exception:
                if self._client.status in ("closed", "closing"):
                    self._settle_all(self._gone())
                    return
                continue
            has_gpu = any(_has_gpu(worker) for worker in self._alive.values())
            now = time.monotonic()
            with self._lock:
                for future, (needs_gpu, seen) in list(self._waiting.items()):
                    if has_gpu or (self._alive and not needs_gpu):
                        self._waiting[future] = (needs_gpu, now)
                    elif now - seen > PATIENCE:
                        del self._waiting[future]
                        future.set_result(self._deserted())

    def _deserted(self) -> Outcome:
        if self._alive:
            return Outcome("lost", None, "the cluster's workers with a GPU are gone", DeviceError.exit_code)
        problem = f"the cluster has no workers left; start some with: dask worker {self.address}, and run again"
        return Outcome("failed", None, problem, DeviceError.exit_code)

    def _gone(self) -> Outcome:
        problem = f"the Dask scheduler at {self.address} is gone; start the cluster and run again"
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


def _silence() -> dict[str, int]:
    """Keep Dask's loggers quiet, which write to the terminal on their own; what they were set to."""
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in ("distributed", "tornado")]
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return levels


def _restore(levels: Mapping[str, int]) -> None:
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
