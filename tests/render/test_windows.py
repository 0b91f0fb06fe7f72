"""Windows hold every frame once, end at cuts, look ahead, and fit the memory."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import footage

from framedream.errors import InputError
from framedream.render.windows import gathered, window_length, windows

PICTURE = np.zeros((4, 4, 3), np.float32)


def divide(count: int, cuts=()):
    """Of each window the numbers of its own frames, of those ahead, and whether a shot begins."""
    found = []
    for window, frames in gathered(iter(footage([PICTURE] * count)), windows(count, cuts, 4, 4)):
        numbers = [int(frame.time * 25) for frame in frames]
        assert numbers == list(range(window.first, window.end))
        own = window.stop - window.first
        found.append((numbers[:own], numbers[own:], window.begins_shot))
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
    assert [(own[0], len(own)) for own, _, _ in parts] == [(0, 128), (128, 128), (256, 44)]
    assert [begins for _, _, begins in parts] == [True, False, False]
    assert [ahead for _, ahead, _ in parts] == [list(range(128, 136)), list(range(256, 264)), []]


@pytest.mark.parametrize("count", range(130, 150))
def test_the_last_window_of_a_long_shot_is_never_a_few_frames(count):
    assert len(divide(count)[-1][0]) > 8


def test_cuts_beyond_the_footage_or_at_its_start_change_nothing():
    assert divide(4, [0, 9]) == [([0, 1, 2, 3], [], True)]


def test_frames_are_taken_only_as_far_as_a_window_sees():
    taken = []

    def frames():
        for frame in footage([PICTURE] * 1000):
            taken.append(frame)
            yield frame

    next(gathered(frames(), windows(1000, (), 4, 4)))
    assert len(taken) == 128 + 8


@pytest.mark.parametrize(("height", "width"), [(270, 480), (720, 1280), (1080, 1920)])
def test_windows_stay_below_the_memory_they_may_take(height, width):
    """A frame as float32, and of what was foreseen a change as float16 and an age in a byte."""
    frame = height * width * (3 * 4 + 3 * 2 + 1)
    assert (window_length(height, width) + 8) * frame <= 1.5 * 2**30 or window_length(height, width) == 16


def test_windows_are_shorter_where_frames_are_larger():
    lengths = [window_length(*size) for size in ((136, 240), (270, 480), (720, 1280), (1080, 1920), (2160, 3840))]
    assert lengths == sorted(lengths, reverse=True)
    assert (lengths[0], lengths[-1]) == (128, 16)
    assert 16 < lengths[3] < lengths[2] < 128


def test_later_windows_are_gathered_from_their_own_first_frame():
    parts = windows(300, (), 4, 4)
    frames = footage([PICTURE] * 300)
    found = [(window.first, len(seen)) for window, seen in gathered(frames[128:], parts[1:])]
    assert found == [(128, 136), (256, 44)]


def test_frames_that_are_missing_are_told():
    with pytest.raises(InputError, match="ends at frame 99"):
        list(gathered(footage([PICTURE] * 99), windows(100, (), 4, 4)))
