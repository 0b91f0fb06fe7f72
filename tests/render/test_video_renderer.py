"""Each shot is dreamed backwards, then forwards, each frame on from its neighbour along the motion.

A stand-in dreams here: it adds a pattern of its own to what it is given, and remembers that.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from pictures import footage, noise
from pictures import pan as make_pan
from pictures import scene as make_scene
from stand_ins import Box, Dreaming, points_to_try, reader, unchanging

from framedream.config.settings import DreamSettings, MotionSettings, Settings
from framedream.errors import InputError
from framedream.media import Frame
from framedream.motion.optical_flow import FlowEstimator, FlowPair
from framedream.render.state_store import anchor_name, calibration_name, frame_name, is_shared
from framedream.render.video.frame_state import FrameState
from framedream.render.video.segment_renderer import MAX_CROSSFADE, crossfade_length
from framedream.render.video.segments import Segment, divide_into_segments
from framedream.render.video.video_renderer import render_footage
from framedream.render.video.windows import Window, divide_into_windows

FROM_NOTHING = DreamSettings(steps=12, step_size=2.5, color="free")
ONE_PASS = MotionSettings(passes=1, persistence=1.0, follow_steps=2, follow_step_size=0.7)
TWO_PASSES = MotionSettings(passes=2, persistence=1.0, follow_steps=2, follow_step_size=0.7)
INNER = (slice(16, -16), slice(16, -16))
pan, scene = functools.cache(make_pan), functools.cache(make_scene)
"""Made once for all tests, which do not change them."""


def yielded(
    pictures, cuts=(), motion=ONE_PASS, dreaming=None, dream=FROM_NOTHING, store=None, length="none", longest=None
):
    dreaming = dreaming or Dreaming(full=dream.steps)
    frames = footage(pictures)
    return dreaming, list(
        render_footage(
            reader(frames), divided(frames, cuts, length, longest), dreaming, unchanging(dream, motion), store
        )
    )


def divided(frames, cuts=(), length="none", longest=None) -> list[Window]:
    """Windows of shots that are left whole, or of segments of a length; they look 8 frames ahead."""
    return (
        divide_into_windows(
            divide_into_segments(len(frames), cuts, length),
            *frames[0].pixels.shape[:2],
            longest=longest,
            shortest=longest,
        )
        if frames
        else []
    )


def run(*arguments, **options):
    """The stand-in, and the dreamed frames without what only says that something is done."""
    dreaming, items = yielded(*arguments, **options)
    return dreaming, [item for item in items if item is not None]


def numbers(images, pictures) -> list[int]:
    """Which of the pictures each image was made of."""
    return [int(np.argmin([np.abs(image - picture).mean() for picture in pictures])) for image in images]


def stepped(followed) -> list[int]:
    """Those of the frames that follow backwards that do not rest."""
    return [number for each, number in enumerate(followed) if each % 3 != 2]


def changes(dreamed, pictures) -> list[float]:
    """How far the inside of each dreamed frame was changed, all of it alike."""
    inside = [(frame.pixels - picture)[INNER] for frame, picture in zip(dreamed, pictures, strict=True)]
    assert max(np.ptp(change) for change in inside) < 0.5
    return [round(float(change.mean()), 1) for change in inside]


# One pass.


@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES, MotionSettings(flow="none")])
def test_every_frame_comes_out_once_with_its_time_and_duration(motion):
    frames = [Frame(scene(64, 80), Fraction(number, 7), Fraction(1, 7)) for number in (0, 1, 5, 6)]
    items = render_footage(reader(frames), divided(frames), Dreaming(), unchanging(FROM_NOTHING, motion))
    dreamed = [item for item in items if item is not None]
    assert [(frame.time, frame.duration) for frame in dreamed] == [(frame.time, frame.duration) for frame in frames]
    assert all(frame.pixels.shape == (64, 80, 3) for frame in dreamed)


def test_in_one_pass_only_the_first_frame_is_dreamed_from_nothing():
    dreaming, items = yielded(pan(4))
    assert dreaming.steps == [12, 1, 1, 1]
    assert dreaming.sizes[0] is None
    assert None not in items


def test_a_frame_dreamed_from_nothing_is_given_as_it_is():
    pictures = pan(3)
    dreaming, _ = run(pictures, cuts=[2])
    assert np.array_equal(dreaming.images[0], pictures[0])
    assert np.array_equal(dreaming.images[2], pictures[2])


def test_after_a_cut_the_dream_starts_from_scratch():
    dreaming, dreamed = run([*pan(3), *pan(3, seed=1)], cuts=[3])
    assert dreaming.steps == [12, 1, 1, 12, 1, 1]
    assert len(dreamed) == 6


@pytest.mark.parametrize("cuts", [[], [2]])
def test_without_flow_every_frame_is_dreamed_alone(cuts):
    pictures = pan(4)
    dreaming, _ = run(pictures, cuts, MotionSettings(flow="none"))
    assert dreaming.steps == [12] * 4
    assert all(np.array_equal(image, picture) for image, picture in zip(dreaming.images, pictures, strict=True))


@pytest.mark.parametrize("flow", ["dis", "farneback"])
def test_the_dream_moves_with_the_picture(flow):
    """A stripe is dreamed into the first frame; three frames later it has moved by three steps."""
    stripe = np.zeros((96, 128, 3), np.float32)
    stripe[:, 60:68] = 30
    pictures = pan(4, step=(4.0, 0.0))
    motion = MotionSettings(flow=flow, passes=1, persistence=1.0)
    _, dreamed = run(pictures, motion=motion, dreaming=Dreaming(stripe))
    difference = (dreamed[3].pixels - pictures[3])[INNER].mean((0, 2))
    assert abs(np.average(np.arange(96) + 16, weights=np.clip(difference, 0, None)) - (63.5 - 12)) < 1.5
    assert difference.max() > 20


def test_only_the_dream_is_carried_so_the_picture_stays_sharp():
    """What is dreamed is flat; however far it is carried, the frame itself comes out unblurred."""
    pictures = pan(5, step=(1.5, 0.5))
    _, dreamed = run(pictures)
    assert np.abs(dreamed[4].pixels - pictures[4] - 20)[INNER].max() < 0.5


def test_persistence_is_the_share_that_is_carried_on():
    still = [scene(96, 128)] * 3
    _, dreamed = run(still, motion=MotionSettings(passes=1, persistence=0.5))
    assert changes(dreamed, still) == pytest.approx([20, 10, 5], abs=0.2)


def test_without_persistence_nothing_is_carried():
    pictures = pan(3)
    dreaming, _ = run(pictures, motion=MotionSettings(passes=1, persistence=0))
    assert np.abs(dreaming.images[2] - pictures[2]).max() < 1e-3


def test_in_one_pass_what_comes_into_view_carries_no_dream_of_another_place():
    pictures = pan(2, 160, 256, step=(12.0, 0.0))
    dreaming, _ = run(pictures)
    seeded = dreaming.images[1] - pictures[1]
    assert np.abs(seeded[16:-16, -8:]).max() < 8
    assert seeded[16:-16, 16:-40].mean() == pytest.approx(20, abs=1)


def test_where_the_dream_is_old_steps_are_small_and_where_it_is_young_they_are_large():
    motion = MotionSettings(passes=1, follow_step_size=0.7, young_step_size=5)
    dreaming, _ = run(pan(6, 160, 256, step=(12.0, 0.0)), motion=motion)
    old, new = (slice(16, -16), slice(16, -80)), (slice(16, -16), slice(-8, None))
    for sizes in dreaming.sizes[1:]:
        assert np.median(sizes[old]) == pytest.approx(1.4, abs=0.05)
        assert sizes[new].mean() > 4
    last = np.median(dreaming.sizes[5][16:-16], axis=0)
    assert last[-8] > last[-20] > last[-32] > last[-44] > 1.4


def test_a_young_step_smaller_than_the_others_changes_nothing():
    dreaming, _ = run(pan(3, step=(6.0, 0.0)), motion=MotionSettings(passes=1, follow_step_size=2, young_step_size=1))
    assert all((sizes == 4).all() for sizes in dreaming.sizes[1:])


def test_only_frames_that_continue_a_dream_have_ceilings():
    """Ceilings are what the first dream reached at each octave, three times."""
    dreaming, _ = run(pan(3), motion=replace(ONE_PASS, follow_steps=1))
    assert dreaming.ceilings == [None, [3, 6], [3, 6]]


def test_seeds_stay_between_0_and_255():
    dreaming, _ = run([scene(96, 128)] * 4, dreaming=Dreaming(300.0))
    assert max(image.max() for image in dreaming.images) <= 255


@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES])
def test_a_frame_to_which_nothing_can_be_carried_is_dreamed_from_nothing(motion):
    """The cuts are not given between these pictures, and no flow can be found."""
    pictures = [scene(160, 256), noise(160, 256), scene(160, 256, seed=1)]
    dreaming, dreamed = run(pictures, motion=motion)
    assert dreaming.steps[:3] == [12, 12, 12]
    assert numbers(dreaming.images[:3], pictures) == ([0, 1, 2] if motion is ONE_PASS else [2, 1, 0])
    assert all(np.array_equal(image, pictures[numbers([image], pictures)[0]]) for image in dreaming.images[:3])
    assert len(dreamed) == 3


# Two passes.


def test_with_two_passes_a_shot_is_dreamed_backwards_then_forwards():
    pictures = pan(4)
    dreaming, items = yielded(pictures, motion=TWO_PASSES, dreaming=Dreaming(0.0))
    assert numbers(dreaming.images, pictures) == [3, 2, 1, 1, 2, 3]
    assert dreaming.steps == [12, 1, 1, 1, 1, 1]
    assert [item is None for item in items] == [True] * 4 + [False] * 4


@pytest.mark.parametrize(("steps", "half"), [(1, 1), (2, 1), (3, 2), (5, 3)])
def test_steps_are_taken_by_half_and_backwards_in_two_of_three_frames(steps, half):
    """Each is larger by as much as they are fewer; backwards twice as large, for one in every frame."""
    dreaming, _ = run(pan(7), motion=MotionSettings(follow_steps=steps, follow_step_size=0.5, young_step_size=0.1))
    backwards, forwards = slice(1, 5), slice(5, 11)
    assert dreaming.steps == [12, *[half] * 4, *[half] * 6]
    assert all(sizes == pytest.approx(1.0) for sizes in dreaming.sizes[backwards])
    assert all(sizes == pytest.approx(0.5 * steps / half) for sizes in dreaming.sizes[forwards])


def test_a_frame_without_steps_keeps_the_whole_dream():
    """Of three frames that follow backwards the last rests, here the first of the shot."""
    still = [scene(96, 128) / 2 + 64] * 4
    _, dreamed = run(still, motion=MotionSettings(persistence=0.5), dreaming=Dreaming(32.0))
    assert changes(dreamed, still) == [8, 4, 2, 1]


def test_ceilings_are_raised_forwards_where_a_step_stands_for_two():
    dreaming, _ = run(pan(3), motion=TWO_PASSES)
    backwards, forwards = dreaming.ceilings[1], dreaming.ceilings[-1]
    assert backwards == pytest.approx([3, 6])
    assert forwards[0] > backwards[0]
    assert run(pan(3), motion=replace(TWO_PASSES, follow_steps=1))[0].ceilings[-1] == pytest.approx([3, 6])


def test_without_steps_the_dream_is_only_carried():
    dreaming, dreamed = run([scene(96, 128)] * 3, motion=MotionSettings(follow_steps=0, persistence=1))
    assert dreaming.steps == [12]
    assert changes(dreamed, [scene(96, 128)] * 3) == [20] * 3


def test_frames_that_follow_take_at_most_three_fifths_of_two_steps_forwards_and_one_back():
    dreaming, dreamed = run(pan(40, 64, 80), motion=TWO_PASSES, dreaming=Dreaming(0.0))
    assert len(dreamed) == 40
    following = [steps for steps, size in zip(dreaming.steps, dreaming.sizes, strict=True) if size is not None]
    assert 0 < sum(following) <= 0.6 * (2 + 1) * (40 - 1)


def test_the_pass_forwards_goes_on_as_the_frames_before_were_changed():
    """Steps are two up and one down in turn; by itself each second one would go down by 1."""
    signs = itertools.cycle([2.0, -1.0])
    still = [scene(96, 128) / 2 + 64] * 30
    dreaming = Dreaming(0.0, on=lambda image, size: next(signs))
    motion = MotionSettings(passes=1, persistence=1.0)
    _, dreamed = run(still, motion=motion, dreaming=dreaming)
    means = [float((frame.pixels - picture)[INNER].mean()) for frame, picture in zip(dreamed, still, strict=True)]
    assert np.diff(means)[-8:].min() > -0.5
    assert np.diff(means)[-8:].mean() == pytest.approx(0.5, abs=0.2)


def test_what_comes_into_view_carries_the_dream_of_the_pass_backwards():
    """Only the last frame is dreamed on; all that is in view in it is dreamed wherever it comes into view before."""
    pictures = pan(6, 160, 256, step=(12.0, 0.0))
    dreaming, dreamed = run(pictures, motion=TWO_PASSES)
    for image, picture in zip(dreaming.images[5:], pictures[1:], strict=True):
        assert (image - picture)[16:-16, -32:].mean() == pytest.approx(20, abs=1.5)
    assert (dreamed[0].pixels - pictures[0])[16:-16, 80:].mean() == pytest.approx(20, abs=1.5)


def test_what_was_dreamed_backwards_is_old_when_it_comes_into_view():
    motion = MotionSettings(follow_step_size=0.7, young_step_size=5)
    dreaming, _ = run(pan(6, 160, 256, step=(12.0, 0.0)), motion=motion)
    for sizes in dreaming.sizes[5:]:
        assert np.median(sizes[16:-16, -10:]) == pytest.approx(1.4, abs=0.1)


@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES])
def test_no_dream_crosses_a_cut(motion):
    """The pictures on both sides of the cut are the same, so nothing but the cut keeps the dreams apart."""
    still = [scene(96, 128)] * 6
    _, dreamed = run(still, [3], motion, Dreaming(from_nothing=lambda number: 10.0 * (number + 1)))
    assert changes(dreamed, still) == [10, 10, 10, 20, 20, 20]


def test_both_passes_of_a_shot_are_done_before_the_next_shot_begins():
    pictures = [*pan(3), *pan(2, seed=1)]
    dreaming, items = yielded(pictures, [3], TWO_PASSES, Dreaming(0.0))
    assert numbers(dreaming.images, pictures) == [2, 1, 0, 1, 2, 4, 3, 4]
    assert [item is None for item in items] == [True] * 3 + [False] * 3 + [True] * 2 + [False] * 2


@pytest.mark.parametrize(
    ("passes", "count", "steps", "backwards"),
    [(1, 1, [12], 0), (2, 1, [12], 0), (1, 2, [12, 1], 0), (2, 2, [12, 1, 1], 2)],
)
def test_one_frame_and_two_frames_are_footage(passes, count, steps, backwards):
    pictures = pan(count)
    dreaming, items = yielded(pictures, motion=MotionSettings(passes=passes, persistence=1))
    assert dreaming.steps == steps
    assert items.count(None) == backwards
    assert changes([item for item in items if item], pictures) == [20] * count


@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES, MotionSettings(flow="none")])
def test_empty_footage_gives_an_empty_film(motion):
    assert yielded([], motion=motion)[1] == []


def test_a_shot_of_single_frames_between_cuts_is_dreamed_frame_by_frame():
    dreaming, dreamed = run([scene(64, 80)] * 3, [1, 2], TWO_PASSES)
    assert dreaming.steps == [12] * 3
    assert len(dreamed) == 3


# Long shots.


def test_a_long_shot_is_dreamed_in_windows_that_look_ahead():
    pictures = pan(20, 64, 80, step=(3.0, 1.0))
    dreaming, items = yielded(pictures, motion=TWO_PASSES, dreaming=Dreaming(0.0), longest=6)
    calibration_name = [19]
    # The last frame of a window is dreamed from scratch, but for the one that was judged; each third other rests.
    begun, followed = [[12], [17], [], []], [range(11, -1, -1), range(16, 4, -1), range(18, 9, -1), range(18, 14, -1)]
    backwards = [[*one, *stepped(rest)] for one, rest in zip(begun, followed, strict=True)]
    forwards = [range(1, 5), range(5, 10), range(10, 15), range(15, 20)]
    passes = [number for window in zip(backwards, forwards, strict=True) for each in window for number in each]
    assert numbers(dreaming.images, pictures) == calibration_name + passes
    looked_at = [13, 13, 10, 5]
    assert [item is None for item in items] == [none for seen in looked_at for none in [True] * seen + [False] * 5]


@pytest.mark.parametrize(("motion", "from_nothing"), [(ONE_PASS, 2), (TWO_PASSES, 6)])
def test_at_the_border_of_a_window_the_dream_goes_on(motion, from_nothing):
    """Each dream from scratch is stronger by 10; behind the one that is judged only the shot's first is delivered."""
    still = [scene(96, 128)] * 27
    dreaming, dreamed = run(
        still, motion=motion, dreaming=Dreaming(from_nothing=lambda number: 10.0 * (number + 1)), longest=6
    )
    assert dreaming.fresh == from_nothing
    assert changes(dreamed, still) == [20] * 27


def test_what_comes_into_view_behind_a_window_was_dreamed_within_it():
    """The pan is as fast at the border between windows as elsewhere, and carries as much."""
    pictures = pan(20, 96, 128, step=(4.0, 0.0))
    _, dreamed = run(pictures, motion=TWO_PASSES, longest=6)
    for number in range(1, 19):
        assert (dreamed[number].pixels - pictures[number])[16:-16, -16:].mean() == pytest.approx(20, abs=2.5)


def test_a_long_shot_is_calibrated_by_a_frame_of_median_strength():
    """Strength is brightness here; the brightest and the darkest frames are not typical."""
    still = scene(64, 80)
    pictures = [factor * still for factor in (0.1, 0.9, 1, 0.3, 0.2, 0.7, 0.8)]
    dream = DreamSettings(steps=3, color="free")
    dreaming, _ = run(
        pictures, motion=TWO_PASSES, dream=dream, dreaming=Dreaming(full=3, strength=lambda image: float(image.mean()))
    )
    assert np.array_equal(dreaming.images[0], pictures[5])
    assert dreaming.steps[0] == 3


def test_where_another_frame_was_calibrated_the_last_one_takes_a_quarter_of_the_steps():
    pictures = pan(20, 64, 80)
    dreaming, _ = run(pictures, motion=TWO_PASSES, dream=DreamSettings(steps=9, color="free"), dreaming=Dreaming(0.0))
    assert numbers(dreaming.images[:2], pictures) == [9, 19]
    assert dreaming.steps[1] == 3


@pytest.mark.parametrize(("motion", "backwards"), [(ONE_PASS, 0), (TWO_PASSES, 108)])
def test_the_first_frame_of_a_long_shot_is_delivered_before_later_intervals_are_calibrated_or_read(motion, backwards):
    """Of four stretches of 100 frames two tell for the first window, which is 100 frames and looks 8 ahead."""
    frames, store, read_last = footage([scene(32, 40)] * 400), Box(), 0

    def read(first):
        nonlocal read_last
        for number, frame in enumerate(frames[first:], first):
            read_last = max(read_last, number)
            yield frame

    dreaming = Dreaming()
    dreamed = render_footage(read, divided(frames), dreaming, unchanging(FROM_NOTHING, motion), store)
    waited = sum(1 for _ in itertools.takewhile(lambda item: item is None, dreamed))
    assert waited == backwards
    assert [name for name in store.names if name.startswith("judged")] == [calibration_name(0), calibration_name(100)]
    assert len(dreaming.images) == 2 + 1 + backwards * 2 // 3
    assert read_last < 200
    if motion is ONE_PASS:
        assert sum(item is not None for item in dreamed) == 400 - 1
        assert [name for name in store.names if name.startswith("judged")] == [
            calibration_name(100 * part) for part in range(4)
        ]
    dreamed.close()


# Divided shots.


def keys_of(parts: list[Window]) -> list[int]:
    return sorted({number for part in parts for number in part.segment.keys})


def by_segment(parts: list[Window]) -> list[list[Window]]:
    return [list(group) for _, group in itertools.groupby(parts, lambda part: part.segment)]


def restless(height=64, width=80):
    """Its dreams depend on all that came before, and its strength steers."""
    grain = noise(height, width) - 128
    return Dreaming(
        grain / 9,
        on=lambda image, size: 0.3 * size * grain + 0.1 * (grain + 128 - image),
        strength=lambda image: float(image.std()),
    )


def film(frames, parts, motion, store, dreaming, keys=()):
    """The bytes of the dreamed frames.

    All frames fit the buffers, so a run that fails ends at once and not a tenth of a second later.
    """
    settings_at = unchanging(FROM_NOTHING, motion)
    dream = render_footage(reader(frames), parts, dreaming, settings_at, store, keys, frames_ahead=100)
    return [frame.pixels.tobytes() for frame in dream if frame is not None]


@pytest.mark.parametrize(
    ("motion", "order"), [(ONE_PASS, [3, 2, 1, 0]), (TWO_PASSES, [0, 1, 2, 3]), (TWO_PASSES, [2, 0, 3, 1])]
)
def test_segments_dreamed_in_any_order_give_the_bytes_of_the_whole(motion, order):
    """Each by a process of its own, which shares the store alone. Each has three windows."""
    frames = footage([*pan(48, 64, 80, step=(1.3, 0.4)), *pan(3, 64, 80, seed=1)])
    parts = divided(frames, [48], 16, longest=6)
    assert [part.stop for part in parts] == [5, 10, 16, 21, 26, 32, 37, 42, 48, 51]
    expected = film(frames, parts, motion, Box(), restless())
    assert film(frames, parts, motion, None, restless()) == expected
    found, store = {}, Box()
    for index in order:
        found[index] = film(frames, by_segment(parts)[index], motion, store, restless(), keys_of(parts))
    assert [frame for index in sorted(found) for frame in found[index]] == expected


@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES])
def test_segments_that_share_not_even_a_store_give_the_same_bytes(motion):
    """What is lost or damaged of what they share is made again alike."""
    frames = footage(pan(30, 64, 80, step=(1.3, 0.4)))
    parts = divided(frames, length=10)
    expected = film(frames, parts, motion, None, restless())
    found = [film(frames, [part], motion, Box(), restless(), keys_of(parts)) for part in parts]
    assert [frame for frames in found for frame in frames] == expected


@pytest.mark.parametrize("lost", ["judged", "sketch", "key"])
@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES])
def test_what_was_lost_of_what_segments_share_is_made_again_alike(motion, lost):
    frames = footage(pan(30, 64, 80, step=(1.3, 0.4)))
    parts = divided(frames, length=10)
    box, store = Box(), Box()
    expected = film(frames, parts, motion, box, restless())
    store.kept = {
        name: arrays for name, arrays in box.kept.items() if is_shared(name) and not name.startswith(f"{lost}-")
    }
    assert film(frames, parts, motion, store, restless()) == expected


@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES])
def test_the_first_frame_of_a_later_segment_is_the_key(motion):
    frames, store = footage(pan(30, 64, 80, step=(1.3, 0.4))), Box()
    dreamed = film(frames, divided(frames, length=10), motion, store, restless())
    for number in (10, 20):
        stored = store.kept[anchor_name(number)]
        assert dreamed[number] == FrameState.from_arrays(frames[number].pixels, stored).dream.tobytes()
        assert all(np.array_equal(array, store.kept[frame_name(number)][name]) for name, array in stored.items())


def rising(sketched: float) -> Dreaming:
    """Dreams from scratch add 10; each frame of a sketch, half as high as the others, adds some more."""
    return Dreaming(10.0, on=lambda image, size: sketched if len(image) == 64 else 0.0)


@pytest.mark.parametrize(("length", "passes"), [(32, 1), (32, 2), (20, 1), (3, 2)])
def test_a_dream_fades_into_that_of_the_anchor_frame_at_its_end(passes, length):
    """No jump is left at the key: 36 frames, or as many as there are, take over what it differs by.

    The farther a key is from the middle, the longer was its sketch, and the more it has been added to.
    Where the backward pass reaches the shot's first frame, the first segment is the key's dream altogether.
    """
    still = [scene(128, 160) / 2 + 16] * 96
    motion = MotionSettings(passes=passes, persistence=1.0)
    _, dreamed = run(still, motion=motion, dreaming=rising(1.0), length=length)
    found = changes(dreamed, still)
    parts = divide_into_segments(96, (), length)
    middle = parts[1:][len(parts[1:]) // 2].first
    for part in parts[:-1]:
        begins, ends = found[part.first], found[part.stop]
        differs = abs(ends - begins)
        if part.begins_shot:
            assert ends > begins or passes == 2 or length < MAX_CROSSFADE
        else:
            assert ends > begins if part.first >= middle else ends < begins
        assert found[part.stop - 1] == pytest.approx(ends, abs=0.15)
        over = np.sign(ends - begins) * np.array(found[part.first : part.stop + 1])
        frames = min(MAX_CROSSFADE, part.stop - part.first - 1)
        steps = np.diff(over)
        assert steps.min() > -0.15
        assert steps.max() <= 2 / (frames + 1) * differs + 0.15
        assert length < MAX_CROSSFADE or over[-1] - over[-13] <= 0.3 * differs + 0.15
        before = found[part.first : part.stop - frames]
        assert before == pytest.approx([begins] * len(before), abs=0.15)
    assert found[parts[-1].first :] == pytest.approx([found[parts[-1].first]] * (96 - parts[-1].first), abs=0.15)
    assert found[parts[1].first] > found[middle] + 4
    assert found[parts[-1].first] > found[middle] + 4 or len(parts) == 3


@pytest.mark.parametrize("passes", [1, 2])
def test_only_the_last_window_of_a_segment_fades_into_the_anchor_frame(passes):
    """Of a segment of 20 frames those before its last window of 5 keep the dream that it begins with."""
    still = [scene(128, 160) / 2 + 16] * 60
    motion = MotionSettings(passes=passes, persistence=1.0)
    parts = divided(footage(still), length=20, longest=6)
    assert [(part.first, part.stop) for part in parts if part.ends_segment] == [(15, 20), (35, 40), (55, 60)]
    _, dreamed = run(still, motion=motion, dreaming=rising(2.0), length=20, longest=6)
    found = changes(dreamed, still)
    for first in (0, 20):
        begins, ends = found[first], found[first + 20]
        assert abs(ends - begins) > 10
        assert found[first : first + 15] == pytest.approx([begins] * 15, abs=0.15)
        shares = (np.array(found[first + 14 : first + 20]) - begins) / (ends - begins)
        left = np.arange(5, 0, -1)
        assert shares == pytest.approx([0, *1 - np.cumprod(1 - 2 / (left + 1))], abs=0.02)
    assert found[40:] == pytest.approx([found[40]] * 20, abs=0.15)


@pytest.mark.parametrize(
    ("segment", "frames"),
    [
        (Segment(0, 100, (0, 200)), 36), (Segment(0, 37, (0, 200)), 36), (Segment(0, 36, (0, 200)), 35),
        (Segment(10, 12, (0, 200)), 1), (Segment(10, 11, (0, 200)), 0), (Segment(100, 200, (0, 200)), 0),
    ],
)  # fmt: skip
def test_36_frames_fade_into_an_anchor_or_all_but_the_first_and_none_where_the_shot_ends(segment, frames):
    assert crossfade_length(segment) == frames


def test_in_one_pass_no_window_but_the_last_of_a_segment_is_dreamed_backwards():
    """Each segment of 40 frames has windows of 6 or 5; the last looks at the key, too."""
    _, items = yielded([scene(64, 80)] * 80, length=40, longest=6)
    assert [item is None for item in items] == [False] * 34 + [True] * 7 + [False] * 46


def test_ceilings_follow_the_reference_along_a_shot():
    """What is reached is brightness here, and the second half of the shot is brighter."""

    class Bright(Dreaming):
        def dream(self, image, **options):
            dreamed = super().dream(image, **options)
            return type(dreamed)(dreamed.pixels, (float(image.mean()),))

    pictures = [scene(64, 80) / 4 + level for level in [16] * 100 + [56] * 100]
    dreaming, _ = run(pictures, motion=replace(ONE_PASS, follow_steps=1), dreaming=Bright(0.0))
    held = [ceilings[0] / 3 for ceilings in dreaming.ceilings if ceilings]
    assert held[0] == pytest.approx(pictures[0].mean(), abs=1)
    assert held[-1] == pytest.approx(pictures[-1].mean(), abs=1)
    assert held[len(held) // 2] == pytest.approx((held[0] + held[-1]) / 2, abs=3)


def test_in_one_pass_only_the_frames_that_turn_into_a_key_are_dreamed_backwards():
    """Of 40 frames 36, and the key itself, which was dreamed before."""
    dreaming, items = yielded([scene(64, 80)] * 80, length=40)
    assert [item is None for item in items] == [True] * 37 + [False] * 80
    keys = 1 + 9 + 11
    assert len(dreaming.images) == 1 + keys + (36 * 2 // 3 + 40 - 1) + (40 - 1) + 1


@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES])
def test_no_dream_crosses_a_cut_of_divided_footage(motion):
    """Each dream from scratch is stronger than the last; each shot gets the same ones as without the other shot."""
    still = [scene(96, 128) / 2 + 16] * 24
    first, second = (Dreaming(from_nothing=lambda number, begun=begun: 5.0 * (begun + number + 1)) for begun in (0, 3))
    _, both = run(still, [12], motion, Dreaming(from_nothing=first.from_nothing), length=6)
    _, before = run(still[:12], (), motion, first, length=6)
    assert first.fresh in (2, 3)
    second.fresh = first.fresh - 3
    _, behind = run(still[12:], (), motion, second, length=6)
    assert changes(both, still) == changes(before, still[:12]) + changes(behind, still[12:])


@pytest.mark.parametrize("length", [35, "auto"])
def test_without_flow_a_divided_shot_is_dreamed_as_an_undivided_one(length):
    """It needs no keys, and none are made."""
    frames, motion, store = footage(pan(140, 32, 40)), MotionSettings(flow="none"), Box()
    parts = divided(frames, length=length)
    assert len(by_segment(parts)) > 1
    dreaming = restless(32, 40)
    expected = film(frames, divided(frames), motion, Box(), restless(32, 40))
    assert film(frames, parts, motion, store, dreaming, keys_of(parts)) == expected
    assert len(dreaming.images) == 140
    assert store.names == [frame_name(number) for number in range(140)]
    later = [film(frames, part, motion, Box(), restless(32, 40)) for part in by_segment(parts)]
    assert [frame for frames in later for frame in frames] == expected


@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES])
def test_segments_of_one_frame_are_its_keys(motion):
    frames, store = footage(pan(5, 64, 80)), Box()
    dreamed = film(frames, divided(frames, length=1), motion, store, restless())
    assert len(dreamed) == 5
    for number in range(1, 5):
        stored = store.kept[anchor_name(number)]
        assert dreamed[number] == FrameState.from_arrays(frames[number].pixels, stored).dream.tobytes()


# Interrupted and resumed.


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("count", "length", "stops"), [(15, "none", [5, 10, 15, 17]), (17, 8, [5, 11, 17, 19])])
@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES, MotionSettings(flow="none")])
def test_stopped_at_any_save_and_resumed_it_gives_the_same_bytes(motion, count, length, stops, after):
    """At most one dream is done again, but for a sketch between two keys and a key, which are stored once done."""
    frames = footage([*pan(count, 40, 48, step=(1.3, 0.4)), *pan(2, 40, 48, seed=1)])
    parts = divided(frames, [count], length, longest=6)
    assert [part.stop for part in parts] == stops
    whole, box = restless(40, 48), Box()
    expected = film(frames, parts, motion, box, whole)
    assert len(expected) == count + 2
    is_hardest = motion is TWO_PASSES and length == 8 and not after
    for stop in points_to_try(len(box.names), every=is_hardest):
        name, store = box.names[stop - 1], Box(stop, after=after)
        first, second = restless(40, 48), restless(40, 48)
        with pytest.raises(OSError, match="power cut"):
            film(frames, parts, motion, store, first)
        assert film(frames, parts, motion, store, second) == expected
        again = len(first.steps) + len(second.steps) - len(whole.steps)
        in_one = {"sketch-000011": 5, "sketch-000005": 3, "key-000011": 11, "key-000005": 11}.get(name, 1)
        assert again <= (0 if after else in_one)


@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES, MotionSettings(flow="none")])
def test_later_windows_go_on_from_the_last_frame_before_them_alone(motion):
    frames = footage(pan(26, 64, 80, step=(1.3, 0.4)))
    parts = divided(frames, longest=6)
    box = Box()
    expected = film(frames, parts, motion, box, restless())
    for later in (1, 2):
        store = Box()
        first = parts[later].first
        store.kept = {frame_name(first - 1): box.kept[frame_name(first - 1)]}
        assert film(frames, parts[later:], motion, store, restless()) == expected[first:]


def test_without_that_frame_it_does_not_go_on():
    frames = footage(pan(26, 64, 80))
    with pytest.raises(KeyError):
        film(frames, divided(frames, longest=6)[1:], ONE_PASS, Box(), restless())


def test_footage_that_became_shorter_is_an_error():
    frames = footage(pan(26, 64, 80))
    with pytest.raises(InputError, match="ends at frame 20, sooner than when it was looked through"):
        film(frames[:20], divided(frames, longest=6), ONE_PASS, Box(), restless())


@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES])
def test_footage_that_became_shorter_is_an_error_on_resume(motion):
    frames = footage(pan(26, 64, 80))
    with pytest.raises(InputError, match="ends at frame 7, sooner"):
        film(frames[:7], divided(frames, longest=6)[1:], motion, Box(), restless())


# Over many frames.


@pytest.mark.parametrize(
    ("color", "drift", "passes"), [("keep", 0, 1), ("keep", 0, 2), ("luma", 0, 2), ("free", 30, 1)]
)
def test_the_mean_color_is_kept_over_many_frames_unless_it_is_left_free(passes, color, drift):
    pictures = pan(200, 64, 80, step=(0.7, 0.3))
    warm = np.float32([1.5, 1.0, 0.5])
    dreaming = Dreaming(5 * warm, on=lambda image, size: warm)
    _, dreamed = run(pictures, (), MotionSettings(passes=passes), dreaming, DreamSettings(color=color))
    shift = np.array([(frame.pixels - picture).mean((0, 1)) for frame, picture in zip(dreamed, pictures, strict=True)])
    if drift:
        assert shift[-1, 0] > drift
        assert shift[-1, 0] > shift[-1, 2] + 5
    else:
        assert np.abs(shift).max() < 0.05


def test_the_mean_color_is_kept_in_frames_dreamed_alone_too():
    pictures = pan(2)
    for color, shift in (("keep", 0), ("free", 20)):
        _, dreamed = run(pictures, (), MotionSettings(flow="none"), dream=DreamSettings(steps=12, color=color))
        assert (dreamed[1].pixels - pictures[1]).mean() == pytest.approx(shift, abs=0.1)


@pytest.mark.parametrize("passes", [1, 2])
@pytest.mark.parametrize("growth", [0.12, 0.5], ids=["too weak", "too strong"])
def test_the_strength_of_the_dream_is_held(passes, growth):
    """A step adds a pattern by its size; how much of it there is, is the strength: 20 in a dream from scratch.

    At the step size that is set it would settle at 12, or at 50.
    """
    still = scene(64, 80) / 4 + 96
    pattern = np.sign(noise(64, 80)[..., :1] - 128).repeat(3, -1)

    def strength(image: np.ndarray) -> float:
        return max(float(((image - still) * pattern).mean()), 0.0)

    dreaming = Dreaming(20 * pattern, on=lambda image, size: growth * size * pattern, strength=strength)
    _, dreamed = run([still] * 300, (), MotionSettings(passes=passes, persistence=0.98), dreaming)
    for frame in dreamed[-40:]:
        assert strength(frame.pixels) == pytest.approx(1.07 * 20, rel=0.08)


# Left early.


@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES, MotionSettings(flow="none")])
@pytest.mark.parametrize("taken", [1, 150])
def test_left_early_it_closes_the_footage(motion, taken):
    opened, closed = [], []
    still = scene(64, 80)

    def endless(first):
        opened.append(first)
        try:
            for index in itertools.count(first):
                yield Frame(still, Fraction(index))
        finally:
            closed.append(first)

    dreamed = render_footage(
        endless,
        divide_into_windows(divide_into_segments(1000, ()), 64, 80),
        Dreaming(),
        unchanging(FROM_NOTHING, motion),
    )
    for _ in range(taken):
        next(dreamed)
    dreamed.close()
    assert sorted(closed) == sorted(opened) != []


@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES])
@pytest.mark.parametrize("fails_at", [0, 2])
def test_an_error_of_the_dreaming_comes_through(motion, fails_at):
    class Broken(Dreaming):
        def dream(self, *arguments, **options):
            if len(self.steps) == fails_at:
                raise MemoryError
            return super().dream(*arguments, **options)

    with pytest.raises(MemoryError):
        run(pan(3), motion=motion, dreaming=Broken())


# Settings that change.


def dreamed_by(look, pictures, *, cuts=(), length="none", dreaming=None, store=None):
    dreaming, frames = dreaming or Dreaming(), footage(pictures)
    items = render_footage(reader(frames), divided(frames, cuts, length), dreaming, look, store)
    return dreaming, [item for item in items if item is not None]


def flats(count):
    """Pictures by whose brightness a frame is known, however it has been dreamed."""
    return [np.full((64, 80, 3), 10 + 4.0 * number, np.float32) for number in range(count)]


@pytest.mark.parametrize("values", [{"flow": "none"}, {"passes": 1}, {"passes": 2}])
def test_each_frame_is_dreamed_with_the_settings_of_its_time_in_all_passes(values):
    settings = [
        Settings.of(step_size=1 + number / 10, layers=f"a=1,b={number}", follow_steps=number, color="free", **values)
        for number in range(40)
    ]
    measured = []
    dreaming = Dreaming(0.0)
    dreaming.strength = lambda image, settings: measured.append((image, settings)) or 0.0
    dreamed_by(settings.__getitem__, flats(40), dreaming=dreaming, length=20)
    seen = [*zip(dreaming.images, dreaming.looks, strict=True), *measured]
    shown = [settings[round((float(image.mean()) - 10) / 4)].dream for image, _ in seen]
    assert len(shown) > 39
    assert all(look is own for (_, look), own in zip(seen, shown, strict=True))


def test_steps_and_their_sizes_are_those_of_each_frame():
    settings = [
        Settings.of(follow_steps=number, follow_step_size=1 + number, young_step_size=1, passes=1, color="free")
        for number in range(9)
    ]
    dreaming, _ = dreamed_by(settings.__getitem__, pan(9, 64, 80), dreaming=Dreaming(0.0))
    assert dreaming.steps[-8:] == [1, 1, 2, 2, 3, 3, 4, 4]
    sizes = [(1 + number) * number / steps for number, steps in enumerate([1, 1, 2, 2, 3, 3, 4, 4], 1)]
    assert [float(size.max()) for size in dreaming.sizes[-8:]] == pytest.approx(sizes)


def test_the_share_that_is_carried_on_is_that_of_each_frame():
    settings = [Settings.of(persistence=0.5 if number == 2 else 1.0, passes=1, color="free") for number in range(4)]
    pictures = [np.full((64, 80, 3), 100, np.float32)] * 4
    _, dreamed = dreamed_by(settings.__getitem__, pictures)
    assert changes(dreamed, pictures) == [20, 20, 10, 10]


def test_color_is_kept_where_it_is_to_be_kept():
    settings = [Settings.of(flow="none", color="free" if number else "keep") for number in range(2)]
    pictures = [np.full((64, 80, 3), 100, np.float32)] * 2
    _, dreamed = dreamed_by(settings.__getitem__, pictures)
    assert changes(dreamed, pictures) == [0, 20]


def test_segments_of_a_film_that_changes_give_the_bytes_of_the_whole_in_any_order():
    settings = [Settings.of(step_size=1 + number / 10, persistence=1 - number / 100) for number in range(51)]
    frames = footage([*pan(48, 64, 80, step=(1.3, 0.4)), *pan(3, 64, 80, seed=1)])
    parts = divided(frames, [48], 16, longest=6)

    def bytes_of(parts, store, keys=()):
        dream = render_footage(reader(frames), parts, restless(), settings.__getitem__, store, keys)
        return [frame.pixels.tobytes() for frame in dream if frame is not None]

    expected = bytes_of(parts, Box())
    found, store = {}, Box()
    for index in (2, 0, 3, 1):
        found[index] = bytes_of(by_segment(parts)[index], store, keys_of(parts))
    assert [frame for index in sorted(found) for frame in found[index]] == expected


# Flow.


@pytest.fixture
def sought(monkeypatch) -> list[tuple[np.ndarray, np.ndarray]]:
    """The pairs of pictures between which flow is sought, in their order."""
    pairs: list[tuple[np.ndarray, np.ndarray]] = []
    flow_pair = FlowEstimator.flow_pair

    def seek(estimator: FlowEstimator, frame: np.ndarray, previous: np.ndarray) -> FlowPair:
        pairs.append((frame, previous))
        return flow_pair(estimator, frame, previous)

    monkeypatch.setattr(FlowEstimator, "flow_pair", seek)
    return pairs


@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES])
def test_flow_between_two_frames_is_sought_once_for_both_passes(motion, sought):
    pictures = pan(5)
    run(pictures, motion=motion)
    assert sorted(tuple(numbers(pair, pictures)) for pair in sought) == [(1, 0), (2, 1), (3, 2), (4, 3)]


def test_windows_share_the_flow_where_they_overlap(sought):
    run(pan(24), motion=TWO_PASSES, longest=6)
    assert len(sought) == 23
