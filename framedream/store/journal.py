"""An append-only file of what happened, whole up to the last line that was finished."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any

from framedream.media.atomic_files import sync

_LONGEST = 2**28
"""No line has more bytes than this."""


class Journal:
    """Records, each a line with its checksum; a line that a power cut left unfinished is dropped.

    Args:
        path: The file; made if it is not there.

    Raises:
        OSError: It cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.records: list[dict[str, Any]] = []
        text = path.read_bytes() if path.exists() else b""
        good = 0
        for line in text.splitlines(keepends=True):
            record = _parsed(line)
            if record is None:
                break
            self.records.append(record)
            good += len(line)
        if good < len(text):
            os.truncate(path, good)

    @staticmethod
    def is_one(path: Path) -> bool:
        """Whether a file is a journal with a record in it."""
        with path.open("rb") as file:
            return _parsed(file.readline(_LONGEST)) is not None

    def find(self, kind: str) -> dict[str, Any] | None:
        """The last record of a kind."""
        return next((record for record in reversed(self.records) if record["kind"] == kind), None)

    def add(self, kind: str, **values: Any) -> None:
        """Append a record; it is on the disk when this returns.

        Args:
            kind: What happened.
            values: Anything JSON can hold.

        Raises:
            OSError: The disk is full or refuses; the journal is as it was.
        """
        record = {"kind": kind, **values}
        text = json.dumps(record, separators=(",", ":")).encode()
        is_new = not self._path.exists()
        with self._path.open("ab") as file:
            end = file.tell()
            try:
                file.write(b"%08x %s\n" % (zlib.crc32(text), text))
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                os.truncate(self._path, end)
                raise
        if is_new:
            sync(self._path.parent)
        self.records.append(record)


def _parsed(line: bytes) -> dict[str, Any] | None:
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(text):
        return None
    record: dict[str, Any] = json.loads(text)
    return record
