"""Pictures from nothing: waves, random views, and what they excite in the end."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import scene

from framedream.config.terms import CLASSES, find_class
from framedream.nn.network.loading import load_network
from framedream.nn.runtime import keras, tf
from framedream.nn.visualization.fourier_image import (
    enlarge_spectrum,
    frequency_weights,
    image_from_spectrum,
    spectral_noise,
)
from framedream.nn.visualization.redirected_relu import redirect_relus
from framedream.nn.visualization.visualizers import (
    WHOLE,
    FeatureVisualizer,
    PlainVisualizer,
    channel_objective,
    random_view,
)


@pytest.fixture(scope="module")
def fire5():
    return load_network("squeezenet", ["fire5"])


@pytest.fixture(scope="module")
def imaginer(fire5) -> FeatureVisualizer:
    return FeatureVisualizer(fire5, 0.03)


def drawn(waves: np.ndarray, height: int, width: int) -> np.ndarray:
    return image_from_spectrum(
        tf.constant(waves), tf.constant(frequency_weights(height, width)), tf.constant([height, width])
    ).numpy()


# Waves.


@pytest.mark.parametrize("size", [(32, 48), (33, 47), (64, 64)])
def test_waves_make_a_picture_of_their_size_in_levels(size):
    picture = drawn(spectral_noise(*size, seed=0), *size)
    assert picture.shape == (*size, 3)
    assert picture.min() >= 0
    assert picture.max() <= 255
    assert abs(picture.mean() - 127.5) < 20


def test_noise_comes_from_its_seed_alone():
    assert np.array_equal(spectral_noise(24, 32, 5), spectral_noise(24, 32, 5))
    assert not np.array_equal(spectral_noise(24, 32, 5), spectral_noise(24, 32, 6))


def test_long_waves_weigh_more_than_short_ones_in_both_directions():
    weights = frequency_weights(64, 64)
    assert weights[0, 1] == weights[1, 0] == weights.max()
    assert (np.diff(weights[0, 1:]) < 0).all()
    assert weights[3, 0] == pytest.approx(weights[-3, 0])


@pytest.mark.parametrize(("old", "new"), [((32, 48), (64, 96)), ((31, 45), (44, 64)), ((32, 32), (45, 45))])
def test_enlarged_waves_make_the_same_picture(old, new):
    rng = np.random.default_rng(1)
    waves = spectral_noise(*old, seed=1)
    # Of few waves, so that there is nothing beyond what the small picture can hold.
    waves[:, :, 6:-6] = waves[:, :, :, 6:] = 0
    waves *= rng.uniform(5, 20)
    small, large = drawn(waves, *old), drawn(enlarge_spectrum(waves, old, new), *new)
    # Both begin at the same corner: every place of the small one is looked up in the large one.
    rows, columns = np.arange(old[0]) * new[0] / old[0], np.arange(old[1]) * new[1] / old[1]
    near = large[np.rint(rows).astype(int) % new[0]][:, np.rint(columns).astype(int) % new[1]]
    assert small.std() > 5
    assert np.corrcoef(small.ravel(), near.ravel())[0, 1] > 0.97
    assert abs(small.std() - large.std()) < 0.1 * small.std()


def test_colors_are_those_of_photographs_light_differs_most():
    picture = drawn(spectral_noise(64, 64, seed=3), 64, 64)
    light, differences = picture.mean(-1).std(), (picture - picture.mean(-1, keepdims=True)).std()
    assert light > 2 * differences


# Views.


def test_views_differ_from_step_to_step_and_come_again_with_the_same_seed():
    picture = tf.constant(scene(64, 96))
    first, again, other = (random_view(picture, tf.constant([7, step])).numpy() for step in (0, 0, 1))
    assert np.array_equal(first, again)
    assert np.abs(first - other).mean() > 2
    assert first.shape == picture.shape


def test_views_are_shifted_turned_and_scaled_a_little_about_the_middle():
    picture = np.zeros((101, 101, 3), np.float32)
    picture[48:53, 48:53] = 255
    found = [random_view(tf.constant(picture), tf.constant([3, step])).numpy()[..., 0] for step in range(40)]
    rows, columns = np.mgrid[:101, :101]
    middles = np.array([[(view * rows).sum() / view.sum(), (view * columns).sum() / view.sum()] for view in found])
    assert (np.abs(middles - 50) <= 8.5).all()
    assert (middles.std(0) > 2).all()
    areas = np.array([view.sum() / 255 / 25 for view in found])
    assert 0.75 < areas.min() < 0.95
    assert 1.05 < areas.max() < 1.3


# What is excited.


def test_a_channel_counts_by_its_mean_a_neuron_alone_a_layer_by_its_mean_square():
    layer = tf.constant(np.random.default_rng(0).normal(size=(1, 5, 8, 3)), tf.float32)
    values = layer.numpy()
    assert float(channel_objective(layer, tf.constant(2), None)) == pytest.approx(values[..., 2].mean(), rel=1e-5)
    assert float(channel_objective(layer, tf.constant(1), (0.5, 0.99))) == pytest.approx(values[0, 4, 4, 1], rel=1e-5)
    assert float(channel_objective(layer, tf.constant(1), (1.0, 0.0))) == pytest.approx(values[0, 0, 7, 1], rel=1e-5)
    assert float(channel_objective(layer, tf.constant(WHOLE), None)) == pytest.approx(
        np.square(values).mean(), rel=1e-5
    )


def test_a_visualized_channel_is_excited_far_more_than_by_a_photograph(imaginer, fire5, samples):
    from framedream.media import read_image, resize

    found = imaginer.visualize(3, [(48, 48), (64, 64)], 32, seed=0)
    assert found.pixels.shape == (64, 64, 3)
    assert len(found.values) == 64
    photograph = resize(read_image(samples / "china.jpg"), 64, 64)
    means = [
        fire5.activations(tf.constant(picture[None]))[0].numpy().mean((0, 1, 2))
        for picture in (found.pixels, photograph)
    ]
    assert means[0][3] > 5 * means[1][3]
    assert np.argsort(means[1] - means[0])[0] == 3


def test_the_objective_grows_at_each_octave_and_progress_is_reported(imaginer):
    said = []
    found = imaginer.visualize(3, [(48, 48), (64, 64)], 20, 0, said.append)
    assert said == [16, 20, 36, 40]
    assert found.values[19] > 3 * found.values[0]
    assert found.values[39] > found.values[21]


def test_the_same_seed_gives_the_same_picture_another_one_another(imaginer):
    first, again, other = (imaginer.visualize(3, [(48, 48)], 8, seed).pixels for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert np.abs(first - other).mean() > 5


def test_steps_in_several_calls_are_the_same_as_in_one(imaginer, fire5):
    several = imaginer.visualize(3, [(48, 48)], 20, 0).pixels
    one = FeatureVisualizer(fire5, 0.03, steps_per_call=100).visualize(3, [(48, 48)], 20, 0).pixels
    assert np.abs(several - one).max() < 0.5


def test_a_neuron_is_excited_where_it_is(fire5):
    found = FeatureVisualizer(fire5, 0.03, place=(0.25, 0.5)).visualize(3, [(96, 96)], 24, seed=0).pixels
    change = np.abs(found - found.mean((0, 1))).mean(-1)
    assert change[36:60, 12:36].mean() > 2 * change[36:60, 66:90].mean()


def test_the_network_recognizes_a_visualized_class():
    network = load_network("squeezenet", [CLASSES])
    espresso = find_class("espresso")
    found = FeatureVisualizer(network, 0.05).visualize(espresso, [(96, 96)], 48, seed=0)
    logits = network.activations(tf.constant(found.pixels[None]))[0].numpy().mean((0, 1, 2))
    assert logits.argmax() == espresso


# Silent units.


def test_a_redirected_network_computes_the_same(fire5):
    image = tf.constant(scene(64, 64)[None])
    plain, other = fire5.model(image), redirect_relus(fire5.model)(image)
    assert np.array_equal(plain.numpy(), other.numpy())


def test_a_redirected_gradient_is_the_usual_one_wherever_there_is_one(fire5):
    image, copy = tf.constant(scene(64, 64)[None]), redirect_relus(fire5.model)
    gradients = []
    for model in (fire5.model, copy):
        with tf.GradientTape() as tape:
            tape.watch(image)
            value = tf.reduce_mean(tf.square(model(image)))
        gradients.append(tape.gradient(value, image).numpy())
    assert np.abs(gradients[0]).max() > 0
    assert np.allclose(*gradients, rtol=1e-4, atol=1e-4 * np.abs(gradients[0]).max())


@pytest.mark.parametrize("kind", ["activation", "layer"])
def test_a_silent_unit_is_pushed_up_and_not_down(kind):
    inputs = keras.Input((1,))
    x = keras.layers.Dense(1, activation="relu" if kind == "activation" else None, name="dense")(inputs)
    model = keras.Model(inputs, x if kind == "activation" else keras.layers.ReLU(name="relu")(x))
    model.get_layer("dense").set_weights([np.array([[2.0]]), np.array([-10.0])])
    copy, silent = redirect_relus(model), tf.constant([[1.0]])
    for sign, expected in ((1, 2.0), (-1, 0.0)):
        with tf.GradientTape() as tape:
            tape.watch(silent)
            value = sign * tf.reduce_sum(copy(silent))
        assert tape.gradient(value, silent).numpy().item() == expected
    with tf.GradientTape() as tape:
        tape.watch(silent)
        value = tf.reduce_sum(model(silent))
    assert tape.gradient(value, silent).numpy().item() == 0


def test_a_channel_that_is_silent_in_noise_can_be_visualized():
    network = load_network("squeezenet", ["fire7"])
    found = FeatureVisualizer(network, 0.03).visualize(2, [(128, 128)], 10, seed=0)
    assert found.values[0] == 0
    assert found.values[-1] > 5


# The class-room way.


def test_the_plain_way_is_that_of_the_exercise(fire5):
    """Against a restatement in a few lines."""
    found = PlainVisualizer(fire5, 0.02, 1e-5).visualize(3, (48, 64), 6, seed=4)
    image = np.random.default_rng(4).uniform(0, 1, (1, 48, 64, 3)).astype(np.float32)
    losses = []
    for _ in range(6):
        x = tf.constant(image)
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_mean(fire5.activations(x * 255)[0][..., 3])
        gradient = tape.gradient(loss, x).numpy()
        losses.append(float(loss))
        image = image + 0.02 * gradient / (np.sqrt(np.mean(gradient**2)) + 1e-5)
    assert np.allclose(found.values, losses, rtol=1e-3)
    assert np.abs(found.pixels - np.clip(image[0] * 255, 0, 255)).mean() < 0.5
    assert found.values[-1] > 5 * found.values[0]


def test_the_plain_way_ends_early_where_there_is_nothing_to_climb(fire5):
    maker = PlainVisualizer(fire5, 0.02, epsilon=1e6)
    said = []
    found = maker.visualize(3, (48, 48), 10, 0, said.append)
    assert len(found.values) == 1
    assert said == [1]
    noise = np.random.default_rng(0).uniform(0, 1, (48, 48, 3)).astype(np.float32)
    assert np.allclose(found.pixels, 255 * noise, atol=1e-3)
