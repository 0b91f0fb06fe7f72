"""Footage in slow motion and at other rates: the right frames at exact times, wherever a pass begins."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from pictures import pan, scene, write_clip

from framedream.config.settings import FootageSettings
from framedream.media import Footage, open_footage, write_image
from framedream.render.retimed_footage import open_retimed

INNER = (slice(12, -12), slice(12, -12))


def opened(path, **settings):
    return open_retimed(path, FootageSettings(**settings))


def ticks(footage, rate: int = 25) -> list[Fraction]:
    return [time * rate for time in footage.times()]


def taken(footage, first: int = 0, count: int | None = None) -> list[np.ndarray]:
    return [frame.pixels for frame in itertools.islice(footage.frames(first), count)]


def levels(footage) -> list[float]:
    """Brightness of frames, in tens of levels: numbers of frames of `steps`."""
    return [round(float(frame.pixels.mean()) / 10, 1) for frame in footage.frames()]


@pytest.fixture
def steps(tmp_path):
    """Ten gray frames, each ten levels lighter than the one before."""
    return write_clip(tmp_path / "steps.mp4", [np.full((48, 64, 3), 10.0 * (index + 1)) for index in range(10)])


def test_as_it_is_footage_is_no_other(clip):
    assert isinstance(opened(clip), Footage)


def test_slow_motion_makes_whole_frames_between_at_exact_times(clip):
    footage = opened(clip, slow_motion=3)
    assert ticks(footage) == list(range(16))
    assert [frame.time for frame in footage.frames()] == list(footage.times())
    assert (footage.frame_count, footage.format.rate) == (16, 25)


def test_uneven_times_are_stretched_exactly(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", pan(4, 64, 96), ticks=[2, 3, 6, 11])
    footage = opened(clip, slow_motion=2)
    assert ticks(footage) == [0, 1, 2, 5, 8, 13, 18]
    assert all((time / footage.format.time_base).denominator == 1 for time in footage.times())


def test_frames_of_the_footage_come_through_and_motion_is_halved_between(clip):
    source, slow = taken(open_footage(clip)), taken(opened(clip, slow_motion=2))
    assert all(np.array_equal(frame, own) for frame, own in zip(slow[::2], source, strict=True))
    for index, frame in enumerate(slow):
        truth = scene(64, 96, (float(index), 0.0))
        assert np.abs(frame - truth)[INNER].mean() < 4


def test_any_pass_gives_the_same_frames_to_the_bit(clip):
    for settings in ({"slow_motion": 3}, {"fps": 60}, {"slow_motion": 1.5, "fps": 30}, {"fps": 10}):
        whole = taken(opened(clip, **settings))
        for first in range(0, len(whole), 2):
            part = taken(opened(clip, **settings), first)
            assert len(part) == len(whole) - first
            assert all(np.array_equal(one, other) for one, other in zip(part, whole[first:], strict=True))
        assert taken(opened(clip, **settings), len(whole)) == []


def test_no_more_is_read_than_is_needed(clip, monkeypatch):
    firsts = []
    frames = Footage.frames
    monkeypatch.setattr(Footage, "frames", lambda self, first=0: firsts.append(first) or frames(self, first))
    taken(opened(clip, slow_motion=3), 7, 2)
    assert firsts == [2]


@pytest.mark.parametrize(
    ("rate", "count", "shown"),
    [(50, 20, [1, 1.5, 2, 2.5]), (25, 10, [1, 2, 3, 4]), (10, 4, [1, 3, 6, 8]), (12.5, 5, [1, 3, 5, 7])],
)
def test_another_rate_keeps_the_length(steps, rate, count, shown):
    """More frames: in-between ones; fewer: those that are shown at the moment, never mixed."""
    footage = opened(steps, fps=rate)
    assert (footage.format.rate, footage.format.time_base) == (rate, 1 / Fraction(rate))
    assert list(footage.times()) == [index / Fraction(rate) for index in range(count)]
    assert np.allclose(levels(footage)[:4], shown, atol=0.15)
    assert footage.frame_count == count
    assert footage.format.sound is None


def test_uneven_footage_becomes_even(tmp_path):
    pictures = [np.full((48, 64, 3), 40.0 + 20 * tick) for tick in (0, 1, 4, 6, 7)]
    clip = write_clip(tmp_path / "clip.mp4", pictures, ticks=[0, 1, 4, 6, 7])
    footage = opened(clip, fps=25)
    assert ticks(footage) == list(range(8))
    assert np.allclose(levels(footage), [4 + 2 * tick for tick in range(8)], atol=0.3)


def test_times_that_were_rounded_lose_and_double_no_frame(tmp_path):
    """Matroska keeps whole milliseconds, so that half of all frames come late by less than one."""
    pictures = [np.full((48, 64, 3), 10.0 * (index + 1)) for index in range(10)]
    source = write_clip(tmp_path / "clip.mkv", pictures, ticks=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], rate=30)
    footage = opened(source, fps=30)
    assert np.allclose(levels(footage), range(1, 11), atol=0.15)
    assert list(footage.times()) == [Fraction(index, 30) for index in range(10)]


def test_a_broken_factor_gives_an_even_film_of_the_footages_rate(clip):
    footage = opened(clip, slow_motion=1.5)
    assert ticks(footage) == list(range(9))
    for index, frame in enumerate(taken(footage)[:8]):
        assert np.abs(frame - scene(64, 96, (index * 2 / 1.5, 0.0)))[INNER].mean() < 4


def test_slowness_and_rate_go_together(steps):
    footage = opened(steps, slow_motion=2, fps=10)
    assert list(footage.times()) == [Fraction(index, 10) for index in range(8)]
    assert np.allclose(levels(footage)[:4], [1, 2, 3, 4], atol=0.3)


def test_start_and_end_are_times_of_the_footage(steps):
    footage = opened(steps, start="2f", end="6f", slow_motion=2)
    assert ticks(footage) == list(range(7))
    assert np.allclose(levels(footage), [3, 3.5, 4, 4.5, 5, 5.5, 6], atol=0.2)
    assert footage.footage_time(Fraction(4, 25)) == Fraction(4, 25)
    assert footage.footage_time(Fraction(2, 25)) == Fraction(3, 25)


def test_the_last_frame_stays_longer_too(tmp_path):
    write_image(tmp_path / "in" / "1.png", scene(48, 64))
    write_image(tmp_path / "in" / "2.png", scene(48, 64, (2.0, 0.0)))
    footage = opened(tmp_path / "in", fps=10, slow_motion=4)
    assert [frame.time for frame in footage.frames()] == [Fraction(index, 10) for index in range(5)]
    assert [frame.duration for frame in footage.frames()][-1] == Fraction(4, 10)
    assert footage.format.last_duration == Fraction(4, 10)


def test_of_images_the_rate_is_the_footages(tmp_path):
    for index in range(3):
        write_image(tmp_path / "in" / f"{index}.png", scene(48, 64, (float(index), 0.0)))
    assert isinstance(opened(tmp_path / "in", fps=10), Footage)
    footage = opened(tmp_path / "in", fps=10, slow_motion=1.5)
    assert list(footage.times()) == [Fraction(index, 10) for index in range(4)]


def test_a_single_picture_stays_as_it_is(tmp_path):
    write_image(tmp_path / "still.png", scene(48, 64))
    assert isinstance(opened(tmp_path / "still.png", slow_motion=4), Footage)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_nothing_is_mixed_across_a_cut(tmp_path, factor):
    clip = write_clip(tmp_path / "clip.mp4", [*pan(3, 64, 96), *pan(3, 64, 96, seed=7)])
    source, footage = taken(open_footage(clip)), opened(clip, slow_motion=factor)
    for frame in taken(footage)[2 * factor : 3 * factor + 1]:
        assert any(np.array_equal(frame, own) for own in source[2:4])
    # The first frame that shows the new shot is the one that `first_frame_of` returns.
    begin = footage.first_frame_of(3)
    frames = taken(footage)
    assert np.array_equal(frames[begin - 1], source[2])
    assert np.array_equal(frames[begin], source[3])


def test_what_is_said_to_be_a_cut_is_one(clip):
    source, footage = taken(open_footage(clip)), opened(clip, slow_motion=2)
    assert not np.array_equal(taken(footage, 5, 1)[0], source[2])
    assert np.array_equal(taken_by(footage.reader([6]), 5), source[2])


def taken_by(read, number: int) -> np.ndarray:
    return next(read(number)).pixels
