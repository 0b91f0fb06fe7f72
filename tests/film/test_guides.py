"""Guides of stills, films, zooms and batches: found by all who dream, never written over, missed when they change."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from breaks import Break, breaking_at
from pictures import noise, scene
from stand_in_cli import Restless

from framedream import Settings, dream_folder, dream_image, dream_video, zoom
from framedream.batch import dream_folder as batch
from framedream.batch.items import find_items
from framedream.errors import InputError, OutputError, SettingsError
from framedream.film import preflight
from framedream.film.dreamers import dreamer_for, read_guide
from framedream.film.film_tasks import absolute_settings
from framedream.jobs import dream_video as job
from framedream.media import write_image


@pytest.fixture
def dreams(monkeypatch) -> Restless:
    """Stands for the network in all runs of a test."""
    dreams = Restless()
    for room in (job, batch):
        monkeypatch.setattr(room, "dreamer_for", lambda _: dreams)
    monkeypatch.setattr("framedream.jobs.dream_image.dreamer_for", lambda _: dreams)
    return dreams


@pytest.fixture
def guide(tmp_path) -> Path:
    write_image(tmp_path / "guide.png", noise(60, 90))
    return tmp_path / "guide.png"


def test_a_guide_is_seen_at_a_size_at_which_networks_know_things(guide, samples):
    assert read_guide(guide).shape == (224, 336, 3)
    assert read_guide(samples / "hubble.jpg").shape[0] == 224


def test_a_guide_as_long_as_a_ribbon_stays_small(tmp_path):
    write_image(tmp_path / "ribbon.png", noise(4, 2000))
    assert read_guide(tmp_path / "ribbon.png").shape == (4, 1792, 3)


def test_a_guide_makes_another_dream_and_a_guide_in_its_place_another_again(guide):
    def dream(**values) -> np.ndarray:
        return dream_image(scene(64, 80), settings=Settings.of(layers="fire5", octaves=1, steps=2, **values))

    free, guided = dream(), dream(guide=guide)
    write_image(guide, scene(90, 60, seed=3))
    other = dream(guide=guide)
    assert min(np.abs(one - two).mean() for one, two in ((free, guided), (guided, other), (free, other))) > 0.3


@pytest.mark.parametrize(
    ("name", "message"),
    [("gone.png", "gone.png: "), ("text.png", "text.png: cannot be read as an image"), ("folder", "folder: ")],
)
def test_what_is_no_guide_is_bad_input_told_in_a_line(clip, tmp_path, name, message):
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "folder").mkdir()
    settings, still = Settings.of(guide=tmp_path / name), scene(64, 80)
    for make in (
        lambda: dreamer_for(settings),
        lambda: dream_image(still, None, settings),
        lambda: dream_image(still, tmp_path / "dream.png", settings),
        lambda: dream_video(clip, tmp_path / "film.mp4", settings),
    ):
        with pytest.raises(InputError, match=message) as caught:
            make()
        assert caught.value.exit_code == 4
        assert "\n" not in str(caught.value)


def test_a_guide_that_does_not_fit_the_memory_is_refused_with_the_cure(guide, monkeypatch):
    monkeypatch.setattr(preflight, "total_memory", lambda: 100_000)
    with pytest.raises(InputError, match=r"guide\.png: an image of 90x60 needs .*make a smaller copy"):
        read_guide(guide)


def test_a_guide_is_not_written_over(clip, dreams, guide, tmp_path):
    before, film = guide.read_bytes(), tmp_path / "guide.mp4"
    film.write_bytes(before)
    with pytest.raises(OutputError, match=r"guide\.png: is the input itself"):
        dream_image(scene(64, 80), guide, Settings.of(guide=guide))
    for make, source in ((dream_video, clip), (zoom, "noise")):
        with pytest.raises(OutputError, match=r"guide\.mp4: is the input itself"):
            make(source, film, Settings.of(guide=film))
    clips, dreamed = tmp_path / "clips", tmp_path / "dreamed"
    for folder in (clips, dreamed):
        write_image(folder / "a.png", scene(64, 80))
    kept = (dreamed / "a.png").read_bytes()
    (item,) = dream_folder(clips, dreamed, values={"guide": dreamed / "a.png"}).items
    assert "a.png: is the input itself" in item.problem
    assert (guide.read_bytes(), film.read_bytes(), (dreamed / "a.png").read_bytes()) == (before, before, kept)


def test_a_film_is_not_gone_on_with_by_another_guide(clip, dreams, guide, tmp_path):
    def run(**values):
        return dream_video(clip, tmp_path / "film.mp4", Settings.of(guide=guide), **values)

    with pytest.raises(Break):
        run(progress=breaking_at(3))
    copy = tmp_path / "copy.png"
    copy.write_bytes(guide.read_bytes())
    write_image(guide, scene(60, 90))
    with pytest.raises(SettingsError, match=r"the guide image changed"):
        run()
    assert dream_video(clip, tmp_path / "film.mp4", Settings.of(guide=copy)).frames == 6


def test_finished_items_are_kept_until_their_guide_changes(dreams, guide, tmp_path):
    write_image(tmp_path / "clips" / "a.png", scene(64, 80))

    def states() -> set[str]:
        made = dream_folder(tmp_path / "clips", tmp_path / "dreamed", values={"guide": guide})
        return {item.state for item in made.items}

    assert states() == {"done"}
    os.utime(guide, (1, 1))
    assert states() == {"kept"}
    write_image(guide, scene(60, 90))
    assert states() == {"done"}


def test_items_of_a_jobs_file_have_guides_of_their_own_beside_it(guide, tmp_path):
    write_image(tmp_path / "clips" / "a.png", scene(64, 80))
    orders = tmp_path / "batch.toml"
    orders.write_text('[[item]]\nsource = "a.png"\nguide = "guide.png"\n')
    (item,) = find_items(tmp_path / "clips", tmp_path / "dreamed", [], {}, jobs_file=orders)
    assert item.settings.dream.guide == guide


def test_a_guide_has_a_name_that_is_good_in_another_process(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert absolute_settings(Settings.of(guide="guide.png")).dream.guide == tmp_path / "guide.png"


def test_neither_a_guide_nor_the_algorithm_changes_within_a_film(tmp_path):
    for name, value in (("guide", "guide.png"), ("algorithm", "classic")):
        (tmp_path / "course.toml").write_text(f'[[key]]\nat = 1\n{name} = "{value}"')
        with pytest.raises(SettingsError, match=f"{name} cannot change within a film; set it .* with --{name}"):
            Settings.of(timeline=tmp_path / "course.toml")
