"""Selects the workers of a job: this process, worker processes on this machine, or a cluster."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from framedream.config.machine import usable_cores
from framedream.config.model_registry import find_model
from framedream.config.settings import RunSettings, Settings
from framedream.errors import DeviceError
from framedream.workers.dask_workers import DaskWorkers
from framedream.workers.device_leases import lease_device, pin_device
from framedream.workers.devices import Device, select_devices
from framedream.workers.gpu_discovery import find_gpus
from framedream.workers.local_workers import LocalWorkers
from framedream.workers.tasks import WorkerSlots

log = logging.getLogger(__name__)

LEASE_TIMEOUT = 30.0
"""Seconds that a worker waits for its GPU: the workers of a run that was killed take a moment to end."""


@contextmanager
def worker_pool(run: RunSettings, folder: Path, units: int | None = None) -> Generator[WorkerSlots | None]:
    """Start the workers of a job, and close them at the end of the context.

    Args:
        run: The devices, the scheduler and the number of threads.
        folder: A folder that all workers of a cluster must see.
        units: Number of independent parts of the work; None for many.

    Yields:
        The workers, or None if this process does the work.

    Raises:
        SettingsError: A requested device does not exist.
        DeviceError: The cluster does not answer, or its workers cannot do the work.
    """
    workers = _workers(run, folder, units)
    try:
        yield workers
    finally:
        if workers is not None:
            workers.close()


def runs_in_process(run: RunSettings, units: int | None = None) -> bool:
    """Whether this process does the work itself, with the whole CPU, instead of worker processes."""
    if run.scheduler is not None:
        return False
    devices = select_devices(run, units)
    return len(devices) == 1 and devices[0].kind == "cpu"


def hide_gpus() -> None:
    """Hide the GPUs from this process, which then works on the CPU.

    This has no effect once TensorFlow is imported.
    """
    if "tensorflow" not in sys.modules and find_gpus():
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"


def reserve_core(settings: Settings) -> None:
    """Leave one core to the optical flow and the encoder, which run beside the gradients of this process.

    This applies to small networks, whose layers gain little from all cores, unless the user has set a number of
    threads. It has no effect once TensorFlow is imported.
    """
    is_chain, is_small = settings.motion.flow != "none", find_model(settings.dream.model).is_small
    if is_chain and is_small and settings.run.threads is None and "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, usable_cores() - 1)))


def become_worker(run: RunSettings, *, lease_timeout: float = LEASE_TIMEOUT) -> None:
    """Make this process the worker of one device, for work that cannot be divided.

    This has no effect once TensorFlow is imported.

    Args:
        run: The devices and the number of threads.
        lease_timeout: Seconds to wait for a GPU that another run uses.

    Raises:
        SettingsError: A requested device does not exist.
        DeviceError: Other runs use all requested devices.
    """
    if "tensorflow" in sys.modules:
        return
    devices = select_devices(run)
    if devices[0].kind == "cpu":
        hide_gpus()
    else:
        device = _lease(devices, lease_timeout)
        pin_device(replace(device, threads=run.threads or usable_cores()))
    if len(devices) > 1 and run.devices != "auto":
        log.info("devices: the frames depend on each other, so that one device makes them all; the others stay free")


def _workers(run: RunSettings, folder: Path, units: int | None) -> WorkerSlots | None:
    if run.scheduler is not None:
        return DaskWorkers(run.scheduler, folder, partial(use_cluster_device, run.threads))
    if runs_in_process(run, units):
        return None
    devices = select_devices(run, units)
    # The worker itself would set it too late: OpenMP is already loaded then.
    threads = {"OMP_NUM_THREADS": str(devices[0].threads)} if devices[0].threads else {}
    return LocalWorkers(
        [partial(use_device, device) for device in devices], [device.name for device in devices], threads
    )


def use_device(device: Device) -> None:
    """Make this process the worker of a device.

    Raises:
        DeviceError: Another run uses it.
    """
    pin_device(_lease([device], LEASE_TIMEOUT))


def _lease(devices: Sequence[Device], timeout: float) -> Device:
    """Lease the first device that is free; wait if all are in use."""
    until = time.monotonic() + timeout
    while (device := lease_device(devices)) is None:
        if time.monotonic() > until:
            names = ", ".join(device.name for device in devices)
            raise DeviceError(f"{names}: in use by another run; wait until it ends, or choose other --devices")
        time.sleep(0.2)
    return device


def use_cluster_device(threads: int | None) -> None:
    """Make this process of a cluster the worker of a free GPU of its machine, else of the CPU."""
    gpus = [Device("gpu", index, threads, gpu.name) for index, gpu in enumerate(find_gpus())]
    pin_device(lease_device(gpus) or Device("cpu", 0, threads or _dask_threads()))


def _dask_threads() -> int:
    from distributed import get_worker

    return int(get_worker().state.nthreads)
