"""Segments tile the footage, end at cuts, and depend on nothing but the footage and the settings."""

from __future__ import annotations

import inspect
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framedream.render.video.segments import Segment, divide_into_segments


def lengths(count: int, cuts=(), length="auto") -> list[int]:
    return [part.stop - part.first for part in divide_into_segments(count, cuts, length)]


@pytest.mark.parametrize("count", [1, 2, 63, 64, 100, 127])
def test_a_short_shot_is_left_whole(count):
    assert divide_into_segments(count, ()) == [Segment(0, count, (0, count))]


@pytest.mark.parametrize(
    ("count", "parts"),
    [
        (127, 1), (128, 2), (192, 2), (255, 2), (256, 4), (511, 4), (512, 8), (1023, 8),
        (1024, 16), (1535, 16), (1536, 24), (64 * 80 - 1, 72), (64 * 80, 80),
    ],
)  # fmt: skip
def test_a_long_shot_is_divided_by_2_by_4_or_by_a_multiple_of_8(count, parts):
    assert len(divide_into_segments(count, ())) == parts


@given(count=st.integers(128, 500_000))
def test_segments_of_a_long_shot_are_of_about_equal_length_and_64_to_128_frames_long(count):
    found = lengths(count)
    assert max(found) - min(found) <= 1
    assert min(found) >= 64
    assert max(found) <= 128
    assert len(found) in (2, 4) or len(found) % 8 == 0


@pytest.mark.parametrize(
    ("count", "length", "expected"),
    [
        (20, 8, [6, 7, 7]), (16, 8, [8, 8]), (17, 8, [5, 6, 6]), (8, 8, [8]), (7, 8, [7]),
        (3, 1, [1, 1, 1]), (1000, 500, [500, 500]), (1000, 2000, [1000]),
    ],
)  # fmt: skip
def test_a_length_that_is_set_is_the_most_there_is(count, length, expected):
    assert lengths(count, (), length) == expected


@pytest.mark.parametrize("count", [1, 127, 128, 5000])
def test_shots_are_left_whole_if_that_is_set(count):
    assert lengths(count, (), "none") == [count]
    assert lengths(count + 10, [count], "none") == [count, 10]


def test_every_shot_is_divided_for_itself():
    assert lengths(400, [100, 300]) == [100, 100, 100, 100]
    assert [part.shot for part in divide_into_segments(400, [100, 300])] == [
        (0, 100),
        (100, 300),
        (100, 300),
        (300, 400),
    ]
    assert lengths(30, [7, 20], 5) == [3, 4, 4, 4, 5, 5, 5]


def test_cuts_may_be_in_any_order_and_twice_and_beyond_the_footage():
    assert divide_into_segments(300, [200, 0, 10, 200, -3, 300, 999]) == divide_into_segments(300, [10, 200])


def test_no_footage_has_no_segments():
    for length in ("auto", "none", 8):
        assert divide_into_segments(0, (), length) == divide_into_segments(0, [0, 3], length) == []


def test_segments_tell_where_a_shot_begins_and_ends_and_where_they_meet_others():
    first, second, third, other = divide_into_segments(40, [30], 10)
    assert (first.begins_shot, first.ends_shot, first.keys, first.end) == (True, False, (10,), 11)
    assert (second.begins_shot, second.ends_shot, second.keys, second.end) == (False, False, (10, 20), 21)
    assert (third.begins_shot, third.ends_shot, third.keys, third.end) == (False, True, (20,), 30)
    assert (other.begins_shot, other.ends_shot, other.keys, other.end) == (True, True, (), 40)


def test_the_division_depends_on_the_footage_and_the_setting_alone(monkeypatch):
    """Not on how many processors or workers there are, for then another machine would make another film."""
    assert list(inspect.signature(divide_into_segments).parameters) == ["count", "cuts", "length"]
    expected = divide_into_segments(3000, [700, 1000])
    for cores in (1, 64):
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        monkeypatch.setenv("OMP_NUM_THREADS", str(cores))
        assert divide_into_segments(3000, [700, 1000]) == expected


def test_a_shot_is_divided_alike_wherever_it_lies():
    assert lengths(777) == lengths(777 + 50, [50])[1:] == lengths(777 + 500, [777])[: len(lengths(777))]


@given(
    count=st.integers(0, 3000),
    cuts=st.lists(st.integers(-5, 3100), max_size=12),
    length=st.one_of(st.sampled_from(["auto", "none"]), st.integers(1, 400)),
)
def test_segments_tile_the_footage_never_cross_a_cut_and_meet_at_keys(count, cuts, length):
    parts = divide_into_segments(count, cuts, length)
    assert [number for part in parts for number in range(part.first, part.stop)] == list(range(count))
    for part in parts:
        start, end = part.shot
        assert start <= part.first < part.stop <= part.end <= end
        assert not any(part.first < cut < part.stop for cut in cuts)
        assert start == 0 or start in cuts
        assert end == count or end in cuts
        if isinstance(length, int):
            assert part.stop - part.first <= length
    meetings = {after.first for before, after in itertools.pairwise(parts) if before.shot == after.shot}
    assert meetings.isdisjoint(cuts)
    assert {number for part in parts for number in part.keys} == meetings
    for before, after in itertools.pairwise(parts):
        assert (after.first in before.keys) == (after.first in after.keys) == (before.shot == after.shot)
