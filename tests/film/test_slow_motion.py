"""Films in slow motion and at other rates: whole frames at exact times, sound and masks in step, stopped or not."""

from __future__ import annotations

import itertools
import logging
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from breaks import Break, breaking_at
from pictures import pan, scene, write_clip
from stand_in_cli import Restless
from stand_ins import Dreaming

from framedream import Settings, dream_folder, dream_video
from framedream.batch import dream_folder as batch
from framedream.errors import SettingsError
from framedream.jobs import dream_video as job
from framedream.media import open_footage, write_image

INNER = (slice(12, -12), slice(12, -12))


@pytest.fixture
def brightened(monkeypatch):
    """A dream that only makes frames 20 levels lighter, where the dreaming itself does not matter."""
    for room in (job, batch):
        monkeypatch.setattr(room, "dreamer_for", lambda _: Dreaming())


def read(path: Path) -> list[np.ndarray]:
    return [frame.pixels for frame in open_footage(path).frames()]


def ticks(path: Path) -> list[Fraction]:
    return [25 * frame.time for frame in open_footage(path).frames()]


def make(clip: Path, name: str, *, restart: bool = False, **values):
    return dream_video(clip, clip.with_name(name), Settings.of(**values), restart=restart)


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv", "film.gif"])
def test_a_film_in_slow_motion_has_frames_between_and_takes_longer(clip, brightened, name):
    film = make(clip, name, slow_motion=2)
    assert film.frames == 11
    assert ticks(film.path) == list(range(11))


def test_motion_is_halved_and_dreamed_on(clip, brightened):
    """The dream keeps the mean color, so that of a lighter frame is the frame."""
    film = make(clip, "frames", slow_motion=2)
    for index, dream in enumerate(read(film.path)):
        assert np.abs(dream - scene(64, 96, (float(index), 0.0)))[INNER].mean() < 4


def test_uneven_times_stay_uneven(tmp_path, brightened):
    clip = write_clip(tmp_path / "clip.mp4", pan(4, 64, 96), ticks=[0, 1, 4, 9])
    film = make(clip, "film.mp4", slow_motion=3)
    assert ticks(film.path) == [0, 1, 2, 3, 6, 9, 12, 17, 22, 27]


@pytest.mark.parametrize(("fps", "frames"), [(50, 12), (12.5, 3), ("59.94", 14)])
def test_a_rate_gives_a_film_of_the_same_length(clip, brightened, fps, frames):
    film = make(clip, "film.mp4", fps=fps)
    footage = open_footage(film.path)
    assert film.frames == frames
    assert footage.format.rate == Settings.of(fps=fps).footage.fps
    assert [frame.time * footage.format.rate for frame in footage.frames()] == list(range(frames))


def with_clicks(path: Path, times: list[float], frames: int) -> Path:
    """A gray film that is white in one frame at each of these times, when a tone is heard too."""
    rate = 48_000
    samples = np.zeros(frames * rate // 25, np.float32)
    tone = 0.7 * np.sin(2 * np.pi * 500 * np.arange(rate // 25) / rate)
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("libx264", rate=25, width=64, height=48)
        sound = container.add_stream("aac", rate=rate, layout="mono")
        for index in range(frames):
            is_white = any(round(time * 25) == index for time in times)
            if is_white:
                samples[index * rate // 25 :][: len(tone)] += tone
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 200 if is_white else 60, np.uint8))
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(pictures.encode(frame))
        heard = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        heard.sample_rate, heard.pts, heard.time_base = rate, 0, Fraction(1, rate)
        container.mux(sound.encode(heard))
        container.mux(sound.encode(None))
        container.mux(pictures.encode(None))
    return path


def heard(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Times in seconds of the film, and how loud it is."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    start = float(frames[0].pts * frames[0].time_base)
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    return start + np.arange(len(samples)) / frames[0].sample_rate, samples**2


@pytest.mark.parametrize("slow_motion", [2, 2.5])
def test_sound_is_heard_with_its_pictures(tmp_path, brightened, caplog, slow_motion):
    moments = [0.4, 1.2, 2.0]
    clip = with_clicks(tmp_path / "clip.mp4", moments, 60)
    with caplog.at_level(logging.INFO, "framedream"):
        film = make(clip, "film.mp4", slow_motion=slow_motion, flow="none")
    assert f"the sound is made {slow_motion:g} times as long, at its pitch, and encoded as aac" in caplog.text
    shown = [(float(frame.time), frame.pixels.mean()) for frame in open_footage(film.path).frames()]
    times, loudness = heard(film.path)
    assert abs(times[-1] - 2.4 * slow_motion) < 0.05
    for moment in moments:
        near = [(time, light) for time, light in shown if abs(time - slow_motion * moment) < 0.3]
        middle_seen = np.average([time + 0.02 for time, _ in near], weights=[light - 70 for _, light in near])
        around = np.abs(times - slow_motion * (moment + 0.02)) < 0.2
        middle_heard = np.average(times[around], weights=loudness[around])
        assert abs(middle_heard - middle_seen) < 0.04


def test_at_another_rate_sound_is_copied(tmp_path, brightened):
    clip = with_clicks(tmp_path / "clip.mp4", [0.2], 10)
    film = make(clip, "film.mp4", fps=50)
    packets = []
    for path in (clip, film.path):
        with av.open(str(path)) as container:
            packets.append([bytes(packet) for packet in container.demux(audio=0) if packet.size])
    assert packets[0] == packets[1]


def test_a_sound_of_the_films_own_is_not_stretched(tmp_path, brightened):
    clip = with_clicks(tmp_path / "clip.mp4", [0.2], 10)
    film = make(clip, "film.mp4", slow_motion=2, sound=clip)
    times, loudness = heard(film.path)
    assert abs(times[-1] - 0.4) < 0.05
    assert abs(np.average(times, weights=loudness) - 0.22) < 0.02


def test_keys_of_a_timeline_are_at_times_of_the_film(clip, brightened, tmp_path):
    """Films are lighter only from the key on, at which their mean color is let go."""
    course = tmp_path / "course.toml"
    course.write_text('[[key]]\nat = "0s"\ncolor = "keep"\n[[key]]\nat = "0.2s"\ncolor = "free"\n')
    film = make(clip, "frames", slow_motion=2, flow="none", timeline=course)
    lighter = [
        float((dream - scene(64, 96, (float(index), 0.0))).mean()) for index, dream in enumerate(read(film.path))
    ]
    assert [change > 10 for change in lighter] == [index >= 5 for index in range(11)]


@pytest.fixture
def long_clip(tmp_path, short) -> Path:
    """A shot of 14 frames, in windows of six film frames and pieces of five."""
    return write_clip(tmp_path / "clip.mp4", pan(14, 64, 80, step=(2.6, 0.8)))


@pytest.mark.parametrize("values", [{"slow_motion": 2}, {"fps": 40}], ids=str)
def test_a_film_that_was_broken_off_is_ended_the_same(long_clip, monkeypatch, values):
    dreaming = Restless()
    monkeypatch.setattr(job, "dreamer_for", lambda _: dreaming)
    make(long_clip, "whole", **values)
    for count in (31,) if "fps" in values else (9, 31):
        with pytest.raises(Break):
            dream_video(long_clip, long_clip.with_name(f"f{count}"), Settings.of(**values), progress=breaking_at(count))
        make(long_clip, f"f{count}", **values)
        assert np.array_equal(read(long_clip.with_name(f"f{count}")), read(long_clip.with_name("whole")))


def test_workers_make_the_film_that_one_process_makes(tmp_path, kept_workers):
    clip = write_clip(tmp_path / "clip.mp4", pan(8, 64, 80, step=(2.6, 0.8)))
    values = {"slow_motion": 2.5, "segment": 8}
    alone = make(clip, "alone", devices="cpu", **values)
    film = make(clip, "film", devices="cpu:2", **values)
    assert alone.frames == 20
    assert np.array_equal(read(film.path), read(alone.path))


def test_a_work_folder_is_of_one_slowness(clip, monkeypatch, brightened):
    with pytest.raises(Break):
        dream_video(clip, clip.with_name("film.mp4"), Settings.of(slow_motion=2), progress=breaking_at(3))
    with pytest.raises(SettingsError, match=r"slow-motion 2 → 3.*--restart"):
        make(clip, "film.mp4", slow_motion=3)
    with pytest.raises(SettingsError, match=r"slow-motion 2 → default"):
        make(clip, "film.mp4")
    assert make(clip, "film.mp4", slow_motion=3, restart=True).frames == 16


def test_cuts_are_found_in_the_footage(tmp_path, brightened):
    clip = write_clip(tmp_path / "clip.mp4", [*pan(6, 64, 96), *(0.3 * picture for picture in pan(6, 64, 96, seed=1))])
    for values, begin in (({"slow_motion": 3}, 17), ({"fps": 12.5}, 3)):
        film = make(clip, f"{begin}", **values)
        assert film.shots == 2
        frames = read(film.path)
        steps = [np.abs(after - before).mean() for before, after in itertools.pairwise(frames)]
        assert int(np.argmax(steps)) + 1 == begin


def test_a_single_picture_is_not_made_slower(tmp_path, brightened, caplog):
    write_image(tmp_path / "still.png", scene(64, 96))
    with caplog.at_level(logging.INFO, "framedream"):
        film = make(tmp_path / "still.png", "film.mp4", slow_motion=4)
    assert film.frames == 1
    assert "still.png: is a single picture, which slow motion does not change" in caplog.text


def test_a_batch_is_made_slower_but_for_its_stills(tmp_path, clip, brightened, monkeypatch):
    monkeypatch.setattr("framedream.jobs.dream_image.dreamer_for", lambda _: Dreaming())
    write_image(tmp_path / "clips" / "still.png", scene(64, 96))
    clip.rename(tmp_path / "clips" / "clip.mp4")
    done = dream_folder(tmp_path / "clips", tmp_path / "dreamed", values={"slow_motion": 2})
    assert not done.failed
    assert len(read(tmp_path / "dreamed" / "clip.mp4")) == 11


@pytest.mark.parametrize("value", [0.5, 0, 65, "fast", "nan", True])
def test_a_slowness_is_a_number_from_1_to_64(value):
    with pytest.raises(SettingsError, match=r"^slow_motion: "):
        Settings.of(slow_motion=value)


@pytest.mark.parametrize(
    ("value", "factor"), [("1.5", Fraction(3, 2)), ("7/3", Fraction(7, 3)), (4, 4), (0.1 + 1, 1.1)]
)
def test_a_slowness_may_be_broken(value, factor):
    assert Settings.of(slow_motion=value).footage.slow_motion == Fraction(factor).limit_denominator(1000)


def test_a_rate_of_television_may_be_rounded():
    for text, whole in (("23.976", 24), ("29.97", 30), ("59.94", 60), ("119.88", 120)):
        assert Settings.of(fps=text).footage.fps == Fraction(whole * 1000, 1001)
