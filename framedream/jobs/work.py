"""A work folder: what a film in the making has so far, safe against power cuts and second runs."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from filelock import FileLock, Timeout
from numpy.typing import NDArray

from framedream.errors import InputError, LockedError, OutputError, SettingsError
from framedream.jobs.arrays import load_arrays, save_arrays
from framedream.jobs.journal import Journal
from framedream.jobs.manifest import Manifest
from framedream.jobs.results import result_state
from framedream.media import Piece
from framedream.media.publish import discard, sync, write_durably
from framedream.render.store import finished

_T = TypeVar("_T")

SUFFIX = ".framedream"
"""What a work folder's name adds to that of the output."""

_MANIFEST, _JOURNAL, _LOCK, _OWNER = "manifest.json", "journal", "lock", "owner"
_OURS = {_MANIFEST, _JOURNAL, _LOCK, _OWNER, "frames", "pieces"}


def work_path(target: Path) -> Path:
    """The work folder of an output, where none is named."""
    return target.with_name(target.name + SUFFIX)


class WorkFolder:
    """The work folder of one output, locked as long as it is open.

    A frame or piece counts once its file has its final name; the journal only remembers
    what would take long to find out again. As a context manager it is closed at the end, and
    removed where nothing was stored.

    Args:
        path: Where it is, or will be.
        target: The output.
        manifest: What it must have been begun with.
        restart: Forget what is there.

    Raises:
        LockedError: Another run is at work on it, or on the output.
        SettingsError: It was begun with other settings.
        InputError: The footage has changed since.
        OutputError: It cannot be written, or is something else.
    """

    def __init__(self, path: Path, target: Path, manifest: Manifest, *, restart: bool = False) -> None:
        self.path, self._target = path, target
        self._locks = contextlib.ExitStack()
        self.begun_elsewise: list[str] = []
        try:
            self._guarded(self._open, manifest, restart)
        except BaseException:
            self._locks.close()
            raise

    def _open(self, manifest: Manifest, restart: bool) -> None:
        _check_is_ours(self.path)
        self._lock_output()
        existed = self.path.is_dir()
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock_folder()
        if restart:
            self._clear()
        stored = Manifest.read(self.path / _MANIFEST)
        if stored is None:
            self._clear()
            write_durably(self.path / _MANIFEST, manifest.write)
        else:
            self._compare(stored, manifest)
            self.begun_elsewise = stored.changed_circumstances(manifest)
        for name in ("frames", "pieces"):
            (self.path / name).mkdir(exist_ok=True)
            for part in (self.path / name).glob(".*"):
                part.unlink()
        sync(self.path)
        if not existed:
            sync(self.path.parent)
        self.journal = Journal(self.path / _JOURNAL)

    def load(self, name: str) -> dict[str, NDArray[Any]] | None:
        """A stored frame, or None if there is none, or it is damaged."""
        return load_arrays(self._frame(name))

    def save(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Store a frame; it is on the disk when this returns.

        Raises:
            OutputError: The disk is full or refuses.
        """
        self._guarded(save_arrays, self._frame(name), arrays)

    def release(self, before: int) -> None:
        """Remove frames that have been encoded.

        Args:
            before: The first frame that has not. The one before it stays: the next may go on from it.
        """
        for path in (self.path / "frames").glob("[!.]*"):
            number = path.stem.split("-")[1]
            if int(number) < before and path.stem != finished(before - 1):
                path.unlink(missing_ok=True)

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
        stored = load_arrays(path)
        if stored is None:
            path.unlink(missing_ok=True)
            raise OutputError(f"{path}: is damaged; run the same command again, which makes it anew")
        return Piece.unpacked(stored)

    def is_empty(self) -> bool:
        """Whether no frame and no piece is stored."""
        return not any(any((self.path / name).glob("*")) for name in ("frames", "pieces"))

    def note(self, kind: str, **values: Any) -> None:
        """Append to the journal.

        Raises:
            OutputError: The disk is full or refuses.
        """
        self._guarded(lambda: self.journal.add(kind, **values))

    def note_published(self, frames: int) -> None:
        """Note that the output is complete, so that a run that ends here need not be repeated.

        Raises:
            OutputError: The disk is full or refuses.
        """
        self.note("published", frames=frames, result=result_state(self._target))

    def published_frames(self) -> int | None:
        """Frames of the output if it was completed before, and is still as it was then."""
        record = self.journal.find("published")
        if record is None or record["result"] != result_state(self._target):
            return None
        frames: int = record["frames"]
        return frames

    def remove(self) -> None:
        """Remove what is in the folder, then the folder itself, which takes its name first."""
        for name in ("frames", "pieces"):
            shutil.rmtree(self.path / name, ignore_errors=True)
        waste = self.path.with_name(f".{self.path.name}.part-{os.getpid()}")
        with contextlib.suppress(OSError):
            self.path.replace(waste)
            discard(waste)

    def __enter__(self) -> WorkFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.path.is_dir() and self.is_empty() and not self.journal.find("published"):
            self.remove()
        self._locks.close()

    def _compare(self, stored: Manifest, manifest: Manifest) -> None:
        how = "run again as then, or give --restart to begin anew"
        if stored.target != manifest.target:
            raise OutputError(f"{self.path}: is the work folder of {stored.target}; name another one with --work")
        if (stored.source, stored.identity) != (manifest.source, manifest.identity):
            changed = "has changed since" if stored.source == manifest.source else f"is not {stored.source}"
            raise InputError(f"{manifest.source}: {changed}, with which {self.path} was begun; {how}")
        changes = stored.changed_settings(manifest)
        if changes:
            raise SettingsError(f"{self.path}: was begun with other settings ({', '.join(changes)}); {how}")

    def _lock_output(self) -> None:
        lock = self._target.with_name(f".{self._target.name}.lock")
        self._lock(lock, f"{self._target}: another run is making it; wait for that one, or name another output")
        # Unlinked while it is held: whoever opened it meanwhile finds no name to it and tries again.
        self._locks.callback(lock.unlink, missing_ok=True)

    def _lock_folder(self) -> None:
        owner = self.path / _OWNER
        by = f" ({owner.read_text()})" if owner.exists() else ""
        self._lock(
            self.path / _LOCK,
            f"{self.path}: another run{by} is at work in it; wait for that one, or name another --work",
        )
        owner.write_text(f"process {os.getpid()} on {socket.gethostname()}")

    def _lock(self, path: Path, message: str) -> None:
        lock = FileLock(path, blocking=False)
        try:
            lock.acquire()
        except Timeout:
            raise LockedError(message) from None
        self._locks.callback(lock.release)

    def _clear(self) -> None:
        for name in ("frames", "pieces"):
            shutil.rmtree(self.path / name, ignore_errors=True)
        for name in (_MANIFEST, _JOURNAL):
            (self.path / name).unlink(missing_ok=True)

    def _frame(self, name: str) -> Path:
        return self.path / "frames" / f"{name}.npz"

    def _piece(self, number: int) -> Path:
        return self.path / "pieces" / f"{number:06d}.npz"

    def _guarded(self, action: Callable[..., _T], *values: Any) -> _T:
        try:
            return action(*values)
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> OutputError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            cure = "make room and run the same command again: what is done is kept"
        else:
            cure = "check the disk and its permissions, or give --work another place"
        return OutputError(f"{self.path}: cannot be written ({error.strerror or error}); {cure}")


def _check_is_ours(path: Path) -> None:
    """Refuse a place where something else is."""
    if path.is_symlink() and path.name.endswith(SUFFIX):
        raise OutputError(f"{path}: is a link; remove it, or name a place with --work")
    if path.exists() and not path.is_dir():
        raise OutputError(f"{path}: is a file, not a work folder; name another --work")
    if path.is_dir() and not (path / _MANIFEST).exists():
        others = sorted(item.name for item in path.iterdir() if item.name not in _OURS and item.name[0] != ".")
        if others:
            raise OutputError(f"{path}: holds other things ({others[0]}); name an empty or new folder with --work")
