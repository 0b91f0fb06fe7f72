"""An append-only file of records that survives crashes."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any

from framedream.media.atomic_files import sync

_MAX_LINE_BYTES = 2**28
"""Upper limit of the length of a line."""


class Journal:
    """Records in a file, one JSON line with a checksum each.

    A line that a power cut left incomplete is removed when the file is opened, and all after it.

    Args:
        path: The file; created by the first record.

    Attributes:
        records: All records, in order.

    Raises:
        OSError: The file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.records: list[dict[str, Any]] = []
        text = path.read_bytes() if path.exists() else b""
        valid = 0
        for line in text.splitlines(keepends=True):
            record = _parse_line(line)
            if record is None:
                break
            self.records.append(record)
            valid += len(line)
        if valid < len(text):
            os.truncate(path, valid)

    @staticmethod
    def is_journal(path: Path) -> bool:
        """Whether a file is a journal with at least one record."""
        with path.open("rb") as file:
            return _parse_line(file.readline(_MAX_LINE_BYTES)) is not None

    def find(self, kind: str) -> dict[str, Any] | None:
        """Find the last record of a kind; None if there is none."""
        return next((record for record in reversed(self.records) if record["kind"] == kind), None)

    def add(self, kind: str, **values: Any) -> None:
        """Append a record; it is on the disk when this returns.

        Args:
            kind: Kind of the record.
            values: Values of the record, as JSON can hold them.

        Raises:
            OSError: The disk is full or cannot be written; the journal is unchanged.
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


def _parse_line(line: bytes) -> dict[str, Any] | None:
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(text):
        return None
    record: dict[str, Any] = json.loads(text)
    return record
