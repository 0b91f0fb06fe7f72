"""Leases a device to one process and makes it the only device that TensorFlow sees."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

import cv2
from filelock import FileLock, Timeout

from framedream.errors import DeviceError
from framedream.workers.devices import Device

_VISIBLE_DEVICES = "CUDA_VISIBLE_DEVICES"

_lease_lock = threading.Lock()


class _Process:
    """The lease of this process, which uses one device all its life: TensorFlow cannot change it."""

    def __init__(self, visible: str | None) -> None:
        self.number = os.getpid()
        self.visible = visible  # CUDA_VISIBLE_DEVICES before pinning changed it.
        self.leased: Device | None = None
        self.lock: FileLock | None = None
        self.pinned: Device | None = None

    def can_use(self, device: Device) -> bool:
        own = self.leased or self.pinned
        return own is None or _key(own) == _key(device)


_state: _Process | None = None


def _process() -> _Process:
    global _state
    if _state is None:
        _state = _Process(os.environ.get(_VISIBLE_DEVICES))
    elif _state.number != os.getpid():  # A forked process does not own its parent's lease.
        _state = _Process(_state.visible)
    return _state


def _key(device: Device) -> tuple[str, int]:
    """A value that is equal for the same device; all workers on the CPU count as the same."""
    return device.kind, device.index if device.kind == "gpu" else 0


def pin_device(device: Device) -> None:
    """Make a device the only one of this process, before TensorFlow is imported.

    TensorFlow allocates GPU memory as needed, so that other programs can use the GPU too. TensorFlow, OpenCV and
    OpenMP use the number of threads of the device. A second call with the same device has no effect.

    Args:
        device: The device. Its index counts the entries of CUDA_VISIBLE_DEVICES at the time of the first call.

    Raises:
        RuntimeError: TensorFlow has already been imported.
        DeviceError: CUDA_VISIBLE_DEVICES has no such GPU.
    """
    process = _process()
    if process.pinned == device:
        return
    if "tensorflow" in sys.modules:
        raise RuntimeError(f"{device.name} must be pinned before TensorFlow is imported in this process")
    os.environ[_VISIBLE_DEVICES] = _entry(device, process.visible) if device.kind == "gpu" else "-1"
    os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
    if device.threads is not None:
        for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
            os.environ[name] = str(device.threads)
        cv2.setNumThreads(device.threads)
    process.pinned = device


def lease_device(candidates: Sequence[Device]) -> Device | None:
    """Lease the first device that no other process has leased, until this process ends.

    The operating system releases the lock with the process, however that ends. A process has one device all its
    life: a later call returns that device if it is among the candidates, and never another one. Any number of
    processes can use the CPU.

    Args:
        candidates: Devices in order of preference.

    Returns:
        The device from the candidates, or None if all are in use.

    Raises:
        DeviceError: CUDA_VISIBLE_DEVICES has no such GPU, or the lock cannot be created.
    """
    with _lease_lock:
        process = _process()
        for device in filter(process.can_use, candidates):
            if process.leased or device.kind == "cpu":
                return device
            process.lock = _acquire_lock(_entry(device, process.visible))
            if process.lock:
                process.leased = device
                return device
    return None


def _entry(device: Device, visible: str | None) -> str:
    """CUDA's name of a GPU: a number, or the identifier in CUDA_VISIBLE_DEVICES."""
    if visible is None:
        return str(device.index)
    entries = [entry.strip() for entry in visible.split(",")]
    if device.index >= len(entries) or not entries[device.index]:
        raise DeviceError(
            f"{device.name} is not in {_VISIBLE_DEVICES}={visible}; choose another device, or change the variable"
        )
    return entries[device.index]


def _acquire_lock(entry: str) -> FileLock | None:
    """Acquire the lock of a GPU; None if another process holds it."""
    path = _lock_folder() / f"gpu-{re.sub(r'[^0-9A-Za-z-]', '_', entry)}.lock"
    lock = FileLock(path, blocking=False, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    except (OSError, NotImplementedError) as error:
        raise DeviceError(f"{path}: cannot be locked ({error}); set TMPDIR to a folder on a local disk") from None
    return lock


def _lock_folder() -> Path:
    """The folder of the locks, which only this user can write to."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"framedream-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise DeviceError(f"{folder}: {error.strerror}; set TMPDIR to a writable folder") from None
    if folder.is_symlink() or (hasattr(os, "getuid") and found.st_uid != user):
        raise DeviceError(f"{folder}: belongs to another user; remove it, or set TMPDIR to a folder of your own")
    return folder
