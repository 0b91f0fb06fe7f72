"""A film by worker processes: the same film whoever makes it, whatever becomes of them on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clusters import Cluster, eventually
from pictures import pan, write_clip
from stand_in_workers import Orders, alive, stand_in

from framedream import Settings, dream_video
from framedream.errors import DeviceError, InputError, OutputError, SettingsError, Stopped
from framedream.film import film_tasks
from framedream.film.film_tasks import FilmTasks, PartTask, SurveyTask
from framedream.film.footage_job import FootageJob
from framedream.film.progress import Progress
from framedream.film.survey import Survey
from framedream.jobs import dream_video as video
from framedream.store.journal import Journal
from framedream.workers.tasks import Outcome, RemoteTrace

TESTS = Path(__file__).parents[1]

KEY = 11
"""Dreams of a key, or of its sketch, that are done again if they were not ended; of others it is one."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """A bright shot of 48 frames, which with segments of 8 is two parts, and a dark one of 24, which is a third."""
    pictures = [*pan(48, 64, 80, step=(1.3, 0.4)), *(0.3 * picture for picture in pan(24, 64, 80, seed=1))]
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", pictures)


@pytest.fixture
def orders(kept_workers) -> Orders:
    """Stands for the network in all processes."""
    return kept_workers


@pytest.fixture
def orders_of_own_workers(tmp_path, monkeypatch) -> Orders:
    """The same where each film has workers of its own."""
    (tmp_path / "orders").mkdir()
    return stand_in(monkeypatch, tmp_path / "orders")


class Alone:
    """The film that one process makes, and its dreams."""

    def __init__(self, clip: Path, folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            orders = stand_in(patch, folder)
            self.film = make(clip, folder / "film.mp4", devices="cpu")
        log = orders.log
        assert {line.pid for line in log} == {os.getpid()}
        self.order = [line.what for line in log]
        self.dreams = Counter(self.order)
        self.dreams_of_the_dark = sum(line.dark for line in log)


@pytest.fixture(scope="module")
def alone(clip, tmp_path_factory) -> Alone:
    return Alone(clip, tmp_path_factory.mktemp("alone"))


def make(clip: Path, target: Path, progress=None, stop: Callable[[], bool] = lambda: False, **values) -> bytes:
    settings = Settings.of(**{"devices": "cpu:2", "segment": 8} | values)
    film = dream_video(clip, target, settings, progress=progress, stop=stop)
    assert film.path == target
    assert not target.with_name(target.name + ".framedream").exists()
    return target.read_bytes()


def pids(orders: Orders) -> list[int]:
    """The processes that dreamed, in the order they began to."""
    return list(dict.fromkeys(line.pid for line in orders.log))


def again(orders: Orders, alone: Alone) -> int:
    """Dreams that were begun more often than by one process; none may be missing, and none may be different."""
    dreams = Counter(line.what for line in orders.log)
    assert dreams.keys() == alone.dreams.keys()
    assert not alone.dreams - dreams
    return (dreams - alone.dreams).total()


def stored(target: Path, what: str) -> list[str]:
    """What a work folder holds."""
    return sorted(path.name for path in target.with_name(target.name + ".framedream").glob(f"{what}.npz"))


# The same film.


def test_two_workers_make_the_film_that_one_process_makes_and_dream_nothing_twice(
    clip, alone, orders_of_own_workers, tmp_path
):
    orders = orders_of_own_workers
    told: list[Progress] = []
    assert make(clip, tmp_path / "film.mp4", told.append) == alone.film
    assert again(orders, alone) == 0
    assert len(pids(orders)) == 2 and os.getpid() not in pids(orders)
    assert {path.name for path in tmp_path.iterdir()} == {"orders", "film.mp4"}
    assert not any(map(alive, pids(orders)))
    frames = [stage.frame for stage in told]
    assert frames == sorted(frames) and frames[-1] == told[-1].frames == 72 and len(set(frames)) > 4
    assert {(stage.shots, stage.frames) for stage in told} == {(2, 72)}
    assert {"clip.mp4 1/3", "clip.mp4 2/3"} in [set(stage.workers.values()) for stage in told]
    assert all(stage.workers.keys() <= {"cpu:0", "cpu:1"} for stage in told)
    assert told[-1].workers == {}
    assert 0 < told[-1].backwards <= 72 + 8


@pytest.mark.parametrize("values", [{"passes": 1}, {"flow": "none", "segment": "none"}], ids=str)
def test_so_it_is_with_other_settings_and_more_workers(clip, orders, tmp_path, values):
    alone = make(clip, tmp_path / "alone" / "film.mp4", devices="cpu", **values)
    assert make(clip, tmp_path / "film.mp4", devices="cpu:3", **values) == alone


def test_what_parts_of_a_shot_share_is_dreamed_by_one_of_them(orders, tmp_path):
    """The second and the third worker begin together, and both want the keys before them."""
    clip = write_clip(tmp_path / "clip.mp4", pan(72, 64, 80, step=(1.3, 0.4)))
    alone = make(clip, tmp_path / "alone.mp4", devices="cpu")
    dreams = Counter(line.what for line in orders.log)
    orders.forget()
    orders.give(seconds=0.01)
    assert make(clip, tmp_path / "film.mp4", devices="cpu:3") == alone
    assert Counter(line.what for line in orders.log) == dreams


def test_a_folder_of_images_named_from_here_is_made_there(clip, orders_of_own_workers, monkeypatch):
    monkeypatch.chdir(clip.parent)
    dream_video("clip.mp4", "images/", Settings.of(devices="cpu:2", segment=8, end="30f"))
    assert len(list((clip.parent / "images").iterdir())) == 30


def test_a_cluster_makes_the_same_film_also_if_a_worker_is_killed_midway(clip, alone, orders, tmp_path, monkeypatch):
    (tmp_path / "cluster").mkdir()
    cluster = Cluster(tmp_path / "cluster")
    try:
        processes = {process.pid for process in cluster.workers(2)}
        assert make(clip, tmp_path / "film.mp4", devices="auto", scheduler=cluster.address) == alone.film
        assert set(pids(orders)) == processes
        assert again(orders, alone) == 0
        orders.doom()
        orders.give(dies_at=20)
        orders.forget()
        assert make(clip, tmp_path / "again.mp4", devices="auto", scheduler=cluster.address) == alone.film
        assert orders.dooms == 0
        assert again(orders, alone) <= KEY
        assert len([process for process in cluster.processes if process.poll() is None]) == 2
    finally:
        cluster.end()


def test_the_parent_imports_no_tensorflow(clip, alone, orders, tmp_path):
    result = subprocess.run(command(clip, tmp_path / "film.mp4"), capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert (orders.folder / "imported").read_text() == "False"
    assert (tmp_path / "film.mp4").read_bytes() == alone.film
    assert result.stderr == ""


# Workers that die.


@pytest.mark.parametrize(("position", "most"), [(0, KEY), (-1, 1)], ids=["key frame", "last frame"])
def test_a_worker_that_is_killed_costs_only_the_dream_it_was_at(clip, alone, orders, tmp_path, caplog, position, most):
    orders.doom()
    orders.give(dies_of=alone.order[position], seconds=0.002)
    assert make(clip, tmp_path / "film.mp4") == alone.film
    assert orders.dooms == 0
    assert again(orders, alone) <= most
    killed = next(line.pid for line in orders.log if line.what == alone.order[position])
    if position == 0:  # Much is left to do: a new process starts, and the other one does not wait for it.
        first, second, third = pids(orders)
        (survivor,) = {first, second} - {killed}
        after = [line.pid for line in orders.log].index(third)
        assert survivor in {line.pid for line in orders.log[after:]}
    (message,) = caplog.messages
    assert message.startswith("clip.mp4 ") and message.endswith("(SIGKILL(-9)); the task is repeated")


def test_a_part_all_of_whose_workers_die_fails_and_the_rest_is_kept(clip, alone, orders, tmp_path):
    orders.give(dies_of_dark=True)
    with pytest.raises(
        DeviceError, match=r"^clip\.mp4 3/3: its worker died 3 times .*; the machine may be sh"
    ) as caught:
        make(clip, tmp_path / "film.mp4")
    assert caught.value.exit_code == 7 and "\n" not in str(caught.value)
    assert sum(line.dark for line in orders.log) == 3
    assert "000000.npz" in stored(tmp_path / "film.mp4", "pieces/*")
    before = {line.what for line in orders.log if not line.dark}
    orders.forget()
    orders.give()
    assert make(clip, tmp_path / "film.mp4") == alone.film
    assert len([line for line in orders.log if line.what in before]) <= 2
    assert len(orders.log) >= alone.dreams_of_the_dark


# Stopped and gone on with.


@pytest.mark.parametrize("in_the_dark", [False, True])
def test_stopped_it_says_how_far_it_is_and_the_same_call_ends_it(clip, alone, orders, tmp_path, in_the_dark):
    """With a part that no one has begun, and when the last one is at work."""
    orders.give(seconds=0.01)
    with pytest.raises(Stopped, match=r"film\.mp4: stopped with \d+ of 72 frames done; run the same command") as caught:
        make(clip, tmp_path / "film.mp4", stop=lambda: sum(line.dark >= in_the_dark for line in orders.log) > 9)
    done = 24 * len(stored(tmp_path / "film.mp4", "pieces/*")) + len(stored(tmp_path / "film.mp4", "frames/frame-*"))
    assert done < 72 and (done > 24) == in_the_dark
    # Frames that wait to be encoded are stored, and will be encoded first.
    assert done - 2 * 4 <= int(str(caught.value).split("with ")[1].split()[0]) <= done
    orders.give()
    frames = []
    assert make(clip, tmp_path / "film.mp4", lambda stage: frames.append(stage.frame)) == alone.film
    assert again(orders, alone) == 0
    assert frames == sorted(frames)


def test_a_run_whose_workers_were_told_by_others_to_stop_says_so(clip, alone, orders, tmp_path):
    orders.give(seconds=0.01)

    def remove(_) -> None:
        if any(line.dark for line in orders.log):
            (tmp_path / "film.mp4.framedream" / "running").unlink(missing_ok=True)

    with pytest.raises(OutputError, match=r"the file running was removed from it; run the same command again"):
        make(clip, tmp_path / "film.mp4", remove)
    assert make(clip, tmp_path / "film.mp4") == alone.film
    assert again(orders, alone) == 0


def test_stopped_or_failed_it_leaves_no_process(clip, orders_of_own_workers, tmp_path):
    orders = orders_of_own_workers
    orders.give(seconds=0.01, raises=["InputError", "it went wrong; try again"])
    with pytest.raises(Stopped):
        make(clip, tmp_path / "film.mp4", stop=lambda: len(orders.log) > 9)
    assert pids(orders) and not any(map(alive, pids(orders)))
    orders.forget()
    with pytest.raises(InputError):
        make(clip, tmp_path / "film.mp4")
    assert pids(orders) and not any(map(alive, pids(orders)))


def test_stopped_before_anything_it_leaves_nothing(clip, orders, tmp_path):
    with pytest.raises(Stopped, match="stopped before the first frame was dreamed"):
        make(clip, tmp_path / "film.mp4", stop=lambda: True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("other", ["cpu", "cpu:3"])
def test_it_may_be_gone_on_with_by_others(clip, alone, orders, tmp_path, other):
    orders.give(seconds=0.005)
    with pytest.raises(Stopped):
        make(clip, tmp_path / "film.mp4", stop=lambda: len(orders.log) > 60)
    orders.give()
    assert make(clip, tmp_path / "film.mp4", devices=other) == alone.film
    assert again(orders, alone) == 0


def command(clip: Path, target: Path, *arguments: str) -> list[str]:
    flags = ("--devices", "cpu:2", "--segment", "8", *arguments)
    return [sys.executable, str(TESTS / "stand_in_workers.py"), "video", str(clip), str(target), "--quiet", *flags]


@pytest.fixture
def started(clip, orders, tmp_path) -> Iterator[subprocess.Popen[str]]:
    """A command in a group of its own, in the midst of its dreams."""
    orders.give(seconds=0.01)
    with subprocess.Popen(
        command(clip, tmp_path / "film.mp4"), start_new_session=True, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            eventually(lambda: len(orders.log) > 40 and len(pids(orders)) == 2)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=str)
def test_a_signal_to_the_command_and_its_workers_stops_it(clip, alone, orders, tmp_path, started, number, code):
    os.killpg(started.pid, number)
    _, said = started.communicate(timeout=30)
    assert started.returncode == code, said
    # loky's own tracker may find that the workers have let go of a semaphore before it could.
    beside = ("the task is repeated", "resource_tracker", "warnings.warn(")
    lines = [line for line in said.splitlines() if line and not any(words in line for words in beside)]
    assert len(lines) == 2, said
    assert "finishing the current frame" in lines[0]
    assert "film.mp4: stopped with " in lines[1] and lines[1].endswith("run the same command again to resume")
    assert not any(map(alive, pids(orders)))
    assert len(orders.log) < alone.dreams.total()
    orders.give()
    assert make(clip, tmp_path / "film.mp4") == alone.film
    assert again(orders, alone) <= (0 if number == signal.SIGINT else 2 * KEY)


def test_workers_of_a_command_that_is_killed_go_within_seconds(clip, alone, orders, tmp_path, started):
    started.kill()
    started.wait()
    eventually(lambda: not any(map(alive, pids(orders))), 5)
    orders.give()
    assert make(clip, tmp_path / "film.mp4") == alone.film
    assert again(orders, alone) <= 2 * KEY


# Too little memory.


@pytest.fixture
def tiles(monkeypatch) -> None:
    """Tiles that are smaller than the frames here; the parent chooses them."""
    monkeypatch.setattr(film_tasks, "TILES", (48, 32))


def test_what_does_not_fit_the_memory_is_dreamed_in_tiles_by_a_fresh_process(clip, alone, orders, tmp_path, tiles):
    orders.give(fits=50)
    with pytest.raises(Stopped):
        make(clip, tmp_path / "film.mp4", stop=lambda: any(line.dark for line in orders.log))
    assert {line.tile for line in orders.log} == {0, 48}
    assert all(len({line.tile for line in orders.log if line.pid == pid}) == 1 for pid in pids(orders))
    # Each worker found that out for its first part, and the third part began with what was known.
    assert {line.tile for line in orders.log if line.dark} == {48}
    assert [record["side"] for record in Journal(tmp_path / "film.mp4.framedream" / "journal").records[1:]] == [48]
    orders.forget()
    assert make(clip, tmp_path / "film.mp4") == alone.film
    assert {line.tile for line in orders.log} == {48}


def test_what_does_not_fit_in_the_smallest_tiles_is_told(clip, alone, orders, tmp_path, tiles, caplog):
    orders.give(fits=20)
    told = r"^clip\.mp4 [12]/3: the GPU ran out of memory; dream it smaller with --scale$"
    with pytest.raises(DeviceError, match=told) as caught:
        make(clip, tmp_path / "film.mp4")
    assert caught.value.exit_code == 7
    assert caplog.messages[0].endswith("dream it smaller with --scale; it continues in smaller steps")
    assert {line.tile for line in orders.log} == {0, 48, 32}
    orders.give()
    assert make(clip, tmp_path / "film.mp4") == alone.film


@pytest.mark.parametrize("sides", [(64, 48), (48, 64), (48, 0), (0, 48)], ids=str)
def test_the_smallest_tiles_that_were_needed_are_those_that_are_begun_with(clip, orders, tmp_path, sides):
    with FootageJob(clip, tmp_path / "film.mp4", Settings.of(segment=8)) as job:
        tasks = FilmTasks(job)
        survey = tasks.next_task()
        assert isinstance(survey, SurveyTask) and tasks.next_task() is None and not tasks.is_finished
        tasks.finish(survey, Outcome("done", survey.run()))
        for task, side in zip([tasks.next_task(), tasks.next_task()], sides, strict=True):
            tasks.finish(task, Outcome("done", side))
        last = tasks.next_task()
        assert isinstance(last, PartTask) and last.tile == 48
        assert (job.folder.journal.find("tile") or {})["side"] == 48
        assert tasks.next_task() is None and not tasks.is_finished
        tasks.finish(last, Outcome("done", 48))
        assert tasks.is_finished


# What goes wrong in a worker.


@pytest.mark.parametrize("kind", ["InputError", "ZeroDivisionError"])
def test_an_error_in_a_worker_is_raised_here_with_its_trace(clip, alone, orders, tmp_path, kind):
    orders.give(raises=[kind, "it went wrong; try again"])
    expected = {"InputError": InputError}.get(kind, RuntimeError)
    with pytest.raises(expected, match="it went wrong; try again") as caught:
        make(clip, tmp_path / "film.mp4")
    assert type(caught.value) is expected
    assert isinstance(caught.value.__cause__, RemoteTrace)
    assert "stand_in_workers.py" in str(caught.value.__cause__) and kind in str(caught.value.__cause__)
    assert sum(line.dark for line in orders.log) == 1
    if kind == "InputError":
        orders.give()
        assert make(clip, tmp_path / "film.mp4") == alone.film


@pytest.mark.parametrize("debug", [False, True])
def test_the_command_says_it_in_a_line_or_shows_where_it_was(orders, tmp_path, debug):
    clip = write_clip(tmp_path / "dark.mp4", [0.3 * picture for picture in pan(4, 64, 80)])
    orders.give(raises=["InputError", "it went wrong; try again"])
    flags = ["--debug"] if debug else []
    result = subprocess.run(
        command(clip, tmp_path / "film.mp4", *flags), capture_output=True, text=True, timeout=60, check=False
    )
    if debug:
        assert "stand_in_workers.py" in result.stderr.partition("direct cause")[0]
        assert result.stderr.splitlines()[-1].endswith("InputError: it went wrong; try again")
    else:
        assert (result.returncode, result.stderr) == (4, "framedream: it went wrong; try again\n")


def test_footage_that_cannot_be_read_to_its_end_is_told_as_by_one_process(orders, tmp_path, caplog):
    """Its length is known from its header only; a worker reads it, and what it warns of is told."""
    clip = write_clip(tmp_path / "clip.mkv", pan(60, 64, 80, step=(1.3, 0.4)))
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size * 2 // 3])
    alone = make(clip, tmp_path / "alone.mp4", devices="cpu")
    (warning,) = set(caplog.messages)
    caplog.clear()
    assert make(clip, tmp_path / "film.mp4") == alone
    assert set(caplog.messages) == {warning}


def test_a_layer_that_does_not_exist_is_told_before_all_of_the_footage_is_read(clip, tmp_path, monkeypatch):
    """With the real network, in a worker."""
    monkeypatch.setattr("framedream.workers.devices.usable_cores", lambda: 2)
    monkeypatch.setattr(video, "find_gpus", list)
    monkeypatch.setattr("framedream.workers.devices.find_gpus", list)
    monkeypatch.setattr(video, "LONG_FOOTAGE", 10)

    def look_through(*_) -> Survey:
        raise AssertionError("it is looked through")

    monkeypatch.setattr(video, "survey_footage", look_through)
    with pytest.raises(SettingsError, match="fire99"):
        make(clip, tmp_path / "film.mp4", devices="auto", layers="fire99")
    assert list(tmp_path.iterdir()) == []
