"""The work folder of a film in progress, protected against power cuts and concurrent runs."""

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
"""Suffix of the output's name that makes the name of its work folder."""

_MANIFEST, _JOURNAL, _LOCK, _OWNER = "manifest.json", "journal", "lock", "owner"


def work_path(target: Path) -> Path:
    """The default work folder of an output."""
    return target.with_name(target.name + SUFFIX)


class WorkFolder(FrameStorage):
    """The work folder of one output, locked while it is open.

    A frame or piece counts once its file has its final name; the journal only stores what
    takes long to compute. As a context manager, the folder is closed at the end, and removed
    if nothing was stored. Only files that this class wrote are ever removed.

    Args:
        path: The folder; created if it is missing.
        target: The output.
        manifest: The manifest of this run, which an existing folder must match.
        restart: Discard the stored work.

    Attributes:
        environment_changes: Differences of versions and threads since the folder was created.
        journal: The journal.

    Raises:
        LockedError: Another run uses the folder, or makes the output.
        SettingsError: The folder was created with other settings.
        InputError: The footage has changed since.
        OutputError: The folder cannot be written, or does not belong to this output.
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
            raise OutputError(f"{self.path}: is the work folder of {stored.target}; give another --work")
        for name in STORES:
            (self.path / name).mkdir(exist_ok=True)
            for part in (self.path / name).glob(".*.part-*"):
                part.unlink()
        self.journal = Journal(self.path / _JOURNAL)
        if stored is None or restart or self._is_obsolete(stored, manifest):
            self._reset(manifest)
        else:
            _check_unchanged(stored, manifest, self.path)
            self.environment_changes = stored.changed_environment(manifest)
        sync(self.path)
        if not existed:
            sync(self.path.parent)

    def note(self, kind: str, **values: Any) -> None:
        """Append a record to the journal.

        Args:
            kind: Kind of the record.
            values: Values of the record, as JSON can hold them.

        Raises:
            OutputError: The disk is full or cannot be written.
        """
        self._guarded(lambda: self.journal.add(kind, **values))

    def note_complete(self, part: Path, frames: int, shots: int) -> None:
        """Record the finished output just before it gets its final name, so that it is not made again.

        Args:
            part: The output under its temporary name.
            frames: Number of frames.
            shots: Number of shots.

        Raises:
            OutputError: The disk is full or cannot be written.
        """
        self.note("complete", frames=frames, shots=shots, result=result_state(part))

    def completed(self) -> tuple[int, int] | None:
        """Numbers of frames and shots of the output, if it is complete and unchanged since; else None."""
        record = self.journal.find("complete")
        if record is None or record["result"] != result_state(self._target):
            return None
        return record["frames"], record["shots"]

    def remove(self) -> None:
        """Remove the files that this class wrote, and the folder if it is empty then."""
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

    def _is_obsolete(self, stored: Manifest, manifest: Manifest) -> bool:
        """Whether the folder holds a complete film with other settings, left by a run that was killed at its end."""
        differs = bool(stored.changed_source(manifest) or stored.changed_settings(manifest))
        return differs and self.completed() is not None

    def _reset(self, manifest: Manifest) -> None:
        self.clear()
        (self.path / _JOURNAL).unlink(missing_ok=True)
        write_durably(self.path / _MANIFEST, manifest.write)
        self.journal = Journal(self.path / _JOURNAL)

    def _check_is_ours(self) -> None:
        """Refuse a path that holds something else."""
        path = self.path
        if path.is_symlink():
            raise OutputError(f"{path}: is a symbolic link; remove it, or give another --work")
        if path.exists() and not path.is_dir():
            raise OutputError(f"{path}: is a file, not a work folder; give another --work")
        if path.is_dir() and Manifest.read(path / _MANIFEST) is None:
            # A run that was killed during its first or last steps leaves only these.
            own = [_LOCK, _OWNER, RUNNING, *STORES]
            if (path / _JOURNAL).is_file() and Journal.is_journal(path / _JOURNAL):
                own.append(_JOURNAL)
            others = sorted(item.name for item in path.iterdir() if item.name not in own and ".part-" not in item.name)
            others += [f"{name}/{item.name}" for name in STORES for item in (path / name).glob("*")]
            if others:
                raise OutputError(f"{path}: contains other files ({others[0]}); give --work an empty or new folder")

    def _lock_output(self) -> None:
        lock = self._target.with_name(f".{self._target.name}.lock")
        self._lock(lock, f"{self._target}: another run is making it; wait for that run, or choose another output")
        # Removed while it is held: a process that opened it in the meantime finds it removed and tries again.
        self._locks.callback(lock.unlink, missing_ok=True)

    def _lock_folder(self) -> None:
        owner = self.path / _OWNER
        by = f" ({owner.read_text()})" if owner.exists() and owner.stat().st_size else ""
        self._lock(
            self.path / _LOCK,
            f"{self.path}: another run{by} uses it; wait for that run, or give another --work",
        )
        owner.write_text(f"process {os.getpid()} on {socket.gethostname()}")

    def _lock(self, path: Path, message: str) -> None:
        lock = FileLock(path, blocking=False)
        try:
            lock.acquire()
        except Timeout:
            raise LockedError(message) from None
        self._locks.callback(lock.release)


def _check_unchanged(stored: Manifest, manifest: Manifest, path: Path) -> None:
    """Refuse to resume work that was started with other footage or settings."""
    advice = "repeat the original command, or give --restart to start over"
    changed = stored.changed_source(manifest)
    if changed:
        raise InputError(f"{changed} since {path} was started; {advice}")
    changes = stored.changed_settings(manifest)
    if changes:
        raise SettingsError(f"{path}: was started with other settings ({', '.join(changes)}); {advice}")
