"""However often the work at a film is stopped, the same call ends it, and the film is the same."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from breaks import Break, breaking_at, names, read
from pictures import pan, write_clip
from stand_in_cli import Restless

from framedream import Settings, dream_video
from framedream.errors import InputError, LockedError, OutputError, SettingsError, Stopped
from framedream.film.plan import Plan
from framedream.jobs import dream_video as job
from framedream.media import FilmAssembler, Piece
from framedream.store.array_files import load_arrays, save_arrays
from framedream.store.work_folder import WorkFolder

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def two_shots(tmp_path_factory) -> Path:
    """A shot of 26 frames, which is windows of 5, 5, 5, 5 and 6, and one of 4."""
    pictures = [*pan(26, 64, 80, step=(1.3, 0.4)), *(0.3 * picture for picture in pan(4, 64, 80, seed=1))]
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", pictures)


@pytest.fixture
def clip(two_shots, short, tmp_path) -> Path:
    """The two shots in a folder of their own."""
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(two_shots.read_bytes())
    return clip


@pytest.fixture(scope="module")
def expected(two_shots, short_limits) -> list[bytes]:
    """The frames of the film that a run makes which nothing stops."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Plan, "limits", short_limits)
        patch.setattr(job, "dreamer_for", lambda _: Restless())
        return run(two_shots, "whole.mp4", settings=Settings.of(devices="cpu"))


@pytest.fixture
def dreams(monkeypatch) -> Restless:
    """Stands for the network in all runs of a test."""
    dreaming = Restless()
    monkeypatch.setattr(job, "dreamer_for", lambda _: dreaming)
    return dreaming


def run(clip: Path, name: str = "film.mp4", **options) -> list[bytes]:
    settings = options.pop("settings", None)
    dream_video(clip, clip.with_name(name), settings, **options)
    return read(clip.with_name(name))


def left_in_pieces(clip: Path, monkeypatch) -> None:
    """Break a run when all pieces are stored and none is put together."""
    with monkeypatch.context() as patch, pytest.raises(Break):
        patch.setattr(FilmAssembler, "assemble", lambda *_, **__: _break())
        run(clip)


@pytest.mark.parametrize(
    ("name", "settings", "counts"),
    [
        ("film.mp4", {}, (1, 4, 17, 30, 33, 47)), ("film.mp4", {"passes": 1}, (4, 17)),
        ("film.mp4", {"flow": "none"}, (1, 4, 17)), ("film.mp4", {"cuts": "none"}, (17, 47)),
        ("film.gif", {}, (33,)), ("film", {"flow": "none"}, (1, 17)),
    ],
)  # fmt: skip
def test_a_stopped_film_is_finished_by_the_same_call_and_is_the_same(clip, dreams, settings, name, counts):
    settings = Settings.of(**settings)
    expected = run(clip, "whole" + name, settings=settings)
    alone = len(dreams.steps)
    for count in counts:
        dreams.steps.clear()
        broken = False
        try:
            run(clip, name, settings=settings, progress=breaking_at(count))
        except Break:
            broken = True
            assert names(clip.parent) == {"clip.mp4", "whole" + name, name + ".framedream"}
            assert run(clip, name, settings=settings) == expected
        # Frames that were dreamed but not yet fetched when the break came are stored, not dreamed again.
        assert not broken or len(dreams.steps) <= alone + 1
        target = clip.with_name(name)
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    assert names(clip.parent) == {"clip.mp4", "whole" + name}


def test_stop_ends_it_after_the_frame_in_hand_and_says_how_to_go_on(clip, expected, dreams):
    asked = []

    def stop() -> bool:
        asked.append(True)
        return len(asked) > 30 + 40

    with pytest.raises(Stopped, match=r"film\.mp4: stopped with \d+ of 30 frames done; run the same command again"):
        run(clip, stop=stop)
    assert run(clip) == expected


def test_a_run_that_goes_on_counts_from_where_it_was(clip, dreams):
    told = []
    with pytest.raises(Break):
        run(clip, progress=breaking_at(60))
    run(clip, progress=told.append)
    assert told[0].frame >= 12
    assert told[-1].frame == told[-1].frames == 30
    assert [stage.frame for stage in told] == sorted(stage.frame for stage in told)


def test_disk_use_is_bounded_by_what_is_in_flight(clip, dreams, monkeypatch):
    most = []
    save = WorkFolder.save

    def watched(folder, name, arrays):
        save(folder, name, arrays)
        most.append(len(list((folder.path / "frames").iterdir())))

    monkeypatch.setattr(WorkFolder, "save", watched)
    run(clip)
    # The longest window, twice and judged, with the frames of the one before it that wait to be encoded.
    assert max(most) <= 2 * 14 + 1 + 2 * 14 + 1
    assert len(most) > 60


def test_another_setting_is_refused_with_the_difference(clip, dreams):
    with pytest.raises(Break):
        run(clip, progress=breaking_at(20))
    with pytest.raises(SettingsError, match=r"started with other settings \(layers fire7=1 → fire5=1, steps 13 → 9\)"):
        run(clip, settings=Settings.of(steps=9, layers="fire5"))
    assert "film.mp4.framedream" in names(clip.parent)
    assert len(run(clip)) == 30


def test_another_number_of_threads_is_a_warning_only(clip, dreams, caplog):
    with pytest.raises(Break):
        run(clip, progress=breaking_at(20))
    assert len(run(clip, settings=Settings.of(threads=1))) == 30
    assert "threads all → 1" in caplog.text


def test_footage_that_has_changed_is_refused(clip, dreams):
    with pytest.raises(Break):
        run(clip, progress=breaking_at(20))
    os.utime(clip, (1, 1))
    with pytest.raises(InputError, match=r"clip\.mp4: has changed since"):
        run(clip)


def test_weights_that_have_changed_are_refused(clip, dreams, tmp_path):
    weights = tmp_path / "w.npz"
    weights.write_bytes(b"some")
    settings = Settings.of(weights=weights)
    with pytest.raises(Break):
        run(clip, settings=settings, progress=breaking_at(20))
    weights.write_bytes(b"other")
    with pytest.raises(SettingsError, match="network weights changed"):
        run(clip, settings=settings)


def test_restart_begins_anew(clip, dreams):
    with pytest.raises(Break):
        run(clip, progress=breaking_at(40))
    settings, told = Settings.of(persistence=0.9), []
    film = run(clip, settings=settings, restart=True, progress=told.append)
    assert told[0].frame == 0
    assert film == run(clip, "whole.mp4", settings=settings)


def test_a_work_folder_may_be_elsewhere(clip, dreams, tmp_path):
    place = tmp_path / "deep" / "place"
    with pytest.raises(Break):
        run(clip, work=place, progress=breaking_at(40))
    assert (place / "manifest.json").exists()
    assert not (tmp_path / "film.mp4.framedream").exists()
    run(clip, work=place)
    assert not place.exists()


def test_a_folder_with_other_things_is_not_taken_for_work(clip, dreams, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear diary")
    for options in ({}, {"restart": True}):
        with pytest.raises(OutputError, match=r"mine: contains other files \(diary\.txt\)"):
            run(clip, work=tmp_path / "mine", **options)
    assert (tmp_path / "mine" / "diary.txt").exists()


@pytest.mark.parametrize(
    "theirs", ["frames/000001.png", "manifest.json", ".git/config", "journal", "pieces/a.npz", "src/a.js"]
)
@pytest.mark.parametrize("restart", [False, True])
def test_nothing_that_is_not_its_own_is_ever_removed(clip, dreams, tmp_path, theirs, restart):
    path = tmp_path / "mine" / theirs
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    with pytest.raises(OutputError, match="contains other files"):
        run(clip, work=tmp_path / "mine", restart=restart)
    assert path.read_text() == "{}"


def test_what_comes_into_a_work_folder_meanwhile_stays(clip, dreams, tmp_path):
    with pytest.raises(Break):
        run(clip, work=tmp_path / "work", progress=breaking_at(20))
    (tmp_path / "work" / "notes.txt").write_text("dear diary")
    (tmp_path / "work" / "frames" / "mine.png").write_text("a picture")
    run(clip, work=tmp_path / "work")
    assert {item.name for item in (tmp_path / "work").rglob("*") if item.is_file()} >= {"notes.txt", "mine.png"}


@pytest.mark.parametrize("work", ["work", "work/deep", "."])
def test_a_work_folder_with_the_output_or_the_footage_in_it_is_refused(clip, dreams, tmp_path, work):
    target = tmp_path / "work" / "deep" / "film.mp4"
    with pytest.raises(OutputError, match="cannot be the work folder"):
        dream_video(clip, target, work=tmp_path / work)
    with pytest.raises(OutputError, match="cannot be the work folder"):
        dream_video(clip, tmp_path / "film.mp4", work=tmp_path)


def test_a_work_folder_may_be_a_link_to_a_folder(clip, dreams, tmp_path):
    (tmp_path / "scratch").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "scratch")
    with pytest.raises(Break):
        run(clip, work=tmp_path / "link", progress=breaking_at(20))
    assert (tmp_path / "scratch" / "manifest.json").exists()
    assert len(run(clip, work=tmp_path / "link")) == 30
    assert (tmp_path / "link").is_symlink()


def test_restart_does_not_wipe_the_work_at_another_film(clip, dreams, tmp_path):
    with pytest.raises(Break):
        run(clip, work=tmp_path / "work", progress=breaking_at(20))
    stored = names(tmp_path / "work" / "frames")
    with pytest.raises(OutputError, match=r"is the work folder of .*film\.mp4"):
        run(clip, "other.mp4", work=tmp_path / "work", restart=True)
    assert names(tmp_path / "work" / "frames") == stored


def test_without_its_judged_frame_a_shot_that_was_begun_goes_on_alike(clip, expected, dreams):
    with pytest.raises(Break):
        run(clip, progress=breaking_at(13 + 5 + 13 + 4))
    frames = clip.parent / "film.mp4.framedream" / "frames"
    assert {"frame-000005.npz", "frame-000007.npz"} <= names(frames)
    (frames / "judged-000000.npz").unlink()
    assert run(clip) == expected


def test_a_break_after_a_damaged_piece_costs_a_frame_and_the_disk_holds_what_is_in_flight(
    clip, expected, dreams, monkeypatch
):
    left_in_pieces(clip, monkeypatch)
    folder = clip.parent / "film.mp4.framedream"
    (folder / "pieces" / "000002.npz").unlink()
    dreams.steps.clear()
    most = []

    def watched(count: int):
        breaks = breaking_at(count)
        return lambda stage: (most.append(len(names(folder / "frames"))), breaks(stage))

    for count in (16, 20, 26):
        with pytest.raises(Break):
            run(clip, progress=watched(count))
    assert run(clip, progress=watched(999)) == expected
    assert len(dreams.steps) <= 2 * (14 + 14 + 14) + 3 + 4
    assert max(most) <= 2 * 14 + 1 + 2 * 14 + 1


def test_a_setting_that_differs_in_the_last_digit_differs(clip, dreams):
    with pytest.raises(Break):
        run(clip, settings=Settings.of(start="0.2", step_size=2.5), progress=breaking_at(20))
    with pytest.raises(SettingsError, match=r"start 1/5 → 2000001/10000000, step-size 2\.5 → 2\.5000001"):
        run(clip, settings=Settings.of(start="0.2000001", step_size=2.5000001))


def test_a_folder_of_images_published_by_a_run_that_was_killed_is_found_complete(clip, dreams):
    with pytest.raises(Break):
        # After the folder has its name, before anything else is written.
        run(clip, "film", finished_with=lambda film: _break())
    assert {"film", "film.framedream"} <= names(clip.parent)
    dreams.steps.clear()
    assert len(run(clip, "film")) == 30
    assert dreams.steps == []
    assert names(clip.parent) == {"clip.mp4", "film"}


def _break():
    raise Break


def test_a_complete_film_whose_run_was_killed_does_not_hinder_other_settings(clip, dreams, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(WorkFolder, "remove", lambda folder: None)
        run(clip)
    settings = Settings.of(persistence=0.9)
    assert run(clip, settings=settings) == run(clip, "whole.mp4", settings=settings)


def test_another_file_beside_the_images_of_a_folder_is_no_change(clip, dreams, tmp_path):
    from framedream.media import write_image

    for number, picture in enumerate(pan(8, 64, 80)):
        write_image(tmp_path / "seq" / f"{number}.png", picture)
    with pytest.raises(Break):
        dream_video(tmp_path / "seq", tmp_path / "film.mp4", progress=breaking_at(5))
    (tmp_path / "seq" / ".DS_Store").write_text("")
    assert dream_video(tmp_path / "seq", tmp_path / "film.mp4").frames == 8


def test_pieces_that_do_not_add_up_are_not_published(clip, dreams, monkeypatch):
    left_in_pieces(clip, monkeypatch)
    pieces = clip.parent / "film.mp4.framedream" / "pieces"
    piece = Piece.unpacked(load_arrays(pieces / "000002.npz"))
    save_arrays(pieces / "000002.npz", Piece(piece.pictures[:-4]).packed())
    with pytest.raises(OutputError, match=r"holds 26 of 30 frames; give --restart"):
        run(clip)
    assert not clip.with_name("film.mp4").exists()


def test_the_place_one_is_in_may_be_named(clip, dreams, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert dream_video(clip, ".").frames == 30
    assert len(names(tmp_path / "here")) == 30


def test_work_at_another_film_is_not_taken_over(clip, dreams, tmp_path):
    with pytest.raises(Break):
        run(clip, work=tmp_path / "work", progress=breaking_at(20))
    with pytest.raises(OutputError, match=r"is the work folder of .*film\.mp4"):
        run(clip, "other.mp4", work=tmp_path / "work")


def test_a_second_run_on_the_same_output_or_work_folder_is_refused(clip, dreams, tmp_path):
    tried = []

    def progress(_) -> None:
        if tried:
            return
        for options in ({}, {"work": tmp_path / "elsewhere"}):
            with pytest.raises(LockedError, match=r"film\.mp4: another run is making it"):
                run(clip, **options)
        with pytest.raises(LockedError, match=r"film\.mp4\.framedream: another run \(process \d+ on .*\) uses it"):
            run(clip, "other.mp4", work=tmp_path / "film.mp4.framedream")
        tried.append(True)

    assert len(run(clip, progress=progress)) == 30
    assert tried
    assert names(tmp_path) == {"clip.mp4", "film.mp4"}


def test_a_damaged_frame_is_dreamed_again(clip, expected, dreams):
    with pytest.raises(Break):
        run(clip, progress=breaking_at(35))
    for path in (clip.parent / "film.mp4.framedream" / "frames").iterdir():
        path.write_bytes(path.read_bytes()[:-200])
    assert run(clip) == expected


def test_a_damaged_piece_is_made_anew_and_the_others_stay(clip, expected, dreams, monkeypatch):
    left_in_pieces(clip, monkeypatch)
    pieces = clip.parent / "film.mp4.framedream" / "pieces"
    assert names(pieces) == {f"00000{number}.npz" for number in range(6)}
    data = bytearray((pieces / "000001.npz").read_bytes())
    data[len(data) // 2] ^= 255
    (pieces / "000001.npz").write_bytes(data)
    with pytest.raises(OutputError, match=r"000001\.npz: is damaged; run the same command again"):
        run(clip)
    assert names(pieces) == {f"00000{number}.npz" for number in (0, 2, 3, 4, 5)}
    dreams.steps.clear()
    assert run(clip) == expected
    assert 0 < len(dreams.steps) <= 2 * (14 + 14)


def test_a_film_that_is_complete_but_was_not_cleared_away_is_only_put_together(clip, dreams, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(WorkFolder, "remove", lambda folder: None)
        expected = run(clip)
    clip.with_name("film.mp4").unlink()
    dreams.steps.clear()
    assert run(clip) == expected
    assert dreams.steps == []
    assert names(clip.parent) == {"clip.mp4", "film.mp4"}


@pytest.mark.parametrize("name", ["film.mp4", "film"])
def test_a_film_that_was_published_when_its_run_was_killed_is_left_as_it_is(clip, dreams, monkeypatch, name):
    with monkeypatch.context() as patch:
        patch.setattr(WorkFolder, "remove", lambda folder: None)
        expected = run(clip, name)
    before = clip.with_name(name).stat().st_mtime_ns
    shutil.rmtree(clip.parent / f"{name}.framedream" / "pieces")  # The removal had begun.
    dreams.steps.clear()
    assert run(clip, name) == expected
    assert dreams.steps == []
    assert clip.with_name(name).stat().st_mtime_ns == before
    assert names(clip.parent) == {"clip.mp4", name}


def test_the_journal_may_be_cut_anywhere(clip, expected, dreams):
    with pytest.raises(Break):
        run(clip, progress=breaking_at(50))
    folder = clip.parent / "film.mp4.framedream"
    shutil.copytree(folder, clip.parent / "kept")
    journal = (folder / "journal").read_bytes()
    shutil.rmtree(folder)
    # At the ends of its lines, beside them, and in their middle; the journal's own tests cut it at every byte.
    ends = [index + 1 for index, byte in enumerate(journal) if byte == ord("\n")]
    for length in sorted({0, 1, len(journal) // 2, *ends[:-1], *(end - 1 for end in ends)}):
        shutil.copytree(clip.parent / "kept", folder)
        (folder / "journal").write_bytes(journal[:length])
        dreams.steps.clear()
        assert run(clip) == expected
        assert len(dreams.steps) < 45


def test_the_manifest_says_what_a_film_was_begun_with(clip, dreams):
    with pytest.raises(Break):
        run(clip, progress=breaking_at(2))
    manifest = json.loads((clip.parent / "film.mp4.framedream" / "manifest.json").read_text())
    assert manifest["source"] == str(clip)
    assert manifest["settings"]["steps"] == "13"
    assert {"tensorflow", "framedream", "threads"} <= set(manifest["environment"])
    assert manifest["schema"] == 2


@pytest.mark.parametrize("point", ["save", "save_piece", "note", "release", "assemble", "remove"])
def test_a_break_at_any_point_of_the_work_folder_is_survived(clip, expected, dreams, monkeypatch, point):
    """Before the first, a middle and the last call of each of its methods."""
    owner = FilmAssembler if point == "assemble" else WorkFolder
    action, calls, breaks_at = getattr(owner, point), [], [0]

    def counted(*arguments, **options):
        calls.append(True)
        if len(calls) == breaks_at[0]:
            raise Break
        return action(*arguments, **options)

    monkeypatch.setattr(owner, point, counted)
    assert run(clip, "counted.mp4") == expected
    for number in sorted({1, (len(calls) + 1) // 2, len(calls)}):
        calls.clear()
        breaks_at[0] = number
        with pytest.raises(Break):
            run(clip)
        assert run(clip) == expected
        clip.with_name("film.mp4").unlink()


# Killed for good.


def command(log: Path, seconds: float, *arguments: object) -> list[str]:
    return [sys.executable, str(TESTS / "stand_in_cli.py"), str(log), str(seconds), *map(str, arguments)]


def test_runs_that_are_killed_and_resumed_make_the_same_film(tmp_path):
    """With SIGKILL, at random moments; benchmarks/kills.py does so with the real network."""
    clip = write_clip(tmp_path / "clip.mp4", pan(30, 64, 80, step=(1.3, 0.4)))
    log = tmp_path / "log"
    begun = time.monotonic()
    subprocess.run(command(log, 0.01, "video", clip, tmp_path / "whole.mkv", "--quiet"), check=True, timeout=60)
    whole = time.monotonic() - begun
    alone = len(log.read_text().splitlines())
    random.seed(4)
    log.unlink()
    kills = 0
    while kills < 3 and not (tmp_path / "film.mkv").exists():
        running = subprocess.Popen(command(log, 0.01, "video", clip, tmp_path / "film.mkv", "--quiet"))
        try:
            running.wait(random.uniform(0.6, 0.9) * whole)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGKILL)
            running.wait()
            kills += 1
    if not (tmp_path / "film.mkv").exists():
        subprocess.run(command(log, 0, "video", clip, tmp_path / "film.mkv", "--quiet"), check=True, timeout=60)
    assert kills
    assert read(tmp_path / "film.mkv") == read(tmp_path / "whole.mkv")
    assert len(log.read_text().splitlines()) <= alone + kills
    assert not [name for name in names(tmp_path) if "framedream" in name or "part" in name]


def test_frames_are_stored_without_loss(clip, dreams):
    with pytest.raises(Break):
        run(clip, progress=breaking_at(50))
    stored = sorted((clip.parent / "film.mp4.framedream" / "frames").glob("frame-*.npz"))
    with np.load(stored[-1]) as arrays:
        assert arrays["dream"].dtype == np.uint16
        assert arrays["dream"].shape == (64, 80, 3)
        assert {"maturity", "level", "reference"} <= set(arrays.files)
