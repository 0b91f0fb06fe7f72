"""Each frame is dreamed on from the one before it, along the motion, and from nothing where a shot begins.

A stand-in dreams here: it adds a pattern of its own to what it is given, and remembers that.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from pictures import footage, pan, scene

from framedream.media import Frame
from framedream.render.footage import dream_footage
from framedream.settings import DreamSettings, MotionSettings

FROM_NOTHING = DreamSettings(steps=12, step_size=2.5)
ON = MotionSettings(persistence=1.0, follow_steps=2, follow_step_size=0.7)
INNER = (slice(16, -16), slice(16, -16))


class Dreaming:
    """Adds a pattern where it dreams from nothing, and nothing where it dreams on."""

    def __init__(self, pattern: np.ndarray | float = 20.0) -> None:
        self.pattern = pattern
        self.images: list[np.ndarray] = []
        self.steps: list[int] = []
        self.sizes: list[np.ndarray] = []

    def __call__(self, image: np.ndarray, steps: int, step_size: float | np.ndarray) -> np.ndarray:
        self.images.append(image)
        self.steps.append(steps)
        self.sizes.append(np.broadcast_to(np.squeeze(step_size), image.shape[:2]))
        return np.clip(image + self.pattern, 0, 255).astype(np.float32) if steps == FROM_NOTHING.steps else image


def run(pictures, cuts=(), motion=ON, dreaming=None):
    dreaming = dreaming or Dreaming()
    return dreaming, list(dream_footage(footage(pictures), cuts, dreaming, FROM_NOTHING, motion))


def test_every_frame_comes_out_once_with_its_time_and_duration():
    frames = [Frame(scene(64, 80), Fraction(number, 7), Fraction(1, 7)) for number in (0, 1, 5, 6)]
    dreamed = list(dream_footage(frames, [], Dreaming(), FROM_NOTHING, ON))
    assert [(frame.time, frame.duration) for frame in dreamed] == [(frame.time, frame.duration) for frame in frames]
    assert all(frame.pixels.shape == (64, 80, 3) for frame in dreamed)


def test_only_the_first_frame_is_dreamed_from_nothing():
    dreaming, _ = run(pan(4))
    assert dreaming.steps == [12, 2, 2, 2]
    assert (dreaming.sizes[0] == 2.5).all()


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
    _, dreamed = run(pictures, motion=MotionSettings(flow=flow, persistence=1.0), dreaming=Dreaming(stripe))
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
    _, dreamed = run(still, motion=MotionSettings(persistence=0.5))
    for frame, share in zip(dreamed, (1, 0.5, 0.25), strict=True):
        assert (frame.pixels - still[0]).mean() == pytest.approx(20 * share, abs=0.2)


def test_without_persistence_nothing_is_carried():
    pictures = pan(3)
    dreaming, _ = run(pictures, motion=MotionSettings(persistence=0))
    assert np.abs(dreaming.images[2] - pictures[2]).max() < 1e-3


def test_what_comes_into_view_carries_no_dream_of_another_place():
    pictures = pan(2, 160, 256, step=(12.0, 0.0))
    dreaming, _ = run(pictures)
    seeded = dreaming.images[1] - pictures[1]
    assert np.abs(seeded[16:-16, -8:]).max() < 8
    assert seeded[16:-16, 16:-40].mean() == pytest.approx(20, abs=1)


def test_where_the_dream_is_old_steps_are_small_and_where_it_is_young_they_are_large():
    motion = MotionSettings(follow_step_size=0.7, young_step_size=5)
    dreaming, _ = run(pan(6, 160, 256, step=(12.0, 0.0)), motion=motion)
    old, new = (slice(16, -16), slice(16, -80)), (slice(16, -16), slice(-8, None))
    for sizes in dreaming.sizes[1:]:
        assert sizes[old] == pytest.approx(0.7, abs=0.05)
        assert sizes[new].mean() > 4
    last = dreaming.sizes[5][80]
    assert last[-8] > last[-20] > last[-32] > last[-44] > 0.7


def test_seeds_stay_between_0_and_255():
    dreaming, _ = run([scene(96, 128)] * 4, dreaming=Dreaming(300.0))
    assert max(image.max() for image in dreaming.images) <= 255


def test_one_frame_is_footage():
    dreaming, dreamed = run(pan(1))
    assert (dreaming.steps, len(dreamed)) == ([12], 1)


def test_left_early_it_closes_the_footage():
    closed = []

    def endless():
        try:
            index = 0
            while True:
                yield Frame(scene(64, 80), Fraction(index))
                index += 1
        finally:
            closed.append(True)

    dreamed = dream_footage(endless(), [], Dreaming(), FROM_NOTHING, ON)
    next(dreamed)
    dreamed.close()
    assert closed == [True]


def test_an_error_of_the_dreaming_comes_through():
    def broken(*_):
        raise MemoryError

    with pytest.raises(MemoryError):
        list(dream_footage(footage(pan(3)), [], broken, FROM_NOTHING, ON))
