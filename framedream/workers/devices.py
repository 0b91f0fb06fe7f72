"""Which devices work on a job: what is asked for, against what there is. Imports no TensorFlow."""

from __future__ import annotations

import functools
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from framedream.config.machine import parse_devices, total_memory, usable_cores
from framedream.config.settings import RunSettings
from framedream.errors import SettingsError

log = logging.getLogger(__name__)

_THREADS_PER_WORKER = 1
"""Threads of a worker on the CPU, where the work has parts enough for all cores.

On 2 cores, one worker of 2 threads took 1.04 times as long (`python -m benchmarks.workers real`).
"""

_MEMORY_PER_WORKER = 2.5e9
"""Bytes that a worker on the CPU may need: a window of frames, the network and its gradients."""

_PATIENCE = 120.0
"""Seconds that TensorFlow may take to tell its GPUs; from a slow disk its import alone takes half a minute."""

_PROBE = """
import json, sys
sys.path[:] = sys.argv[1:]
from framedream.nn.gpus import describe_gpus
print(json.dumps(describe_gpus()))
"""


@dataclass(frozen=True)
class Device:
    """What one worker works on.

    Attributes:
        kind: A GPU, or the processor or a share of it.
        index: Position among the visible GPUs, or among the workers on the processor.
        threads: Processor threads of the worker, or None to leave that to the libraries.
        what: What a person would call it.
        of: Workers that share the processor; it says nothing for a GPU.
    """

    kind: Literal["cpu", "gpu"]
    index: int
    threads: int | None
    what: str = ""
    of: int = 1

    @property
    def name(self) -> str:
        """As ``gpu:0``, ``cpu``, or ``cpu:0`` where several workers share the processor."""
        return "cpu" if self.kind == "cpu" and self.of == 1 else f"{self.kind}:{self.index}"


@dataclass(frozen=True)
class Gpu:
    """A GPU that TensorFlow can use.

    Attributes:
        name: What its maker calls it.
        memory: Bytes of its memory, or None if that is not known.
    """

    name: str
    memory: int | None = None


def find_gpus() -> list[Gpu]:
    """The visible GPUs; TensorFlow is asked once, in a process of its own, if there is a driver at all.

    Where there is a driver but no GPU comes of it, a warning says what to do.
    """
    return list(_gpus(os.environ.get("CUDA_VISIBLE_DEVICES")))


def select_devices(run: RunSettings, units: int | None = None) -> list[Device]:
    """The devices a job runs on, in the order they are to be used.

    Args:
        run: How the machine is to be used.
        units: Independent parts that the work has; None if they are many.

    Raises:
        SettingsError: A GPU was asked for that is not there.
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
    """How many workers share the processor, and how many threads each has.

    As many workers of one thread as there are cores, where the work has parts enough. Fewer parts
    than cores, or little memory, make fewer workers of more threads.

    Args:
        cores: Cores that may be used.
        units: Independent parts that the work has; None if they are many.
        memory: Bytes of main memory.
        threads: Threads of each worker, if that is decided already.
    """
    workers = cores // (threads or _THREADS_PER_WORKER)
    if units is not None:
        workers = min(workers, units)
    if memory < float("inf"):
        workers = min(workers, int(memory // _MEMORY_PER_WORKER))
    workers = max(1, workers)
    return workers, threads or max(1, cores // workers)


def describe(devices: Sequence[Device]) -> str:
    """Devices in words, as ``gpu:0, gpu:1`` or ``2 workers on the CPU with 1 thread each``."""
    if not devices or devices[0].kind == "gpu":
        return ", ".join(device.name for device in devices)
    number, threads = len(devices), devices[0].threads
    workers = "1 worker" if number == 1 else f"{number} workers"
    each = " each" if number > 1 else ""
    return f"{workers} on the CPU" + (f" with {threads} thread{'s' * (threads > 1)}{each}" if threads else "")


def _on_cpu(workers: int, threads: int) -> list[Device]:
    return [Device("cpu", index, threads, of=workers) for index in range(workers)]


def _on_gpus(positions: Sequence[int], threads: int | None) -> list[Device]:
    gpus = find_gpus()
    if not gpus:
        raise SettingsError("devices: TensorFlow sees no GPU on this machine; use --devices cpu, or see `devices`")
    for position in positions:
        if position >= len(gpus):
            there = ", ".join(f"gpu:{index} ({gpu.name})" for index, gpu in enumerate(gpus))
            raise SettingsError(f"devices: gpu:{position} does not exist; available: {there}")
    chosen = positions or range(len(gpus))
    share = threads or max(1, usable_cores() // len(chosen))
    return [Device("gpu", position, share, gpus[position].name) for position in chosen]


@functools.cache
def _gpus(visible: str | None) -> tuple[Gpu, ...]:
    """The GPUs among those that CUDA_VISIBLE_DEVICES leaves visible."""
    if not _driver_is_here() or (visible is not None and visible.split(",")[0].strip() in ("", "-1")):
        return ()
    try:
        gpus = tuple(Gpu(str(gpu["name"]), gpu["memory"]) for gpu in json.loads(_probe()))
    except subprocess.TimeoutExpired:
        problem = f"it took longer than {_PATIENCE:.0f} seconds"
    except subprocess.CalledProcessError as error:
        problem = (str(error.stderr).strip().splitlines() or [f"exit code {error.returncode}"])[-1]
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = str(error)
    else:
        if not gpus:
            log.warning(
                "there is an NVIDIA driver, but TensorFlow sees no GPU; "
                'pip install "framedream[cuda]" brings what it needs, --devices cpu does without'
            )
        return gpus
    log.warning("TensorFlow could not be asked for GPUs: %s; the CPU is used", problem)
    return ()


def _driver_is_here() -> bool:
    return (
        Path("/proc/driver/nvidia").exists()
        or any(Path("/dev").glob("nvidia[0-9]*"))
        or shutil.which("nvidia-smi") is not None
    )


def _probe() -> str:
    """What `framedream.nn.gpus.describe_gpus` says, as JSON.

    The last line, since libraries may print something before it.
    """
    result = subprocess.run(
        [sys.executable, "-c", _PROBE, *sys.path],
        env=os.environ | {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=_PATIENCE,
    )  # fmt: skip
    return (result.stdout.strip().splitlines() or [""])[-1]
