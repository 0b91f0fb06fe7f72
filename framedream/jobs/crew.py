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

from framedream.errors import DeviceError
from framedream.jobs.cluster import ClusterWorkers
from framedream.jobs.devices import Device, devices_of, find_gpus
from framedream.jobs.leases import lease, pin
from framedream.jobs.workers import LocalWorkers, Workers
from framedream.machine import usable_cores
from framedream.settings import RunSettings, Settings

log = logging.getLogger("framedream")

_PATIENCE = 30.0
"""Seconds that a worker waits for its GPU: the workers of a run that was killed take a moment to end."""


@contextmanager
def crew(run: RunSettings, folder: Path, units: int | None = None) -> Generator[Workers | None]:
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


def works_here(run: RunSettings, units: int | None = None) -> bool:
    """Whether a job needs no worker processes: it has the processor for itself, all of it."""
    if run.scheduler is not None:
        return False
    devices = devices_of(run, units)
    return len(devices) == 1 and devices[0].kind == "cpu"


def leave_gpus() -> None:
    """See that work in this process is done by the processor, as was asked for, though there be GPUs.

    TensorFlow takes no notice any more once it is imported.
    """
    if "tensorflow" not in sys.modules and find_gpus():
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"


def leave_a_core(settings: Settings) -> None:
    """See that gradients in this process leave one core to the flow and the encoder beside them, unless told otherwise.

    Only those of the built-in network, whose layers are too small to gain much from all cores.
    TensorFlow takes no notice any more once it is imported.
    """
    is_carried, is_small = settings.motion.flow != "none", settings.dream.model == "squeezenet"
    if is_carried and is_small and settings.run.threads is None and "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, usable_cores() - 1)))


def work_alone(run: RunSettings) -> None:
    """Make this process the worker of one device, for work that cannot be divided.

    Once TensorFlow is imported, it goes on with what that has.

    Raises:
        SettingsError: A device was asked for that is not there.
        DeviceError: Other runs work on all that were asked for.
    """
    if "tensorflow" in sys.modules:
        return
    devices = devices_of(run)
    if devices[0].kind == "cpu":
        leave_gpus()
    else:
        device = _leased(devices)
        pin(replace(device, threads=run.threads or usable_cores()))
    if len(devices) > 1 and run.devices != "auto":
        log.info("devices: this is one chain of frames, which one device makes; the others are left to other work")


def _workers(run: RunSettings, folder: Path, units: int | None) -> Workers | None:
    if run.scheduler is not None:
        return ClusterWorkers(run.scheduler, folder, partial(_join, run.threads))
    if works_here(run, units):
        return None
    devices = devices_of(run, units)
    # OpenMP is loaded before a worker could set this for itself.
    threads = {"OMP_NUM_THREADS": str(devices[0].threads)} if devices[0].threads else {}
    return LocalWorkers([partial(_take, device) for device in devices], [device.name for device in devices], threads)


def _take(device: Device) -> None:
    """Make this process the worker of a device."""
    pin(_leased([device]))


def _leased(devices: Sequence[Device]) -> Device:
    """The first of some devices that is free, or becomes so."""
    until = time.monotonic() + _PATIENCE
    while (device := lease(devices)) is None:
        if time.monotonic() > until:
            names = ", ".join(device.name for device in devices)
            raise DeviceError(f"{names}: another run works on it; wait for that one, or choose other --devices")
        time.sleep(0.2)
    return device


def _join(threads: int | None) -> None:
    """Make this process, which a cluster has started, the worker of a GPU that is free here, or else of the CPU."""
    gpus = [Device("gpu", index, threads, gpu.name) for index, gpu in enumerate(find_gpus())]
    pin(lease(gpus) or Device("cpu", 0, threads or _threads_of_dask()))


def _threads_of_dask() -> int:
    from distributed import get_worker

    return int(get_worker().state.nthreads)
