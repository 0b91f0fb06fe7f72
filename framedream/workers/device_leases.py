"""A worker takes its device: one nobody else is at, made the only one that TensorFlow will see."""

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

_VISIBLE = "CUDA_VISIBLE_DEVICES"

_one_at_a_time = threading.Lock()


class _Process:
    """What this process has taken. A process serves one device, since TensorFlow cannot change it."""

    def __init__(self, visible: str | None) -> None:
        self.number = os.getpid()
        self.visible = visible  # CUDA_VISIBLE_DEVICES as it was found: a pinned process has narrowed it.
        self.leased: Device | None = None
        self.lock: FileLock | None = None
        self.pinned: Device | None = None

    def may_serve(self, device: Device) -> bool:
        mine = self.leased or self.pinned
        return mine is None or _key(mine) == _key(device)


_state: _Process | None = None


def _process() -> _Process:
    global _state
    if _state is None:
        _state = _Process(os.environ.get(_VISIBLE))
    elif _state.number != os.getpid():  # Forked: what the parent holds is not ours.
        _state = _Process(_state.visible)
    return _state


def _key(device: Device) -> tuple[str, int]:
    """What makes two devices the same: workers on the processor can stand in for each other."""
    return device.kind, device.index if device.kind == "gpu" else 0


def pin_device(device: Device) -> None:
    """Make a device the only one of this process; to be called before TensorFlow is imported.

    TensorFlow's memory on a GPU grows as needed, so that others can be there too, and its, OpenCV's
    and OpenMP's threads are as many as the device says. Once more with the same device is nothing.

    Args:
        device: The device, its index counted as CUDA_VISIBLE_DEVICES was when this process first took one.

    Raises:
        RuntimeError: TensorFlow has been imported, and would not notice.
        DeviceError: CUDA_VISIBLE_DEVICES has no such GPU.
    """
    process = _process()
    if process.pinned == device:
        return
    if "tensorflow" in sys.modules:
        raise RuntimeError(f"{device.name} must be pinned before TensorFlow is imported in this process")
    os.environ[_VISIBLE] = _entry(device, process.visible) if device.kind == "gpu" else "-1"
    os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
    if device.threads is not None:
        for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
            os.environ[name] = str(device.threads)
        cv2.setNumThreads(device.threads)
    process.pinned = device


def lease_device(candidates: Sequence[Device]) -> Device | None:
    """Take the first device that no other process has, and keep it until this process ends.

    The lock is the operating system's: it goes with the process, however that ends. A process
    has one device for all its life; it gets that again if it is among the candidates, and no other.
    The processor is never taken.

    Args:
        candidates: Devices in the order they are wanted.

    Returns:
        The device, as it stands among the candidates, or None if all are taken.

    Raises:
        DeviceError: CUDA_VISIBLE_DEVICES has no such GPU, or locks cannot be made.
    """
    with _one_at_a_time:
        process = _process()
        for device in filter(process.may_serve, candidates):
            if process.leased or device.kind == "cpu":
                return device
            process.lock = _locked(_entry(device, process.visible))
            if process.lock:
                process.leased = device
                return device
    return None


def _entry(device: Device, visible: str | None) -> str:
    """What CUDA calls a GPU: a number, or the identifier that CUDA_VISIBLE_DEVICES has for it."""
    if visible is None:
        return str(device.index)
    entries = [entry.strip() for entry in visible.split(",")]
    if device.index >= len(entries) or not entries[device.index]:
        raise DeviceError(f"{device.name} is not among {_VISIBLE}={visible}; name one that is, or set it anew")
    return entries[device.index]


def _locked(entry: str) -> FileLock | None:
    """A lock that is held, or None if another process has it."""
    path = _folder() / f"gpu-{re.sub(r'[^0-9A-Za-z-]', '_', entry)}.lock"
    lock = FileLock(path, blocking=False, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    except (OSError, NotImplementedError) as error:
        raise DeviceError(f"{path}: cannot be locked: {error}; set TMPDIR to a folder on a local disk") from None
    return lock


def _folder() -> Path:
    """A folder of this user's alone, for nobody else to hold locks in."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"framedream-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise DeviceError(f"{folder}: {error.strerror}; set TMPDIR to a folder that can be written") from None
    if folder.is_symlink() or (hasattr(os, "getuid") and found.st_uid != user):
        raise DeviceError(f"{folder}: belongs to somebody else; remove it, or set TMPDIR to a folder of your own")
    return folder
