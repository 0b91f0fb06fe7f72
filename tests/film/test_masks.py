"""Masks of whole films, stills and batches: in step, by whomever the film is made, and refused where they changed."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from breaks import Break, breaking_at, read
from pictures import noise, pan, scene, write_clip
from stand_in_cli import Restless
from stand_in_workers import stand_in

from framedream import Settings, dream_folder, dream_image, dream_video, zoom
from framedream.config.settings import FootageSettings
from framedream.errors import InputError, OutputError, SettingsError
from framedream.film import preflight
from framedream.film.film_tasks import absolute_settings
from framedream.film.plan import Plan
from framedream.media import open_footage, read_image, write_image
from framedream.render.retimed_footage import open_retimed

HEIGHT, WIDTH, FRAMES = 64, 80, 26


@pytest.fixture
def clip(shot_in_windows) -> Path:
    return shot_in_windows


@pytest.fixture(scope="module")
def dream_of(shot, short_limits) -> Callable[..., np.ndarray]:
    """The frames of the film without a mask; each is made once."""

    @functools.cache
    def make(**values) -> np.ndarray:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Plan, "limits", short_limits)
            patch.setattr("framedream.jobs.dream_video.dreamer_for", lambda _: Restless())
            return run(shot, f"dream{len(list(shot.parent.iterdir()))}", devices="cpu", **values)

    return make


@pytest.fixture
def dreams(dreamed_of_all) -> Restless:
    return dreamed_of_all


def plain(level: float) -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), level, np.float32)


def still(folder: Path, level: float, name: str = "mask.png") -> Path:
    write_image(folder / name, plain(level))
    return folder / name


def steps(folder: Path, count: int = FRAMES) -> Path:
    """A film of masks, each lighter than the one before it, without loss: images, as many a second as the footage."""
    for number in range(count):
        write_image(folder / "steps" / f"{number}.png", plain(9 * number))
    return folder / "steps"


def run(clip: Path, name: str = "film", **values) -> np.ndarray:
    """The frames of a film made of PNGs; options of `dream_video` among the settings."""
    options = {key: values.pop(key) for key in ("progress", "restart") if key in values}
    dream_video(clip, clip.with_name(name), Settings.of(**values), **options)
    return np.stack([frame.pixels for frame in open_footage(clip.with_name(name)).frames()])


def frames(clip: Path) -> np.ndarray:
    return np.stack([frame.pixels for frame in open_footage(clip).frames()])


def mixed(clip: Path, dream: np.ndarray, levels: np.ndarray | float) -> np.ndarray:
    source = frames(clip)[-len(dream) :]
    strength = np.broadcast_to(np.asarray(levels, np.float32) / 255, len(dream)).reshape(-1, 1, 1, 1)
    return source + strength * (dream - source)


# What is seen.


@pytest.mark.parametrize("values", [{}, {"flow": "none"}], ids=str)
def test_black_is_the_footage_white_the_dream_and_gray_between(clip, dreams, dream_of, values):
    dream = dream_of(**values)
    assert np.abs(dream - frames(clip)).mean() > 3
    assert np.array_equal(run(clip, "black", mask=still(clip.parent, 0), **values), np.rint(frames(clip)))
    assert np.array_equal(run(clip, "white", mask=still(clip.parent, 255), **values), dream)
    gray = run(clip, "gray", mask=still(clip.parent, 100), **values)
    assert np.abs(gray - mixed(clip, dream, 100)).max() <= 1


def test_a_moving_mask_goes_along_with_the_footage(clip, dreams, dream_of):
    dream, seen = dream_of(), run(clip, mask=steps(clip.parent))
    assert np.abs(seen - mixed(clip, dream, 9 * np.arange(FRAMES))).max() <= 1


def test_a_mask_of_another_rate_is_in_step_by_time(clip, dreams, dream_of):
    mask = write_clip(clip.with_name("mask.mkv"), [plain(0), plain(255)], ticks=[0, 13])
    dream, seen = dream_of(), run(clip, mask=mask)
    assert np.array_equal(seen[:13], np.rint(frames(clip))[:13])
    assert np.array_equal(seen[13:], dream[13:])


@pytest.mark.parametrize("start", ["10f", pytest.param("0.4", marks=pytest.mark.full)])
def test_a_film_that_starts_later_is_in_step_with_its_whole_footage(clip, dreams, dream_of, start):
    dream, seen = dream_of(start=start), run(clip, start=start, mask=steps(clip.parent))
    assert len(seen) == FRAMES - 10
    assert np.abs(seen - mixed(clip, dream, 9 * np.arange(10, FRAMES))).max() <= 1


def retimed(clip: Path, **values) -> np.ndarray:
    return np.stack([frame.pixels for frame in open_retimed(clip, FootageSettings(**values)).frames()])


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"fps": 12.5}, 2 * np.arange(13)),
        ({"slow_motion": 2}, np.arange(51) // 2),
        pytest.param({"fps": 50}, np.arange(52) // 2, marks=pytest.mark.full),
    ],
    ids=["fewer", "slower", "more"],
)
def test_a_mask_of_images_goes_along_with_the_footage_however_slow_the_film_is(clip, dreams, dream_of, values, shown):
    dream, seen = dream_of(**values), run(clip, mask=steps(clip.parent), **values)
    strength = (9 * shown / 255).astype(np.float32).reshape(-1, 1, 1, 1)
    source = retimed(clip, **values)
    assert np.abs(seen - (source + strength * (dream - source))).max() <= 1


def test_a_mask_is_brought_to_the_size_of_the_film_and_stretched_with_a_note(clip, dreams, dream_of, caplog):
    caplog.set_level(logging.INFO, "framedream")
    mask = np.zeros((100, 100, 3), np.float32)
    mask[:, 50:] = 255
    write_image(clip.with_name("mask.png"), mask)
    dream = dream_of(size="40x32")
    seen = run(clip, size="40x32", mask=clip.with_name("mask.png"))
    assert np.array_equal(seen[:, :, 20:], dream[:, :, 20:])
    assert not np.array_equal(seen[:, :, :20], dream[:, :, :20])
    assert "mask.png: the mask, 100x100, is stretched to the shape of the picture, 40x32" in caplog.text


def test_a_mask_of_the_same_shape_is_not_told_of(clip, dreams, caplog):
    caplog.set_level(logging.INFO, "framedream")
    write_image(clip.with_name("mask.png"), noise(2 * HEIGHT, 2 * WIDTH))
    run(clip, mask=clip.with_name("mask.png"))
    assert "mask.png" not in caplog.text


def test_a_mask_that_ends_early_stays_with_one_warning(clip, dreams, dream_of, caplog):
    dream, seen = dream_of(), run(clip, mask=steps(clip.parent, 4))
    assert np.abs(seen - mixed(clip, dream, 9 * np.minimum(np.arange(FRAMES), 3))).max() <= 1
    assert caplog.messages == [
        f"{clip.parent / 'steps'}: ends after 0.16 seconds, before the footage; framedream repeats its last frame"
    ]


# Whoever makes it, however often it is stopped.


@pytest.mark.parametrize("values", [{}, pytest.param({"flow": "none"}, marks=pytest.mark.full)], ids=str)
def test_workers_make_the_film_that_one_process_makes(tmp_path, kept_workers, monkeypatch, values, caplog):
    clip = write_clip(tmp_path / "clip.mp4", pan(48, HEIGHT, WIDTH, step=(1.3, 0.4)))
    monkeypatch.chdir(tmp_path)
    steps(tmp_path)
    values |= {"mask": "steps", "segment": 8}
    alone = run(clip, "alone", devices="cpu", **values)
    caplog.clear()
    assert np.array_equal(run(clip, "film", devices="cpu:2", **values), alone)
    assert ["ends after 1.04 seconds" in message for message in caplog.messages] == [True]


def test_a_mask_has_a_name_that_is_good_in_another_process():
    assert absolute_settings(Settings.of(mask="mask.png")).footage.mask == Path.cwd() / "mask.png"


@pytest.mark.parametrize("values", [{}, {"flow": "none"}], ids=str)
def test_a_film_that_was_broken_off_is_ended_the_same(clip, dreams, values):
    values |= {"mask": steps(clip.parent)}
    expected = run(clip, "whole", **values)
    for count in (7, 20):
        name = f"film-{count}"
        try:
            run(clip, name, progress=breaking_at(count), **values)
        except Break:
            assert (clip.parent / f"{name}.framedream").is_dir()
        assert np.array_equal(run(clip, name, **values), expected)


@pytest.fixture
def broken(clip, dreams) -> Path:
    """A mask with which a film was begun."""
    mask = still(clip.parent, 100)
    with pytest.raises(Break):
        run(clip, mask=mask, progress=breaking_at(20))
    return mask


def test_a_mask_that_has_changed_is_refused(clip, broken):
    still(clip.parent, 110)
    with pytest.raises(InputError, match=r"mask\.png: has changed since .*film\.framedream was started"):
        run(clip, mask=broken)
    assert len(run(clip, mask=broken, restart=True)) == FRAMES


def test_another_mask_and_none_are_refused_with_the_difference(clip, broken):
    other = still(clip.parent, 100, "other.png")
    with pytest.raises(SettingsError, match=r"mask \S+mask\.png → \S+other\.png"):
        run(clip, mask=other)
    with pytest.raises(SettingsError, match=r"mask \S+mask\.png → default"):
        run(clip)


def test_the_same_mask_by_another_name_is_none_other(clip, broken, monkeypatch):
    monkeypatch.chdir(clip.parent)
    assert len(run(clip, mask="mask.png")) == FRAMES


# What cannot be.


def test_a_mask_is_not_written_over(clip, dreams, tmp_path):
    mask = clip.with_name("mask.mp4")
    mask.write_bytes(clip.read_bytes())
    with pytest.raises(OutputError, match=r"mask\.mp4: is the input itself"):
        dream_video(clip, mask, Settings.of(mask=mask))
    with pytest.raises(OutputError, match=r"lies in the folder that is read"):
        dream_video(clip, tmp_path / "steps" / "film.mp4", Settings.of(mask=steps(tmp_path)))
    picture = still(tmp_path, 7)
    with pytest.raises(OutputError, match=r"mask\.png: is the input itself"):
        dream_image(plain(30), picture, Settings.of(mask=picture))
    assert mask.read_bytes() == clip.read_bytes()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone.png", "(does not exist|there is no such file)"),
        ("text.mp4", "cannot be read as a video"),
        ("text.png", "cannot be read as an image"),
    ],
)
def test_what_is_no_mask_is_told_before_anything_is_dreamed(clip, tmp_path, monkeypatch, name, message):
    for module in ("jobs.dream_video", "jobs.dream_image", "batch.dream_folder"):
        monkeypatch.setattr(f"framedream.{module}.dreamer_for", lambda _: pytest.fail("it dreamed first"))
    for suffix in (".mp4", ".png"):
        (tmp_path / f"text{suffix}").write_text("no picture")
    settings = Settings.of(mask=tmp_path / name)
    with pytest.raises(InputError, match=f"{name}: {message}"):
        dream_video(clip, tmp_path / "film.mp4", settings)
    with pytest.raises(InputError, match=f"{name}: {message}"):
        dream_image(plain(30), None, settings)
    (tmp_path / "clips").mkdir()
    clip.rename(tmp_path / "clips" / "clip.mp4")
    with pytest.raises(InputError, match=f"{name}: {message}"):
        dream_folder(tmp_path / "clips", tmp_path / "dreamed", values={"mask": tmp_path / name})
    assert not (tmp_path / "dreamed").exists()


def test_a_mask_that_does_not_fit_the_memory_is_refused_with_the_cure(clip, dreams, monkeypatch):
    write_image(clip.with_name("mask.png"), np.zeros((1000, 5000, 3), np.float32))
    monkeypatch.setattr(preflight, "total_memory", lambda: 150_000_000)
    with pytest.raises(InputError, match=r"mask\.png: an image of 5000x1000 needs .*make a smaller copy"):
        run(clip, mask=clip.with_name("mask.png"))


def test_a_zoom_takes_no_mask(tmp_path):
    with pytest.raises(SettingsError, match="mask: a zoom has no footage"):
        zoom(still(tmp_path, 30), tmp_path / "film.mp4", Settings.of(mask=tmp_path / "mask.png"))


def test_a_timeline_does_not_change_it(tmp_path):
    (tmp_path / "course.toml").write_text('[[key]]\nat = 0\nmask = "a.png"\n')
    with pytest.raises(SettingsError, match="mask"):
        Settings.of(timeline=tmp_path / "course.toml")


# Stills.


@pytest.mark.parametrize("name", ["mask.png", "steps"])
def test_of_a_still_the_first_picture_of_a_mask_counts(tmp_path, dreams, name):
    picture = scene(HEIGHT, WIDTH)
    dream = dream_image(picture)
    still(tmp_path, 0)
    assert np.array_equal(dream_image(picture, None, Settings.of(mask=steps(tmp_path).with_name(name))), picture)
    assert np.array_equal(dream_image(picture, None, Settings.of(mask=still(tmp_path, 255))), dream)


def test_a_real_dream_stays_in_its_mask_at_each_size(tmp_path):
    picture, mask = scene(96, 128), np.zeros((96, 128, 3), np.float32)
    mask[:, 64:] = 255
    write_image(tmp_path / "mask.png", mask)
    settings = Settings.of(steps=2, octaves=2)
    dream = dream_image(picture, None, settings)
    seen = dream_image(picture, None, settings.override({"mask": tmp_path / "mask.png"}), save_octaves=tmp_path / "o")
    assert np.array_equal(seen[:, :64], picture[:, :64])
    assert np.array_equal(seen[:, 64:], dream[:, 64:])
    assert np.abs(dream - picture)[:, :64].mean() > 1
    small = read_image(tmp_path / "o" / "octave-1.png")
    left = small.shape[1] // 2 - 1
    dream_image(picture, None, settings, save_octaves=tmp_path / "plain")
    change = np.abs(small - read_image(tmp_path / "plain" / "octave-1.png"))
    assert change[:, :left].mean() > 1 and change[:, left + 3 :].max() == 0


# Batches.


@pytest.fixture
def clips(tmp_path, dreams) -> Path:
    """A film and a still."""
    (tmp_path / "clips").mkdir()
    write_clip(tmp_path / "clips" / "a.mp4", pan(4, HEIGHT, WIDTH))
    write_image(tmp_path / "clips" / "b.png", scene(HEIGHT, WIDTH))
    return tmp_path / "clips"


def states(made) -> dict[str, str]:
    return {item.name: item.state for item in made.items}


def test_one_mask_for_a_folder_is_not_dreamed_itself(clips, tmp_path):
    mask = still(clips, 0)
    made = dream_folder(clips, tmp_path / "dreamed", values={"mask": mask})
    assert states(made) == {"a.mp4": "done", "b.png": "done"}
    assert np.array_equal(read_image(tmp_path / "dreamed" / "b.png"), np.rint(read_image(clips / "b.png")))
    made = dream_folder(clips, tmp_path / "other", values={"mask": steps(clips)})
    assert set(states(made)) == {"a.mp4", "b.png", "mask.png"}


def test_finished_items_are_kept_until_their_mask_changes(clips, tmp_path):
    mask = still(tmp_path, 50)
    make = {"values": {"mask": mask}}
    dream_folder(clips, tmp_path / "dreamed", **make)
    assert set(states(dream_folder(clips, tmp_path / "dreamed", **make)).values()) == {"kept"}
    still(tmp_path, 60)
    os.utime(mask, (1, 1))
    assert set(states(dream_folder(clips, tmp_path / "dreamed", **make)).values()) == {"done"}


def test_items_of_a_jobs_file_have_masks_of_their_own_beside_it(clips, tmp_path):
    (tmp_path / "jobs").mkdir()
    still(tmp_path / "jobs", 0)
    orders = tmp_path / "jobs" / "batch.toml"
    orders.write_text('[[item]]\nsource = "b.png"\nmask = "mask.png"\n[[item]]\nsource = "b.png"\ntarget = "c.png"\n')
    dream_folder(clips, tmp_path / "dreamed", jobs_file=orders)
    picture = np.rint(read_image(clips / "b.png"))
    assert np.array_equal(read_image(tmp_path / "dreamed" / "b.png"), picture)
    assert np.abs(read_image(tmp_path / "dreamed" / "c.png") - picture).mean() > 3


def test_workers_see_stills_through_masks_too(clips, tmp_path, monkeypatch):
    stand_in(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    still(tmp_path, 0)
    made = dream_folder(clips, "dreamed", values={"mask": "mask.png", "devices": "cpu:2"})
    assert states(made) == {"a.mp4": "done", "b.png": "done"}
    assert np.array_equal(read_image(tmp_path / "dreamed" / "b.png"), np.rint(read_image(clips / "b.png")))
    assert read(tmp_path / "dreamed" / "a.mp4")


def test_a_mask_is_dreamed_where_it_is_asked_for_by_name(clips, tmp_path):
    still(clips, 0)
    orders = tmp_path / "batch.toml"
    orders.write_text('[[item]]\nsource = "mask.png"\nmask = "clips/mask.png"\n')
    assert states(dream_folder(clips, tmp_path / "dreamed", jobs_file=orders)) == {"mask.png": "done"}
