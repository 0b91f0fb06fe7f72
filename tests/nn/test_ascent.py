"""Gradient ascent does what its formula says; objectives here are chosen so that gradients are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from pictures import noise

from framedream.nn.ascent.gradient_ascent import GradientAscent, gaussian_blur, gaussian_taps
from framedream.nn.runtime import tf

SIZE = (24, 32, 3)
PATTERN = np.random.default_rng(5).normal(0, 1, SIZE).astype(np.float32)
GREY = np.full(SIZE, 128, np.float32)


def linear(image: tf.Tensor) -> tf.Tensor:
    """Its gradient is the pattern, wherever the image is."""
    return tf.reduce_sum(image * PATTERN)


def nowhere(image: tf.Tensor) -> tf.Tensor:
    """Says of no place what it has."""
    return tf.zeros([1, 1, 1])


def squares(image: tf.Tensor) -> tf.Tensor:
    """What each place has of the mean square, at an eighth of the size."""
    return tf.reduce_mean(tf.nn.avg_pool2d(image[tf.newaxis] ** 2, 8, 8, "VALID")[0], -1, keepdims=True)


def mean_square(image: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(image**2)


def climb(
    image,
    objective=linear,
    *,
    steps=1,
    step_size=2.5,
    max_loss=np.inf,
    ceiling=0,
    octave=0,
    places=nowhere,
    **options,
):
    options = {"gradient": "mean", "smoothing": 0.0, "jitter": 0, "random_seed": 0} | options
    options["taps"] = tf.constant(gaussian_taps(options.pop("smoothing")))
    step_size = np.atleast_3d(np.asarray(step_size, np.float32))
    result = GradientAscent(lambda seen: (objective(seen), places(seen)), **options).climb(
        tf.constant(image), tf.constant(steps), tf.constant(step_size), tf.constant(np.float32(max_loss)),
        tf.constant(np.float32(ceiling)), tf.constant(octave),
    )  # fmt: skip
    return [part.numpy() for part in result]


def test_a_step_goes_along_the_gradient_divided_by_its_mean_magnitude():
    image, _, _ = climb(GREY)
    assert np.allclose(image - GREY, 2.5 * PATTERN / np.abs(PATTERN).mean(), atol=1e-3)
    assert np.abs(image - GREY).mean() == pytest.approx(2.5, rel=1e-4)


def test_a_step_can_be_divided_by_the_root_mean_square_instead():
    image, _, _ = climb(GREY, gradient="rms")
    assert np.sqrt(np.square(image - GREY).mean()) == pytest.approx(2.5, rel=1e-4)
    assert np.abs(image - GREY).mean() < 2.4


def test_the_size_of_the_objective_does_not_change_the_step():
    tiny, _, _ = climb(GREY, lambda image: 1e-6 * linear(image))
    assert np.allclose(tiny, climb(GREY)[0], atol=1e-3)


def test_the_objective_grows_with_every_step():
    losses = [climb(GREY, steps=steps)[1] for steps in range(1, 5)]
    assert losses == sorted(set(losses))


def test_no_steps_give_the_image_back():
    image, loss, taken = climb(noise(24, 32), steps=0)
    assert np.array_equal(image, noise(24, 32))
    assert (loss, taken) == (-np.inf, 0)


def test_levels_stay_between_0_and_255():
    image, _, _ = climb(noise(24, 32), steps=30, step_size=20)
    assert (image.min(), image.max()) == (0, 255)


def test_a_flat_objective_moves_nothing():
    image, _, taken = climb(GREY, lambda image: tf.reduce_sum(0 * image))
    assert np.array_equal(image, GREY)
    assert taken == 1


def test_the_ascent_stops_once_the_objective_is_above_its_bound():
    _, reached, _ = climb(GREY, steps=4)
    stopped, loss, taken = climb(GREY, steps=50, max_loss=reached - 1e-3)
    assert (taken, loss) == (3, reached)
    assert np.array_equal(stopped, climb(GREY, steps=3)[0])


def test_an_image_already_above_the_bound_is_left_alone():
    image, loss, taken = climb(GREY, steps=5, max_loss=linear(GREY) - 1)
    assert np.array_equal(image, GREY)
    assert (taken, loss) == (0, linear(GREY))


def test_an_image_just_below_the_bound_takes_a_step():
    assert climb(GREY, steps=1, max_loss=linear(GREY) + 1)[2] == 1


@pytest.mark.parametrize("jitter", [0, 7])
def test_a_map_says_pixel_by_pixel_how_far_a_step_goes(jitter):
    steps = np.zeros((24, 32, 1), np.float32)
    steps[:, 16:] = 3
    image, _, _ = climb(GREY, lambda image: tf.reduce_sum(image**2), steps=3, step_size=steps, jitter=jitter)
    assert np.array_equal(image[:, :16], GREY[:, :16])
    assert (image[:, 16:] > GREY[:, 16:]).all()


def test_jitter_shows_the_network_the_image_shifted_around_its_edges():
    seen = []

    def look(image: tf.Tensor) -> tf.Tensor:
        seen.append(image.numpy())
        return tf.reduce_sum(image)

    picture = noise(24, 32)
    climb(picture, look, steps=6, step_size=1e-9, jitter=5)
    shifts = []
    for image in seen:
        fits = [
            (y, x) for y in range(-5, 6) for x in range(-5, 6)
            if np.allclose(np.roll(picture, (y, x), (0, 1)), image, atol=1e-3)
        ]  # fmt: skip
        shifts += fits
    assert len(shifts) == 6
    assert len(set(shifts)) > 3


def test_a_gradient_seen_through_the_shift_is_put_back_in_place():
    """The gradient of this objective is the image itself, so every step only brightens what is there."""
    picture = 0.4 * noise(24, 32)
    image, _, _ = climb(picture, lambda image: tf.reduce_sum(image**2) / 2, jitter=9)
    assert np.allclose(image - picture, 2.5 * picture / picture.mean(), atol=1e-3)


def test_shifts_depend_on_seed_octave_and_step_and_on_nothing_else():
    options = {"jitter": 8, "steps": 3}
    first = climb(GREY, **options)[0]
    assert np.array_equal(first, climb(GREY, **options)[0])
    assert not np.array_equal(first, climb(GREY, random_seed=1, **options)[0])
    assert not np.array_equal(first, climb(GREY, octave=1, **options)[0])
    assert not np.array_equal(first, climb(GREY, **options | {"jitter": 0})[0])


@pytest.mark.parametrize("gradient", ["mean", "rms"])
def test_smoothing_blurs_the_gradient_and_not_the_length_of_the_step(gradient):
    image, _, _ = climb(GREY, smoothing=2.0, gradient=gradient)
    gaussian_blur = cv2.GaussianBlur(PATTERN, (0, 0), 2.0, borderType=cv2.BORDER_REFLECT)
    change = image - GREY
    assert np.corrcoef(change.ravel(), gaussian_blur.ravel())[0, 1] > 0.999
    length = np.abs(change).mean() if gradient == "mean" else np.sqrt(np.square(change).mean())
    assert length == pytest.approx(2.5, rel=1e-3)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 3.0])
def test_a_blur_is_gaussian_and_mirrored_at_the_borders(sigma):
    kernel = (2 * int(np.ceil(3 * sigma)) + 1,) * 2
    expected = cv2.GaussianBlur(noise(24, 32), kernel, sigma, borderType=cv2.BORDER_REFLECT)
    assert np.abs(gaussian_blur(tf.constant(noise(24, 32)), gaussian_taps(sigma)).numpy() - expected).max() < 1e-2


# Held under a ceiling.

HELD = {"objective": mean_square, "places": squares}


def parted(left: float, right: float, height: int = 96, width: int = 192) -> np.ndarray:
    """A picture that is one level on its left and another on its right."""
    picture = np.full((height, width, 3), left, np.float32)
    picture[:, width // 2 :] = right
    return picture


def test_without_a_ceiling_places_do_not_matter():
    assert np.abs(climb(GREY, steps=3)[0] - climb(GREY, steps=3, places=squares)[0]).max() < 1e-3


def test_an_objective_that_starts_below_its_ceiling_rises_to_it_and_stays():
    picture = np.full((64, 64, 3), 60, np.float32)
    losses = [climb(picture, **HELD, steps=steps, step_size=2, ceiling=100.0**2)[1] for steps in (5, 40, 90)]
    assert losses[0] < 85**2
    assert losses[1:] == pytest.approx([100.0**2] * 2, rel=0.05)
    assert climb(picture, **HELD, steps=110, step_size=2)[1] == 255**2


def test_an_objective_that_starts_above_its_ceiling_comes_back_down_to_it():
    picture = np.full((64, 64, 3), 150, np.float32)
    assert climb(picture, **HELD, steps=90, step_size=2, ceiling=100.0**2)[1] == pytest.approx(100.0**2, rel=0.05)


def test_each_place_is_held_by_its_own_objective():
    """The right is above the ceiling and the left below it, though not by its gradient."""
    change = climb(parted(40, 150), **HELD, ceiling=100.0**2)[0] - parted(40, 150)
    assert (change[:, :72] > 0.5).all()
    assert (change[:, 120:] < 0).all()


def test_steps_are_smaller_the_nearer_a_place_is_to_its_ceiling():
    changes = [
        (climb(picture, **HELD, ceiling=100.0**2)[0] - picture).mean()
        for picture in (np.full((64, 64, 3), level, np.float32) for level in (20, 85, 95, 100, 105, 200))
    ]
    assert changes == sorted(changes, reverse=True)
    assert changes[3] == pytest.approx(0, abs=0.01)
    assert 0 < -changes[5] < changes[0]


def test_held_weak_places_are_stepped_relatively_more_than_strong_ones():
    """The gradient is 1 on the left and 9 on the right; both are far below the ceiling."""
    slope = parted(1, 9)
    options = {"objective": lambda image: tf.reduce_sum(image * slope), "places": squares}
    picture = np.full(slope.shape, 50, np.float32)
    free, held = (climb(picture, **options, ceiling=ceiling)[0] - picture for ceiling in (0, 1e6))
    ratios = [change[:, 150:].mean() / change[:, :40].mean() for change in (free, held)]
    assert ratios[0] == pytest.approx(9, rel=0.01)
    assert 3 < ratios[1] < 6
    assert (held > 0).all()


@pytest.mark.parametrize("jitter", [0, 40])
def test_a_held_place_is_where_it_is_seen_through_the_shift(jitter):
    picture = parted(40, 150)
    change = climb(picture, **HELD, ceiling=100.0**2, jitter=jitter, random_seed=3)[0] - picture
    assert (change[:, 30:66] > 0.5).all()
    assert (change[:, 126:162] < 0).all()


def test_held_a_flat_objective_moves_nothing_and_its_end_is_finite():
    image, loss, _ = climb(GREY, lambda image: tf.reduce_sum(0 * image), places=squares, ceiling=5, steps=3)
    assert np.array_equal(image, GREY)
    assert loss == 0


def test_held_a_negative_objective_is_climbed_as_usual():
    """Weights of layers may be negative, and so may places be."""
    image, _, _ = climb(GREY, lambda image: -mean_square(image), places=lambda image: -squares(image), ceiling=5)
    assert np.isfinite(image).all()
    assert (image < GREY).all()
