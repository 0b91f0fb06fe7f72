"""Videos give every frame, upright, with its exact time."""

from __future__ import annotations

import logging
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from media_clips import HEIGHT, WIDTH, flat, level_of, number_of, numbered, quadrants, write_video

from framedream.config.settings import FootageSettings
from framedream.errors import InputError
from framedream.media import open_footage


def numbers(footage) -> list[int]:
    return [number_of(frame.pixels) for frame in footage.frames()]


def times(footage) -> list[Fraction]:
    return [frame.time for frame in footage.frames()]


def test_a_real_clip_is_described_and_read_whole(bunny):
    footage = open_footage(bunny)
    assert (footage.format.width, footage.format.height, footage.format.rate, footage.frame_count) == (640, 360, 25, 75)
    assert footage.format.sound is not None
    frames = list(footage.frames())
    assert [frame.time for frame in frames] == [Fraction(index, 25) for index in range(75)]
    assert frames[0].pixels.shape == (360, 640, 3)
    assert frames[0].pixels.dtype == np.float32
    assert frames[-1].duration == Fraction(1, 25)


def test_every_pass_starts_anew(tmp_path):
    footage = open_footage(write_video(tmp_path / "a.mp4", numbered(5)))
    assert [number_of(frame.pixels) for frame in islice(footage.frames(), 2)] == [0, 1]
    assert numbers(footage) == numbers(footage) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("codec", ["libx264", "libx265", "ffv1"])
def test_frames_come_in_order_of_presentation_up_to_the_last(tmp_path, codec):
    pictures = numbered(20)
    pixel_format = "yuv444p" if codec == "ffv1" else "yuv420p"
    options = {} if codec == "ffv1" else {"preset": "medium"}
    path = write_video(tmp_path / "a.mkv", pictures, codec=codec, pixel_format=pixel_format, options=options)
    assert numbers(open_footage(path)) == list(range(20))


@pytest.mark.parametrize(
    ("suffix", "time_base", "ticks"),
    [
        (".mp4", Fraction(1, 90_000), [0, 3003, 6006, 9009]),
        (".mp4", Fraction(1, 600), [0, 7, 50, 51, 400]),
        (".mkv", Fraction(1, 1000), [0, 33, 67, 100, 350]),
    ],
)
def test_times_are_exact_even_at_a_varying_rate(tmp_path, suffix, time_base, ticks):
    path = write_video(tmp_path / f"a{suffix}", numbered(len(ticks)), ticks=ticks, time_base=time_base)
    footage = open_footage(path)
    assert times(footage) == [tick * time_base for tick in ticks]
    assert all((time / footage.format.time_base).denominator == 1 for time in times(footage))


def test_film_time_starts_with_the_earliest_track(tmp_path):
    ticks = [tick + 10 for tick in range(8)]
    path = write_video(tmp_path / "late.mp4", numbered(8), ticks=ticks, sound="aac")
    assert times(open_footage(path))[0] == Fraction(10, 25)
    silent = write_video(tmp_path / "silent.mkv", numbered(8), ticks=ticks)
    assert times(open_footage(silent))[0] == 0


def test_a_transport_stream_starts_at_zero_in_step_with_its_sound(tmp_path):
    ticks = [tick + 75 for tick in range(10)]
    path = write_video(tmp_path / "a.ts", numbered(10), ticks=ticks, sound="mp2", sound_start=Fraction(3))
    footage = open_footage(path)
    assert 0 <= times(footage)[0] < Fraction(1, 10)
    assert footage.format.sound.origin > 2


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (-90, -1), (180, 2)])
def test_a_turned_recording_is_set_upright(tmp_path, degrees, turns):
    path = write_video(tmp_path / "a.mp4", [quadrants()] * 3, rotation=degrees, aspect=Fraction(4, 3))
    footage = open_footage(path)
    upright = np.rot90(quadrants(), turns)
    pixels = next(footage.frames()).pixels
    assert (footage.format.height, footage.format.width) == upright.shape[:2] == pixels.shape[:2]
    assert np.abs(pixels - upright).mean() < 6
    assert footage.format.sample_aspect == (Fraction(4, 3) if turns == 2 else Fraction(3, 4))


def test_a_phone_film_marked_clockwise_is_turned_clockwise(tmp_path):
    """The matrix of a phone held upright, as written into its file (0, 1; −1, 0): a quarter clockwise."""
    path = write_video(tmp_path / "a.mp4", [quadrants()] * 3)
    data = bytearray(path.read_bytes())
    one = (1 << 16).to_bytes(4, "big")
    minus = (-(1 << 16) & 0xFFFFFFFF).to_bytes(4, "big")
    zero, unit = bytes(4), (1 << 30).to_bytes(4, "big")
    at = data.index(one + zero * 3 + one + zero * 3 + unit, data.index(b"tkhd"))
    data[at : at + 36] = zero + one + zero + minus + zero * 4 + unit
    path.write_bytes(data)
    pixels = next(open_footage(path).frames()).pixels
    assert np.abs(pixels - np.rot90(quadrants(), -1)).mean() < 6


def test_pixel_aspect_is_kept_when_scaled_and_square_at_a_given_size(tmp_path):
    path = write_video(tmp_path / "a.mp4", numbered(2), aspect=Fraction(16, 11))
    assert open_footage(path).format.sample_aspect == Fraction(16, 11)
    assert open_footage(path, FootageSettings(scale=0.5)).format.sample_aspect == Fraction(16, 11)
    assert open_footage(path, FootageSettings(size="96x40")).format.sample_aspect == 1


@pytest.mark.parametrize("settings", [{"size": "40x100"}, {"size": "160x120"}, {"scale": 0.25}, {"scale": 1.5}])
def test_frames_come_at_the_size_asked_for(tmp_path, settings):
    path = write_video(tmp_path / "a.mp4", [quadrants()])
    footage = open_footage(path, FootageSettings(**settings))
    pixels = next(footage.frames()).pixels
    assert pixels.shape == (footage.format.height, footage.format.width, 3)
    assert pixels.dtype == np.float32
    assert pixels.min() >= 0
    assert pixels.max() <= 255
    scale = settings.get("scale")
    assert scale is None or (footage.format.width, footage.format.height) == (WIDTH * scale, HEIGHT * scale)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"start": "3f"}, [3, 4, 5, 6, 7, 8, 9]),
        ({"end": "3f"}, [0, 1, 2]),
        ({"start": "0.08", "end": "0.2"}, [2, 3, 4]),
        ({"start": "0.09", "end": "6f"}, [3, 4, 5]),
    ],
)
def test_a_part_starts_at_zero_and_leaves_its_end_out(tmp_path, settings, expected):
    path = write_video(tmp_path / "a.mp4", numbered(10))
    footage = open_footage(path, FootageSettings(**settings))
    assert numbers(footage) == expected
    assert times(footage) == [Fraction(index, 25) for index in range(len(expected))]
    assert footage.frame_count == len(expected)


@pytest.mark.parametrize("settings", [{"start": "2"}, {"start": "10f"}, {"end": "0f"}, {"start": "5f", "end": "4f"}])
def test_an_empty_part_is_refused(tmp_path, settings):
    path = write_video(tmp_path / "a.mp4", numbered(10))
    with pytest.raises(InputError, match=r"a\.mp4.*(give|change)"):
        open_footage(path, FootageSettings(**settings))


def test_a_truncated_file_gives_its_good_frames_and_a_warning(bunny, tmp_path, caplog):
    whole = write_video(tmp_path / "whole.mp4", _noise(40), muxer={"movflags": "+faststart"})
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    footage = open_footage(cut)
    with caplog.at_level(logging.WARNING, "framedream"):
        count = len(list(footage.frames()))
        list(footage.frames())
    assert 10 < count < 40
    assert [record.message for record in caplog.records] == [
        f"{cut}: {count} of about 40 frames could be decoded; "
        "the file is damaged or cut short; copy or download it again if you can"
    ]


def test_a_truncated_matroska_file_warns_too(tmp_path, caplog):
    whole = write_video(tmp_path / "whole.mkv", _noise(40))
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    assert 10 < len(list(open_footage(cut).frames())) < 40
    assert "of about 40 frames could be decoded" in caplog.text


def test_damage_in_the_middle_costs_few_frames_and_is_told(tmp_path, caplog):
    path = write_video(tmp_path / "a.mkv", _noise(40), options={"g": "5"})
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = np.random.default_rng(1).bytes(3000)
    path.write_bytes(data)
    count = len(list(open_footage(path).frames()))
    assert 25 <= count <= 40
    assert "frames could be decoded" in caplog.text


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".ts"])
def test_a_sound_file_says_nothing_about_damage(tmp_path, caplog, suffix):
    path = write_video(tmp_path / f"a{suffix}", numbered(20), sound="aac")
    assert len(list(open_footage(path).frames())) == 20
    assert not caplog.records


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.mp4", None),
        ("empty.mp4", b""),
        ("text.mp4", b"this is no film\n" * 50),
        ("noise.mkv", np.random.default_rng(0).bytes(5000)),
        ("list.ffconcat", b"ffconcat version 1.0\nfile a.mp4\n"),
        ("list.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\na.mp4\n#EXT-X-ENDLIST\n"),
        ("notes.txt", b"hello\n"),
    ],
)
def test_what_is_no_video_is_refused_in_one_line(tmp_path, name, content):
    write_video(tmp_path / "a.mp4", numbered(2))
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        open_footage(path)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_of_sound_alone_is_refused(tmp_path, bunny):
    import av

    path = tmp_path / "sound.m4a"
    with av.open(str(bunny)) as source, av.open(str(path), "w", format="mp4") as output:
        track = output.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = track
                output.mux(packet)
    with pytest.raises(InputError, match="this file has no video"):
        open_footage(path)


def test_a_video_with_no_frame_left_is_refused(tmp_path):
    whole = write_video(tmp_path / "whole.mp4", _noise(10), muxer={"movflags": "+faststart"})
    data = whole.read_bytes()
    path = tmp_path / "head.mp4"
    path.write_bytes(data[: data.index(b"mdat") + 8])
    with pytest.raises(InputError, match="cannot decode any frame"):
        open_footage(path)


def test_equal_times_are_moved_apart_with_one_warning(tmp_path, caplog):
    """A Matroska file whose fourth block is given the time of its third."""
    path = write_video(tmp_path / "a.mkv", numbered(8), codec="ffv1", pixel_format="bgr0")
    data = bytearray(path.read_bytes())
    late, early = (bytes([0x81]) + tick.to_bytes(2, "big") for tick in (120, 80))
    assert data.count(late) == 1
    path.write_bytes(data.replace(late, early))
    footage = open_footage(path)
    shown = times(footage)
    assert len(shown) == 8
    assert shown == sorted(set(shown))
    assert caplog.text.count("timestamps do not increase") == 1


def test_gray_and_deep_video_keep_their_levels(tmp_path):
    deep = [np.full((HEIGHT, WIDTH, 3), int(level * 257), np.uint16) for level in (16.5, 100.25, 254.75)]
    path = write_video(tmp_path / "a.mkv", deep, codec="ffv1", pixel_format="gbrp16le")
    means = [float(frame.pixels.mean()) for frame in open_footage(path).frames()]
    assert means == pytest.approx([16.5, 100.25, 254.75], abs=0.02)
    gray = write_video(tmp_path / "gray.mkv", [flat(level_of(4))], codec="ffv1", pixel_format="gray", full_range=True)
    assert next(open_footage(gray).frames()).pixels.mean() == pytest.approx(level_of(4), abs=0.6)
    plain = write_video(
        tmp_path / "plain.mkv", [flat(200)], codec="ffv1", pixel_format="gray", full_range=True, tagged=False
    )
    assert next(open_footage(plain).frames()).pixels.mean() == pytest.approx(200, abs=0.6)


def _noise(count: int) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [generator.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(count)]


def test_path_may_be_text(tmp_path):
    path: Path = write_video(tmp_path / "100% ä.mp4", numbered(2))
    assert numbers(open_footage(str(path))) == [0, 1]
