"""What this machine has, and how one says which part of it is to work."""

from __future__ import annotations

import ctypes
import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from framedream.errors import SettingsError

_MOST_WORKERS = 1024

_MEMORY_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where a container's share of the memory stands: control groups of version 2 and 1."""


_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""What mallopt(3) calls the free memory that is given back, and the size of what is always given back."""


@dataclass(frozen=True)
class DeviceChoice:
    """The devices that the user chose; as text, in their shortest form.

    Attributes:
        kind: Processors, GPUs, or whatever is best here.
        workers: Processes that share the processors.
        gpus: Positions among the visible GPUs, in the order asked for; () for all.
    """

    kind: Literal["auto", "cpu", "gpu"]
    workers: int = 1
    gpus: tuple[int, ...] = ()

    def __str__(self) -> str:
        if self.kind == "cpu" and self.workers > 1:
            return f"cpu:{self.workers}"
        return f"gpu:{','.join(map(str, self.gpus))}" if self.gpus else self.kind


def parse_devices(text: str) -> DeviceChoice:
    """Parse ``auto``, ``cpu``, ``cpu:2`` (two processes), ``gpu`` (all of them) or ``gpu:0,1``.

    Raises:
        SettingsError: It is none of these, a GPU stands twice, or there are too many processes.
    """
    word = re.sub(r"\s", "", str(text)).lower().replace(",gpu:", ",")
    parts = re.fullmatch(r"(auto)|cpu(?::([0-9]{1,6}))?|gpu(?::([0-9]{1,6}(?:,[0-9]{1,6})*))?", word)
    if not parts:
        raise SettingsError(
            f"devices: '{text}' is not a list of devices; write auto, cpu, cpu:2 (two processes), gpu or gpu:0,1"
        )
    automatic, workers, gpus = parts.groups()
    if automatic:
        return DeviceChoice("auto")
    if word.startswith("cpu"):
        if workers and not 1 <= int(workers) <= _MOST_WORKERS:
            raise SettingsError(f"devices: {text} is out of range; accepted: cpu:1 to cpu:{_MOST_WORKERS}")
        return DeviceChoice("cpu", workers=int(workers or 1))
    positions = tuple(int(position) for position in (gpus or "").split(",") if position)
    if len(set(positions)) < len(positions):
        raise SettingsError(f"devices: '{text}' names a GPU twice; keep one of them")
    return DeviceChoice("gpu", gpus=positions)


GRID = 64
"""Tiles begin at multiples of this, in pixels, so that they see the network's cells where the whole image has them."""

TILES = (1088, 512, 256)
"""Sides of tiles, in pixels, that are tried where a frame is large or does not fit the memory; two of the first share
2160 lines."""


def total_memory() -> float:
    """Bytes of main memory, or of a container's share; infinite if the system does not say."""
    try:
        memory = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        memory = float("inf")
    return min(memory, *map(_memory_limit, _MEMORY_LIMITS))


def _memory_limit(file: Path) -> float:
    try:
        return float(file.read_text())
    except (OSError, ValueError):  # The file is missing, or contains "max".
        return float("inf")


def usable_cores() -> int:
    """Processor cores this process may use: no more than its affinity and its container's share allow."""
    import joblib  # Here, since it takes a while and few commands need it.

    return int(joblib.cpu_count())


def processor_name() -> str:
    """The name of the processor, as far as the system knows it."""
    return _of_processor("model name") or platform.processor() or platform.machine() or "unknown"


def processor_features() -> set[str]:
    """The processor's instruction sets by their Linux names, such as ``amx_bf16``; empty if unknown."""
    return set(_of_processor("flags").split())


def _of_processor(fact: str) -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return ""
    found = re.search(rf"^{fact}\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else ""


def keep_freed_memory() -> None:
    """Make this process keep freed memory for the next frames.

    Otherwise the GNU C library gives back what each frame took, and the kernel clears it anew for the next:
    three tenths of the time that seeding takes. Elsewhere than there this does nothing.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(_TRIM_THRESHOLD, 2**30)
    mallopt(_MMAP_THRESHOLD, 2**25)
