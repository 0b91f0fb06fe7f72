"""Rates constant and varying, starts other than zero, edits, B-frames, files without times: all times come back."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from matrix import corners, expected, frames, picture, through, times, write

from framedream.media import open_footage

AXIS = "frame rates and times"
RATES = [Fraction(24_000, 1001), Fraction(30_000, 1001), Fraction(60_000, 1001), Fraction(120), Fraction(25, 2)]
CONTAINERS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".ts")
STEP = {".mkv": Fraction(1, 1000), ".webm": Fraction(1, 1000), ".ts": Fraction(1, 90_000)}
"""The finest a container can say when a frame is shown."""


def codec_for(suffix: str) -> str:
    return "libvpx-vp9" if suffix == ".webm" else "libx264"


def numbers(footage) -> list[int]:
    """Which frames these are."""
    return [
        min(range(8), key=lambda number: np.abs(corners(frame.pixels) - expected(number))[3].max())
        for frame in frames(footage)
    ]


def assert_kept(source, target, wanted: list[Fraction], suffix: str) -> None:
    """Read and written again, frames are the same and shown when they should be."""
    footage, film = through(source, target)
    close = STEP.get(suffix, Fraction(0))
    for kind in (footage, film):
        assert numbers(kind) == [number % 8 for number in range(len(wanted))]
        assert all(abs(a - b) <= close for a, b in zip(times(kind), wanted, strict=True))


@pytest.mark.parametrize("bframes", ["0", "3"])
@pytest.mark.parametrize(("suffix", "rate"), list(itertools.product(CONTAINERS, RATES)))
def test_a_constant_rate_is_kept_exactly(tmp_path, cell, suffix, rate, bframes):
    options = {"bf": bframes, "preset": "veryfast"} if suffix != ".webm" else {"auto-alt-ref": bframes[0]}
    source = write(
        tmp_path / f"a{suffix}", codec_for(suffix), "yuv420p",
        pictures=[picture(number) for number in range(8)], rate=rate, time_base=1 / rate, options=options,
    )  # fmt: skip
    target = tmp_path / f"b{'.mp4' if suffix == '.avi' else suffix}"
    assert_kept(source, target, [number / rate for number in range(8)], suffix)
    cell(AXIS)


@pytest.mark.parametrize("bframes", ["0", "3"])
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".ts"])
def test_a_varying_rate_is_kept(tmp_path, cell, suffix, bframes):
    ticks = [0, 3, 4, 10, 11, 12, 30, 33]
    options = {"bf": bframes, "preset": "veryfast"} if suffix != ".webm" else {"auto-alt-ref": bframes[0]}
    source = write(
        tmp_path / f"a{suffix}", codec_for(suffix), "yuv420p", pictures=[picture(number) for number in range(8)],
        ticks=ticks, time_base=Fraction(1, 100), rate=100, options=options,
    )  # fmt: skip
    assert_kept(source, tmp_path / f"b{suffix}", [Fraction(tick, 100) for tick in ticks], suffix)
    cell(AXIS)


@pytest.mark.parametrize(
    ("suffix", "start"),
    [(suffix, start) for suffix in (".mp4", ".mov", ".mkv", ".webm", ".ts") for start in (7, 250)]
    + [(".mp4", -3), (".mov", -3), (".ts", -3)],
)
def test_a_film_that_starts_elsewhere_starts_at_zero(tmp_path, cell, suffix, start):
    source = write(
        tmp_path / f"a{suffix}", codec_for(suffix), "yuv420p", ticks=[start + number for number in range(6)],
        muxer={"avoid_negative_ts": "disabled"} if start < 0 else {},
    )  # fmt: skip
    footage, film = through(source, tmp_path / f"b{suffix}")
    shown = numbers(footage)
    # QuickTime's edit list leaves out what lies before zero; a transport stream begins with it.
    assert shown == (list(range(-start, 6)) if suffix in (".mp4", ".mov") and start < 0 else list(range(6)))
    assert numbers(film) == shown
    for kind in (footage, film):
        wanted = [Fraction(number, 25) for number in range(len(shown))]
        assert all(abs(a - b) <= Fraction(1, 1000) for a, b in zip(times(kind), wanted, strict=True))
    cell(AXIS)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.h264", "libx264"), ("a.hevc", "libx265"), ("a.mjpeg", "mjpeg"), ("a.m2v", "mpeg2video")],
)
def test_a_file_without_times_has_its_frames_in_order(tmp_path, cell, name, codec):
    source = write(
        tmp_path / name,
        codec,
        "yuvj420p" if codec == "mjpeg" else "yuv420p",
        options={} if codec == "mjpeg" else {"bf": "2"},
    )
    footage, film = through(source, tmp_path / "b.mp4")
    assert numbers(footage) == numbers(film) == list(range(6))
    assert times(footage) == times(film) == [number / footage.format.rate for number in range(6)]
    cell(AXIS)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_part_of_a_film_with_b_frames_begins_where_it_is_asked_for(tmp_path, cell, suffix):
    source = write(
        tmp_path / f"a{suffix}", "libx264", "yuv420p", pictures=[picture(number) for number in range(8)],
        options={"bf": "3", "preset": "veryfast"},
    )  # fmt: skip
    footage, film = through(source, tmp_path / f"b{suffix}", start="3f", end="0.28")
    assert numbers(footage) == numbers(film) == [3, 4, 5, 6]
    assert times(footage)[0] == times(film)[0] == 0
    cell(AXIS)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_an_animation_keeps_how_long_each_picture_is_shown(tmp_path, cell, suffix):
    source = write(
        tmp_path / "a.mp4", "libx264", "yuv420p", pictures=[picture(number) for number in range(4)],
        ticks=[0, 10, 14, 44], time_base=Fraction(1, 100), rate=100,
    )  # fmt: skip
    _, first = through(source, tmp_path / f"b{suffix}")
    _, second = through(tmp_path / f"b{suffix}", tmp_path / f"c{suffix}")
    wanted = [Fraction(tick, 100) for tick in (0, 10, 14, 44)]
    assert times(first) == times(second) == wanted
    assert numbers(first) == numbers(second) == [0, 1, 2, 3]
    cell(AXIS)


def test_a_film_is_never_put_into_avi(tmp_path, cell):
    """It has no times, only a rate; refused with the nearest name."""
    from framedream.errors import SettingsError

    source = write(tmp_path / "a.avi", "mpeg4", "yuv420p")
    with pytest.raises(SettingsError, match=r"framedream cannot write films with the suffix '\.avi'") as refused:
        through(source, tmp_path / "b.avi")
    cell(AXIS, "refused", str(refused.value).split(": ", 1)[1])


def test_frames_with_one_time_are_moved_apart(tmp_path, cell, caplog):
    source = write(tmp_path / "a.mkv", "ffv1", "bgr0", ticks=[0, 1, 2, 3, 4, 5])
    data = source.read_bytes()
    late, early = (bytes([0x81]) + tick.to_bytes(2, "big") for tick in (120, 80))
    assert data.count(late) == 1
    source.write_bytes(data.replace(late, early))
    footage = open_footage(source)
    assert len(set(times(footage))) == 6
    assert "timestamps do not increase" in caplog.text
    cell(AXIS)
