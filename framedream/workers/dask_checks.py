"""Checks that the workers of a cluster see the same folder and have the same versions."""

from __future__ import annotations

import os
import platform
import socket
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from framedream.errors import DeviceError, OutputError

PACKAGES = ("framedream", "tensorflow", "keras", "numpy", "opencv-python-headless", "av")
"""The packages that determine the bits of a result, besides Python."""


def describe_worker(path: str) -> dict[str, Any]:
    """Describe the worker that this function runs in.

    Args:
        path: A file that it should be able to read.

    Returns:
        ``name``, host and process ID; ``text``, the content of the file or ""; ``versions`` of the packages.
    """
    try:
        text = Path(path).read_text()
    except OSError:
        text = ""
    return {"name": f"{socket.gethostname()}:{os.getpid()}", "text": text, "versions": versions()}


def versions() -> dict[str, str]:
    """The versions of the packages that determine the bits of a result, on this machine."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "none"
    return found


@contextmanager
def folder_token(folder: Path) -> Iterator[tuple[Path, str]]:
    """Create a file with a random text, by which a worker can show that it sees the same folder.

    Args:
        folder: The folder of the file. The file is deleted at the end of the context.

    Yields:
        The path and the text.

    Raises:
        OutputError: This process cannot write to the folder.
    """
    text = uuid.uuid4().hex
    path = folder.absolute() / f".framedream-{os.getpid()}-{text[:8]}"
    try:
        path.write_text(text)
    except OSError as error:
        raise OutputError(f"{folder}: {error.strerror}; choose a writable folder") from error
    try:
        yield path, text
    finally:
        path.unlink(missing_ok=True)


def check_workers(found: Mapping[str, Any], addresses: Sequence[str], text: str, folder: Path) -> list[str]:
    """Check that all workers can do the work.

    Args:
        found: By address, the result of `describe_worker` or the exception that it raised.
        addresses: The addresses of the workers.
        text: The text of the file from `folder_token`.
        folder: The folder of that file.

    Returns:
        The names of the workers, in the order of their addresses.

    Raises:
        DeviceError: A worker does not answer, lacks framedream, does not see the folder or has another version.
    """
    own = versions()
    for address in addresses:
        worker = found.get(address)
        # Dask returns an exception that cannot be unpickled here as text.
        if isinstance(worker, BaseException) and "ModuleNotFoundError" in repr(worker):
            raise DeviceError(
                f"worker {address} cannot import framedream {own['framedream']} ({worker}); install it there"
            )
        if not isinstance(worker, Mapping):
            why = f" ({' '.join(str(worker).split())})" if worker else ""
            raise DeviceError(f"worker {address} does not answer{why}; restart it, or end it")
        name = worker["name"]
        if worker["text"] != text:
            raise DeviceError(f"worker {name} cannot see {folder}; use a folder that all workers can see")
        for package, wanted in own.items():
            has = worker["versions"].get(package, "none")
            if has != wanted:
                raise DeviceError(
                    f"worker {name} has {package} {has}, but this machine has {wanted}; install the same version there"
                )
    return [found[address]["name"] for address in addresses]
