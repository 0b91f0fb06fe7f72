"""Who works at a job: this process, worker processes on this machine, or those of a cluster."""

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
from framedream.workers.devices import Device, find_gpus, select_devices
from framedream.workers.processes import LocalWorkers, WorkerSlots

log = logging.getLogger(__name__)

_PATIENCE = 30.0
"""Seconds that a worker waits for its GPU: the workers of a run that was killed take a moment to end."""


@contextmanager
def worker_pool(run: RunSettings, folder: Path, units: int | None = None) -> Generator[WorkerSlots | None]:
    """The workers of a job.

    Args:
        run: What it is to run on.
        folder: A folder that all workers of a cluster have to see.
        units: Independent parts that the work has; None if they are many.

    Yields:
        The workers, or None if this process does the work.

    Raises:
        SettingsError: A device was asked for that is not there.
        DeviceError: The cluster is not there or does not fit.
    """
    workers = _workers(run, folder, units)
    try:
        yield workers
    finally:
        if workers is not None:
            workers.close()


def runs_in_process(run: RunSettings, units: int | None = None) -> bool:
    """Whether a job needs no worker processes: it has the processor for itself, all of it."""
    if run.scheduler is not None:
        return False
    devices = select_devices(run, units)
    return len(devices) == 1 and devices[0].kind == "cpu"


def hide_gpus() -> None:
    """See that work in this process is done by the processor, as was asked for, though there be GPUs.

    TensorFlow takes no notice any more once it is imported.
    """
    if "tensorflow" not in sys.modules and find_gpus():
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"


def reserve_core(settings: Settings) -> None:
    """See that gradients in this process leave one core to the flow and the encoder beside them, unless told otherwise.

    Only those of small networks, whose layers gain little from all cores.
    TensorFlow takes no notice any more once it is imported.
    """
    is_carried, is_small = settings.motion.flow != "none", find_model(settings.dream.model).is_small
    if is_carried and is_small and settings.run.threads is None and "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, usable_cores() - 1)))


def become_worker(run: RunSettings) -> None:
    """Make this process the worker of one device, for work that cannot be divided.

    Once TensorFlow is imported, it goes on with what that has.

    Raises:
        SettingsError: A device was asked for that is not there.
        DeviceError: Other runs work on all that were asked for.
    """
    if "tensorflow" in sys.modules:
        return
    devices = select_devices(run)
    if devices[0].kind == "cpu":
        hide_gpus()
    else:
        device = _leased(devices)
        pin_device(replace(device, threads=run.threads or usable_cores()))
    if len(devices) > 1 and run.devices != "auto":
        log.info("devices: this is one chain of frames, which one device makes; the others are left to other work")


def _workers(run: RunSettings, folder: Path, units: int | None) -> WorkerSlots | None:
    if run.scheduler is not None:
        return DaskWorkers(run.scheduler, folder, partial(_join, run.threads))
    if runs_in_process(run, units):
        return None
    devices = select_devices(run, units)
    # OpenMP is loaded before a worker could set this for itself.
    threads = {"OMP_NUM_THREADS": str(devices[0].threads)} if devices[0].threads else {}
    return LocalWorkers([partial(_take, device) for device in devices], [device.name for device in devices], threads)


def _take(device: Device) -> None:
    """Make this process the worker of a device."""
    pin_device(_leased([device]))


def _leased(devices: Sequence[Device]) -> Device:
    """The first of some devices that is free, or becomes so."""
    until = time.monotonic() + _PATIENCE
    while (device := lease_device(devices)) is None:
        if time.monotonic() > until:
            names = ", ".join(device.name for device in devices)
            raise DeviceError(f"{names}: another run works on it; wait for that one, or choose other --devices")
        time.sleep(0.2)
    return device


def _join(threads: int | None) -> None:
    """Make this process, which a cluster has started, the worker of a GPU that is free here, or else of the CPU."""
    gpus = [Device("gpu", index, threads, gpu.name) for index, gpu in enumerate(find_gpus())]
    pin_device(lease_device(gpus) or Device("cpu", 0, threads or _threads_of_dask()))


def _threads_of_dask() -> int:
    from distributed import get_worker

    return int(get_worker().state.nthreads)
