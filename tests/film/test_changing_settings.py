"""Films whose settings change in their course: from the timeline to the frames, and on when they were stopped."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from breaks import Break, breaking_at, read
from pictures import pan, write_clip
from stand_in_cli import Restless

from framedream import Settings, dream_video
from framedream.errors import SettingsError
from framedream.film.dreamers import dreamer_for
from framedream.film.film_tasks import absolute_settings
from framedream.film.schedule_loading import add_sound_follows, load_schedule
from framedream.jobs import dream_video as job
from framedream.media import open_footage
from framedream.store.manifest import flatten_settings

COURSE = """
[[key]]
at = 0.2
layers = "fire5"
step-size = 1
[[key]]
at = "0.6s"
layers = "fire8=2"
step-size = 5
persistence = 0.9
"""


@pytest.fixture
def clip(tmp_path) -> Path:
    """A shot of 26 frames, and one of 4."""
    pictures = [*pan(26, 64, 80, step=(1.3, 0.4)), *(0.3 * picture for picture in pan(4, 64, 80, seed=1))]
    return write_clip(tmp_path / "clip.mp4", pictures)


@pytest.fixture
def course(tmp_path) -> Path:
    path = tmp_path / "course.toml"
    path.write_text(COURSE)
    return path


class Looking(Restless):
    """Adds as much grain as the look's step size says."""

    def dream(self, image: np.ndarray, **options):
        dreamed = super().dream(image, **options)
        pixels = np.clip(image + options["settings"].step_size / 3 * (dreamed.pixels - image), 0, 255)
        return type(dreamed)(pixels.astype(np.float32), dreamed.losses)


@pytest.fixture
def dreams(monkeypatch) -> Looking:
    """Stands for the network in all runs of a test."""
    dreaming = Looking()
    monkeypatch.setattr(job, "dreamer_for", lambda _: dreaming)
    return dreaming


def run(clip: Path, name: str, settings: Settings, **options) -> list[bytes]:
    dream_video(clip, clip.with_name(name), settings, **options)
    return read(clip.with_name(name))


def test_frames_are_dreamed_as_the_timeline_says_for_their_time(clip, course, dreams):
    """Ten frames pass from key to key, in both passes; before and behind them all are dreamed alike."""
    settings = Settings.of(timeline=course)
    run(clip, "film.mkv", settings)
    sizes = {round(look.step_size, 6) for look in dreams.looks}
    between = {round(load_schedule(settings).at(Fraction(number, 25)).dream.step_size, 6) for number in range(30)}
    assert sizes == between
    assert len(between) == 11
    assert {name for look in dreams.looks for name, _ in look.layers} == {"fire5", "fire8"}


@pytest.mark.parametrize(
    ("name", "values", "counts"),
    [("film.mkv", {}, (1, 30)), ("film", {"flow": "none"}, (17,)), ("film.mkv", {"segment": 13}, (17, 47))],
)
def test_a_film_that_changes_is_ended_by_the_same_call_and_is_the_same(
    clip, short, course, dreams, name, values, counts
):
    settings = Settings.of(timeline=course, **values)
    expected = run(clip, "whole" + name, settings)
    assert expected != run(clip, "plain" + name, Settings.of(**values))
    for count in counts:
        with pytest.raises(Break):
            run(clip, name, settings, progress=breaking_at(count))
        assert run(clip, name, settings) == expected
        target = clip.with_name(name)
        for path in [*target.glob("*"), target] if target.is_dir() else [target]:
            path.rmdir() if path.is_dir() else path.unlink()


def test_another_timeline_is_refused_with_the_difference(clip, course, dreams):
    with pytest.raises(Break):
        run(clip, "film.mkv", Settings.of(timeline=course), progress=breaking_at(20))
    course.write_text(COURSE.replace("fire8=2", "fire8=3").replace("= 0.2", "= 0.25"))
    message = (
        r"started with other settings \(timeline: layers at 0\.25s default → fire5=1 \(smooth\), "
        r"timeline: layers at 0\.2s fire5=1 \(smooth\) → default, "
        r"timeline: layers at 0\.6s fire8=2 \(smooth\) → fire8=3 \(smooth\), "
    )
    with pytest.raises(SettingsError, match=message):
        run(clip, "film.mkv", Settings.of(timeline=course))
    course.write_text(COURSE.replace('"fire5"', '"fire5=1.0"'))
    assert len(run(clip, "film.mkv", Settings.of(timeline=course))) == 30


def test_workers_make_the_same_film_that_changes(clip, course, tmp_path, kept_workers):
    settings = Settings.of(timeline=course, segment=13, devices="cpu")
    alone = run(clip, "alone.mkv", settings)
    assert run(clip, "film.mkv", settings.override({"devices": "cpu:2"})) == alone
    assert run(clip, "plain.mkv", Settings.of(segment=13, devices="cpu")) != alone


def test_what_changes_is_told_with_the_settings_of_a_batch(course):
    assert flatten_settings(Settings.of(timeline=course))["timeline: step-size at 0.6s"] == "5 (smooth)"


def test_layers_really_change(tmp_path):
    """By the network itself: what is excited at the end is not what is at the beginning."""
    course = tmp_path / "course.toml"
    course.write_text('[[key]]\nat = 0\nlayers = "conv1"\n[[key]]\nat = 0.2\nlayers = "fire5"\neasing = "hold"\n')
    settings = Settings.of(timeline=course, layers="conv1", steps=4, octaves=1, flow="none", segment="none")
    clip = write_clip(tmp_path / "still.mkv", [pan(1, 64, 80)[0]] * 8)
    dream_video(clip, tmp_path / "film.mkv", settings)
    dreamed = [frame.pixels for frame in open_footage(tmp_path / "film.mkv").frames()]
    dreamer = dreamer_for(settings)
    assert dreamer.network.layers == ("conv1", "fire5")
    conv1, fire5 = (
        [dreamer.strength(frame, Settings.of(layers=layers).dream) for frame in dreamed]
        for layers in ("conv1", "fire5")
    )
    assert min(conv1[:5]) > 1.1 * max(conv1[5:])
    assert min(fire5[5:]) > 1.1 * max(fire5[:5])
    assert np.abs(dreamed[0] - dreamed[4]).mean() < 2 < np.abs(dreamed[4] - dreamed[5]).mean()


# Following a sound.

FOLLOW = '[[follow]]\nsetting = "step-size"\nband = "bass"\nfrom = 1\nto = 5\n'


class Rising:
    """Stands for the loudness of a sound."""

    opened: list[Path]

    @classmethod
    def of(cls, path: Path):
        cls.opened.append(path)
        return cls()

    def level(self, band: str, seconds: float) -> float:
        return seconds if band == "bass" else 0.0


@pytest.fixture
def rising(monkeypatch) -> type[Rising]:
    monkeypatch.setattr("framedream.media.audio.loudness.Loudness", Rising)
    Rising.opened = []
    return Rising


def test_the_loudness_of_the_sound_is_followed(course, tmp_path, rising):
    course.write_text(FOLLOW)
    track = tmp_path / "track.wav"
    track.write_bytes(b"sound")
    settings = Settings.of(timeline=course, sound=track)
    assert [load_schedule(settings).at(at).dream.step_size for at in (0, 0.25, 1)] == [1, 2, 5]
    assert rising.opened == [track]
    track.write_bytes(b"another sound")
    load_schedule(settings)
    assert rising.opened == [track] * 2


def test_a_sound_that_nothing_follows_is_not_looked_at(course, tmp_path, rising):
    assert load_schedule(Settings.of(sound=tmp_path / "track.wav")).is_constant
    assert not load_schedule(Settings.of(timeline=course, sound=tmp_path / "track.wav")).is_constant
    assert rising.opened == []


def test_without_a_sound_to_follow_nothing_is_begun(clip, course, dreams):
    course.write_text(FOLLOW)
    with pytest.raises(SettingsError, match=r"course\.toml, follow of step-size: no sound .* --sound"):
        run(clip, "film.mkv", Settings.of(timeline=course))
    assert not list(clip.parent.glob("film*"))


@pytest.mark.parametrize(("speed", "low", "high"), [(1.3, 1.082, 1.69), (5, 1.621, 20), (0.1, 0.501, 0.05), (1, 1, 1)])
def test_a_zoom_that_follows_its_sound_stays_within_what_can_be_zoomed(tmp_path, speed, low, high):
    (follow, _) = add_sound_follows(Settings.of(zoom=speed, sound=tmp_path / "s.wav")).change.timeline.follows
    assert (follow.low, follow.high) == (pytest.approx(low, abs=1e-3), pytest.approx(high))


def test_a_layer_of_a_timeline_that_does_not_exist_is_named_with_its_key(course):
    course.write_text(COURSE.replace("fire8=2", "fire99=2"))
    with pytest.raises(SettingsError, match=r"course\.toml, key at 0\.6s: layers: squeezenet has no layer 'fire99'"):
        dreamer_for(Settings.of(timeline=course))
    with pytest.raises(SettingsError, match=r"^layers: squeezenet has no layer 'fire98'"):
        dreamer_for(Settings.of(timeline=course, layers="fire98"))


def test_a_film_of_footage_is_warned_of_what_only_zooms_have(clip, course, dreams, tmp_path, caplog):
    course.write_text(COURSE + "zoom = 2\n")
    run(clip, "film.mkv", Settings.of(timeline=course, end="0.2"))
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        f"{course}: zoom has no effect here; only the command zoom uses it"
    ]


def test_other_processes_find_the_files_of_the_settings_whatever_folder_they_work_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings.of(sound="s.wav", weights="w.h5", steps=7)
    there = absolute_settings(settings)
    assert (there.change.sound, there.dream.weights) == (tmp_path / "s.wav", tmp_path / "w.h5")
    assert there == settings.override({"sound": tmp_path / "s.wav", "weights": tmp_path / "w.h5"})
    assert absolute_settings(Settings()) == Settings()


def test_what_has_changed_of_a_zoom_is_told_as_it_is_written(tmp_path):
    before, now = (
        flatten_settings(Settings.of(**values)) for values in ({}, {"pan": "0.1,0", "size": "8x6", "zoom": "2/s"})
    )
    assert (before["pan"], now["pan"], now["size"], now["zoom"]) == ("0,0", "0.1,0", "8x6", "2")
