"""Damaged files are read or refused in one line; `benchmarks.fuzz` does this with thousands, in other processes."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from benchmarks.fuzz_child import OUTPUT, examine
from benchmarks.fuzz_mutations import mutated
from benchmarks.fuzz_seeds import TEXTS, write_canaries, write_seeds

COUNT = 120


@pytest.fixture(scope="module")
def seeds(tmp_path_factory) -> dict[str, bytes]:
    return write_seeds(tmp_path_factory.mktemp("seeds"))


@pytest.fixture
def place(tmp_path) -> Path:
    (tmp_path / OUTPUT).mkdir()
    return tmp_path


def test_files_that_are_whole_are_read(seeds, place):
    refused = set()
    for name, data in seeds.items():
        (place / name).write_bytes(data)
        if next(examine(place / name)).startswith("refused"):
            refused.add(name)
    assert refused == {*TEXTS, "elsewhere.mov", *(name for name in seeds if name.startswith("bomb"))}


def test_damaged_files_are_read_or_refused(seeds, place):
    """That nothing else is raised is what is tested."""
    names = [name for name in seeds if name != "many.gif"]
    ends = set()
    for number in range(COUNT):
        chance = random.Random(number)
        name = names[number % len(names)]
        (place / name).write_bytes(mutated(seeds[name], seeds[chance.choice(names)], chance))
        ends.update(said.split()[-1 if "frames" in said.split()[1] else 0] for said in examine(place / name))
    assert {"refused:", "frames"} <= ends


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
def test_nothing_beside_the_input_is_opened(seeds, tmp_path):
    from benchmarks.fuzz import Watch

    (tmp_path / OUTPUT).mkdir()
    canaries = set(write_canaries(tmp_path, seeds))
    watch = Watch(tmp_path)
    (tmp_path / "canary.mp4").read_bytes()
    assert watch.opened() == {"canary.mp4"}, "the watch sees what is opened"
    for name in (*TEXTS, "linked.mkv", "elsewhere.mov"):
        (tmp_path / name).write_bytes(seeds[name].replace(b"{folder}", bytes(tmp_path)))
        list(examine(tmp_path / name))
        assert not watch.opened() & canaries, name
