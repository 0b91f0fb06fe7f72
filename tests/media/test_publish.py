"""A small file appears only when it is complete, and leaves nothing beside it."""

from __future__ import annotations

import os

import pytest

from framedream.errors import OutputError
from framedream.media.atomic_files import write_atomically

NO_SUCH_PROCESS = 4194305
"""Above the largest number Linux gives a process."""


@pytest.mark.parametrize("name", ["notes.json", "line\nbreak.json", os.fsdecode(b"\xff.json")])
def test_a_file_is_replaced_and_what_a_killed_run_left_is_removed(tmp_path, name):
    path = tmp_path / "new" / name
    write_atomically(path, b"old")
    (tmp_path / "new" / f".{name}.part-{NO_SUCH_PROCESS}").write_bytes(b"half")
    write_atomically(path, b"new")
    assert [(item.name, item.read_bytes()) for item in path.parent.iterdir()] == [(name, b"new")]


def test_a_file_that_cannot_be_written_leaves_the_older_one(tmp_path, monkeypatch):
    path = tmp_path / "notes.json"
    write_atomically(path, b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match=r"notes\.json: cannot be written \(No space left on device\)"):
            write_atomically(path, b"new")
    assert [(item.name, item.read_bytes()) for item in tmp_path.iterdir()] == [("notes.json", b"old")]
