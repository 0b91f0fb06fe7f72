"""A folder dreamed by worker processes: what one process makes of it, whatever becomes of them on the way."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from pictures import pan, scene, write_clip
from stand_in_workers import Orders, alive, stand_in

from framedream import dream_folder
from framedream.errors import Stopped
from framedream.film.progress import BatchProgress
from framedream.media import write_image
from framedream.workers.local_workers import LocalWorkers


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    """Films of 96, 48 and 30 frames, a folder of 5 images, 9 stills, and what is broken."""
    folder = tmp_path_factory.mktemp("batch") / "clips"
    (folder / "holiday" / "frames").mkdir(parents=True)
    write_clip(folder / "long.mp4", pan(96, 64, 80, step=(1.3, 0.4)))
    write_clip(folder / "a.mp4", pan(48, 64, 80, seed=1))
    write_clip(folder / "holiday" / "b.mov", pan(30, 64, 80, seed=2))
    for number in range(5):
        write_image(folder / "holiday" / "frames" / f"{number}.png", scene(64, 80, (2.0 * number, 0)))
    for number in range(9):
        write_image(folder / f"still-{number * 7}.png", scene(48, 64, seed=number))
    (folder / "broken.mp4").write_text("no film")
    (folder / "broken.png").write_text("no picture")
    return folder


FILMS = ["long.mp4", "a.mp4", "b.mov", "frames"]


@pytest.fixture(scope="module")
def alone(clips, tmp_path_factory) -> tuple[dict[str, bytes], list]:
    """What one process makes of it, and what it tells."""
    with pytest.MonkeyPatch.context() as patch:
        orders = stand_in(patch, tmp_path_factory.mktemp("orders"))
        target = tmp_path_factory.mktemp("alone") / "dreamed"
        told = facts(dream_folder(clips, target, values={"devices": "cpu", "segment": 8}))
        assert {line.pid for line in orders.log} == {os.getpid()}
    return tree(target), told


@pytest.fixture
def orders(tmp_path, monkeypatch) -> Orders:
    """Stands for the network in all processes."""
    (tmp_path / "orders").mkdir()
    return stand_in(monkeypatch, tmp_path / "orders")


@pytest.fixture
def tasks(monkeypatch) -> list[tuple[int, str]]:
    """The tasks that were given to workers: slot and label."""
    given = []
    submit = LocalWorkers.submit

    def noted(workers, slot, task):
        given.append((slot, task.label))
        return submit(workers, slot, task)

    monkeypatch.setattr(LocalWorkers, "submit", noted)
    return given


def dream(clips: Path, target: Path, **options):
    return dream_folder(clips, target, values={"devices": "cpu:2", "segment": 8}, **options)


def tree(folder: Path) -> dict[str, bytes]:
    """All results; there are no work folders left."""
    assert not list(folder.rglob("?*.framedream"))
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if not name.startswith((".framedream/", "report."))}


def facts(batch) -> list:
    return [
        (item.name, item.state, item.problem, item.frames, item.source_pictures, item.dreamed_pictures)
        for item in batch.items
    ]  # fmt: skip


def states(batch) -> dict[str, str]:
    return {item.name: item.state for item in batch.items}


def test_two_workers_make_of_a_folder_what_one_process_makes_of_it(clips, alone, orders, tmp_path, tasks):
    told: list[BatchProgress] = []
    batch = dream(clips, tmp_path / "dreamed", progress=told.append)
    assert tree(tmp_path / "dreamed") == alone[0]
    assert facts(batch) == alone[1]
    assert sorted(item.name for item in batch.failed) == ["broken.mp4", "broken.png"]
    assert len({line.pid for line in orders.log}) == 2 and os.getpid() not in {line.pid for line in orders.log}
    # The network first, then films by their length, and stills in handfuls at last.
    labels = [label for _, label in tasks]
    assert labels[0] == "squeezenet"
    assert [label.removesuffix(" cuts") for label in labels if label.endswith(" cuts")] == FILMS
    first = labels.index("broken.png and 1 more")
    assert labels[first + 1].endswith(" and 1 more")
    assert not any("/" in label or "cuts" in label for label in labels[first:])
    assert 10 // 2 <= len(labels) - first < 10
    # The parts of a long film keep both busy.
    parts = [(slot, label) for slot, label in tasks if label.startswith("long.mp4 ") and "/4" in label]
    assert [label for _, label in parts] == [f"long.mp4 {number}/4" for number in (1, 4, 2, 3)]
    assert {slot for slot, _ in parts} == {0, 1}
    # What is told.
    assert {stage.items for stage in told} == {15} and all(stage.ended for stage in told)
    counts = [stage.item for stage in told]
    assert counts == sorted(counts) and counts[-1] == 15 and len(set(counts)) > 3
    assert any(len(stage.inner.workers) == 2 for stage in told)
    assert set().union(*(stage.inner.workers for stage in told)) == {"cpu:0", "cpu:1"}
    frames = [stage.inner.frame for stage in told]
    assert frames == sorted(frames) and frames[-1] == 96 + 48 + 30 + 5
    # The same call again keeps all of it.
    orders.forget()
    del tasks[:], told[:]
    again = dream(clips, tmp_path / "dreamed", progress=told.append)
    assert orders.log == []
    assert set(states(again).values()) == {"kept", "failed"}
    assert [fact[3:] for fact in facts(again)] == [fact[3:] for fact in facts(batch)]
    assert told[-1].item == 15
    assert {label for _, label in tasks} == {"squeezenet", "broken.png"}


def test_an_item_that_fails_in_a_worker_does_not_stop_the_others(clips, alone, orders, tmp_path):
    mixed = tmp_path / "clips"
    shutil.copytree(clips, mixed)
    write_clip(mixed / "dark.mp4", [0.3 * picture for picture in pan(60, 64, 80)])
    write_image(mixed / "still-dark.png", 0.3 * scene(48, 64))
    orders.give(raises=["InputError", "it went wrong; try again"])
    batch = dream(mixed, tmp_path / "dreamed")
    failed = {item.name: item.problem for item in batch.failed}
    assert failed.pop("dark.mp4") == failed.pop("still-dark.png") == "it went wrong; try again"
    assert sorted(failed) == ["broken.mp4", "broken.png"]
    assert tree(tmp_path / "dreamed") == alone[0]


@pytest.mark.parametrize("number", [160])
def test_a_worker_that_is_killed_changes_nothing(clips, alone, orders, tmp_path, number):
    orders.doom()
    orders.give(dies_at=number)
    batch = dream(clips, tmp_path / "dreamed")
    assert orders.dooms == 0
    assert tree(tmp_path / "dreamed") == alone[0]
    assert facts(batch) == alone[1]
    assert len({line.pid for line in orders.log}) == 3


@pytest.mark.parametrize("name", ["dark.mp4", "dark.png"])
def test_an_item_all_of_whose_workers_die_fails_alone(clips, alone, orders, tmp_path, name):
    (tmp_path / "clips").mkdir()
    shutil.copy(clips / "a.mp4", tmp_path / "clips" / "b.mp4")
    if name == "dark.mp4":
        write_clip(tmp_path / "clips" / name, [0.3 * picture for picture in pan(60, 64, 80)])
    else:
        write_image(tmp_path / "clips" / name, 0.3 * scene(48, 64))
    orders.give(dies_of_dark=True)
    batch = dream(tmp_path / "clips", tmp_path / "dreamed")
    assert states(batch) == {"b.mp4": "done", name: "failed"}
    assert not list((tmp_path / "dreamed").glob("b.mp4.*"))
    assert "its worker died 3 times" in batch.failed[0].problem
    assert (tmp_path / "dreamed" / "b.mp4").read_bytes() == alone[0]["a.mp4"]


def test_a_still_all_of_whose_workers_die_fails_without_those_in_its_handful(clips, alone, orders, tmp_path, tasks):
    (tmp_path / "clips").mkdir()
    for path in clips.glob("still-*.png"):
        shutil.copy(path, tmp_path / "clips")
    write_image(tmp_path / "clips" / "dark.png", 0.3 * scene(48, 64))
    orders.give(dies_of_dark=True)
    batch = dream(tmp_path / "clips", tmp_path / "dreamed")
    assert [item.name for item in batch.failed] == ["dark.png"]
    assert "dark.png and 1 more" in [label for _, label in tasks]
    assert tree(tmp_path / "dreamed") == {name: data for name, data in alone[0].items() if name.startswith("still")}


@pytest.mark.parametrize("frames", [60])
def test_stopped_it_goes_on_from_there(clips, alone, orders, tmp_path, frames):
    orders.give(seconds=0.004)
    done = []

    def progress(stage: BatchProgress) -> None:
        done.append(stage.inner.frame)

    with pytest.raises(Stopped, match=r"dreamed: stopped with \d+ of 15 items done; the same command goes on"):
        dream(clips, tmp_path / "dreamed", progress=progress, stop=lambda: bool(done) and done[-1] > frames)
    assert not any(alive(line.pid) for line in orders.log)
    assert list((tmp_path / "dreamed").rglob("?*.framedream"))
    report = (tmp_path / "dreamed" / "report.json").read_text()
    assert '"stopped"' in report and "frames done; run the same command again to resume" in report
    begun = {line.what for line in orders.log}
    orders.forget()
    orders.give()
    batch = dream(clips, tmp_path / "dreamed")
    assert [(name, state.replace("kept", "done")) for name, state in states(batch).items()] == [
        fact[:2] for fact in alone[1]
    ]
    assert tree(tmp_path / "dreamed") == alone[0]
    # What was begun was ended, but for equal dreams of a key and of its first frame.
    assert len([line for line in orders.log if line.what in begun]) <= 8
