"""Writes files durably: under a temporary name first, under their own only when complete."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from framedream.errors import OutputError


def temporary_path(path: Path) -> Path:
    """Return the temporary name this process uses for an output: hidden, in the same folder."""
    return path.with_name(f".{path.name}.part-{os.getpid()}")


def prepare_output(path: Path) -> None:
    """Make the parent folders of an output and check that it can be written, before any work is done.

    Unfinished files that a killed process left for this output are removed.

    Raises:
        OutputError: The output cannot be written.
    """
    # A random name: in containers, processes with the same number may share a folder.
    probe = path.with_name(f".probe-{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path)
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"{path}: cannot be written ({reason}); check the folder and its permissions") from None


def publish(part: Path, path: Path) -> None:
    """Flush a finished file or folder to disk and rename it to its own name, in one step.

    Raises:
        OSError: The disk is full or refuses.
    """
    for item in [*part.iterdir(), part] if part.is_dir() else [part]:
        sync(item)
    part.replace(path)
    sync(path.parent)


def write_durably(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file completely or not at all, whatever happens.

    Args:
        path: The file, in an existing folder.
        write: Writes the content.

    Raises:
        OSError: The disk is full or refuses; an older file of that name stays.
    """
    part = temporary_path(path)
    try:
        with part.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    sync(path.parent)


def write_atomically(path: Path, content: bytes | Callable[[BinaryIO], object]) -> None:
    """Write a file that appears, or replaces an older one, only when it is complete.

    Args:
        path: The file; missing parent folders are made.
        content: The content, or a function that writes it.

    Raises:
        OutputError: The file cannot be written.
    """
    prepare_output(path)
    try:
        write_durably(path, content if callable(content) else lambda file: file.write(content))
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"{path}: cannot be written ({reason}); check the disk and the name") from None


def discard(part: Path) -> None:
    """Remove an unfinished file or folder, if it exists."""
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Flush a file, or the names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_abandoned(path: Path) -> None:
    for part in path.parent.glob(".*.part-*"):
        name = re.fullmatch(r"(?s)\.(.+)\.part-(\d+)", part.name)
        if name and name[1] == path.name and not _runs(int(name[2])):
            discard(part)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
