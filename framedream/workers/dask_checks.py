"""Whether the workers of a cluster can do the work: the same folder, the same versions."""

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
"""What decides over the bits of a result, besides Python."""


def describe_worker(path: str) -> dict[str, Any]:
    """What a worker is and sees, called in it.

    Args:
        path: A file that it should be able to read.
    """
    try:
        text = Path(path).read_text()
    except OSError:
        text = ""
    return {"name": f"{socket.gethostname()}:{os.getpid()}", "text": text, "versions": versions()}


def versions() -> dict[str, str]:
    """The versions here of what decides over the bits of a result."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "none"
    return found


@contextmanager
def folder_token(folder: Path) -> Iterator[tuple[Path, str]]:
    """A file in a folder, and what is in it, which only those who see the same folder can know.

    Args:
        folder: Where it is until the context ends.

    Raises:
        OutputError: The folder cannot be written to.
    """
    text = uuid.uuid4().hex
    path = folder.absolute() / f".framedream-{os.getpid()}-{text[:8]}"
    try:
        path.write_text(text)
    except OSError as error:
        raise OutputError(f"{folder}: {error.strerror}; choose a folder that can be written to") from error
    try:
        yield path, text
    finally:
        path.unlink(missing_ok=True)


def check_workers(found: Mapping[str, Any], addresses: Sequence[str], text: str, folder: Path) -> list[str]:
    """See that all workers can do the work.

    Args:
        found: By address, what `describe_worker` said, or the exception that it ended with.
        addresses: The workers that were asked.
        text: What is in the token file.
        folder: Where that is.

    Returns:
        The workers' names, in the order of their addresses.

    Raises:
        DeviceError: A worker is gone, has no framedream, does not see the folder or has another version.
    """
    here = versions()
    for address in addresses:
        worker = found.get(address)
        # Dask hands on what could not be unpickled there as text.
        if isinstance(worker, BaseException) and "ModuleNotFoundError" in repr(worker):
            raise DeviceError(
                f"worker {address} cannot import framedream {here['framedream']} ({worker}); install it there"
            )
        if not isinstance(worker, Mapping):
            why = f" ({' '.join(str(worker).split())})" if worker else ""
            raise DeviceError(f"worker {address} does not answer{why}; start it again, or end it")
        name = worker["name"]
        if worker["text"] != text:
            raise DeviceError(f"worker {name} cannot see {folder}; put it where all workers see it under the same path")
        for package, wanted in here.items():
            has = worker["versions"].get(package, "none")
            if has != wanted:
                raise DeviceError(f"worker {name} has {package} {has}, but here is {wanted}; install the same there")
    return [found[address]["name"] for address in addresses]
