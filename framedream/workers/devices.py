"""Selects the devices of a job among those that the machine has, without importing TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from framedream.config.machine import parse_devices, total_memory, usable_cores
from framedream.config.settings import RunSettings
from framedream.errors import SettingsError
from framedream.workers.gpu_discovery import find_gpus

_THREADS_PER_WORKER = 1
"""Threads of a worker on the CPU if the work has enough parts for all cores.

On 2 cores, one worker of 2 threads took 1.04 times as long (`python -m benchmarks.workers real`).
"""

_MEMORY_PER_WORKER = 2.5e9
"""Bytes of memory that a worker on the CPU needs: a window of frames, the network and its gradients."""


@dataclass(frozen=True)
class Device:
    """The device of one worker.

    Attributes:
        kind: A GPU, or the CPU or a share of it.
        index: Position among the visible GPUs, or among the workers on the CPU.
        threads: CPU threads of the worker, or None for the default of the libraries.
        product: Product name, such as ``NVIDIA H200``.
        workers: Number of workers that share the CPU; unused for a GPU.
    """

    kind: Literal["cpu", "gpu"]
    index: int
    threads: int | None
    product: str = ""
    workers: int = 1

    @property
    def name(self) -> str:
        """``gpu:0``, ``cpu``, or ``cpu:0`` if several workers share the CPU."""
        return "cpu" if self.kind == "cpu" and self.workers == 1 else f"{self.kind}:{self.index}"


def select_devices(run: RunSettings, units: int | None = None) -> list[Device]:
    """Select the devices of a job, in the order of use.

    Args:
        run: The requested devices and threads.
        units: Number of independent parts of the work; None for many.

    Raises:
        SettingsError: A requested GPU does not exist.
    """
    choice = parse_devices(run.devices)
    if choice.kind == "gpu" or (choice.kind == "auto" and find_gpus()):
        return _on_gpus(choice.gpus, run.threads)
    cores = usable_cores()
    if choice.kind == "cpu":
        return _on_cpu(choice.workers, run.threads or max(1, cores // choice.workers))
    return _on_cpu(*cpu_split(cores, units, memory=total_memory(), threads=run.threads))


def cpu_split(
    cores: int, units: int | None = None, *, memory: float = float("inf"), threads: int | None = None
) -> tuple[int, int]:
    """Divide the CPU: the number of workers and the threads of each.

    If the work has enough parts, each core gets a worker with one thread. Fewer parts than cores, or little
    memory, give fewer workers with more threads.

    Args:
        cores: Number of usable cores.
        units: Number of independent parts of the work; None for many.
        memory: Bytes of main memory.
        threads: Threads of each worker. Default: from the number of workers.
    """
    workers = cores // (threads or _THREADS_PER_WORKER)
    if units is not None:
        workers = min(workers, units)
    if memory < float("inf"):
        workers = min(workers, int(memory // _MEMORY_PER_WORKER))
    workers = max(1, workers)
    return workers, threads or max(1, cores // workers)


def describe(devices: Sequence[Device]) -> str:
    """Format devices as text, such as ``gpu:0, gpu:1`` or ``2 workers on the CPU with 1 thread each``."""
    if not devices or devices[0].kind == "gpu":
        return ", ".join(device.name for device in devices)
    number, threads = len(devices), devices[0].threads
    workers = "1 worker" if number == 1 else f"{number} workers"
    each = " each" if number > 1 else ""
    return f"{workers} on the CPU" + (f" with {threads} thread{'s' * (threads > 1)}{each}" if threads else "")


def _on_cpu(workers: int, threads: int) -> list[Device]:
    return [Device("cpu", index, threads, workers=workers) for index in range(workers)]


def _on_gpus(positions: Sequence[int], threads: int | None) -> list[Device]:
    gpus = find_gpus()
    if not gpus:
        raise SettingsError("devices: TensorFlow finds no GPU here; give --devices cpu, or see `framedream devices`")
    for position in positions:
        if position >= len(gpus):
            available = ", ".join(f"gpu:{index} ({gpu.name})" for index, gpu in enumerate(gpus))
            raise SettingsError(f"devices: gpu:{position} does not exist; available: {available}")
    chosen = positions or range(len(gpus))
    share = threads or max(1, usable_cores() // len(chosen))
    return [Device("gpu", position, share, gpus[position].name) for position in chosen]
