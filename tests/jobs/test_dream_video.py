"""A clip in, a dreamed film out: complete, with its times, or not at all."""

from __future__ import annotations

import logging
from fractions import Fraction

import numpy as np
import pytest
from pictures import pan, scene, write_clip
from stand_ins import Dreaming

from framedream import Film, Progress, Settings, dream_video
from framedream.errors import InputError, OutputError, SettingsError
from framedream.jobs import dream_video as job
from framedream.media import open_footage, write_image

FEW = Settings.of(steps=2, follow_steps=1)


def read(path) -> list[np.ndarray]:
    return [frame.pixels for frame in open_footage(path).frames()]


def times(path) -> list[Fraction]:
    return [frame.time for frame in open_footage(path).frames()]


@pytest.fixture
def brightened(monkeypatch):
    """A dream that only makes frames lighter, where the dreaming itself does not matter."""
    monkeypatch.setattr(job, "dreamer_for", lambda _: Dreaming())


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv", "film.gif", "frames"])
def test_a_film_has_the_frames_and_times_of_its_clip(clip, tmp_path, name):
    film = dream_video(clip, tmp_path / name, FEW)
    assert (film.path, film.frames, film.shots) == (tmp_path / name, 6, 1)
    assert times(tmp_path / name) == times(clip)
    assert sorted(item.name for item in tmp_path.iterdir()) == sorted(["clip.mp4", name])


def test_a_film_is_dreamed(clip, tmp_path, dreamer):
    dream_video(clip, tmp_path / "film.mp4", FEW)
    for frame, dreamed in zip(read(clip), read(tmp_path / "film.mp4"), strict=True):
        assert dreamer.strength(dreamed) > 1.2 * dreamer.strength(frame)


def test_the_same_command_gives_the_same_film(clip, tmp_path):
    for name in ("one", "other"):
        dream_video(clip, tmp_path / name, FEW)
    for one, other in zip(read(tmp_path / "one"), read(tmp_path / "other"), strict=True):
        assert np.array_equal(one, other)


def test_uneven_times_are_kept(tmp_path, brightened):
    clip = write_clip(tmp_path / "clip.mp4", pan(5, 64, 96), ticks=[0, 1, 4, 5, 11])
    dream_video(clip, tmp_path / "film.mp4")
    assert [time * 25 for time in times(tmp_path / "film.mp4")] == [0, 1, 4, 5, 11]


def test_source_and_target_may_be_text(clip, tmp_path, brightened):
    assert dream_video(str(clip), str(tmp_path / "film.mp4")).frames == 6


def test_a_slash_at_the_end_makes_a_folder_whatever_its_name(clip, tmp_path, brightened):
    dream_video(clip, f"{tmp_path}/frames.mp4/")
    assert (tmp_path / "frames.mp4" / "000001.png").is_file()


def test_a_film_of_one_frame_is_dreamed(tmp_path, brightened):
    clip = write_clip(tmp_path / "clip.mp4", [scene(64, 96)])
    assert dream_video(clip, tmp_path / "film.mp4").frames == 1


def test_a_part_is_dreamed_at_the_size_asked_for(clip, tmp_path, brightened):
    film = dream_video(clip, tmp_path / "film.mp4", Settings.of(start="2f", end="5f", size="48x32"))
    assert film.frames == 3
    assert {frame.shape for frame in read(tmp_path / "film.mp4")} == {(32, 48, 3)}


@pytest.fixture
def two_shots(tmp_path):
    """Eight frames each."""
    dark = [0.3 * picture for picture in pan(8, 64, 96, seed=1)]
    return write_clip(tmp_path / "clip.mp4", [*pan(8, 64, 96), *dark])


def test_progress_is_told_after_each_frame_of_each_pass_with_its_shot(two_shots, tmp_path, brightened):
    told = []
    film = dream_video(two_shots, tmp_path / "film.mp4", progress=told.append)
    expected = []
    for shot in (1, 2):
        done = 8 * (shot - 1)
        expected += [Progress(done, 16, shot, 2, done + number) for number in range(1, 9)]
        expected += [Progress(done + number, 16, shot, 2, done + 8) for number in range(1, 9)]
    assert told == expected
    assert (film.frames, film.shots) == (16, 2)


def test_in_one_pass_progress_knows_no_frames_backwards(two_shots, tmp_path, brightened):
    told = []
    dream_video(two_shots, tmp_path / "film.mp4", Settings.of(passes=1), progress=told.append)
    assert told == [Progress(number, 16, 1 + (number > 8), 2) for number in range(1, 17)]


def mean_colors(path) -> np.ndarray:
    return np.array([frame.mean((0, 1)) for frame in read(path)])


@pytest.mark.parametrize(("color", "shift"), [("keep", 0), ("luma", 0), ("free", 20)])
def test_a_film_keeps_its_mean_color_unless_it_is_left_free(clip, tmp_path, brightened, color, shift):
    dream_video(clip, tmp_path / "film", Settings.of(color=color, persistence=1))
    found = mean_colors(tmp_path / "film") - mean_colors(clip)
    assert np.abs(found - shift).max() < (4 if color == "free" else 0.1)


@pytest.mark.parametrize("settings", [{"cuts": "none"}, {"flow": "none"}])
def test_cuts_are_not_looked_for_where_they_do_not_matter(tmp_path, brightened, settings):
    clip = write_clip(tmp_path / "clip.mp4", [*pan(8, 64, 96), *(0.3 * picture for picture in pan(8, 64, 96, seed=1))])
    told = []
    assert dream_video(clip, tmp_path / "film.mp4", Settings.of(**settings), progress=told.append).shots == 1
    assert told[-1] == Progress(16, 16, 1, 1, 0 if "flow" in settings else 16)


def test_the_film_appears_only_when_it_is_complete(clip, tmp_path, brightened):
    target = tmp_path / "film.mp4"
    seen = []
    dream_video(clip, target, progress=lambda _: seen.append(target.exists()))
    assert seen == [False] * (6 + 6)
    assert target.exists()


def test_a_setting_that_cannot_be_used_leaves_nothing(clip, tmp_path):
    with pytest.raises(SettingsError, match="has no layer 'fier7'"):
        dream_video(clip, tmp_path / "film.mp4", Settings.of(layers="fier7"))
    assert [item.name for item in tmp_path.iterdir()] == ["clip.mp4"]


def test_a_network_that_cannot_be_had_is_told_before_the_footage_is_read(clip, tmp_path, monkeypatch):
    from framedream.media import Footage

    monkeypatch.setattr(Footage, "frames", lambda *_: pytest.fail("the footage was read"))
    with pytest.raises(SettingsError, match="has no layer 'fier7'"):
        dream_video(clip, tmp_path / "film.mp4", Settings.of(layers="fier7"))


def test_an_error_before_the_first_frame_is_stored_leaves_nothing(clip, tmp_path, monkeypatch):
    class Breaks(Dreaming):
        def dream(self, *arguments, **options):
            raise MemoryError

    monkeypatch.setattr(job, "dreamer_for", lambda _: Breaks())
    with pytest.raises(MemoryError):
        dream_video(clip, tmp_path / "film.mp4")
    assert [item.name for item in tmp_path.iterdir()] == ["clip.mp4"]


def test_frames_that_are_too_small_are_refused_with_the_cure(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", pan(2, 24, 32))
    with pytest.raises(InputError, match=r"32x24 is too small .*--scale"):
        dream_video(clip, tmp_path / "film.mp4", FEW)
    assert [item.name for item in tmp_path.iterdir()] == ["clip.mp4"]


def test_a_source_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.mp4: does not exist"):
        dream_video(tmp_path / "gone.mp4", tmp_path / "film.mp4")


def test_the_input_is_never_written_over(clip, tmp_path):
    before = clip.read_bytes()
    (tmp_path / "link.mp4").symlink_to(clip)
    (tmp_path / "twin.mp4").hardlink_to(clip)
    (tmp_path / "deep").mkdir()
    for target in (clip, tmp_path / "link.mp4", tmp_path / "twin.mp4", tmp_path / "deep" / ".." / "clip.mp4"):
        with pytest.raises(OutputError, match="is the input itself"):
            dream_video(clip, target)
    assert clip.read_bytes() == before


@pytest.mark.parametrize("name", ["film.mp4", "deep/film.mp4", "dreamed", "."])
def test_nothing_is_written_into_a_folder_that_is_read(tmp_path, name):
    for index, picture in enumerate(pan(3, 64, 96)):
        write_image(tmp_path / "in" / f"{index}.png", picture)
    with pytest.raises(OutputError, match=r"lies in the folder that is read|is the input itself"):
        dream_video(tmp_path / "in", tmp_path / "in" / name)
    assert len(list((tmp_path / "in").iterdir())) == 3


def test_a_folder_of_images_is_dreamed_into_a_film_of_its_rate(tmp_path, brightened):
    for index, picture in enumerate(pan(12, 64, 96)):
        write_image(tmp_path / "in" / f"{index}.png", picture)
    dream_video(tmp_path / "in", tmp_path / "film.mp4", Settings.of(fps="29.97"))
    assert times(tmp_path / "film.mp4") == [index * Fraction(1001, 30_000) for index in range(12)]


def test_sound_goes_along(samples, tmp_path, brightened):
    dream_video(samples / "bunny.mp4", tmp_path / "film.mp4", Settings.of(end="5f", scale=0.2))
    assert open_footage(tmp_path / "film.mp4").format.sound is not None


def test_a_film_tells_what_became_of_it(clip, tmp_path, brightened, caplog):
    with caplog.at_level(logging.WARNING, "framedream"):
        film = dream_video(clip, tmp_path / "film.mp4")
    assert film == Film(tmp_path / "film.mp4", 6, 1, film.seconds)
    assert film.seconds > 0
    assert not caplog.records
