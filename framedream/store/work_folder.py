"""A work folder: what a film in the making has so far, safe against power cuts and second runs."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from framedream.errors import InputError, LockedError, OutputError, SettingsError
from framedream.media.atomic_files import sync, write_durably
from framedream.store.fingerprints import result_state
from framedream.store.frame_storage import RUNNING, STORES, FrameStorage
from framedream.store.journal import Journal
from framedream.store.manifest import Manifest

SUFFIX = ".framedream"
"""What a work folder's name adds to that of the output."""

_MANIFEST, _JOURNAL, _LOCK, _OWNER = "manifest.json", "journal", "lock", "owner"


def work_path(target: Path) -> Path:
    """The work folder of an output, where none is named."""
    return target.with_name(target.name + SUFFIX)


class WorkFolder(FrameStorage):
    """The work folder of one output, locked as long as it is open.

    A frame or piece counts once its file has its final name; the journal only remembers
    what would take long to find out again. As a context manager it is closed at the end, and
    removed where nothing was stored. Only files it made itself are ever removed.

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
        super().__init__(path)
        self._target = target
        self._locks = contextlib.ExitStack()
        self.environment_changes: list[str] = []
        try:
            self._guarded(self._open, manifest, restart)
        except BaseException:
            self._locks.close()
            raise

    def _open(self, manifest: Manifest, restart: bool) -> None:
        self._check_is_ours()
        self._lock_output()
        existed = self.path.is_dir()
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock_folder()
        self.end_run()
        stored = Manifest.read(self.path / _MANIFEST)
        if stored and stored.target != manifest.target:
            raise OutputError(f"{self.path}: is the work folder of {stored.target}; name another one with --work")
        for name in STORES:
            (self.path / name).mkdir(exist_ok=True)
            for part in (self.path / name).glob(".*.part-*"):
                part.unlink()
        self.journal = Journal(self.path / _JOURNAL)
        if stored is None or restart or self._is_over(stored, manifest):
            self._begin(manifest)
        else:
            _compare(stored, manifest, self.path)
            self.environment_changes = stored.changed_environment(manifest)
        sync(self.path)
        if not existed:
            sync(self.path.parent)

    def note(self, kind: str, **values: Any) -> None:
        """Append to the journal.

        Raises:
            OutputError: The disk is full or refuses.
        """
        self._guarded(lambda: self.journal.add(kind, **values))

    def note_complete(self, part: Path, frames: int, shots: int) -> None:
        """Note what the output will be the moment before it gets its name, so that it need not be made again.

        Raises:
            OutputError: The disk is full or refuses.
        """
        self.note("complete", frames=frames, shots=shots, result=result_state(part))

    def completed(self) -> tuple[int, int] | None:
        """Frames and shots of the output if it was completed before, and is still as it was then."""
        record = self.journal.find("complete")
        if record is None or record["result"] != result_state(self._target):
            return None
        return record["frames"], record["shots"]

    def remove(self) -> None:
        """Remove what this class has put there, and the folder if nothing else is in it."""
        with contextlib.suppress(OSError):
            self.clear()
            for name in STORES:
                (self.path / name).rmdir()
        with contextlib.suppress(OSError):
            for name in (_MANIFEST, _JOURNAL, _OWNER, RUNNING, _LOCK):
                (self.path / name).unlink(missing_ok=True)
            self.path.rmdir()

    def __enter__(self) -> WorkFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if (self.path / _MANIFEST).exists() and self.is_empty() and not self.journal.find("complete"):
            self.remove()
        self._locks.close()

    def _is_over(self, stored: Manifest, manifest: Manifest) -> bool:
        """Whether a film with other settings was complete, and only its run did not live to tidy up."""
        is_other = bool(stored.changed_source(manifest) or stored.changed_settings(manifest))
        return is_other and self.completed() is not None

    def _begin(self, manifest: Manifest) -> None:
        self.clear()
        (self.path / _JOURNAL).unlink(missing_ok=True)
        write_durably(self.path / _MANIFEST, manifest.write)
        self.journal = Journal(self.path / _JOURNAL)

    def _check_is_ours(self) -> None:
        """Refuse a place where something else is."""
        path = self.path
        if path.is_symlink():
            raise OutputError(f"{path}: is a link; remove it, or name a place with --work")
        if path.exists() and not path.is_dir():
            raise OutputError(f"{path}: is a file, not a work folder; name another --work")
        if path.is_dir() and Manifest.read(path / _MANIFEST) is None:
            # A run that was killed while it began or tidied up leaves nothing but these.
            left = [_LOCK, _OWNER, RUNNING, *STORES]
            if (path / _JOURNAL).is_file() and Journal.is_one(path / _JOURNAL):
                left.append(_JOURNAL)
            others = sorted(item.name for item in path.iterdir() if item.name not in left and ".part-" not in item.name)
            others += [f"{name}/{item.name}" for name in STORES for item in (path / name).glob("*")]
            if others:
                raise OutputError(f"{path}: holds other things ({others[0]}); name an empty or new folder with --work")

    def _lock_output(self) -> None:
        lock = self._target.with_name(f".{self._target.name}.lock")
        self._lock(lock, f"{self._target}: another run is making it; wait for that one, or name another output")
        # Unlinked while it is held: whoever opened it meanwhile finds no name to it and tries again.
        self._locks.callback(lock.unlink, missing_ok=True)

    def _lock_folder(self) -> None:
        owner = self.path / _OWNER
        by = f" ({owner.read_text()})" if owner.exists() and owner.stat().st_size else ""
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


def _compare(stored: Manifest, manifest: Manifest, path: Path) -> None:
    """Refuse to go on with what was begun with other footage or settings."""
    how = "run again as then, or give --restart to begin anew"
    changed = stored.changed_source(manifest)
    if changed:
        raise InputError(f"{changed}, with which {path} was begun; {how}")
    changes = stored.changed_settings(manifest)
    if changes:
        raise SettingsError(f"{path}: was begun with other settings ({', '.join(changes)}); {how}")
