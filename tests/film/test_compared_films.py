"""Films that show their footage too: of any form, by whomever they are made, however often they are stopped."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from breaks import Break, breaking_at
from pictures import pan, scene, write_clip
from stand_in_cli import Restless

from framedream import Settings, dream_folder, dream_image, dream_video, zoom
from framedream.errors import SettingsError
from framedream.media import open_footage, read_image, write_image
from framedream.render.frame_compositing import divider_position

HEIGHT, WIDTH, FRAMES = 64, 80, 26


@pytest.fixture
def clip(shot_in_windows) -> Path:
    return shot_in_windows


@pytest.fixture
def dreams(dreamed_of_all) -> Restless:
    return dreamed_of_all


def frames(source: Path) -> np.ndarray:
    return np.stack([frame.pixels for frame in open_footage(source).frames()])


def run(clip: Path, name: str, **values) -> np.ndarray:
    """The frames of a film; options of `dream_video` among the settings."""
    options = {key: values.pop(key) for key in ("progress", "restart") if key in values}
    dream_video(clip, clip.with_name(name), Settings.of(**values), **options)
    return frames(clip.with_name(name))


def test_side_by_side_source_and_dream_are_those_of_other_films(clip, dreams):
    both = run(clip, "both", compare="side")
    assert np.array_equal(both[:, :, :WIDTH], np.rint(frames(clip)))
    assert np.array_equal(both[:, :, WIDTH:], run(clip, "dream"))


def test_a_wipe_parts_them_where_the_line_is_at_the_frames_time(clip, dreams):
    wiped, dream, source = run(clip, "wiped", compare="wipe"), run(clip, "dream"), np.rint(frames(clip))
    for number in (0, 7, 25):
        line = round(divider_position(Fraction(number, 25)) * WIDTH)
        assert np.array_equal(wiped[number][:, : line - 4], source[number][:, : line - 4])
        assert np.array_equal(wiped[number][:, line + 4 :], dream[number][:, line + 4 :])


def test_what_a_mask_hides_is_hidden_beside_the_source_too(clip, dreams):
    write_image(clip.with_name("mask.png"), np.zeros((HEIGHT, WIDTH, 3), np.float32))
    both = run(clip, "both", compare="side", mask=clip.with_name("mask.png"))
    assert np.array_equal(both[:, :, :WIDTH], both[:, :, WIDTH:])


@pytest.mark.parametrize("name", ["film.mp4", "film.webm", "film.mov", "film.gif", "film.webp", "film.png"])
@pytest.mark.parametrize("size", ["80x64", "81x63"])
def test_films_of_any_form_are_twice_as_wide(clip, dreams, name, size):
    both = run(clip, name, compare="side", end="3f", size=size)
    width, height = map(int, size.split("x"))
    assert (both.shape[0], both.shape[1] - height in (0, 1), both.shape[2] - 2 * width in (0, 1)) == (3, True, True)
    half = both.shape[2] // 2
    assert np.abs(both[:, :, :half].mean() - frames(clip)[:3].mean()) < 3


@pytest.mark.parametrize("compare", ["side", "wipe"])
def test_a_film_that_was_broken_off_is_ended_the_same(clip, dreams, compare):
    expected = run(clip, "whole", compare=compare)
    with pytest.raises(Break):
        run(clip, "film", compare=compare, progress=breaking_at(20))
    with pytest.raises(SettingsError, match=f"compare {compare} → "):
        run(clip, "film")
    assert np.array_equal(run(clip, "film", compare=compare), expected)


def test_workers_make_the_film_that_one_process_makes(tmp_path, kept_workers):
    clip = write_clip(tmp_path / "clip.mp4", pan(48, HEIGHT, WIDTH, step=(1.3, 0.4)))
    values = {"compare": "side", "segment": 8}
    alone = run(clip, "alone", devices="cpu", **values)
    assert alone.shape[2] == 2 * WIDTH
    assert np.array_equal(run(clip, "film", devices="cpu:2", **values), alone)


def test_all_of_a_folder_is_compared_stills_too(tmp_path, dreams):
    (tmp_path / "clips").mkdir()
    write_clip(tmp_path / "clips" / "a.mp4", pan(4, HEIGHT, WIDTH))
    write_image(tmp_path / "clips" / "b.png", scene(HEIGHT, WIDTH))
    for number in range(3):
        write_image(tmp_path / "clips" / "c" / f"{number}.png", scene(HEIGHT, WIDTH))
    made = dream_folder(tmp_path / "clips", tmp_path / "dreamed", values={"compare": "side"})
    assert {item.state for item in made.items} == {"done"}
    for item in made.items:
        target = tmp_path / "dreamed" / item.name
        assert open_footage(target if target.exists() else target.with_suffix(".mp4")).format.width == 2 * WIDTH
    picture = read_image(tmp_path / "dreamed" / "b.png")
    assert np.array_equal(picture[:, :WIDTH], np.rint(read_image(tmp_path / "clips" / "b.png")))
    assert np.abs(picture[:, WIDTH:] - picture[:, :WIDTH]).mean() > 3


def test_a_still_is_given_back_as_a_dream_and_written_beside_its_source(tmp_path, dreams):
    picture = scene(HEIGHT, WIDTH)
    dream = dream_image(picture, tmp_path / "a.png", Settings.of(compare="side"))
    assert dream.shape == picture.shape
    assert read_image(tmp_path / "a.png").shape == (HEIGHT, 2 * WIDTH, 3)


def test_a_folder_of_pngs_still_takes_no_codec(clip, dreams):
    with pytest.raises(SettingsError, match="numbered PNGs have no codec"):
        run(clip, "film", compare="side", crf=20)


def test_a_zoom_has_nothing_to_compare_with(tmp_path):
    with pytest.raises(SettingsError, match="compare: a zoom has no footage"):
        zoom("noise", tmp_path / "film.mp4", Settings.of(compare="side"))


def test_what_is_no_comparison_is_answered_with_the_nearest():
    with pytest.raises(SettingsError, match="side"):
        Settings.of(compare="sides")
