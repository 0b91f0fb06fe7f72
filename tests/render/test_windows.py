"""Windows hold every frame once, end at cuts, look ahead, and fit the memory."""

from __future__ import annotations

import weakref
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import footage

from framedream.errors import InputError
from framedream.media import Frame
from framedream.render.video.segments import divide_into_segments
from framedream.render.video.windows import divide_into_windows, gather_windows, window_length

PICTURE = np.zeros((4, 4, 3), np.float32)


def divide(count: int, cuts=(), length="none"):
    """Of each window the numbers of its own frames, of those ahead, and whether a segment begins."""
    found = []
    for window, frames in gather_windows(
        iter(footage([PICTURE] * count)), divide_into_windows(divide_into_segments(count, cuts, length), 4, 4)
    ):
        numbers = [int(frame.time * 25) for frame in frames]
        assert numbers == list(range(window.first, window.end))
        own = window.stop - window.first
        found.append((numbers[:own], numbers[own:], window.begins_segment))
    return found


@pytest.mark.parametrize("count", [0, 1, 2, 127, 128, 129, 136, 137, 264, 265, 400])
@pytest.mark.parametrize("cuts", [(), (1,), (100, 101, 300)])
def test_every_frame_belongs_to_exactly_one_window(count, cuts):
    assert [number for own, _, _ in divide(count, cuts) for number in own] == list(range(count))


@pytest.mark.parametrize("cuts", [[1], [3, 5], [200], [128], [136, 137, 270]])
def test_windows_end_at_cuts_and_do_not_look_beyond_them(cuts):
    for own, ahead, begins in divide(300, cuts):
        shots = {sum(number >= cut for cut in cuts) for number in own + ahead}
        assert len(shots) == 1
        assert begins == (own[0] in {0, *cuts})


def test_a_shot_that_fits_is_one_window():
    assert divide(136) == [(list(range(136)), [], True)]
    assert divide(5, [2]) == [([0, 1], [], True), ([2, 3, 4], [], True)]


def test_a_long_shot_is_windows_that_look_at_the_frames_behind_them():
    parts = divide(300)
    assert [(own[0], len(own)) for own, _, _ in parts] == [(0, 100), (100, 100), (200, 100)]
    assert [begins for _, _, begins in parts] == [True, False, False]
    assert [ahead for _, ahead, _ in parts] == [list(range(100, 108)), list(range(200, 208)), []]


@pytest.mark.parametrize("count", [137, 138, 200, 263, 264, 265, 400, 1001])
def test_windows_of_a_shot_are_of_about_equal_length(count):
    lengths = [len(own) for own, _, _ in divide(count)]
    assert max(lengths) - min(lengths) <= 1
    assert min(lengths) > 64


def test_windows_end_with_segments_and_look_at_the_key_behind_them():
    assert divide(12, [6], length=3) == [
        ([0, 1, 2], [3], True), ([3, 4, 5], [], True), ([6, 7, 8], [9], True), ([9, 10, 11], [], True)
    ]  # fmt: skip
    parts = divide(300, length=150)
    assert [(own[0], len(own), begins) for own, _, begins in parts] == [
        (0, 75, True), (75, 75, False), (150, 75, True), (225, 75, False)
    ]  # fmt: skip
    assert [ahead for _, ahead, _ in parts] == [list(range(75, 83)), [150], list(range(225, 233)), []]


def test_a_window_does_not_look_further_than_the_key_behind_its_segment():
    """Two windows of 100 frames each: the first looks 8 frames ahead, the second at the key if there is one."""
    found = divide_into_windows(divide_into_segments(1000, (), 200), 4, 4)
    assert len(found) == 10
    for window in found:
        assert window.stop <= window.end <= window.segment.end
        assert window.end == min(window.stop + (8 if not window.ends_segment else 1), window.segment.end)
        assert window.begins_segment == (window.first == window.segment.first)
        assert window.ends_segment == (window.stop == window.segment.stop)


SIZES = st.sampled_from([(136, 240), (720, 1280), (1080, 1920), (1440, 2560), (2160, 3840)])


@given(
    size=SIZES,
    count=st.integers(1, 1200),
    length=st.one_of(st.sampled_from(["auto", "none"]), st.integers(1, 400)),
    cuts=st.lists(st.integers(1, 1200), max_size=3),
)
def test_no_window_holds_more_frames_than_fit_the_memory(size, count, length, cuts):
    """As many as are delivered at once, 8 ahead of them, and a key at the end of a segment."""
    most = window_length(*size)
    for window in divide_into_windows(divide_into_segments(count, cuts, length), *size):
        key = window.ends_segment and not window.segment.ends_shot
        assert window.end - window.first <= most + 8 + key
        whole = window.begins_segment and window.ends_segment
        assert window.stop - window.first <= (most + 8 if whole else most)
        assert window.end - window.stop == (key if window.ends_segment else 8)


@pytest.mark.parametrize("size", [(4, 4), (1080, 1920), (2160, 3840)])
def test_a_segment_is_whole_as_long_as_it_fits_and_otherwise_in_as_few_windows_as_do(size):
    most = window_length(*size)
    for frames, count in [(most, 1), (most + 8, 1), (most + 9, 2), (2 * most, 2), (2 * most + 1, 3), (5 * most, 5)]:
        assert len(divide_into_windows(divide_into_segments(frames, (), "none"), *size)) == count


@pytest.mark.parametrize(("count", "length"), [(1000, "none"), (1000, "auto"), (300, 137), (270, 136)])
def test_frames_are_kept_no_longer_than_a_window_looks_at_them(count, length):
    """While windows are gathered, nothing else holds frames than the one that is handed out."""
    parts = divide_into_windows(divide_into_segments(count, (), length), 4, 4)
    living, most = 0, 0

    def gone():
        nonlocal living
        living -= 1

    def frames():
        nonlocal living, most
        for number in range(count):
            picture = PICTURE.copy()
            weakref.finalize(picture, gone)
            living += 1
            most = max(most, living)
            frame = Frame(picture, Fraction(number, 25))
            del picture
            yield frame
            del frame

    for window, seen in gather_windows(frames(), parts):
        assert len(seen) == window.end - window.first
        del seen
    assert most <= max(window.end - window.first for window in parts) + 1


def test_cuts_beyond_the_footage_or_at_its_start_change_nothing():
    assert divide(4, [0, 9]) == [([0, 1, 2, 3], [], True)]


def test_frames_are_taken_only_as_far_as_a_window_sees():
    taken = []

    def frames():
        for frame in footage([PICTURE] * 1000):
            taken.append(frame)
            yield frame

    next(gather_windows(frames(), divide_into_windows(divide_into_segments(1000, (), "none"), 4, 4)))
    assert len(taken) == 125 + 8


@pytest.mark.parametrize(("height", "width"), [(270, 480), (720, 1280), (1080, 1920)])
def test_windows_stay_below_the_memory_they_may_take(height, width):
    """A frame as float32, and of what was backward a change as float16 and an age in a byte."""
    frame = height * width * (3 * 4 + 3 * 2 + 1)
    assert (window_length(height, width) + 8) * frame <= 1.5 * 2**30 or window_length(height, width) == 16


def test_windows_are_shorter_where_frames_are_larger():
    lengths = [window_length(*size) for size in ((136, 240), (270, 480), (720, 1280), (1080, 1920), (2160, 3840))]
    assert lengths == sorted(lengths, reverse=True)
    assert (lengths[0], lengths[-1]) == (128, 16)
    assert 16 < lengths[3] < lengths[2] < 128


def test_later_windows_are_gathered_from_their_own_first_frame():
    parts = divide_into_windows(divide_into_segments(300, (), "none"), 4, 4)
    frames = footage([PICTURE] * 300)
    found = [(window.first, len(seen)) for window, seen in gather_windows(frames[100:], parts[1:])]
    assert found == [(100, 108), (200, 100)]


def test_missing_frames_are_an_error():
    with pytest.raises(InputError, match="ends at frame 99"):
        list(gather_windows(footage([PICTURE] * 99), divide_into_windows(divide_into_segments(100, ()), 4, 4)))
