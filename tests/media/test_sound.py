"""Sound goes along unchanged where it can, in step with the pictures."""

from __future__ import annotations

import logging
from fractions import Fraction

import av
import numpy as np
import pytest
from media_clips import decoded_sound, numbered, video_start, write_video

from benchmarks.film_writer import open_film
from framedream.config.settings import FootageSettings
from framedream.media import open_footage


def rewrite(source, target, **footage_settings):
    footage = open_footage(source, FootageSettings(**footage_settings))
    with open_film(target, film_format=footage.format) as film:
        for frame in footage.frames():
            film.write(frame)
    return target


def offset(path) -> Fraction:
    """How much later than the pictures the sound starts, in seconds."""
    return decoded_sound(path)[0] - video_start(path)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".m4v"])
def test_copied_sound_is_the_same_sample_for_sample(bunny, tmp_path, suffix):
    copy = rewrite(bunny, tmp_path / f"a{suffix}", scale=0.1)
    start, samples = decoded_sound(copy)
    expected_start, expected = decoded_sound(bunny)
    assert start == expected_start
    assert np.array_equal(samples, expected)
    assert open_footage(copy).frame_count == 75


def test_matroska_holds_the_same_sound_after_the_decoder_has_warmed_up(bunny, tmp_path):
    copy = rewrite(bunny, tmp_path / "a.mkv", scale=0.1)
    start, samples = decoded_sound(copy)
    _, expected = decoded_sound(bunny)
    assert abs(start - video_start(copy)) <= Fraction(1, 1000)
    assert video_start(copy) == 0
    length = min(samples.shape[1], expected.shape[1])
    assert length >= expected.shape[1] - 2048
    assert np.allclose(samples[:, 2048:length], expected[:, 2048:length], atol=1e-6)


def test_other_sound_is_encoded_with_a_note(bunny, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "framedream"):
        copy = rewrite(bunny, tmp_path / "a.webm", scale=0.1)
    assert ".webm cannot hold aac sound; it is encoded as libopus" in caplog.text
    start, samples = decoded_sound(copy)
    _, expected = decoded_sound(bunny)
    assert video_start(copy) == 0
    assert abs(start) < Fraction(8, 1000)
    assert abs(samples.shape[1] - expected.shape[1]) < 2500


def test_encoded_sound_is_in_step(tmp_path):
    source = write_video(tmp_path / "a.mkv", numbered(20), sound="pcm_s16le", sound_start=Fraction(1, 5))
    copy = rewrite(source, tmp_path / "b.mp4")
    _, expected = decoded_sound(source)
    start, samples = decoded_sound(copy)
    assert abs(start - video_start(copy) - Fraction(1, 5)) < Fraction(1, 40)
    ahead = round((Fraction(1, 5) - start + video_start(copy)) * 48_000)
    onset = int(np.argmax(np.abs(samples[0]) > 0.05))
    assert abs(onset - ahead) < 60
    assert abs(samples.shape[1] - ahead - expected.shape[1]) < 1100


@pytest.mark.parametrize("start", [Fraction(0), Fraction(1, 5)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_late_sound_stays_late(tmp_path, start, suffix):
    source = write_video(tmp_path / "a.mp4", numbered(20), sound="aac", sound_start=start)
    copy = rewrite(source, tmp_path / f"b{suffix}")
    assert abs(offset(copy) - offset(source)) <= (Fraction(1, 1000) if suffix == ".mkv" else 0)
    assert abs(offset(source) - start) < Fraction(1, 40)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_late_pictures_stay_late(tmp_path, suffix):
    ticks = [tick + 10 for tick in range(10)]
    source = write_video(tmp_path / "a.mp4", numbered(10), ticks=ticks, sound="aac")
    copy = rewrite(source, tmp_path / f"b{suffix}")
    assert next(open_footage(copy).frames()).time == Fraction(2, 5)
    assert abs(offset(copy) - offset(source)) <= Fraction(1, 1000)


def test_sound_of_a_transport_stream_can_be_copied(tmp_path):
    ticks = [tick + 75 for tick in range(10)]
    source = write_video(tmp_path / "a.ts", numbered(10), ticks=ticks, sound="aac", sound_start=Fraction(3))
    copy = rewrite(source, tmp_path / "b.mp4")
    assert abs(offset(copy) - offset(source)) < Fraction(1, 1000)


def test_opus_keeps_its_start(tmp_path):
    source = write_video(tmp_path / "a.mkv", numbered(20), sound="libopus")
    for name in ("b.mkv", "b.webm", "b.mp4"):
        copy = rewrite(source, tmp_path / name)
        assert abs(offset(copy) - offset(source)) < Fraction(1, 250), name
        shown = [frame.time for frame in open_footage(copy).frames()]
        expected = [frame.time for frame in open_footage(source).frames()]
        assert all(abs(a - b) <= Fraction(1, 1000) for a, b in zip(shown, expected, strict=True)), name


def test_all_tracks_are_kept(tmp_path):
    source = write_video(tmp_path / "a.mp4", numbered(10), sound="aac", sound_tracks=2)
    copy = rewrite(source, tmp_path / "b.mp4")
    for track in (0, 1):
        assert np.array_equal(decoded_sound(copy, track)[1], decoded_sound(source, track)[1])


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_a_part_takes_its_part_of_the_sound(bunny, tmp_path, suffix):
    part = rewrite(bunny, tmp_path / f"a{suffix}", scale=0.1, start="1", end="2")
    _, whole = decoded_sound(bunny)
    start, samples = decoded_sound(part)
    begin = round((start - video_start(part)) * 48_000)
    assert abs(begin) < 1200
    assert abs(begin + samples.shape[1] - 48_000) < 2200
    with av.open(str(part)) as container:
        packets = sum(1 for packet in container.demux(audio=0) if packet.size)
    assert packets <= 53, "more sound is stored than is heard"
    if suffix == ".mp4":
        assert begin == 0
    heard = slice(10_000, 30_000)
    expected = whole[0, 48_000 + 10_000 : 48_000 + 30_000]
    found = samples[0, heard.start - begin : heard.stop - begin]
    tolerance = 400 if suffix == ".webm" else 60
    assert abs(_lag(found, expected)) < tolerance


def test_sound_longer_than_the_pictures_is_kept(tmp_path, bunny):
    footage = open_footage(bunny, FootageSettings(scale=0.1))
    with open_film(tmp_path / "a.mp4", film_format=footage.format) as film:
        for frame, _ in zip(footage.frames(), range(20), strict=False):
            film.write(frame)
    assert np.array_equal(decoded_sound(tmp_path / "a.mp4")[1], decoded_sound(bunny)[1])


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "frames"])
def test_silent_forms_say_that_the_sound_is_left_out(bunny, tmp_path, caplog, name):
    with caplog.at_level(logging.INFO, "framedream"):
        rewrite(bunny, tmp_path / name, scale=0.05, end="3f")
    assert "the film has none" in caplog.text


def _lag(found: np.ndarray, expected: np.ndarray) -> int:
    """By how many samples ``found`` is later than ``expected``."""
    size = 2 * len(found)
    spectrum = np.fft.rfft(found, size) * np.conj(np.fft.rfft(expected, size))
    peak = int(np.argmax(np.fft.irfft(spectrum)))
    return peak - size if peak > size // 2 else peak
