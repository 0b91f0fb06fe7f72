"""Sound in slow motion: as much longer as the film, at its pitch, in step with the pictures."""

from __future__ import annotations

import logging
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from media_clips import decoded_sound, flat, numbered, video_start, write_video

from benchmarks.film_writer import open_film
from framedream.config.settings import FootageSettings
from framedream.media import FilmFormat, Frame, open_footage

RATE, LENGTH = 48_000, 0.08
FRAME = 1 / 25


def beeps(path: Path, times: list[float], seconds: float, *, rate: int = RATE, codec: str = "aac") -> Path:
    """A second of film and more with short tones of 600 Hz, that swell and fade about these times."""
    samples = np.zeros(round(seconds * rate), np.float32)
    count = round(LENGTH * rate)
    tone = 0.6 * np.hanning(count) * np.sin(2 * np.pi * 600 * np.arange(count) / rate)
    for time in times:
        begin = round(time * rate) - count // 2
        samples[begin : begin + count] += tone
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("libx264", rate=25, width=64, height=48, options={"crf": "30"})
        pictures.pix_fmt = "yuv420p"
        sound = container.add_stream(codec, rate=rate, layout="mono")
        for index in range(round(seconds * 25)):
            frame = av.VideoFrame.from_ndarray(flat(100), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(pictures.encode(frame))
        heard = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        heard.sample_rate, heard.pts, heard.time_base = rate, 0, Fraction(1, rate)
        container.mux(sound.encode(heard))
        container.mux(pictures.encode(None))
        container.mux(sound.encode(None))
    return path


def slowed(source: Path, target: Path, stretch: Fraction | float, **settings) -> Path:
    """The film with its pictures and its sound stretched; nothing is made in between."""
    footage, stretch = open_footage(source, FootageSettings(**settings)), Fraction(stretch)
    form = FilmFormat(64, 48, Fraction(25), footage.format.time_base / stretch.denominator)
    form = replace(form, sound=replace(footage.format.sound, stretch=stretch))
    with open_film(target, film_format=form) as film:
        for frame in footage.frames():
            film.write(Frame(frame.pixels, frame.time * stretch))
    return target


def centers(path: Path, expected: list[float], reach: float) -> list[float]:
    """When tones are heard, in seconds of the film: the middle of what is heard around each expected time."""
    start, samples = decoded_sound(path)
    times = float(start - video_start(path)) + np.arange(samples.shape[1]) / RATE
    found = []
    for time in expected:
        near = np.abs(times - time) < reach
        energy = samples[0][near] ** 2
        found.append(float((times[near] * energy).sum() / energy.sum()))
    return found


TIMES = [0.3, 0.85, 1.61, 2.4, 3.3]


@pytest.mark.parametrize("stretch", [Fraction(2), Fraction(3, 2), Fraction(21, 20), Fraction(5)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_tones_are_heard_with_their_frames(tmp_path, stretch, suffix):
    source = beeps(tmp_path / "a.mp4", TIMES, 3.8)
    film = slowed(source, tmp_path / f"b{suffix}", stretch)
    expected = [time * float(stretch) for time in TIMES]
    assert np.abs(np.subtract(centers(film, expected, 0.2 * float(stretch)), expected)).max() < FRAME / 2


def test_a_long_sound_stays_in_step(tmp_path):
    times = [0.5 + 1.73 * number for number in range(17)]
    source = beeps(tmp_path / "a.mp4", times, 30.0)
    film = slowed(source, tmp_path / "b.mp4", 3)
    expected = [3 * time for time in times]
    found = np.subtract(centers(film, expected, 0.6), expected)
    assert np.abs(found).max() < FRAME
    assert abs(found[-5:].mean() - found[:5].mean()) < 0.01


@pytest.mark.parametrize("stretch", [Fraction(3, 2), Fraction(4)])
def test_the_pitch_is_kept_and_the_length_exact(tmp_path, stretch):
    source = write_video(tmp_path / "a.mp4", numbered(20), sound="aac")
    film = slowed(source, tmp_path / "b.mkv", stretch)
    _, samples = decoded_sound(film)
    assert abs(samples.shape[1] / RATE - 0.8 * stretch) < 0.05
    spectrum = np.abs(np.fft.rfft(samples[0][RATE // 5 : -RATE // 10]))
    pitch = np.argmax(spectrum) * RATE / (2 * (len(spectrum) - 1))
    assert abs(pitch - 440) < 3


def test_a_part_begins_and_ends_with_its_sound(tmp_path):
    source = beeps(tmp_path / "a.mp4", TIMES, 3.8)
    film = slowed(source, tmp_path / "b.mp4", 2, start="0.8", end="2.0")
    expected = [2 * (0.85 - 0.8), 2 * (1.61 - 0.8)]
    assert np.abs(np.subtract(centers(film, expected, 0.2), expected)).max() < FRAME
    _, samples = decoded_sound(film)
    assert abs(samples.shape[1] / RATE - 2.4) < 0.05


@pytest.mark.parametrize("codec", ["pcm_s16le", "aac"])
def test_late_sound_is_late_by_as_much_more(tmp_path, codec):
    source = write_video(tmp_path / "a.mkv", numbered(20), sound=codec, sound_start=Fraction(1, 5))
    film = slowed(source, tmp_path / "b.mp4", 2)
    start, samples = decoded_sound(film)
    onset = float(start - video_start(film)) + np.argmax(np.abs(samples[0]) > 0.1) / RATE
    assert abs(onset - 0.4) < FRAME


def test_stretched_sound_is_encoded_with_one_note(tmp_path, caplog):
    source = write_video(tmp_path / "a.mp4", numbered(10), sound="aac", sound_tracks=2)
    with caplog.at_level(logging.INFO, "framedream"):
        film = slowed(source, tmp_path / "b.mp4", Fraction(3, 2))
    assert caplog.messages == [f"{film}: the sound is made 1.5 times as long, at its pitch, and encoded as aac"]
    assert decoded_sound(film, 1)[1].shape == decoded_sound(film, 0)[1].shape
