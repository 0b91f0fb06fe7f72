"""The gallery shows every preset and every layer, with flags that the commands take, and nothing that is not there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from benchmarks import gallery
from benchmarks.gallery import Entry, page, preset_entry, write_pictures
from framedream import preset_names
from framedream.cli.app import app
from framedream.media import read_image

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "samples" / "gallery" / "README.md"


@pytest.fixture(scope="module")
def text():
    return PAGE.read_text(encoding="utf-8")


def test_it_has_all_presets_and_all_layers(text):
    from framedream.nn.network.layers import describe_layers

    for name in preset_names():
        assert f"**{name}**" in text
    for layer in describe_layers("squeezenet"):
        assert f"![{layer.name}]" in text
        assert re.search(rf"`--layers {layer.name}( |`)", text)


def test_all_its_pictures_are_there_and_no_others_and_they_are_small(text):
    named = {PAGE.parent / name for name in re.findall(r"\]\((.*?\.jpg)\)", text)}
    assert set(PAGE.parent.iterdir()) == named | {PAGE}
    assert sum(file.stat().st_size for file in [*named, PAGE]) < 1_600_000


def test_its_flags_are_flags_of_the_commands(text):
    commands = [line.strip() for line in text.splitlines() if line.startswith("    python cli.py")]
    flags = re.findall(r"`(--(?:preset|layers) .*?)`", text)
    assert len(flags) > 45
    for words in (*(line.split("cli.py ")[1] for line in commands), *(f"image a b {words}" for words in flags)):
        app.parse_args(shlex.split(words), exit_on_error=False, print_error=False)


def test_a_preset_whose_weights_are_not_given_is_named_without_a_picture():
    stills = [np.zeros((160, 240, 3), np.float32)]
    entry = preset_entry("classic-inception", stills, {"inception_v3": None})
    assert entry.picture is None
    assert "needs the weights of inception_v3" in entry.about
    source = Entry("source", "", picture=stills[0])
    assert "classic-inception.jpg" not in page(source, [entry], [])
    assert "**classic-inception**" in page(source, [entry], [])


def test_pictures_are_as_good_as_the_room_allows(tmp_path):
    (tmp_path / "old.jpg").write_bytes(b"")
    noisy = np.random.default_rng(0).uniform(0, 255, (160, 240, 3))
    entries = [Entry("a", "", picture=noisy), Entry("b", "", picture=noisy / 2), Entry("c", "")]
    assert write_pictures(tmp_path, entries, 10**9) == 95
    large = sum(file.stat().st_size for file in tmp_path.iterdir())
    assert write_pictures(tmp_path, entries, large // 2) < 95
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= large // 2
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.jpg", "b.jpg"]
    with pytest.raises(ValueError, match="at any quality"):
        write_pictures(tmp_path, entries, 100)


def test_the_two_stills_are_of_one_size(monkeypatch):
    monkeypatch.chdir(ROOT)
    pagoda, astronaut = gallery.two_stills()
    assert pagoda.shape == astronaut.shape == (160, 240, 3)
    whole = read_image("samples/astronaut.png")
    assert np.abs(astronaut.mean((0, 1)) - whole[:341].mean((0, 1))).max() < 1
