"""How loud a sound is at each time, in its bands, and where its beats are."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from media_clips import numbered, write_video
from sounds import RATE, clicks, seconds, write_sound

from framedream.errors import InputError
from framedream.media.audio import audio_samples as samples
from framedream.media.audio import loudness
from framedream.media.audio.loudness import LEVELS, Loudness


def levels(found: Loudness, band: str, *times: float) -> list[float]:
    return [found.level(band, time) for time in times]


def switched(frequency: float, length: float = 6) -> np.ndarray:
    """A tone in every other second."""
    time = seconds(length)
    return 0.5 * np.sin(2 * np.pi * frequency * time) * (time % 2 < 1)


@pytest.mark.parametrize(
    ("frequency", "band", "others"),
    [(60, "bass", ["treble"]), (700, "mid", ["bass", "treble"]), (6000, "treble", ["bass", "mid"])],
)
def test_a_tone_moves_its_band_and_the_whole(tmp_path, frequency, band, others):
    fade = np.convolve(seconds(6) % 2 < 1, np.ones(882) / 882, "same")
    tone = 0.5 * np.sin(2 * np.pi * frequency * seconds(6)) * fade
    found = Loudness.of(write_sound(tmp_path / "a.wav", tone))
    for name in (band, "all"):
        assert min(levels(found, name, 0.2, 0.5, 0.9, 2.5, 4.5)) > 0.9
        assert max(levels(found, name, 1.8, 3.8, 5.8)) < 0.05
    for name in others:
        assert max(found.level(name, time) for time in np.arange(0, 6, 0.01)) == 0


def test_a_tone_switched_hard_does_not_move_treble(tmp_path):
    found = Loudness.of(write_sound(tmp_path / "a.wav", switched(60)))
    assert max(found.level("treble", time) for time in np.arange(0, 6, 0.005)) == 0
    assert found.level("bass", 0.5) > 0.9


def test_it_rises_at_once_and_falls_slowly(tmp_path):
    found = Loudness.of(write_sound(tmp_path / "a.wav", switched(700)))
    assert found.level("all", 1.95) < 0.1
    assert found.level("all", 2.03) > 0.9
    assert 0.5 < found.level("all", 3.05) < 1
    assert 0.2 < found.level("all", 3.17) < 0.6
    assert found.level("all", 3.9) < 0.02


@pytest.mark.parametrize("shift", [0, 0.0031, 0.0077])
@pytest.mark.parametrize("noise", [0, 0.02])
def test_clicks_are_beats_within_20_milliseconds(tmp_path, shift, noise):
    times = [0.5 + number * (0.5 + shift) for number in range(10)]
    sound = clicks(6, times) + noise * np.random.default_rng(1).standard_normal(6 * RATE)
    found = Loudness.of(write_sound(tmp_path / "a.wav", np.clip(sound, -1, 1)))
    fine = np.arange(0, 6, 0.001)
    beat = np.array([found.level("beat", time) for time in fine])
    for time in times:
        near = np.abs(fine - time) < 0.1
        assert abs(fine[near][beat[near].argmax()] - time) < 0.02
        assert beat[near].max() > 0.85
        assert found.level("beat", time + 0.2) < 0.2
        assert found.level("beat", time + 0.4) < 0.05


def test_steady_noise_has_no_clear_beats(tmp_path):
    sound = 0.1 * np.random.default_rng(1).standard_normal(6 * RATE)
    found = Loudness.of(write_sound(tmp_path / "a.wav", sound))
    assert max(found.level("beat", time) for time in np.arange(0.5, 6, 0.01)) < 0.35


def test_a_steady_sound_is_loud_throughout(tmp_path):
    found = Loudness.of(write_sound(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 300 * seconds(3))))
    assert min(levels(found, "all", *np.arange(0.1, 2.9, 0.1))) > 0.9


def test_the_same_sound_more_quietly_has_the_same_levels(tmp_path):
    sound = switched(300) * (1 + seconds(6)) / 8
    loud = Loudness.of(write_sound(tmp_path / "a.wav", sound))
    quiet = Loudness.of(write_sound(tmp_path / "b.wav", sound / 8))
    for band in ("all", "mid", "beat"):
        assert np.allclose(
            levels(loud, band, *np.arange(0, 6, 0.1)), levels(quiet, band, *np.arange(0, 6, 0.1)), atol=0.05
        )


def test_silence_is_0_everywhere(tmp_path):
    found = Loudness.of(write_sound(tmp_path / "a.wav", np.zeros(2 * RATE)))
    for band in LEVELS:
        assert max(levels(found, band, *np.arange(0, 2, 0.05))) == 0


@pytest.mark.parametrize("count", [1, 100, 600, 1500, 3000])
def test_a_sound_may_be_shorter_than_a_look(tmp_path, count):
    found = Loudness.of(write_sound(tmp_path / "a.wav", clicks(1, [0])[:count]))
    assert found.duration == Fraction(count, RATE)
    assert all(0 <= found.level(band, 0.0) <= 1 for band in LEVELS)


def test_before_the_start_and_after_the_end_it_is_silent(tmp_path):
    found = Loudness.of(write_sound(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 300 * seconds(1.5))))
    assert found.duration == Fraction(3, 2)
    assert levels(found, "all", -0.01, 1.51, 99) == [0, 0, 0]
    assert found.level("all", 1.4) > 0.9


def test_levels_change_gradually_between_two_looks(tmp_path):
    found = Loudness.of(write_sound(tmp_path / "a.wav", switched(700)))
    fine = [found.level("all", time) for time in np.arange(3, 3.5, 0.0005)]
    assert max(abs(np.diff(fine))) < 0.01


def test_a_film_is_heard_as_well(bunny):
    found = Loudness.of(bunny)
    assert abs(found.duration - 3) < Fraction(1, 40)
    assert max(found.level("all", time) for time in np.arange(0, 3, 0.1)) > 0.5


@pytest.mark.parametrize(("suffix", "codec"), [(".mp3", "libmp3lame"), (".m4a", "aac"), (".flac", "flac")])
def test_sound_begins_at_0_whatever_its_codec_needs_to_get_under_way(tmp_path, suffix, codec):
    found = Loudness.of(write_sound(tmp_path / f"a{suffix}", clicks(2, [1.0]), codec))
    fine = np.arange(0.5, 1.5, 0.001)
    assert abs(fine[np.argmax([found.level("beat", time) for time in fine])] - 1.0) < 0.02


def test_a_gap_in_the_sound_is_silent_and_what_follows_is_in_time(tmp_path):
    """Times of a film whose sound pauses are those it says, not those counted on."""
    import av

    wave = np.rint(20_000 * np.sin(2 * np.pi * 700 * seconds(1))).astype(np.int16)[None]
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE)
        stream.layout = "mono"
        for start in (0, 3):
            frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
            frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), start * RATE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    found = Loudness.of(tmp_path / "a.mkv")
    assert abs(found.duration - 4) < Fraction(1, 100)
    assert max(levels(found, "all", 2.0, 2.9)) < 0.05
    assert found.level("all", 3.1) > 0.9


def test_a_file_is_analysed_once_as_long_as_it_is_the_same(tmp_path):
    path = write_sound(tmp_path / "a.wav", switched(60, 2))
    first = Loudness.of(path)
    assert Loudness.of(str(path)) is first
    write_sound(path, switched(60, 3))
    assert Loudness.of(path).duration == 3


def test_memory_does_not_grow_with_the_length_of_the_sound(tmp_path, monkeypatch):
    def long(path, rate):
        for _ in range(3 * 60 * RATE // 2**17):
            yield np.zeros(2**17, np.float32)

    monkeypatch.setattr(loudness, "read_mono", long)
    path = write_sound(tmp_path / "a.wav", np.zeros(9))
    tracemalloc.start()
    Loudness.of(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 20e6  # The samples alone are 32 MB.


def test_portions_are_all_of_the_sound(tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "_BLOCK", 5000)
    sound = switched(300, 1)
    parts = list(samples.read_mono(write_sound(tmp_path / "a.wav", sound), RATE))
    assert len(parts) > 3
    assert np.allclose(np.concatenate(parts), sound, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.wav", None, r"gone\.wav: there is no such file; check the name"),
        ("empty.wav", b"", r"empty\.wav: the file is empty; copy or record it again"),
        ("bad.wav", b"no sound" * 99, r"bad\.wav: cannot be read as a sound \(.*\); check that the file plays"),
    ],
)
def test_what_is_no_sound_is_one_line_with_the_cure(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        Loudness.of(tmp_path / name)


def test_a_file_without_sound_says_so(tmp_path):
    silent = write_video(tmp_path / "silent.mp4", numbered(3))
    with pytest.raises(InputError, match=r"silent\.mp4: this file has no sound; name a sound file, or"):
        Loudness.of(silent)


def test_a_picture_is_no_sound(samples):
    said = r"china\.jpg: is an image, a playlist or text, or a damaged sound; name the sound file"
    with pytest.raises(InputError, match=said):
        Loudness.of(samples / "china.jpg")


def test_a_damaged_part_is_silent_and_is_told_once(tmp_path, caplog):
    path = write_sound(tmp_path / "a.flac", 0.5 * np.sin(2 * np.pi * 300 * seconds(4)), "flac")
    data = bytearray(path.read_bytes())
    half = len(data) // 2
    data[half : half + 6000] = bytes(6000)
    path.write_bytes(data)
    found = Loudness.of(path)
    assert found.level("all", 0.5) > 0.9
    assert sum("damaged" in line or "ends early" in line for line in caplog.messages) <= 1
