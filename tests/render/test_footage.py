"""Each shot is dreamed backwards, then forwards, each frame on from its neighbour along the motion.

A stand-in dreams here: it adds a pattern of its own to what it is given, and remembers that.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from pictures import footage, noise, pan, scene
from stand_ins import Dreaming

from framedream.errors import InputError
from framedream.media import Frame
from framedream.render import windows as windows_module
from framedream.render.footage import dream_footage, first_needed
from framedream.render.store import finished
from framedream.render.windows import Window, windows
from framedream.settings import DreamSettings, MotionSettings

FROM_NOTHING = DreamSettings(steps=12, step_size=2.5, color="free")
ONE_PASS = MotionSettings(passes=1, persistence=1.0, follow_steps=2, follow_step_size=0.7)
TWO_PASSES = MotionSettings(passes=2, persistence=1.0, follow_steps=2, follow_step_size=0.7)
INNER = (slice(16, -16), slice(16, -16))


def yielded(pictures, cuts=(), motion=ONE_PASS, dreaming=None, dream=FROM_NOTHING, store=None):
    dreaming = dreaming or Dreaming(full=dream.steps)
    frames = footage(pictures)
    return dreaming, list(dream_footage(frames, divided(frames, cuts), dreaming, dream, motion, store))


def divided(frames, cuts=()) -> list[Window]:
    return windows(len(frames), cuts, *frames[0].pixels.shape[:2]) if frames else []


def run(*arguments, **options):
    """The stand-in, and the dreamed frames without what only says that something is done."""
    dreaming, items = yielded(*arguments, **options)
    return dreaming, [item for item in items if item is not None]


def numbers(images, pictures) -> list[int]:
    """Which of the pictures each image was made of."""
    return [int(np.argmin([np.abs(image - picture).mean() for picture in pictures])) for image in images]


def changes(dreamed, pictures) -> list[float]:
    """How far the inside of each dreamed frame was changed, all of it alike."""
    inside = [(frame.pixels - picture)[INNER] for frame, picture in zip(dreamed, pictures, strict=True)]
    assert max(np.ptp(change) for change in inside) < 0.5
    return [round(float(change.mean()), 1) for change in inside]


@pytest.fixture
def short_windows(monkeypatch):
    """Windows of 6 frames that look 8 ahead, so that a long shot is short."""
    monkeypatch.setattr(windows_module, "_LONGEST", 6)
    monkeypatch.setattr(windows_module, "_SHORTEST", 6)


# One pass.


@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES, MotionSettings(flow="none")])
def test_every_frame_comes_out_once_with_its_time_and_duration(motion):
    frames = [Frame(scene(64, 80), Fraction(number, 7), Fraction(1, 7)) for number in (0, 1, 5, 6)]
    dreamed = [
        frame for frame in dream_footage(frames, divided(frames), Dreaming(), FROM_NOTHING, motion) if frame is not None
    ]
    assert [(frame.time, frame.duration) for frame in dreamed] == [(frame.time, frame.duration) for frame in frames]
    assert all(frame.pixels.shape == (64, 80, 3) for frame in dreamed)


def test_in_one_pass_only_the_first_frame_is_dreamed_from_nothing():
    dreaming, items = yielded(pan(4))
    assert dreaming.steps == [12, 2, 2, 2]
    assert dreaming.sizes[0] is None
    assert None not in items


def test_a_frame_dreamed_from_nothing_is_given_as_it_is():
    pictures = pan(3)
    dreaming, _ = run(pictures, cuts=[2])
    assert np.array_equal(dreaming.images[0], pictures[0])
    assert np.array_equal(dreaming.images[2], pictures[2])


def test_behind_a_cut_the_dream_begins_anew():
    dreaming, dreamed = run([*pan(3), *pan(3, seed=1)], cuts=[3])
    assert dreaming.steps == [12, 2, 2, 12, 2, 2]
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
        assert np.median(sizes[old]) == pytest.approx(0.7, abs=0.05)
        assert sizes[new].mean() > 4
    last = np.median(dreaming.sizes[5][16:-16], axis=0)
    assert last[-8] > last[-20] > last[-32] > last[-44] > 0.7


def test_a_young_step_smaller_than_the_others_changes_nothing():
    dreaming, _ = run(pan(3, step=(6.0, 0.0)), motion=MotionSettings(passes=1, follow_step_size=2, young_step_size=1))
    assert all((sizes == 2).all() for sizes in dreaming.sizes[1:])


def test_every_frame_that_follows_is_held_and_none_that_is_dreamed_from_nothing():
    """Ceilings are what the first dream reached at each octave, three times."""
    dreaming, _ = run(pan(3))
    assert dreaming.ceilings == [None, [3, 6], [3, 6]]


def test_seeds_stay_between_0_and_255():
    dreaming, _ = run([scene(96, 128)] * 4, dreaming=Dreaming(300.0))
    assert max(image.max() for image in dreaming.images) <= 255


@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES])
def test_a_frame_to_which_nothing_can_be_carried_is_dreamed_from_nothing(motion):
    """Nobody told of the cuts between these pictures, and no flow can be found."""
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
    assert numbers(dreaming.images, pictures) == [3, 2, 1, 0, 1, 2, 3]
    assert dreaming.steps == [12, 1, 1, 1, 2, 2, 2]
    assert [item is None for item in items] == [True] * 4 + [False] * 4


@pytest.mark.parametrize(("steps", "half"), [(1, 1), (2, 1), (3, 2), (5, 3), (0, 0)])
def test_the_pass_backwards_takes_half_the_steps_rounded_up(steps, half):
    dreaming, _ = run(pan(2), motion=MotionSettings(follow_steps=steps))
    assert dreaming.steps == [12, half, steps]


def test_what_comes_into_view_carries_the_dream_of_the_pass_backwards():
    """Only the last frame is dreamed on; all that is in view in it is dreamed wherever it comes into view before."""
    pictures = pan(6, 160, 256, step=(12.0, 0.0))
    dreaming, dreamed = run(pictures, motion=TWO_PASSES)
    for image, picture in zip(dreaming.images[6:], pictures[1:], strict=True):
        assert (image - picture)[16:-16, -32:].mean() == pytest.approx(20, abs=1.5)
    assert (dreamed[0].pixels - pictures[0])[16:-16, 80:].mean() == pytest.approx(20, abs=1.5)


def test_what_was_dreamed_backwards_is_old_when_it_comes_into_view():
    motion = MotionSettings(follow_step_size=0.7, young_step_size=5)
    dreaming, _ = run(pan(6, 160, 256, step=(12.0, 0.0)), motion=motion)
    for sizes in dreaming.sizes[6:]:
        assert np.median(sizes[16:-16, -10:]) == pytest.approx(0.7, abs=0.1)


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
    [(1, 1, [12], 0), (2, 1, [12], 0), (1, 2, [12, 2], 0), (2, 2, [12, 1, 2], 2)],
)
def test_one_frame_and_two_frames_are_footage(passes, count, steps, backwards):
    pictures = pan(count)
    dreaming, items = yielded(pictures, motion=MotionSettings(passes=passes, persistence=1))
    assert dreaming.steps == steps
    assert items.count(None) == backwards
    assert changes([item for item in items if item], pictures) == [20] * count


@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES, MotionSettings(flow="none")])
def test_no_footage_is_no_film(motion):
    assert yielded([], motion=motion)[1] == []


def test_a_shot_of_single_frames_between_cuts_is_dreamed_frame_by_frame():
    dreaming, dreamed = run([scene(64, 80)] * 3, [1, 2], TWO_PASSES)
    assert dreaming.steps == [12] * 3
    assert len(dreamed) == 3


# Long shots.


def test_a_long_shot_is_dreamed_in_windows_that_look_ahead(short_windows):
    pictures = pan(20, 64, 80, step=(3.0, 1.0))
    dreaming, items = yielded(pictures, motion=TWO_PASSES, dreaming=Dreaming(0.0))
    backwards = [range(13, -1, -1), range(19, 5, -1)]
    expected = [*backwards[0], *range(1, 6), *backwards[1], *range(6, 20)]
    assert numbers(dreaming.images, pictures) == expected
    assert [item is None for item in items] == [True] * 14 + [False] * 6 + [True] * 14 + [False] * 14


@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES])
def test_at_the_border_of_a_window_the_dream_goes_on(short_windows, motion):
    """Each dream from nothing is stronger by 10; but for the shot's first, no such dream is delivered."""
    still = [scene(96, 128)] * 26
    dreaming, dreamed = run(still, motion=motion, dreaming=Dreaming(from_nothing=lambda number: 10.0 * (number + 1)))
    assert dreaming.fresh > 2
    assert changes(dreamed, still) == [10] * 26


def test_what_comes_into_view_behind_a_window_was_dreamed_within_it(short_windows):
    """The pan is as fast at the border between windows as elsewhere, and carries as much."""
    pictures = pan(20, 96, 128, step=(4.0, 0.0))
    _, dreamed = run(pictures, motion=TWO_PASSES)
    for number in range(1, 19):
        assert (dreamed[number].pixels - pictures[number])[16:-16, -16:].mean() == pytest.approx(20, abs=2.5)


def test_a_long_shot_is_judged_by_a_frame_of_middling_strength():
    """Strength is brightness here; the brightest and the darkest frames are not typical."""
    still = scene(64, 80)
    pictures = [factor * still for factor in (0.1, 0.9, 1, 0.3, 0.2, 0.7, 0.8)]
    dream = DreamSettings(steps=3, color="free")
    dreaming, _ = run(
        pictures, motion=TWO_PASSES, dream=dream, dreaming=Dreaming(full=3, strength=lambda image: float(image.mean()))
    )
    assert np.array_equal(dreaming.images[0], pictures[5])
    assert dreaming.steps[0] == 3


def test_where_another_frame_was_judged_the_last_one_is_dreamed_in_a_third_of_the_steps():
    pictures = pan(20, 64, 80)
    dreaming, _ = run(pictures, motion=TWO_PASSES, dream=DreamSettings(steps=9, color="free"), dreaming=Dreaming(0.0))
    assert numbers(dreaming.images[:2], pictures) == [9, 19]
    assert dreaming.steps[1] == 3


# Stopped and taken up again.


class Box:
    """A store in memory that breaks down at its n-th save, before or after the arrays are safe."""

    def __init__(self, fails_at: int | None = None, *, after: bool = False) -> None:
        self.kept: dict[str, dict[str, np.ndarray]] = {}
        self.fails_at, self.after = fails_at, after
        self.saves = 0

    def load(self, name):
        return {key: array.copy() for key, array in self.kept[name].items()} if name in self.kept else None

    def save(self, name, arrays):
        self.saves += 1
        fails = self.saves == self.fails_at
        if not fails or self.after:
            assert name not in self.kept
            self.kept[name] = {key: array.copy() for key, array in arrays.items()}
        if fails:
            raise OSError("power cut")


def restless():
    """Its dreams depend on all that came before, and its strength steers."""
    grain = noise(64, 80) - 128
    return Dreaming(
        grain / 9,
        on=lambda image, size: 0.3 * size * grain + 0.1 * (grain + 128 - image),
        strength=lambda image: float(image.std()),
    )


def film(frames, parts, motion, store, dreaming):
    dream = dream_footage(iter(frames), parts, dreaming, FROM_NOTHING, motion, store)
    return [frame.pixels.tobytes() for frame in dream if frame is not None]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES, MotionSettings(flow="none")])
def test_stopped_at_any_save_and_taken_up_again_it_gives_the_same_bytes(short_windows, motion, after):
    frames = footage([*pan(17, 64, 80, step=(1.3, 0.4)), *pan(3, 64, 80, seed=1)])
    parts = divided(frames, [17])
    assert [part.stop for part in parts] == [6, 17, 20]
    whole, box = restless(), Box()
    expected = film(frames, parts, motion, box, whole)
    assert len(expected) == 20
    for stop in range(1, box.saves + 1):
        store = Box(stop, after=after)
        first, second = restless(), restless()
        with pytest.raises(OSError, match="power cut"):
            film(frames, parts, motion, store, first)
        assert film(frames, parts, motion, store, second) == expected
        again = len(first.steps) + len(second.steps) - len(whole.steps)
        assert again <= (0 if after else 1)


@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES, MotionSettings(flow="none")])
def test_later_windows_go_on_from_the_last_frame_before_them_alone(short_windows, motion):
    frames = footage(pan(26, 64, 80, step=(1.3, 0.4)))
    parts = divided(frames)
    box = Box()
    expected = film(frames, parts, motion, box, restless())
    for later in (1, 2):
        store = Box()
        first = parts[later].first
        store.kept = {finished(first - 1): box.kept[finished(first - 1)]}
        rest = frames[first_needed(parts[later], motion) :]
        assert film(rest, parts[later:], motion, store, restless()) == expected[first:]


def test_without_that_frame_it_does_not_go_on(short_windows):
    frames = footage(pan(26, 64, 80))
    with pytest.raises(KeyError):
        film(frames[5:], divided(frames)[1:], ONE_PASS, Box(), restless())


def test_footage_that_became_shorter_is_told(short_windows):
    frames = footage(pan(26, 64, 80))
    with pytest.raises(InputError, match="ends at frame 20, sooner than when it was looked through"):
        film(frames[:20], divided(frames), ONE_PASS, Box(), restless())


# Over many frames.


@pytest.mark.parametrize("passes", [1, 2])
@pytest.mark.parametrize(("color", "drift"), [("keep", 0), ("luma", 0), ("free", 30)])
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
    """A step adds a pattern by its size; how much of it there is, is the strength: 20 in a dream from nothing.

    At the step size that is set it would settle at 12, or at 50.
    """
    still = scene(64, 80) / 4 + 96
    pattern = np.sign(noise(64, 80)[..., :1] - 128).repeat(3, -1)

    def strength(image: np.ndarray) -> float:
        return max(float(((image - still) * pattern).mean()), 0.0)

    dreaming = Dreaming(20 * pattern, on=lambda image, size: 2 * growth * size * pattern, strength=strength)
    _, dreamed = run([still] * 240, (), MotionSettings(passes=passes, persistence=0.98), dreaming)
    for frame in dreamed[-40:]:
        assert strength(frame.pixels) == pytest.approx(1.07 * 20, rel=0.08)


# Left early.


@pytest.mark.parametrize("motion", [ONE_PASS, TWO_PASSES, MotionSettings(flow="none")])
@pytest.mark.parametrize("taken", [1, 150])
def test_left_early_it_closes_the_footage(motion, taken):
    closed = []
    still = scene(64, 80)

    def endless():
        try:
            index = 0
            while True:
                yield Frame(still, Fraction(index))
                index += 1
        finally:
            closed.append(True)

    dreamed = dream_footage(endless(), windows(1000, (), 64, 80), Dreaming(), FROM_NOTHING, motion)
    for _ in range(taken):
        next(dreamed)
    dreamed.close()
    assert closed == [True]


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
