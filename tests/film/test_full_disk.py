"""A disk that becomes full loses nothing: with room, the same call ends the film."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from pictures import pan, write_clip
from stand_in_cli import Restless

from framedream import dream_folder, dream_video
from framedream.batch import dream_folder as batch
from framedream.errors import OutputError
from framedream.jobs import dream_video as video


@pytest.fixture
def small_disk(tmp_path):
    """A disk of two megabytes, in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True, text=True, check=False
    ) if os.geteuid() == 0 else None  # fmt: skip
    if mounted is None or mounted.returncode:
        pytest.skip("a small disk can only be mounted by root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture(autouse=True)
def dreams(monkeypatch) -> Restless:
    """Stands for the network."""
    dreaming = Restless()
    monkeypatch.setattr(video, "dreamer_for", lambda _: dreaming)
    monkeypatch.setattr(batch, "dreamer_for", lambda _: dreaming)
    return dreaming


@pytest.fixture
def clip(tmp_path) -> Path:
    return write_clip(tmp_path / "clips" / "clip.mp4", pan(8, 64, 80))


@pytest.fixture(autouse=True)
def folder(tmp_path):
    (tmp_path / "clips").mkdir()


def fill(disk: Path) -> None:
    """Leave a few kilobytes."""
    with (disk / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(file.tell() - 12_288)


@pytest.mark.parametrize("at", [1, 9, 15])
def test_a_disk_that_becomes_full_is_code_5_and_the_same_call_ends_the_film(clip, small_disk, tmp_path, dreams, at):
    dream_video(clip, tmp_path / "whole.mp4")
    alone = len(dreams.steps)
    dreams.steps.clear()
    told = []

    def progress(_) -> None:
        told.append(True)
        if len(told) == at:
            fill(small_disk)

    with pytest.raises(
        OutputError, match=r"cannot be written \(No space left.*free some space and run the same"
    ) as caught:
        dream_video(clip, small_disk / "film.mp4", progress=progress)
    assert caught.value.exit_code == 5
    assert {item.name for item in small_disk.iterdir()} == {"filler", "film.mp4.framedream"}
    (small_disk / "filler").unlink()
    dream_video(clip, small_disk / "film.mp4")
    assert (small_disk / "film.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert len(dreams.steps) <= alone + 1


def test_a_disk_that_is_full_when_the_film_is_put_together_keeps_its_pieces(clip, small_disk, tmp_path, monkeypatch):
    from framedream.media import FilmAssembler

    dream_video(clip, tmp_path / "whole.mp4")
    assemble = FilmAssembler.assemble
    with monkeypatch.context() as patch:
        patch.setattr(FilmAssembler, "assemble", lambda *a, **k: (fill(small_disk), assemble(*a, **k))[1])
        with pytest.raises(OutputError, match=r"film\.mp4: writing failed \(No space left on device\)"):
            dream_video(clip, small_disk / "film.mp4")
    (small_disk / "filler").unlink()
    told = []
    dream_video(clip, small_disk / "film.mp4", progress=told.append)
    assert told == []
    assert (small_disk / "film.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def test_a_batch_on_a_full_disk_says_so_and_ends_with_room(clip, small_disk):
    full = []

    def progress(stage) -> None:
        if stage.inner and not full:
            full.append(fill(small_disk))

    try:
        failed = dream_folder(clip.parent, small_disk / "dreamed", progress=progress).failed
        assert "No space left" in failed[0].problem
    except OutputError as error:  # Not even the report fits.
        assert "No space left" in str(error)
    (small_disk / "filler").unlink()
    assert dream_folder(clip.parent, small_disk / "dreamed").items[0].state == "done"
