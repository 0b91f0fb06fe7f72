"""Storage of the frames and pieces of a film in progress, shared by all processes that make it."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock
from numpy.typing import NDArray

from framedream.errors import OutputError
from framedream.media import Piece
from framedream.media.atomic_files import sync
from framedream.render.state_store import frame_name, is_shared, transition_name
from framedream.store.array_files import load_arrays, save_arrays

_T = TypeVar("_T")

STORES = ("frames", "pieces")
"""Subfolders of a work folder that hold arrays."""

RUNNING = "running"
"""File with the token of the current run; workers stop when it is removed."""


class FrameStorage:
    """Stored frames and pieces; each counts once its file has its final name.

    Args:
        path: A work folder; see `framedream.store.work_folder`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self, name: str) -> dict[str, NDArray[Any]] | None:
        """Load a frame; None if it is missing or damaged."""
        return self._guarded(load_arrays, self._frame(name))

    def save(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Save a frame; it is on the disk when this returns.

        Args:
            name: Name of the frame, see `framedream.render.state_store`.
            arrays: Its arrays by name.

        Raises:
            OutputError: The disk is full or cannot be written.
        """
        self._guarded(save_arrays, self._frame(name), arrays)

    def release(self, first: int, before: int) -> None:
        """Remove the encoded frames of a part.

        Args:
            first: The first frame of the part.
            before: The first frame that is not encoded. The frame before it stays, because it may be continued.
        """
        kept = frame_name(before - 1), transition_name(before - 1)
        self._release(first, before, lambda name: not is_shared(name) and name not in kept)

    def release_part(self, first: int, stop: int) -> None:
        """Remove all frames of an encoded part, except frames that other parts share."""
        self._release(first, stop, lambda name: not is_shared(name))

    def release_shared(self, first: int, stop: int) -> None:
        """Remove the frames that the segments of a shot share."""
        self._release(first, stop, is_shared)

    def _release(self, first: int, stop: int, which: Callable[[str], bool]) -> None:
        for path in (self.path / "frames").glob("[a-z]*-[0-9]*.npz"):
            if first <= int(path.stem.split("-")[1]) < stop and which(path.stem):
                path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def alone_with(self, name: str) -> Generator[None]:
        """Hold the lock of a frame, so that only one process at a time makes it."""
        with FileLock(self.path / "frames" / f".{name}.lock"):
            yield

    def has_piece(self, number: int) -> bool:
        """Whether a piece is stored."""
        return self._piece(number).exists()

    def save_piece(self, number: int, piece: Piece) -> None:
        """Save an encoded piece; it is on the disk when this returns.

        Raises:
            OutputError: The disk is full or cannot be written.
        """
        self._guarded(save_arrays, self._piece(number), piece.packed())

    def load_piece(self, number: int) -> Piece:
        """Load an encoded piece.

        Raises:
            OutputError: The piece is damaged; it is removed, so that the next run makes it again.
        """
        path = self._piece(number)
        stored = self._guarded(load_arrays, path)
        if stored is None:
            path.unlink(missing_ok=True)
            raise OutputError(f"{path}: is damaged; run the same command again to make it again")
        return Piece.unpacked(stored)

    def write_progress(self, part: int, *numbers: int) -> None:
        """Publish the progress of a part for other processes; failures are ignored.

        Args:
            part: Number of the part.
            numbers: Finished frames, finished backward frames, and the frame in progress.
        """
        path = self._progress_file(part)
        with contextlib.suppress(OSError):
            new = path.with_name(f"{path.name}.part-{os.getpid()}")
            new.write_text(" ".join(map(str, numbers)))
            new.replace(path)

    def read_progress(self, part: int) -> list[int] | None:
        """Read the latest progress of a part, see `write_progress`; None if there is none."""
        try:
            return [int(word) for word in self._progress_file(part).read_text().split()] or None
        except (OSError, ValueError):
            return None

    def start_run(self) -> str:
        """Start a run of workers.

        Returns:
            The token that identifies the run.

        Raises:
            OutputError: The disk is full or cannot be written.
        """
        token = secrets.token_hex(8)
        self._guarded((self.path / RUNNING).write_text, token)
        return token

    def end_run(self) -> None:
        """End the run: its workers stop after the current frame."""
        with contextlib.suppress(OSError):
            (self.path / RUNNING).unlink(missing_ok=True)

    def is_running(self, token: str) -> bool:
        """Whether the run with this token has not ended."""
        try:
            return (self.path / RUNNING).read_text() == token
        except OSError:
            return False

    def is_empty(self) -> bool:
        """Whether no frames and pieces are stored."""
        return not any(any((self.path / name).glob("*.npz")) for name in STORES)

    def clear(self) -> None:
        """Remove all frames and pieces; the removal is on the disk when this returns."""
        for name in STORES:
            for path in [*(self.path / name).glob("*.npz"), *(self.path / name).glob(".*-0*")]:
                path.unlink()
            sync(self.path / name)

    def _progress_file(self, part: int) -> Path:
        return self.path / "frames" / f".read_progress-{part:06d}"

    def _frame(self, name: str) -> Path:
        return self.path / "frames" / f"{name}.npz"

    def _piece(self, number: int) -> Path:
        return self.path / "pieces" / f"{number:06d}.npz"

    def _guarded(self, action: Callable[..., _T], *values: Any) -> _T:
        try:
            return action(*values)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                advice = "free some space and run the same command again; finished work is kept"
            else:
                advice = "check the disk and its permissions, or give --work another folder"
            raise OutputError(f"{self.path}: cannot be written ({error.strerror or error}); {advice}") from error
