"""Anchor frames are dreamed before all others, from a small sketch carried from the middle of the shot to its ends."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest
from pictures import footage, pan, scene
from stand_ins import Box, Dreaming, reader, unchanging

from framedream.config.settings import DreamSettings, MotionSettings, Settings
from framedream.errors import InputError
from framedream.render.state_store import anchor_name, sketch_name
from framedream.render.video.anchors import AnchorRenderer
from framedream.render.video.frame_state import RenderState, load_reference
from framedream.render.video.step_schedule import schedule_steps
from framedream.render.video.strength_control import StrengthController, StrengthReference

FREE = DreamSettings(steps=12, color="free")
MOTION = MotionSettings(persistence=1.0, follow_steps=3, follow_step_size=0.7)
PACE = schedule_steps(3, 0, backwards=False)
"""Of a key that settles, as of frames that follow: 2 steps, each larger than one of 3."""
REFERENCE = StrengthReference(100.0, (10.0, 20.0))


@functools.cache
def panned():
    """A shot of 40 frames, made once, for formulas take their time."""
    return footage(pan(40, 128, 160))


def take(numbers, frames, dreaming, store, wanted=None, *, motion=MOTION, first=0, dream=FREE, read=None, **options):
    """Take keys of a shot, all of them if none are named."""
    look = unchanging(dream, motion)
    keys = AnchorRenderer(
        (first, len(frames)),
        list(numbers),
        read or reader(frames),
        dreaming,
        look,
        lambda number: REFERENCE,
        store,
        **options,
    )
    for number in wanted or numbers:
        keys.render(number)


def small(dreaming) -> list[np.ndarray]:
    """The images that were dreamed at half size, for a sketch of frames that are 128 high."""
    return [image for image in dreaming.images if len(image) == 64]


def dream_of(number, frames, store):
    return RenderState.from_arrays(frames[number].pixels, store.kept[anchor_name(number)])


def sketched_of(numbers, count, first=0, wanted=None, **options) -> list[int]:
    """Of which frames of a shot the sketch was dreamed, in that order."""
    frames = footage([np.full((32, 40, 3), number / 4, np.float32) for number in range(count)])
    dreaming = Dreaming(0.0)
    take(numbers, frames, dreaming, Box(), wanted, first=first, dream=DreamSettings(steps=99, color="free"), **options)
    sketching = [image for image, steps in zip(dreaming.images, dreaming.steps, strict=True) if steps != PACE.steps]
    return [round(float(image.mean()) * 4) for image in sketching]


def test_a_sketch_is_made_of_every_third_frame_at_half_size_from_the_middle_key_to_both_ends():
    """Of each key, and of frames evenly spread between two of them, or from the beginning on, as close as that."""
    pictures = [np.full((128, 160, 3), 2.0 * number, np.float32) for number in range(40)]
    dreaming = Dreaming(0.0)
    take([10, 20, 30], footage(pictures), dreaming, Box(), first=3)
    seen = [round(float(image.mean()) / 2) for image in small(dreaming)]
    run_up, backwards, forwards = [3, 6, 9, 11, 14, 17, 20], [18, 15, 12, 10], [22, 25, 28, 30]
    assert seen == run_up + backwards + forwards
    assert all(image.shape == (64, 80, 3) for image in small(dreaming))


@pytest.mark.parametrize(
    ("first", "begins"), [(0, 16), (15, 16), (16, 16), (17, 17), (30, 30), (39, 39)], ids=lambda value: str(value)
)
def test_a_sketch_begins_24_frames_before_the_middle_key_or_where_the_shot_does(first, begins):
    assert sketched_of([40], 50, first)[:1] == [begins]
    assert sketched_of([40], 50, first)[-1:] == [40]


def test_of_a_long_shot_no_more_is_read_than_24_frames_before_the_middle_key():
    """Earlier frames are not part of the sketch, however long the shot is."""
    frames, opened = footage([scene(32, 40)] * 110), []

    def read(first):
        opened.append(first)
        for number, frame in enumerate(frames[first:], first):
            assert number <= 100
            yield frame

    take([50, 80, 100], frames, Dreaming(), Box(), [80, 100], read=read)
    assert opened == [80 - 24, 80, 80, 100]


@pytest.mark.parametrize(
    ("numbers", "begins"), [([30], 30), ([30, 60], 60), ([30, 60, 90], 60), ([30, 60, 90, 120], 90)]
)
def test_the_middle_key_is_that_with_as_many_before_it_as_behind_it_or_one_more(numbers, begins):
    for wanted in numbers:
        assert sketched_of(numbers, 130, wanted=[wanted])[:10] == [
            begins + offset for offset in (-24, -21, -19, -16, -13, -11, -8, -5, -3, 0)
        ]


def test_between_keys_far_apart_no_more_frames_are_sketched_than_fit_the_memory():
    seen = sketched_of([30, 1020], 1030, wanted=[30], max_bytes=257 * 32 * 40 * 3 * 4)
    between = seen[seen.index(1020) : -1]  # The last is the key itself, at full size.
    assert between[0] == 1020
    assert between[-1] == 30
    assert len(between) == 257
    assert {before - after for before, after in itertools.pairwise(between)} == {3, 4}


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_keys_that_lie_close_are_sketched_from_one_to_the_next(length):
    numbers = list(range(length, 5 * length, length))
    seen = sketched_of(numbers, 5 * length, wanted=numbers[:1])
    assert seen[-1] == length
    assert {2 * length, 3 * length} <= set(seen)
    assert all(abs(after - before) <= 3 for before, after in itertools.pairwise(seen))


@pytest.mark.parametrize(
    ("size", "sketch"), [((256, 320), (128, 160)), ((128, 160), (64, 80)), ((96, 240), (64, 160)), ((48, 80), (48, 80))]
)
def test_a_sketch_is_no_smaller_than_it_may_be(size, sketch):
    dreaming = Dreaming(0.0)
    take([2], footage(pan(4, *size)), dreaming, Box())
    assert dreaming.images[0].shape[:2] == sketch


def test_a_sketch_takes_one_step_and_only_its_first_frame_is_dreamed_from_nothing():
    dreaming = Dreaming(0.0)
    take([8, 16], footage(pan(20, 128, 160)), dreaming, Box(), [8])
    assert dreaming.steps == [12] + [1] * 6 + [1] * 3 + [6] + [PACE.steps] * 10
    assert [sizes is None for sizes in dreaming.sizes] == [True] + [False] * 20


def test_a_key_settles_at_full_size_from_its_sketch():
    """The sketch dreams a pattern and the key adds some at each of its own dreams, eleven of them."""
    frames = footage([scene(128, 160)] * 20)
    dreaming = Dreaming(10.0, on=lambda image, size: 3.0 if len(image) == 128 else 0.0)
    store = Box()
    take([8], frames, dreaming, store)
    settled = [image for image in dreaming.images if len(image) == 128]
    changes = [float((image - frames[8].pixels).mean()) for image in settled]
    assert changes == pytest.approx([10 + 3 * number for number in range(11)], abs=0.1)
    state = dream_of(8, frames, store)
    assert (state.frame_state.dream - frames[8].pixels).mean() == pytest.approx(43, abs=0.1)
    assert (state.frame_state.age == 100).all()
    assert state.reference == REFERENCE


def test_a_key_loses_as_much_as_a_dream_that_is_carried():
    frames = footage([scene(128, 160)] * 20)
    store = Box()
    take([8], frames, Dreaming(20.0), store, motion=MotionSettings(persistence=0.9, follow_steps=3))
    kept = (dream_of(8, frames, store).frame_state.dream - frames[8].pixels).mean()
    assert kept == pytest.approx(20 * 0.9 ** (3 + 10), abs=0.2)


def test_the_strength_of_a_key_is_steered_towards_its_reference():
    """Dreams are too weak all along, so steps grow from one to the next."""
    dreaming = Dreaming(0.0, strength=lambda image: 50.0)
    store, frames = Box(), footage(pan(20, 128, 160))
    take([8], frames, dreaming, store)
    gains = [float(size.mean()) / (0.7 * PACE.size) for size in dreaming.sizes[-10:]]
    level = StrengthController()
    for gain in gains:
        level = level.update(50.0, REFERENCE)
        assert gain == pytest.approx(level.gain, rel=1e-5)
    assert dream_of(8, frames, store).controller == StrengthController()  # Frames that move begin with their own.
    assert dreaming.ceilings[-1] == level.ceilings(REFERENCE, PACE.ceiling)


def test_the_strength_of_a_sketch_is_steered_towards_that_of_its_first_frame():
    dreaming = Dreaming(0.0, strength=lambda image: 50.0)
    take([8], footage(pan(10, 128, 160)), dreaming, Box())
    sizes = [float(np.median(size)) for size in dreaming.sizes[1:3]]
    assert sizes == pytest.approx(
        [0.7, 0.7 * StrengthController().update(50.0, StrengthReference(50.0, ())).gain], rel=1e-4
    )


@pytest.mark.parametrize("key_number", [8, 16, 24])
def test_the_sketch_follows_the_motion_backwards_too(key_number):
    """A stripe is dreamed into the first frame only, and moves by 2 pixels a frame to the middle key.

    From there it is carried forwards to one key, and backwards to the other, where it lies as it lay on the way.
    """
    stripe = np.zeros((64, 80, 3), np.float32)
    stripe[:, 44:50] = 30
    frames, store = footage(pan(30, 128, 160, step=(2.0, 0.0))), Box()
    take([8, 16, 24], frames, Dreaming(stripe), store, [key_number])
    found = (dream_of(key_number, frames, store).frame_state.dream - frames[key_number].pixels).mean((0, 2))
    assert abs(np.average(np.arange(160), weights=np.clip(found, 0, None)) - (93.5 - 2 * key_number)) < 3
    assert found.max() > 15


def test_the_dream_of_a_key_is_that_of_its_own_frame():
    """What the sketch hands over is the change, not the small picture: the frame stays sharp.

    Of the sketch of 8, carried backwards, the left has come into view since, of that of 16 the right.
    """
    frames, store = footage(pan(20, 128, 160)), Box()
    take([8, 16], frames, Dreaming(20.0), store)
    for number in (8, 16):
        inner = (dream_of(number, frames, store).frame_state.dream - frames[number].pixels)[16:-16, 40:-56]
        assert np.abs(inner - 20).max() < 1.5


@pytest.mark.parametrize(
    ("number", "needed"),
    [(24, []), (16, [24]), (8, [24, 16]), (32, [24]), (39, [24, 32])],
    ids=lambda value: str(value),
)
def test_a_key_needs_the_sketches_from_the_middle_on_and_none_behind_it_nor_other_keys(number, needed):
    frames, store = panned(), Box()
    take([8, 16, 24, 32, 39], frames, Dreaming(), store, [number])
    assert store.names == [*map(sketch_name, [*needed, number]), anchor_name(number)]


@pytest.mark.parametrize("order", [[8, 16, 24], [24, 16, 8], [16, 8, 24]])
def test_each_sketch_and_each_key_is_made_once(order):
    """1 dream from scratch, 6 up to the middle key, 3 more for each of the others' sketches; 11 for each key."""
    frames, store, dreaming = panned(), Box(), Dreaming()
    for number in order * 2:
        take([8, 16, 24], frames, dreaming, store, [number])
    assert sorted(store.names) == sorted({*map(sketch_name, order), *map(anchor_name, order)})
    assert len(small(dreaming)) == 1 + 6 + 2 * 3
    assert len(dreaming.images) == 1 + 6 + 2 * 3 + 3 * 11


def restless() -> Dreaming:
    """Its dreams depend on what they start from, and its strength steers."""
    return Dreaming(
        25.0,
        on=lambda image, size: size * np.sin(image / 9) + 0.05 * (image[::-1] - image),
        strength=lambda image: float(image.std()),
    )


@pytest.mark.parametrize("order", [[24, 16, 8], [16, 24, 8], [24, 8, 16], [8, 24, 16]])
def test_keys_are_the_same_in_whatever_order_they_are_made(order):
    frames, store, other = panned(), Box(), Box()
    take([8, 16, 24], frames, restless(), store)
    for number in order:
        take([8, 16, 24], frames, restless(), other, [number])
    assert store.kept.keys() == other.kept.keys()
    for name, arrays in store.kept.items():
        assert all(np.array_equal(array, other.kept[name][part]) for part, array in arrays.items())


@pytest.mark.parametrize("lost", [[8], [16], [24], [8, 24]])
def test_what_is_missing_is_made_again_alike(lost):
    frames, store = panned(), Box()
    take([8, 16, 24], frames, restless(), store)
    again = Box()
    again.kept = {name: arrays for name, arrays in store.kept.items() if int(name.split("-")[1]) not in lost}
    take([8, 16, 24], frames, restless(), again)
    assert again.kept.keys() == store.kept.keys()
    assert len(again.names) == 2 * len(lost)
    for name in again.names:
        assert all(np.array_equal(array, store.kept[name][part]) for part, array in again.kept[name].items())


def test_a_key_that_is_stored_is_neither_dreamed_nor_read():
    frames, store = panned(), Box()
    take([8, 16], frames, restless(), store)
    store.kept = {anchor_name(16): store.kept[anchor_name(16)]}
    dreaming = restless()

    def unreadable(first):
        raise AssertionError(f"read from {first} on")

    take([8, 16], frames, dreaming, store, [16], read=unreadable)
    assert dreaming.images == []


def test_what_another_process_is_making_is_waited_for():
    """It asks for all three at once; each is there when its turn has come."""
    frames, other = panned(), Box()
    take([8, 16], frames, restless(), other)
    store, dreaming = Box(), restless()
    store.made = other.kept
    take([8, 16], frames, dreaming, store, [8])
    assert dreaming.images == []
    assert store.names == []
    assert {sketch_name(16), sketch_name(8), anchor_name(8)} <= store.kept.keys()


def test_color_is_kept_in_sketch_and_key():
    frames, warm = footage([scene(128, 160)] * 20), np.float32([30, 20, 10])
    dreaming, store = Dreaming(warm, on=lambda image, size: warm), Box()
    take([8], frames, dreaming, store, dream=DreamSettings(steps=12, color="keep"))
    sketch = [(image - small(dreaming)[0]).mean((0, 1)) for image in small(dreaming)]
    assert np.abs(sketch).max() < 0.1
    assert np.abs((dream_of(8, frames, store).frame_state.dream - frames[8].pixels).mean((0, 1))).max() < 0.1


@pytest.mark.parametrize("left", [0, 5, 8, 16])
def test_no_sketch_is_made_of_footage_that_became_shorter(left):
    frames, store = footage(pan(30, 64, 80)), Box()
    with pytest.raises(InputError, match=f"ends at frame {left}, sooner than when it was looked through"):
        take([8, 16], frames, Dreaming(), store, read=reader(frames[:left]))
    assert store.names == []


@pytest.mark.parametrize("left", [17, 24])
def test_the_sketch_of_footage_that_became_shorter_comes_as_far_as_there_are_frames(left):
    frames, store = footage(pan(30, 64, 80)), Box()
    with pytest.raises(InputError, match=f"ends at frame {left}, sooner than when it was looked through"):
        take([8, 16, 24], frames, Dreaming(), store, read=reader(frames[:left]))
    assert store.names == [sketch_name(16), sketch_name(8), anchor_name(8), anchor_name(16)]


@pytest.mark.parametrize("fails_at", [None, 4])
def test_what_is_read_is_closed(fails_at):
    opened, closed = [], []
    frames = footage(pan(30, 64, 80))

    class Broken(Dreaming):
        def dream(self, *arguments, **options):
            if len(self.images) == fails_at:
                raise MemoryError
            return super().dream(*arguments, **options)

    def read(first):
        opened.append(first)
        try:
            yield from frames[first:]
        finally:
            closed.append(first)

    if fails_at:
        with pytest.raises(MemoryError):
            take([8, 16], frames, Broken(), Box(), read=read)
    else:
        take([8, 16], frames, Broken(), Box(), read=read)
    assert closed == opened != []


# Where the settings change.


class Sized(Dreaming):
    """Its strength is as many times that of the picture as the size of a step from scratch says."""

    def __init__(self) -> None:
        super().__init__(0.0)
        self.strength = lambda image, settings: float(image.mean()) * settings.step_size


def test_key_and_sketch_are_dreamed_with_the_settings_of_their_time():
    frames = footage([np.full((128, 160, 3), 3.0 * number, np.float32) for number in range(40)])
    settings = [Settings.of(step_size=2 + number / 10, follow_steps=number + 20, color="free") for number in range(40)]
    dreaming, store = Sized(), Box()
    keys = AnchorRenderer(
        (0, 40), [30], reader(frames), dreaming, settings.__getitem__, lambda number: REFERENCE, store
    )
    keys.render(30)
    for image, look in zip(dreaming.images, dreaming.looks, strict=True):
        assert look is settings[round(float(image.mean()) / 3)].dream
    assert dreaming.steps[-1] == schedule_steps(50, 0, backwards=False).steps == 25
    assert settings[30].motion.follow_steps == 50


def test_what_a_sketch_is_to_reach_changes_as_that_of_the_frames_does():
    """Steps are twice as large from frame 20 on, and so is what dreams from scratch reach."""
    frames = footage([np.full((128, 160, 3), 100, np.float32)] * 40)
    settings = [Settings.of(step_size=2.0 if number < 20 else 4.0, color="free") for number in range(40)]
    dreaming, store = Sized(), Box()

    def reached(number: int) -> StrengthReference:
        return StrengthReference(3.0 * settings[number].dream.step_size, (1.0, settings[number].dream.step_size))

    keys = AnchorRenderer((0, 40), [10, 30], reader(frames), dreaming, settings.__getitem__, reached, store)
    keys.render(10)
    sketches = [load_reference(store.kept[sketch_name(number)]) for number in (30, 10)]
    assert [reference.strength for reference in sketches] == [400.0, 200.0]
    assert [reference.losses for reference in sketches] == [(1.0, 4.0), (1.0, 2.0)]
