"""Where the frames and pieces of a film in the making are stored, by whatever process makes them."""

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
"""Folders of arrays in a work folder."""

RUNNING = "running"
"""File with the token of the run that workers work for; without it they end."""


class FrameStorage:
    """Stored frames and pieces. One counts once its file has its final name.

    Args:
        path: A work folder; see `framedream.store.work_folder`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self, name: str) -> dict[str, NDArray[Any]] | None:
        """A stored frame, or None if there is none, or it is damaged."""
        return self._guarded(load_arrays, self._frame(name))

    def save(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Store a frame; it is on the disk when this returns.

        Raises:
            OutputError: The disk is full or refuses.
        """
        self._guarded(save_arrays, self._frame(name), arrays)

    def release(self, first: int, before: int) -> None:
        """Remove frames of one part of the film that have been encoded.

        Args:
            first: The first frame of the part.
            before: The first frame that has not. What there is of the one before it stays: the next may go on from it.
        """
        kept = frame_name(before - 1), transition_name(before - 1)
        self._release(first, before, lambda name: not is_shared(name) and name not in kept)

    def release_part(self, first: int, stop: int) -> None:
        """Remove all frames of a part that is encoded, but not what others may need."""
        self._release(first, stop, lambda name: not is_shared(name))

    def release_shared(self, first: int, stop: int) -> None:
        """Remove what the segments of a shot share."""
        self._release(first, stop, is_shared)

    def _release(self, first: int, stop: int, which: Callable[[str], bool]) -> None:
        for path in (self.path / "frames").glob("[a-z]*-[0-9]*.npz"):
            if first <= int(path.stem.split("-")[1]) < stop and which(path.stem):
                path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def alone_with(self, name: str) -> Generator[None]:
        """Wait until no other process is making what has this name, and keep others from it."""
        with FileLock(self.path / "frames" / f".{name}.lock"):
            yield

    def has_piece(self, number: int) -> bool:
        """Whether a piece is stored."""
        return self._piece(number).exists()

    def save_piece(self, number: int, piece: Piece) -> None:
        """Store an encoded piece; it is on the disk when this returns.

        Raises:
            OutputError: The disk is full or refuses.
        """
        self._guarded(save_arrays, self._piece(number), piece.packed())

    def load_piece(self, number: int) -> Piece:
        """A stored piece.

        Raises:
            OutputError: It is damaged; it is removed, so that the next run makes it anew.
        """
        path = self._piece(number)
        stored = self._guarded(load_arrays, path)
        if stored is None:
            path.unlink(missing_ok=True)
            raise OutputError(f"{path}: is damaged; run the same command again, which makes it anew")
        return Piece.unpacked(stored)

    def write_progress(self, part: int, *numbers: int) -> None:
        """Say how far a part is, for whoever watches from another process."""
        path = self._told(part)
        with contextlib.suppress(OSError):
            new = path.with_name(f"{path.name}.part-{os.getpid()}")
            new.write_text(" ".join(map(str, numbers)))
            new.replace(path)

    def read_progress(self, part: int) -> list[int] | None:
        """What was last said of a part; None if nothing was."""
        try:
            return [int(word) for word in self._told(part).read_text().split()] or None
        except (OSError, ValueError):
            return None

    def start_run(self) -> str:
        """Let workers work here for this run; gives the token that they are to bring.

        Raises:
            OutputError: The disk is full or refuses.
        """
        token = secrets.token_hex(8)
        self._guarded((self.path / RUNNING).write_text, token)
        return token

    def end_run(self) -> None:
        """Let workers end after the frame in hand."""
        with contextlib.suppress(OSError):
            (self.path / RUNNING).unlink(missing_ok=True)

    def is_running(self, token: str) -> bool:
        """Whether the run that gave out this token still wants work to be done."""
        try:
            return (self.path / RUNNING).read_text() == token
        except OSError:
            return False

    def is_empty(self) -> bool:
        """Whether no frame and no piece is stored."""
        return not any(any((self.path / name).glob("*.npz")) for name in STORES)

    def clear(self) -> None:
        """Remove all frames and pieces; no name of one is left on the disk when this returns."""
        for name in STORES:
            for path in [*(self.path / name).glob("*.npz"), *(self.path / name).glob(".*-0*")]:
                path.unlink()
            sync(self.path / name)

    def _told(self, part: int) -> Path:
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
                cure = "make room and run the same command again: what is done is kept"
            else:
                cure = "check the disk and its permissions, or give --work another place"
            raise OutputError(f"{self.path}: cannot be written ({error.strerror or error}); {cure}") from error
