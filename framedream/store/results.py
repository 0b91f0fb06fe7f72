"""Whether a result is still what it was when it was finished."""

from __future__ import annotations

import contextlib
from pathlib import Path


def result_state(result: Path) -> list[int] | None:
    """Size and time of change of a result; of a folder, those of its files together; None if it is missing."""
    with contextlib.suppress(OSError):
        if not result.is_dir():
            facts = result.stat()
            return [facts.st_size, facts.st_mtime_ns]
        files = [item.stat() for item in result.iterdir()]
        return [len(files), sum(each.st_size for each in files), max((each.st_mtime_ns for each in files), default=0)]
    return None
