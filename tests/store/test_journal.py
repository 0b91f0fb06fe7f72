"""What the journal and the work folder promise: what was acknowledged is there after any crash."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framedream import Settings
from framedream.errors import OutputError
from framedream.media import Piece
from framedream.media.write.pieces import EncodedFrame
from framedream.render.state_store import backward_name, frame_name
from framedream.store.journal import Journal
from framedream.store.manifest import Manifest
from framedream.store.work_folder import WorkFolder

RECORDS = [{"kind": "survey", "ticks": [1, 2, 3]}, {"kind": "note", "text": "ü\n\x00"}, {"kind": "survey", "ticks": []}]


def test_a_journal_gives_back_its_records_in_order(tmp_path):
    journal = Journal(tmp_path / "journal")
    for record in RECORDS:
        journal.add(**record)
    assert Journal(tmp_path / "journal").records == RECORDS
    assert journal.find("survey") == RECORDS[2]
    assert journal.find("other") is None


def test_cut_at_any_byte_it_has_all_records_before_the_cut_and_takes_more(tmp_path):
    journal = Journal(tmp_path / "journal")
    ends = []
    for record in RECORDS:
        journal.add(**record)
        ends.append((tmp_path / "journal").stat().st_size)
    text = (tmp_path / "journal").read_bytes()
    for length in range(len(text) + 1):
        (tmp_path / "cut").write_bytes(text[:length])
        cut = Journal(tmp_path / "cut")
        whole = sum(end <= length for end in ends)
        assert cut.records == RECORDS[:whole]
        cut.add("more", at=length)
        assert Journal(tmp_path / "cut").records == [*RECORDS[:whole], {"kind": "more", "at": length}]


def test_a_flipped_bit_ends_the_journal_there(tmp_path):
    journal = Journal(tmp_path / "journal")
    for record in RECORDS:
        journal.add(**record)
    data = bytearray((tmp_path / "journal").read_bytes())
    data[data.index(b"\n") + 20] ^= 4
    (tmp_path / "journal").write_bytes(data)
    assert Journal(tmp_path / "journal").records == RECORDS[:1]


class Crash(BaseException):
    """The power goes."""


class Power:
    """Goes at the n-th call that changes the disk."""

    CALLS = ((os, "fsync"), (Path, "replace"), (Path, "unlink"), (Path, "mkdir"), (os, "truncate"), (Path, "open"))

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __enter__(self) -> None:
        self.kept = [getattr(owner, name) for owner, name in self.CALLS]
        for (owner, name), action in zip(self.CALLS, self.kept, strict=True):
            setattr(owner, name, self._counted(action))

    def __exit__(self, *_) -> None:
        for (owner, name), action in zip(self.CALLS, self.kept, strict=True):
            setattr(owner, name, action)

    def _counted(self, action):
        def call(*arguments, **options):
            self.left -= 1
            if self.left == 0:
                raise Crash
            return action(*arguments, **options)

        return call


MANIFEST = Manifest("in.mp4", "an identity", "out.mp4", {"steps": "3"}, "", {})


def arrays(number: int) -> dict[str, np.ndarray]:
    return {"dream": np.full((4, 5, 3), number, np.uint16), "maturity": np.arange(20, dtype=np.uint8)}


def piece(number: int) -> Piece:
    return Piece((EncodedFrame(b"x" * number, number, 1, True), EncodedFrame(b"", number + 1, 2, False)))


@settings(max_examples=60, deadline=None)
@given(crashes=st.lists(st.integers(1, 60), max_size=6))
def test_whatever_the_crash_points_what_was_acknowledged_is_there_and_the_work_ends(crashes):
    """A made-up job stores frames, pieces and notes, and releases frames; the power goes again and again."""
    place = Path(tempfile.mkdtemp())
    frames, pieces, notes = set(), set(), []

    def work() -> None:
        with WorkFolder(place / "out.framedream", place / "out.mp4", MANIFEST) as folder:
            assert all(folder.load(frame_name(number)) is not None for number in frames)
            assert all(folder.has_piece(number) and folder.load_piece(number) == piece(number) for number in pieces)
            assert [record["text"] for record in folder.journal.records][: len(notes)] == notes
            for number in range(3):
                if folder.has_piece(number):
                    pieces.add(number)
                    frames.difference_update(range(2 * number + 1))
                    folder.release(0, 2 * number + 2)
                    continue
                for frame in (2 * number, 2 * number + 1):
                    stored = folder.load(frame_name(frame))
                    if stored is None:
                        folder.save(backward_name(2 * number, frame), arrays(frame))
                        folder.save(frame_name(frame), arrays(frame))
                    else:
                        assert np.array_equal(stored["dream"], arrays(frame)["dream"])
                    frames.add(frame)
                texts = [record["text"] for record in folder.journal.records]
                if len(texts) == number:
                    folder.note("note", text=str(number))
                notes[:] = [record["text"] for record in folder.journal.records]
                folder.save_piece(number, piece(number))
                pieces.add(number)
                frames.difference_update(range(2 * number + 1))
                folder.release(0, 2 * number + 2)
            assert pieces == {0, 1, 2}
            assert {path.stem for path in (folder.path / "frames").iterdir()} <= {
                frame_name(5),
                frame_name(3),
                frame_name(1),
            }
            for kept in (frames, pieces, notes):
                kept.clear()
            folder.remove()

    try:
        for crash in crashes:
            try:
                with Power(crash):
                    work()
                break
            except Crash:
                pass
        else:
            work()
        assert not (place / "out.framedream").exists()
        assert not (place / ".out.mp4.lock").exists()
    finally:
        shutil.rmtree(place)


@pytest.mark.parametrize("method", ["frame", "piece", "note"])
def test_a_refused_write_is_an_output_error_that_keeps_what_was_there(tmp_path, monkeypatch, method):
    with WorkFolder(tmp_path / "out.framedream", tmp_path / "out.mp4", MANIFEST) as folder:
        folder.save(frame_name(1), arrays(1))
        folder.note("note", text="before")

        def full(_descriptor) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(OutputError, match=r"No space left on device.*free some space and run the same command"):
                if method == "frame":
                    folder.save(frame_name(1), arrays(2))
                elif method == "piece":
                    folder.save_piece(1, piece(1))
                else:
                    folder.note("note", text="after")
        assert np.array_equal(folder.load(frame_name(1))["dream"], arrays(1)["dream"])
        assert not folder.has_piece(1)
        assert [record["text"] for record in Journal(folder.path / "journal").records] == ["before"]
        assert not list(folder.path.glob("*/.*"))


def test_a_manifest_covers_every_setting_but_those_of_the_run():
    from framedream.config.settings import setting_groups
    from framedream.store.manifest import flatten_settings

    every = {name for name, home in setting_groups().items() if home != "run" or name == "segment"}
    assert (
        set(flatten_settings(Settings.of(algorithm="classic", precision="float32", compare="side", slow_motion=2)))
        == every
    )
    # What had but one value once is not named as long as it has that: folders of that time are gone on with.
    assert set(flatten_settings(Settings())) == every - {"algorithm", "precision", "compare", "slow_motion"}
