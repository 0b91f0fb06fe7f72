"""What dreams from scratch reach along a shot is judged by typical frames, alike for all of its segments."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import footage
from stand_ins import Box, Dreaming, reader, unchanging

from framedream.config.settings import DreamSettings, MotionSettings, Settings
from framedream.errors import InputError
from framedream.render.state_store import calibration_name
from framedream.render.video.calibration import StrengthCalibrator
from framedream.render.video.segments import Segment, divide_into_segments
from framedream.render.video.strength_control import StrengthReference

FEW_STEPS = DreamSettings(steps=3, color="free")
PICTURE = np.zeros((4, 4, 3), np.float32)


def flat(*levels: float):
    """Frames of one level each."""
    return footage([PICTURE + level for level in levels])


def measuring(pattern: float = 10.0) -> Dreaming:
    """Its strength is brightness, and a dream from scratch is brighter by a pattern."""
    return Dreaming(pattern, strength=lambda image: float(image.mean()))


def whole(count: int) -> tuple[int, int]:
    return 0, count


def by_number(frames, first=0, stop=None):
    """Frames that are at hand, from a number on."""
    return {number: frame.pixels for number, frame in enumerate(frames[first:stop], first)}


def bearings(shot, frames, dreaming=None, store=None, at_hand=None, dream=FEW_STEPS, motion=None, read=None):
    """Those of a shot; nothing has been asked of them yet."""
    look = unchanging(dream, motion)
    found = StrengthCalibrator(shot, read or reader(frames), dreaming or measuring(), look, store or Box())
    found.set_frames(at_hand or {})
    return found


def along(found, shot) -> list[StrengthReference]:
    """What is to be reached at each frame of a shot."""
    return [found.reference(number) for number in range(*shot)]


def unreadable(first):
    raise AssertionError(f"read from {first} on")


def test_an_interval_is_calibrated_by_its_frame_of_median_strength():
    """Nine frames are looked at; the brightest and the darkest are not typical."""
    frames = flat(5, 90, 100, 30, 20, 70, 80, 60, 65)
    dreaming = measuring()
    found = bearings(whole(9), frames, dreaming)
    assert along(found, whole(9)) == [StrengthReference(75.0, (1.0, 2.0))] * 9
    assert len(dreaming.images) == 1
    assert np.array_equal(dreaming.images[0], PICTURE + 65)
    assert dreaming.steps == [dreaming.full]


def test_nothing_is_read_dreamed_or_stored_before_it_is_asked_for():
    dreaming, store = measuring(), Box()
    found = bearings(whole(300), flat(*[50] * 300), dreaming, store, read=unreadable)
    found.set_frames({})
    assert found.calibration_dreams() == {}
    assert dreaming.images == store.names == []


def test_of_a_long_stretch_nine_frames_from_the_first_to_the_last_are_looked_at():
    seen = []
    dreaming = Dreaming(strength=lambda image: seen.append(int(image.mean())) or 1.0)
    bearings(whole(129), flat(*range(129)), dreaming).reference(7)
    assert seen[:-1] == list(range(0, 129, 16))


@pytest.mark.parametrize(("passes", "number"), [(1, 0), (2, 5)])
def test_a_short_interval_is_calibrated_by_the_frame_that_is_dreamed_first(passes, number):
    frames = flat(10, 20, 30, 40, 50, 60)
    dreaming = measuring()
    found = bearings(whole(6), frames, dreaming, motion=MotionSettings(passes=passes), at_hand=by_number(frames))
    known = found.calibration_dreams()
    assert [float(image.mean()) for image in dreaming.images] == [10.0 * (number + 1)]
    assert list(known) == [number]
    assert known[number].dream.mean() == 10.0 * (number + 1) + 10


def test_calibration_dreams_are_returned_only_for_frames_in_memory():
    frames = flat(*range(10, 19))
    found = bearings(whole(9), frames)
    found.reference(0)
    found.set_frames({4: frames[4].pixels, 5: frames[5].pixels})
    assert set(found.calibration_dreams()) == {4}
    found.set_frames({5: frames[5].pixels})
    assert found.calibration_dreams() == {}


@pytest.mark.parametrize(
    ("first", "stop", "judges", "known"),
    [
        (0, 40, [0], []), (0, 62, [0], []), (0, 63, [0], [62]), (0, 125, [0], [62]), (0, 126, [0, 125], [62]),
        (70, 171, [0, 125], []), (60, 200, [0, 125], [62, 187]), (150, 201, [125], [187]), (950, 1000, [875], []),
    ],
)  # fmt: skip
def test_all_intervals_of_frames_in_memory_are_calibrated(first, stop, judges, known):
    """Eight stretches of 125 frames that are alike, so that the middle one of those looked at is typical."""
    frames, store, dreaming = flat(*[50] * 1000), Box(), measuring()
    found = bearings(whole(1000), frames, dreaming, store, by_number(frames, first, stop))
    assert sorted(found.calibration_dreams()) == known
    assert store.names == [calibration_name(number) for number in judges]
    assert sorted(found.calibration_dreams()) == known
    assert len(dreaming.images) == len(judges)


@pytest.mark.parametrize(("count", "stretches"), [(1, 1), (128, 1), (136, 1), (137, 2), (264, 2), (265, 3), (1000, 8)])
def test_a_stretch_has_128_frames_at_most_or_a_few_more_in_a_shot_hardly_longer(count, stretches):
    store = Box()
    along(bearings(whole(count), flat(*[50] * count), store=store), whole(count))
    assert store.names == [calibration_name(count * index // stretches) for index in range(stretches)]


def test_between_the_centers_of_stretches_it_changes_gradually_and_not_beyond_them():
    """Two stretches of 100 frames, one darker: their centers lie at 49.5 and 149.5."""
    found = bearings(whole(200), flat(*[40] * 100, *[140] * 100))
    strengths = [found.reference(number).strength for number in range(200)]
    assert strengths[:50] == [50.0] * 50
    assert strengths[150:] == [150.0] * 50
    assert strengths[50:150] == pytest.approx([50.5 + number for number in range(100)])


def test_the_objectives_at_each_octave_change_alike():
    class Rising(Dreaming):
        def dream(self, image, **options):
            dreamed = super().dream(image, **options)
            return type(dreamed)(dreamed.pixels, (float(image.mean()), 2 * float(image.mean())))

    found = bearings(whole(200), flat(*[40] * 100, *[140] * 100), Rising())
    assert found.reference(0).losses == (40.0, 80.0)
    assert found.reference(99).losses == pytest.approx((89.5, 179.0))
    assert found.reference(199).losses == (140.0, 280.0)


@pytest.mark.parametrize("passes", [1, 2])
@pytest.mark.parametrize("start", [0, 37])
@pytest.mark.parametrize(("count", "length"), [(400, 100), (400, 90), (300, 5), (130, "auto")])
def test_references_are_the_same_however_the_shot_is_divided(count, length, start, passes):
    """Each segment is judged by a process of its own, which shares nothing with the others."""
    levels = np.random.default_rng(1).uniform(10, 200, start + count)
    frames, motion = flat(*levels), MotionSettings(passes=passes)
    shot = (start, start + count)
    undivided = along(bearings(shot, frames, motion=motion), shot)
    parts = [part for part in divide_into_segments(start + count, [start], length) if part.shot == shot]
    assert len(parts) > 1
    for part in parts:
        found = bearings(part.shot, frames, motion=motion, at_hand=by_number(frames, part.first, part.end))
        assert along(found, (part.first, part.end)) == undivided[part.first - start : part.end - start]


@pytest.mark.parametrize(
    ("first", "stop", "needed"),
    [(0, 40, [0]), (0, 62, [0]), (0, 63, [0, 125]), (70, 170, [0, 125]), (150, 200, [0, 125, 250]), (950, 1000, [875])],
)
def test_only_the_intervals_around_a_frame_are_calibrated(first, stop, needed):
    """Eight stretches of 125 frames, with centers at 62, 187, ...; a segment looks at the frame behind it, too."""
    store, frames = Box(), flat(*[50] * 1000)
    found = bearings(whole(1000), frames, store=store, at_hand=by_number(frames, first, stop))
    along(found, (first, Segment(first, stop, (0, 1000)).end))
    assert store.names == [calibration_name(number) for number in needed]


def test_frames_in_memory_are_not_read_again():
    frames = flat(*range(100))
    found = bearings(whole(100), frames, at_hand=by_number(frames), read=unreadable)
    assert found.reference(3) == bearings(whole(100), frames).reference(3)


def test_new_frames_in_memory_replace_earlier_ones():
    frames = flat(*range(200))
    found = bearings(whole(200), frames, at_hand=by_number(frames, 0, 100), read=unreadable)
    found.reference(0)
    found.set_frames(by_number(frames, 100))
    expected = bearings(whole(200), frames)
    assert along(found, whole(200)) == along(expected, whole(200))
    assert set(found.calibration_dreams()) == {149}
    later = bearings(whole(200), frames, at_hand=by_number(frames, 0, 100), read=unreadable)
    later.set_frames(by_number(frames, 100))
    with pytest.raises(AssertionError, match="read from 0 on"):
        later.reference(0)


def test_frames_not_in_memory_are_read_when_needed_and_the_reader_is_closed():
    """Those of the second stretch are read no sooner than a frame lies between the centers of both."""
    opened, closed = [], []

    def read(first):
        opened.append(first)
        try:
            for level in range(first, 200):
                yield from flat(level)
        finally:
            closed.append(first)

    found, expected = bearings(whole(200), (), read=read), bearings(whole(200), flat(*range(200)))
    assert [found.reference(number) for number in (0, 49)] == [expected.reference(number) for number in (0, 49)]
    assert opened == closed == [0]
    assert along(found, whole(200)) == along(expected, whole(200))
    assert opened == closed == [0, 100]


def test_an_interval_of_footage_that_became_shorter_is_not_calibrated():
    store = Box()
    found = bearings(whole(200), flat(*range(150)), store=store)
    found.reference(0)
    with pytest.raises(InputError, match="ends at frame 150, sooner than when it was looked through"):
        found.reference(100)
    assert store.names == [calibration_name(0)]


def test_what_is_stored_is_taken_from_the_store():
    frames, store = flat(*range(300)), Box()
    expected = bearings(whole(300), frames, store=store, at_hand=by_number(frames))
    references = along(expected, whole(300))
    again = measuring()
    found = bearings(whole(300), frames, again, store, by_number(frames), read=unreadable)
    assert along(found, whole(300)) == references
    known, as_before = found.calibration_dreams(), expected.calibration_dreams()
    assert again.images == []
    assert len(known) == 3
    assert all(np.array_equal(known[number].dream, as_before[number].dream) for number in as_before)


def test_what_another_process_is_making_is_waited_for():
    frames, other = flat(*range(100)), Box()
    expected = bearings(whole(100), frames, store=other).reference(50)
    store = Box()
    store.made = other.kept
    again = measuring()
    found = bearings(whole(100), frames, again, store)
    assert found.reference(50) == expected
    assert again.images == []


def test_calibration_dreams_keep_the_color_if_the_settings_say_so():
    frames = flat(50)
    for color, level in (("free", 60), ("keep", 50)):
        found = bearings(whole(1), frames, dream=DreamSettings(steps=3, color=color), at_hand=by_number(frames))
        assert found.calibration_dreams()[0].dream.mean() == pytest.approx(level)
        assert found.reference(0).strength == pytest.approx(level)


# Where the settings change.


class Judging(Dreaming):
    """Its strength is brightness, as many times as the size of a step says."""

    def __init__(self) -> None:
        super().__init__(0.0)
        self.strength = lambda image, settings: float(image.mean()) * settings.step_size


def changing(*sizes: float, **values):
    settings = [Settings.of(step_size=size, color="free", **values) for size in sizes]
    return settings.__getitem__


def changed(frames, look, dreaming=None, store=None):
    found = StrengthCalibrator((0, len(frames)), reader(frames), dreaming or Judging(), look, store or Box())
    found.set_frames({})
    return found


def test_each_interval_is_calibrated_with_its_own_settings():
    """Sixty frames with steps of 2, forty in which they grow, and sixty with steps of 4."""
    grow = [2 + 2 * (number + 1) / 41 for number in range(40)]
    look = changing(*[2.0] * 60, *grow, *[4.0] * 60, steps=9)
    dreaming, store = Judging(), Box()
    found = changed(flat(*[50] * 160), look, dreaming, store)
    strengths = [reference.strength for reference in along(found, (0, 160))]
    assert strengths[:60] == [100.0] * 60
    assert strengths[100:] == [200.0] * 60
    assert strengths[60:100] == pytest.approx([50 * size for size in grow], rel=0.01)
    assert store.names == [calibration_name(number) for number in (0, 60, 80, 100)]
    assert [dreamt.step_size for dreamt in dreaming.looks] == [2.0, grow[9], grow[29], 4.0]


def test_where_settings_change_the_middle_frame_is_the_only_candidate():
    look = changing(*(2 + number / 100 for number in range(20)), steps=1)
    dreaming = Judging()
    assert changed(flat(*range(20)), look, dreaming).reference(3).strength == pytest.approx(9 * 2.09)
    assert [float(image.mean()) for image in dreaming.images] == [9.0]


def test_a_jump_of_the_settings_is_one_of_the_reference():
    look = changing(*[2.0] * 30, *[4.0] * 30, steps=9)
    strengths = [reference.strength for reference in along(changed(flat(*[50] * 60), look), (0, 60))]
    assert strengths == [100.0] * 30 + [200.0] * 30


def test_a_middling_frame_is_looked_for_as_it_is_dreamed():
    asked = []
    dreaming = Judging()
    dreaming.strength = lambda image, settings: asked.append(settings.step_size) or 1.0
    changed(flat(*[50] * 60), changing(*[2.0] * 30, *[4.0] * 30, steps=9), dreaming).reference(59)
    assert set(asked) == {4.0}
