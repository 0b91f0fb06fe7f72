"""Fingerprints of files: whether a file is still what it was."""

from __future__ import annotations

import contextlib
import functools
import hashlib
from pathlib import Path

from framedream.errors import FramedreamError, InputError
from framedream.media import list_images

_HEAD = 2**20
"""Bytes that are hashed at each end of a file."""


def input_identity(source: Path) -> str:
    """Size, modification time and a hash of both ends of a file; for a folder, a hash over its images.

    Raises:
        InputError: The file or folder cannot be read.
    """
    try:
        if source.is_dir():
            files = list_images(source)
            lines = [f"{item.name} {item.stat().st_size} {item.stat().st_mtime_ns}" for item in files]
            text = "\n".join(lines)
            return f"{len(files)} files {_sha(text.encode('utf-8', 'surrogateescape'))}"
        facts = source.stat()
        return f"{facts.st_size} bytes, changed {facts.st_mtime_ns}, {_ends_hash(source, facts.st_size)}"
    except OSError as error:
        raise InputError(f"{source}: cannot be read ({error.strerror}); check the file and its permissions") from None


def file_hash(path: Path | None, error_type: type[FramedreamError]) -> str:
    """SHA-256 of a file as hexadecimal digits; "" if there is no file.

    Args:
        path: The file, or None.
        error_type: The error to raise if it cannot be read.

    Raises:
        FramedreamError: The file cannot be read.
    """
    if path is None:
        return ""
    try:
        facts = path.stat()
        return _hash_contents(path, facts.st_size, facts.st_mtime_ns)
    except OSError as error:
        raise error_type(f"{path}: cannot be read ({error.strerror}); check the name") from None


@functools.cache
def _hash_contents(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _ends_hash(path: Path, size: int) -> str:
    with path.open("rb") as file:
        head = file.read(_HEAD)
        file.seek(max(0, size - _HEAD))
        return _sha(head + file.read(_HEAD))


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def result_state(result: Path) -> list[int] | None:
    """Size and modification time of a result; for a folder, of all its files together; None if it is missing."""
    with contextlib.suppress(OSError):
        if not result.is_dir():
            facts = result.stat()
            return [facts.st_size, facts.st_mtime_ns]
        files = [item.stat() for item in result.iterdir()]
        return [len(files), sum(each.st_size for each in files), max((each.st_mtime_ns for each in files), default=0)]
    return None
