"""What a batch has finished, remembered beside its results."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from framedream.errors import LockedError, OutputError
from framedream.store.array_files import load_arrays, save_arrays
from framedream.store.fingerprints import result_state
from framedream.store.journal import Journal

FOLDER = ".framedream"
"""Hidden folder among the results: journal, pictures for the report, lock."""


@dataclass(frozen=True)
class FinishedItem:
    """A finished item.

    Attributes:
        frames: How many it has.
        seconds: How long it took.
        warnings: What was said on the way.
        source_pictures: JPEGs of its footage.
        dreamed_pictures: JPEGs of the same moments of its dream.
    """

    frames: int
    seconds: float
    warnings: tuple[str, ...]
    source_pictures: tuple[bytes, ...] = ()
    dreamed_pictures: tuple[bytes, ...] = ()

    def told(self) -> dict[str, Any]:
        """All of it by name, for the report."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


class FinishedItems:
    """The records of one folder of results, locked as long as they are open.

    A record counts only as long as the result is as it was when it was finished.

    Args:
        target: The folder of results; made if it is missing.

    Raises:
        LockedError: Another run is at work on it.
        OutputError: It cannot be written.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._folder = target / FOLDER
        try:
            (self._folder / "pictures").mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self._folder / "lock", blocking=False)
            self._lock.acquire()
            self._journal = Journal(self._folder / "journal")
        except Timeout:
            raise LockedError(
                f"{target}: another run is making these dreams; wait for that one, or name another output"
            ) from None
        except OSError as error:
            raise OutputError(
                f"{target}: cannot be written ({error.strerror}); check the folder and its permissions"
            ) from None

    def find(self, name: str, fingerprint: str, result: Path) -> FinishedItem | None:
        """The record of an item that was finished like this, and whose result is still there.

        Args:
            name: The item's name.
            fingerprint: What footage and settings it must have been made with.
            result: Where its result must be, unchanged.
        """
        for record in reversed(self._journal.records):
            if record["kind"] == "done" and record["name"] == name:
                if record["fingerprint"] != fingerprint or record["result"] != result_state(result):
                    return None
                sources, dreams = self._pictures(name)
                return FinishedItem(record["frames"], record["seconds"], tuple(record["warnings"]), sources, dreams)
        return None

    def add(self, name: str, fingerprint: str, result: Path, record: FinishedItem) -> None:
        """Remember a finished item; its pictures are added later.

        Raises:
            OutputError: The disk is full or refuses.
        """
        self._guarded(
            lambda: self._journal.add(
                "done", name=name, fingerprint=fingerprint, result=result_state(result), frames=record.frames,
                seconds=record.seconds, warnings=list(record.warnings),
            )
        )  # fmt: skip

    def add_pictures(self, name: str, pictures: tuple[Sequence[bytes], Sequence[bytes]]) -> None:
        """Keep JPEGs of an item's footage and of its dream, for the reports of later runs.

        Raises:
            OutputError: The disk is full or refuses.
        """
        named = {
            f"{kind}-{index}": np.frombuffer(data, np.uint8)
            for kind, found in zip(("source", "dreamed"), pictures, strict=True)
            for index, data in enumerate(found)
        }
        self._guarded(lambda: save_arrays(self._path(name), named))

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except OSError as error:
            raise OutputError(
                f"{self._target}: cannot be written ({error.strerror}); make room and run the same command again"
            ) from None

    def __enter__(self) -> FinishedItems:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def _pictures(self, name: str) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
        stored = load_arrays(self._path(name)) or {}
        sources, dreams = (
            tuple(stored[key].tobytes() for key in sorted(stored) if key.startswith(kind))
            for kind in ("source", "dreamed")
        )
        return sources, dreams

    def _path(self, name: str) -> Path:
        digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return self._folder / "pictures" / f"{digest}.npz"
