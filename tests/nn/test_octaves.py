"""Octaves go from small to large, as many as fit, and put the picture's lost detail back."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import noise, scene

from framedream.errors import InputError
from framedream.nn.ascent.gradient_ascent import GradientAscent
from framedream.nn.ascent.octaves import OctaveAscent, octave_sizes
from framedream.nn.runtime import tf


def sizes(height: int, width: int, octaves="auto", scale: float = 1.4, minimum: int = 29):
    return octave_sizes(height, width, octaves=octaves, scale=scale, minimum=minimum)


@pytest.mark.parametrize(
    ("height", "width", "count"),
    [(240, 426, 4), (360, 640, 5), (720, 1280, 7), (1080, 1920, 8), (2160, 3840, 10), (64, 48, 1), (1920, 1080, 8)],
)
def test_auto_takes_as_many_as_bring_the_smaller_side_near_100(height, width, count):
    found = sizes(height, width)
    assert len(found) == count
    assert found[-1] == (height, width)
    assert min(height, width) < 100 or 100 / 1.4**0.5 <= min(found[0]) <= 100 * 1.4**0.5


def test_each_octave_is_larger_than_the_one_before_by_the_scale():
    assert sizes(280, 392, octaves=3) == [(143, 200), (200, 280), (280, 392)]


def test_the_whole_frame_is_the_last_octave_however_many_there_are():
    for octaves in range(1, 12):
        assert sizes(361, 641, octaves)[-1] == (361, 641)


def test_octaves_below_what_the_network_takes_are_dropped():
    assert sizes(96, 128, octaves=8) == sizes(96, 128, octaves=4)
    assert min(sizes(96, 128, octaves=8)[0]) == 35


def test_a_frame_as_small_as_the_network_takes_has_one_octave():
    assert sizes(29, 60, octaves=4) == [(29, 60)]


def test_a_frame_that_is_too_small_says_what_to_do():
    with pytest.raises(InputError, match="60x28 is too small for these layers, which need 29 pixels; enlarge"):
        sizes(28, 60)


def dream(image, octaves, *, steps=2, step_size=2.5, objective=None, max_loss=np.inf, jitter=0, ceilings=None):
    """The core with a simple objective, for which the mean of a picture's squares stands."""
    climbed = objective or (lambda seen: tf.reduce_mean(seen**2))
    ascent = GradientAscent(
        lambda seen: (climbed(seen), tf.reduce_mean(seen**2, -1, keepdims=True)), "mean", tf.ones([1]), jitter, 0
    )  # fmt: skip
    result = OctaveAscent(ascent).dream(
        tf.constant(image), tf.constant(octaves), tf.constant(steps),
        tf.constant(np.atleast_3d(np.float32(step_size))), tf.constant(np.float32(max_loss)),
        tf.constant(np.float32(ceilings or [0] * len(octaves))),
    )  # fmt: skip
    return [part.numpy() for part in result]


@pytest.mark.parametrize("picture", [noise(96, 128), scene(96, 128)])
def test_without_steps_all_octaves_together_change_nothing(picture):
    pixels, losses, taken = dream(picture, sizes(96, 128, 4), steps=0)
    assert np.abs(pixels - picture).max() < 1e-3
    assert (losses.tolist(), taken.tolist()) == ([-np.inf] * 4, [0] * 4)


def test_the_network_sees_the_sizes_in_their_order():
    seen = []

    def look(image: tf.Tensor) -> tf.Tensor:
        seen.append(tuple(image.shape[:2]))
        return tf.reduce_mean(image)

    dream(noise(96, 128), sizes(96, 128, 3), steps=2, objective=look)
    assert seen == [(49, 65), (49, 65), (69, 91), (69, 91), (96, 128), (96, 128)]


def test_the_dream_of_a_small_octave_is_enlarged_into_the_next():
    """Only the smallest octave climbs: at the others the map of step sizes is 0."""
    picture = scene(96, 128)

    def only_small(image: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(image) * float(image.shape[0] < 60)

    pixels, _, _ = dream(picture, [(48, 64), (96, 128)], steps=4, objective=only_small)
    assert np.abs(pixels - picture - 10).max() < 0.1


def test_fine_detail_of_the_picture_survives_the_octaves():
    """What is left of the finest detail: the dream's share of it, by regression on the picture's own."""
    picture = noise(96, 128)
    pixels, _, _ = dream(
        picture, sizes(96, 128, 4), steps=3, step_size=1.0, objective=lambda seen: tf.reduce_mean(seen)
    )
    fine, kept = (image[1:, 1:] - image[1:, :-1] - image[:-1, 1:] + image[:-1, :-1] for image in (picture, pixels))
    assert (fine * kept).sum() / (fine * fine).sum() > 0.98


def test_every_octave_reports_its_last_objective_and_its_steps():
    pixels, losses, taken = dream(scene(96, 128), sizes(96, 128, 3), steps=3)
    assert taken.tolist() == [3, 3, 3]
    assert losses.shape == (3,)
    assert losses[-1] < np.square(pixels).mean()


def test_each_octave_stops_at_the_bound_on_its_own():
    picture = np.full((96, 128, 3), 100, np.float32)
    _, losses, taken = dream(picture, sizes(96, 128, 2), steps=50, step_size=1, max_loss=103.5**2)
    assert taken.tolist() == [4, 0]
    assert losses == pytest.approx([104**2, 104**2], rel=1e-3)


def test_a_map_of_step_sizes_is_brought_to_each_octave():
    steps = np.zeros((96, 128, 1), np.float32)
    steps[:, 64:] = 2
    picture = np.full((96, 128, 3), 100, np.float32)
    pixels, _, _ = dream(picture, sizes(96, 128, 3), steps=2, step_size=steps)
    assert np.abs(pixels[:, :48] - 100).max() < 0.1
    assert (pixels[:, 80:] > 105).all()


@pytest.mark.parametrize("held", [0, 1, 2])
def test_a_ceiling_holds_its_own_octave_and_no_other(held):
    """Smaller octaves do not know of it, and larger ones climb as far as ever from what is left to them."""
    picture = np.full((96, 128, 3), 100, np.float32)
    ceilings = [100.0**2 if octave == held else 0 for octave in range(3)]
    free = dream(picture, sizes(96, 128, 3), steps=3, step_size=5)[1] ** 0.5
    bound = dream(picture, sizes(96, 128, 3), steps=3, step_size=5, ceilings=ceilings)[1] ** 0.5
    assert free == pytest.approx([110, 125, 140], abs=0.1)
    assert bound[:held] == pytest.approx(free[:held])
    assert bound[held] < free[held] - 3
    assert np.diff(bound)[held + 1 :] == pytest.approx(15, abs=0.1)


def test_ceilings_of_zero_are_bit_for_bit_no_ceilings():
    picture = noise(96, 128)
    one, other = (dream(picture, sizes(96, 128, 3), ceilings=ceilings, jitter=4)[0] for ceilings in (None, [0, 0, 0]))
    assert np.array_equal(one, other)
    held = dream(picture, sizes(96, 128, 3), ceilings=[1e9, 0, 0], jitter=4)[0]
    assert not np.array_equal(one, held)
