"""A folder in, a folder of dreams out: what can be made is made, and the rest is explained."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pictures import pan, scene, write_clip
from PIL import Image
from stand_in_cli import Restless

from framedream import dream_folder, dream_video
from framedream.batch import dream_folder as job
from framedream.batch import ledger
from framedream.errors import InputError, LockedError, OutputError, SettingsError, Stopped, WeightsError
from framedream.jobs import dream_video as video
from framedream.media import open_footage, write_image

TESTS = Path(__file__).parents[1]
CLIP = [np.rint(picture) for picture in pan(4, 64, 80)]


@pytest.fixture(autouse=True)
def dreams(monkeypatch) -> Restless:
    """Stands for the network."""
    dreaming = Restless()
    for room in (video, job):
        monkeypatch.setattr(room, "dreamer_for", lambda _: dreaming)
    monkeypatch.setattr("framedream.jobs.dream_image.dreamer_for", lambda _: dreaming)
    return dreaming


@pytest.fixture
def clips(tmp_path) -> Path:
    """Two films, one in a folder, a still, and a folder of numbered images; beside them a text."""
    folder = tmp_path / "clips"
    (folder / "holiday" / "frames").mkdir(parents=True)
    write_clip(folder / "a.mp4", CLIP)
    write_clip(folder / "holiday" / "b.mov", CLIP)
    write_image(folder / "still.png", CLIP[0])
    for number in range(5):
        write_image(folder / "holiday" / "frames" / f"{number}.png", scene(64, 80))
    (folder / "notes.txt").write_text("dear diary")
    return folder


def states(batch) -> dict[str, str]:
    return {item.name: item.state for item in batch.items}


def tree(folder: Path) -> set[str]:
    hidden = (".framedream/", "report.")
    files = (item.relative_to(folder).as_posix() for item in folder.rglob("*") if item.is_file())
    return {name for name in files if not name.startswith(hidden)}


def report(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text())


def test_everything_in_a_folder_is_dreamed_into_a_folder_of_the_same_tree(clips, tmp_path):
    batch = dream_folder(clips, tmp_path / "dreamed")
    assert states(batch) == dict.fromkeys(["a.mp4", "holiday/b.mov", "holiday/frames", "still.png"], "done")
    assert tree(tmp_path / "dreamed") == {"a.mp4", "holiday/b.mov", "holiday/frames.mp4", "still.png"}
    dream_video(clips / "a.mp4", tmp_path / "alone.mp4")
    assert (tmp_path / "alone.mp4").read_bytes() == (tmp_path / "dreamed" / "a.mp4").read_bytes()
    assert len(list(open_footage(tmp_path / "dreamed" / "holiday" / "frames.mp4").frames())) == 5
    assert batch.failed == []


def test_the_report_tells_of_each_item_with_pictures(clips, tmp_path):
    batch = dream_folder(clips, tmp_path / "dreamed", values={"steps": 3})
    told = report(tmp_path / "dreamed")
    assert told["totals"]["done"] == 4
    assert told["totals"]["frames"] == 4 + 4 + 5 + 1
    assert told["ended"] is True
    first = told["items"][0]
    assert (first["name"], first["target"], first["frames"], first["state"]) == ("a.mp4", "a.mp4", 4, "done")
    assert first["settings"] == {"steps": "3"}
    assert first["seconds"] > 0
    assert [len(item.source_pictures) for item in batch.items] == [3, 3, 3, 1]
    assert [len(item.dreamed_pictures) for item in batch.items] == [3, 3, 3, 1]
    assert (tmp_path / "dreamed" / "report.html").read_text().count("data:image/jpeg") == 2 * (3 + 3 + 3 + 1)


def test_the_report_can_be_read_while_the_batch_runs(clips, tmp_path):
    seen = []

    def progress(stage) -> None:
        if stage.inner:
            totals = report(tmp_path / "dreamed")["totals"]
            seen.append((stage.item, totals["done"], totals["running"], totals["waiting"]))

    dream_folder(clips, tmp_path / "dreamed", progress=progress)
    assert sorted(set(seen)) == [(1, 0, 1, 3), (2, 1, 1, 2), (3, 2, 1, 1)]


def test_an_item_that_fails_is_recorded_with_its_reason_and_the_rest_goes_on(clips, tmp_path):
    (clips / "a.mp4").write_text("no film")
    batch = dream_folder(clips, tmp_path / "dreamed")
    assert states(batch)["a.mp4"] == "failed"
    assert list(states(batch).values()).count("done") == 3
    assert "a.mp4: cannot be read as a video" in batch.failed[0].problem
    assert "cannot be read as a video" in (tmp_path / "dreamed" / "report.html").read_text()


def test_a_bug_in_one_item_does_not_end_the_batch(clips, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(job, "dream_image", broken)
    batch = dream_folder(clips, tmp_path / "dreamed")
    assert [item.name for item in batch.failed] == ["still.png"]
    assert "a bug in framedream, sorry: ZeroDivisionError('oh'); dream it alone with --debug" in batch.failed[0].problem


def test_warnings_of_an_item_are_in_its_report(clips, tmp_path):
    write_clip(clips / "a.mkv", pan(30, 64, 80))
    data = (clips / "a.mkv").read_bytes()
    (clips / "a.mkv").write_bytes(data[: len(data) * 2 // 3])
    batch = dream_folder(clips, tmp_path / "dreamed", include=["a.mkv"])
    assert batch.items[0].state == "done"
    assert any("damaged or cut short" in warning for warning in batch.items[0].warnings)
    assert "damaged or cut short" in report(tmp_path / "dreamed")["items"][0]["warnings"][0]


# The same command again.


def test_finished_items_are_kept_with_what_was_told_of_them(clips, tmp_path, dreams):
    first = dream_folder(clips, tmp_path / "dreamed")
    dreams.steps.clear()
    again = dream_folder(clips, tmp_path / "dreamed")
    assert dreams.steps == []
    assert set(states(again).values()) == {"kept"}
    for item, before in zip(again.items, first.items, strict=True):
        assert (item.frames, item.seconds, item.source_pictures, item.dreamed_pictures) == (
            before.frames, before.seconds, before.source_pictures, before.dreamed_pictures
        )  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        lambda clips, dreamed: os.utime(clips / "a.mp4", (1, 1)),
        lambda clips, dreamed: (dreamed / "a.mp4").unlink(),
        lambda clips, dreamed: (dreamed / "a.mp4").write_bytes(b"other"),
        lambda clips, dreamed: (dreamed / ".framedream" / "journal").unlink(),
    ],
    ids=["footage", "result gone", "result changed", "record gone"],
)
def test_an_item_whose_footage_result_or_record_changed_is_made_again(clips, tmp_path, change):
    dreamed = tmp_path / "dreamed"
    dream_folder(clips, dreamed, include=["a.mp4", "still.png"])
    film = (dreamed / "a.mp4").read_bytes()
    change(clips, dreamed)
    assert states(dream_folder(clips, dreamed, include=["a.mp4"])) == {"a.mp4": "done"}
    assert (dreamed / "a.mp4").read_bytes() == film


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError(28, "No space left on device")])
def test_a_film_that_was_finished_is_not_dreamed_again_whatever_its_pictures_do(
    clips, tmp_path, dreams, monkeypatch, error
):
    def broken(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "thumbnails_of", broken)
        try:
            batch = dream_folder(clips, tmp_path / "dreamed", include=["a.mp4"])
            assert (states(batch), batch.items[0].source_pictures) == ({"a.mp4": "done"}, ())
        except KeyboardInterrupt:
            assert error is KeyboardInterrupt
    dreams.steps.clear()
    assert states(dream_folder(clips, tmp_path / "dreamed", include=["a.mp4"])) == {"a.mp4": "kept"}
    assert dreams.steps == []


def test_a_record_that_cannot_be_written_costs_no_film(clips, tmp_path, dreams, monkeypatch):
    from framedream.batch.finished_items import FinishedItems

    def full(*_):
        raise OutputError("the disk is full; make room")

    with monkeypatch.context() as patch:
        patch.setattr(FinishedItems, "add", full)
        batch = dream_folder(clips, tmp_path / "dreamed", include=["a.mp4"])
        assert batch.failed[0].problem == "the disk is full; make room"
    dreams.steps.clear()
    assert states(dream_folder(clips, tmp_path / "dreamed", include=["a.mp4"])) == {"a.mp4": "done"}
    assert dreams.steps == []


def test_a_report_that_cannot_be_written_once_does_not_end_the_batch(clips, tmp_path, monkeypatch, caplog):
    write, calls = ledger.write_report, []

    def once(*arguments):
        calls.append(True)
        if len(calls) == 2:
            raise OutputError("report.json: cannot be written")
        write(*arguments)

    monkeypatch.setattr(ledger, "write_report", once)
    assert set(states(dream_folder(clips, tmp_path / "dreamed")).values()) == {"done"}
    assert "report.json: cannot be written" in caplog.text


def test_a_folder_where_a_film_is_to_be_is_told(clips, tmp_path):
    (tmp_path / "dreamed" / "a.mp4").mkdir(parents=True)
    batch = dream_folder(clips, tmp_path / "dreamed", include=["a.mp4"])
    assert "a.mp4: a folder is in the way; remove or rename it" in batch.failed[0].problem


def test_other_settings_make_all_again_and_restart_too(clips, tmp_path):
    dreamed = tmp_path / "dreamed"
    dream_folder(clips, dreamed)
    assert set(states(dream_folder(clips, dreamed, values={"persistence": 0.9})).values()) == {"done"}
    assert set(states(dream_folder(clips, dreamed, values={"persistence": 0.9})).values()) == {"kept"}
    assert set(states(dream_folder(clips, dreamed, values={"persistence": 0.9}, restart=True)).values()) == {"done"}


def test_a_file_that_happens_to_be_there_is_not_taken_for_a_finished_item(clips, tmp_path):
    dreamed = tmp_path / "dreamed"
    dreamed.mkdir()
    shutil.copy(clips / "a.mp4", dreamed / "a.mp4")
    assert states(dream_folder(clips, dreamed, include=["a.mp4"])) == {"a.mp4": "done"}


def test_stopped_in_a_film_it_goes_on_from_there(clips, tmp_path, dreams):
    dreamed = tmp_path / "dreamed"
    whole = dream_folder(clips, tmp_path / "whole")
    asked = []

    def stop() -> bool:
        asked.append(True)
        return len(asked) > 4 + 8 + 7  # In the second film.

    dreams.steps.clear()
    with pytest.raises(Stopped, match=r"stopped with 1 of 4 items done; the same command goes on from there"):
        dream_folder(clips, dreamed, stop=stop)
    told = report(dreamed)
    assert [item["state"] for item in told["items"]] == ["done", "stopped", "waiting", "waiting"]
    assert "frames done" in told["items"][1]["problem"]
    assert (dreamed / "holiday" / "b.mov.framedream").is_dir()
    batch = dream_folder(clips, dreamed)
    assert list(states(batch).values()) == ["kept", "done", "done", "done"]
    for name in tree(tmp_path / "whole"):
        assert (dreamed / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert tree(dreamed) == tree(tmp_path / "whole")
    assert [item.frames for item in batch.items] == [item.frames for item in whole.items]


def test_stopped_in_a_still_it_finishes_that_and_begins_no_other(clips, tmp_path):
    write_image(clips / "z.png", CLIP[0])
    asked = []

    def progress(stage) -> None:
        asked.append(stage.name == "still.png")

    with pytest.raises(Stopped, match="stopped with 1 of 2 items done"):
        dream_folder(
            clips, tmp_path / "dreamed", include=["still.png", "z.png"], progress=progress, stop=lambda: any(asked)
        )
    assert [item["state"] for item in report(tmp_path / "dreamed")["items"]] == ["done", "waiting"]


def test_a_second_run_on_the_same_results_is_locked_out(clips, tmp_path):
    def progress(stage) -> None:
        with pytest.raises(LockedError, match="another run is making these dreams"):
            dream_folder(clips, tmp_path / "dreamed")

    dream_folder(clips, tmp_path / "dreamed", include=["still.png"], progress=progress)


# Several looks, and settings of their own.


def test_several_presets_make_a_tree_each(clips, tmp_path):
    batch = dream_folder(clips, tmp_path / "dreamed", ["eyes", "peacock"], include=["a.mp4", "still.png"])
    assert tree(tmp_path / "dreamed") == {
        f"{preset}/{name}" for preset in ("eyes", "peacock") for name in ("a.mp4", "still.png")
    }
    assert {item.preset for item in batch.items} == {"eyes", "peacock"}


def test_a_jobs_file_has_settings_for_each_item(clips, tmp_path):
    jobs = tmp_path / "batch.toml"
    jobs.write_text(
        'steps = 5\n[[item]]\nsource = "a.mp4"\nend = "2f"\ntarget = "short.gif"\n'
        '[[item]]\nsource = "st*.png"\npreset = "eyes"\n'
    )
    batch = dream_folder(clips, tmp_path / "dreamed", jobs_file=jobs)
    assert {item.name: (item.frames, item.preset) for item in batch.items} == {
        "a.mp4": (2, "framedream"),
        "still.png": (1, "eyes"),
    }
    assert batch.items[0].settings["steps"] == "5"
    assert tree(tmp_path / "dreamed") == {"short.gif", "still.png"}


def test_codecs_are_for_films_and_left_out_for_animations(clips, tmp_path):
    first, *rest = (Image.fromarray(picture.astype(np.uint8)) for picture in CLIP)
    first.save(clips / "c.gif", save_all=True, append_images=rest, duration=40)
    batch = dream_folder(clips, tmp_path / "dreamed", values={"codec": "libx265"}, include=["a.mp4", "c.gif"])
    assert set(states(batch).values()) == {"done"}


def test_work_folders_may_be_elsewhere(clips, tmp_path):
    def stop() -> bool:
        return (tmp_path / "work" / "holiday" / "b.mov.framedream" / "journal").exists()

    with pytest.raises(Stopped):
        dream_folder(clips, tmp_path / "dreamed", work=tmp_path / "work", include=["*.mov"], stop=stop)
    assert not list((tmp_path / "dreamed").rglob("*.mov*"))
    dream_folder(clips, tmp_path / "dreamed", work=tmp_path / "work", include=["*.mov"])
    assert not list((tmp_path / "work").rglob("*.framedream"))


# What is known before the first hour is spent.


def test_a_network_that_cannot_be_had_is_told_before_anything_is_dreamed(clips, tmp_path, dreams, monkeypatch):
    def missing(settings):
        if settings.dream.layers == (("fire5", 1.0),):
            raise WeightsError("no weights")
        return dreams

    monkeypatch.setattr(job, "dreamer_for", missing)
    jobs = tmp_path / "batch.toml"
    jobs.write_text('[[item]]\nsource = "a.mp4"\n[[item]]\nsource = "still.png"\nlayers = "fire5"\n')
    with pytest.raises(WeightsError):
        dream_folder(clips, tmp_path / "dreamed", jobs_file=jobs)
    assert dreams.steps == []


def test_a_wrong_preset_is_told_before_anything_is_dreamed(clips, tmp_path, dreams):
    with pytest.raises(SettingsError, match="did you mean 'peacock'"):
        dream_folder(clips, tmp_path / "dreamed", ["eyes", "peacok"])
    assert dreams.steps == []
    assert not (tmp_path / "dreamed").exists()


def test_a_place_that_cannot_be_written_is_told_before_anything_is_dreamed(clips, dreams):
    with pytest.raises(OutputError, match="cannot be written"):
        dream_folder(clips, Path("/proc/dreamed"))
    assert dreams.steps == []


def test_a_disk_that_is_too_full_is_told_with_what_is_needed(clips, tmp_path, monkeypatch):
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 10, 100_000))
    with pytest.raises(
        OutputError, match=r"film\.mp4: needs about \d+ kB on the disk of .*, but only 100 kB are free; free"
    ):
        dream_video(clips / "a.mp4", tmp_path / "film.mp4")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["clips"]


def test_a_batch_that_will_probably_fill_the_disk_is_told_beforehand(clips, tmp_path, monkeypatch, caplog):
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 10, 7000))
    batch = dream_folder(clips, tmp_path / "dreamed", include=["*.mp4", "*.mov"])
    assert "dreamed: all films together need about 8 kB, but only 7 kB are free; free some space" in caplog.messages[0]
    assert len(batch.failed) == 2


@pytest.mark.parametrize("name", ["a.mp4", "still.png"])
def test_frames_that_cannot_fit_the_memory_are_refused_with_the_cure(clips, tmp_path, monkeypatch, name):
    monkeypatch.setattr("framedream.film.preflight.total_memory", lambda: 500_000.0)
    batch = dream_folder(clips, tmp_path / "dreamed", include=[name])
    assert f"{name}: frames of 80x64 need about" in batch.failed[0].problem
    assert "this machine has 500 kB; dream them smaller with --scale" in batch.failed[0].problem


# Hostile things.

GOOD = [
    "plain.mp4", "two words.mp4", "it's \"quoted\".mp4", "new\nline.mp4", "tab\tand\x07bell.mp4", "ünïcödé 🐙.mp4",
    "-i.mp4", "--help.mp4", "%s%n.mp4", "a;rm -rf b.mp4", "$(touch x).mp4", "file:x.mp4", "http:x.mp4", "#?&.mp4",
    "concat:a|b.mp4", "l" * 200 + ".mp4", "<script>alert(1)<:script>.mp4", "%03d.mp4", ".".join("abc") + ".mp4",
]  # fmt: skip


def hostile(folder: Path, outside: Path) -> list[str]:
    """Twenty files that cannot be dreamed; their names."""
    good = (folder / "plain.mp4").read_bytes()
    head = good[: len(good) // 3]
    secret = outside / "secret.mp4"
    write_clip(secret, CLIP)
    (outside / "dir").mkdir()
    write_clip(outside / "dir" / "other.mp4", CLIP)
    files = {
        "empty.mp4": b"",
        "zeros.mkv": bytes(5000),
        "text.mp4": b"hello, I am a text\n" * 50,
        "cut.mov": head[:40],
        "noise.avi": np.random.default_rng(0).bytes(4000),
        "list.ffconcat": b"ffconcat version 1.0\nfile plain.mp4\n",
        "list.m3u8": b"#EXTM3U\n#EXTINF:1,\nplain.mp4\n#EXT-X-ENDLIST\n",
        "concat.mp4": f"ffconcat version 1.0\nfile {secret}\n".encode(),
        "hls.mp4": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n".encode(),
        "list.mpd": b"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'></MPD>",
        "page.webm": b"<html><body>not found</body></html>",
        "empty.png": b"",
        "text.gif": b"GIF89a but not really",
        "list.sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5004 RTP/AVP 96\n",
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    write_image(folder / "half.jpg", CLIP[0])
    half = (folder / "half.jpg").read_bytes()
    (folder / "half.jpg").write_bytes(half[: len(half) // 2])
    write_image(folder / "huge.png", CLIP[0][:2, :2])
    huge = bytearray((folder / "huge.png").read_bytes())
    huge[16:24] = (200_000).to_bytes(4, "big") * 2
    (folder / "huge.png").write_bytes(huge)
    (folder / "out.mp4").symlink_to(secret)
    (folder / "dir").symlink_to(outside / "dir")
    (folder / "nowhere.mp4").symlink_to(folder / "gone.mp4")
    os.mkfifo(folder / "pipe.mp4")
    return [*files, "half.jpg", "huge.png", "out.mp4", "dir", "nowhere.mp4", "pipe.mp4"]


def test_of_forty_items_of_which_twenty_are_hostile_twenty_are_films_and_twenty_are_explained(tmp_path):
    folder, outside, dreamed = tmp_path / "clips", tmp_path / "outside", tmp_path / "dreamed"
    folder.mkdir()
    outside.mkdir()
    for name in [*GOOD, os.fsdecode(b"\xff\xfe.mp4")]:
        write_clip(tmp_path / "clip.mp4", CLIP).replace(folder / name)
    bad = hostile(folder, outside)
    assert (len(GOOD) + 1, len(bad)) == (20, 20)
    before = sorted((item.name, item.lstat().st_mtime_ns) for item in [*folder.iterdir(), *outside.rglob("*")])
    log = tmp_path / "log"
    command = [sys.executable, str(TESTS / "stand_in_cli.py"), str(log), "0", "folder", str(folder), str(dreamed)]
    result = subprocess.run([*command, "--quiet"], capture_output=True, text=True, timeout=240, check=False)
    assert result.returncode == 3, result.stderr
    assert "Traceback" not in result.stderr
    lines = result.stderr.splitlines()
    assert lines[-1] == f"framedream: 20 of 40 items failed; {dreamed}/report.html has the reasons"
    assert len(lines) == 21, result.stderr
    told = report(dreamed)
    assert told["totals"]["done"] == told["totals"]["failed"] == 20
    failed = {item["name"]: item["problem"] for item in told["items"] if item["state"] == "failed"}
    assert set(failed) == set(bad)
    for name, problem in failed.items():
        assert name in problem, problem
        assert "; " in problem, problem
        assert "a bug in framedream" not in problem, problem
        assert "\n" not in problem, problem
    films = [item for item in dreamed.iterdir() if item.suffix == ".mp4"]
    assert len(films) == 20
    assert all(len(list(open_footage(film).frames())) == 4 for film in films)
    assert before == sorted((item.name, item.lstat().st_mtime_ns) for item in [*folder.iterdir(), *outside.rglob("*")])
    assert {item.name for item in tmp_path.iterdir()} == {"clips", "outside", "dreamed", "log"}


def test_results_inside_the_folder_that_is_read_are_refused(clips):
    with pytest.raises(OutputError, match="lies in the folder that is read"):
        dream_folder(clips, clips / "dreamed")


def test_a_folder_without_footage_is_told(tmp_path):
    (tmp_path / "clips").mkdir()
    with pytest.raises(InputError, match="this folder has no footage"):
        dream_folder(tmp_path / "clips", tmp_path / "dreamed")
