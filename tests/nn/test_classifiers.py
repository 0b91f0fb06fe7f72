"""Classes are the logits of the network's own classifier, for images of any size."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from keras_files import save_weights
from pictures import noise

from framedream.config.model_registry import find_model
from framedream.config.terms import CLASSES, Term, find_class
from framedream.errors import WeightsError
from framedream.media import read_image, resize
from framedream.nn.ascent.objective import Objective
from framedream.nn.ascent.tiles import tiled_gradient
from framedream.nn.network.keras_applications import KerasApplication
from framedream.nn.network.loading import load_network
from framedream.nn.network.trained_network import Network, find_definition
from framedream.nn.runtime import keras, tf

KINDS = ["model.weights.h5", "model_weights_tf_dim_ordering_tf_kernels.h5"]
"""As Keras 3 saves, and in the layout in which Keras publishes."""


def test_the_built_in_network_classifies_a_photograph_of_a_stupa(samples):
    """Photographs of a Chinese temple, and of an astronaut's suit."""
    temple = resize(read_image(samples / "china.jpg")[:, 106:-107], 227, 227)
    logits = load_network("squeezenet", [CLASSES]).activations(temple[None])[0].numpy().mean((0, 1, 2))
    assert logits.argmax() == find_class("stupa")


def test_its_map_is_that_of_the_classifier_also_below_zero(samples):
    picture = resize(read_image(samples / "china.jpg"), 200, 140)
    classes, conv10 = load_network("squeezenet", [CLASSES, "conv10"]).activations(picture[None])
    assert np.allclose(np.maximum(classes, 0), conv10, atol=1e-4)
    assert (classes.numpy() < -1).mean() > 0.1


def test_a_file_of_the_built_in_network_has_its_classes(tmp_path):
    from importlib import resources

    with (resources.files("framedream.nn.network") / "pretrained" / "squeezenet_v1.1.npz").open("rb") as opened:
        arrays = dict(np.load(opened))
    arrays["conv10/bias"] = arrays["conv10/bias"] + 1
    np.savez(tmp_path / "more.npz", **arrays)
    picture = tf.constant(noise(64, 80)[None])
    plain, more = (load_network("squeezenet", [CLASSES], file) for file in (None, tmp_path / "more.npz"))
    difference = more.activations(picture)[0] - plain.activations(picture)[0]
    assert np.allclose(difference, 1, atol=1e-2)


def lively(model: keras.Model) -> keras.Model:
    """Random weights that keep the size of what passes through."""
    random = np.random.default_rng(0)
    model.set_weights(
        [
            random.normal(0, np.sqrt(2 / np.prod(array.shape[:-1])), array.shape) if array.ndim > 1 else array
            for array in model.get_weights()
        ]
    )
    return model


@pytest.fixture(scope="module")
def with_top():
    """Makes networks of Keras with their classifier and random weights: that matters for the plumbing alone."""

    @functools.cache
    def make(name: str) -> keras.Model:
        return lively(KerasApplication(find_model(name)).build_with_classifier())

    return make


@pytest.mark.parametrize(
    ("name", "kind"),
    [("mobilenet_v2", KINDS[1]), pytest.param("mobilenet_v3_small", KINDS[0], marks=pytest.mark.full)],
)
def test_networks_of_keras_have_their_own_logits(with_top, tmp_path, name, kind):
    full = with_top(name)
    network = load_network(name, [find_model(name).default_layers, CLASSES], save_weights(full, tmp_path / kind))
    picture = tf.constant(noise(224, 224)[None])
    own = np.asarray(full(network.preprocess(picture), training=False))[0]
    found = network.activations(picture)[1].numpy()
    assert found.shape == (1, 1, 1, 1000)
    assert np.abs(found[0, 0, 0] - own).max() < 1e-3 * own.std()
    assert network.activations(noise(101, 83)[None])[1].shape == (1, 1, 1, 1000)


def small_vgg() -> keras.Model:
    """As VGG16 ends, on a narrow trunk: dense layers over a flattened map."""
    layers = keras.layers
    image = keras.Input((224, 224, 3))
    x = layers.Conv2D(4, 3, 16, padding="same", activation="relu")(image)
    x = layers.Flatten()(layers.MaxPooling2D(2)(x))
    for units in (6, 5):
        x = layers.Dense(units, activation="relu")(x)
    return lively(keras.Model(image, layers.Dense(1000, name="predictions")(x)))


@pytest.mark.parametrize("kind", KINDS)
def test_dense_layers_over_a_map_become_convolutions(tmp_path, monkeypatch, kind):
    """A network as VGG16 is, but small, since its own classifier fills half a gigabyte."""
    full = small_vgg()
    monkeypatch.setattr(keras.applications, "VGG16", lambda **options: small_vgg())
    network = load_network("vgg16", [CLASSES], save_weights(full, tmp_path / kind))
    picture = tf.constant(noise(224, 224)[None])
    own = np.asarray(full(network.preprocess(picture), training=False))[0]
    assert np.abs(network.activations(picture)[0].numpy()[0, 0, 0] - own).max() < 1e-3 * own.std()
    assert 193 <= network.minimum_size <= 224
    assert network.activations(noise(320, 256)[None])[0].shape == (1, 4, 2, 1000)


def test_weights_without_the_classifier_are_refused_in_a_line(tmp_path):
    """Random weights."""
    model = find_definition("mobilenet").build()
    message = r"has no classifier, which a class needs; give weights of mobilenet that include it$"
    for kind in KINDS:
        with pytest.raises(WeightsError, match=message):
            load_network("mobilenet", [CLASSES], save_weights(model, tmp_path / kind))


def test_missing_weights_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="no such weights file"):
        load_network("mobilenet_v2", [CLASSES], tmp_path / "gone.h5")


def small_convnext(include_top: bool = True, **_) -> keras.Model:
    """As ConvNeXt begins and ends: a stem that is a network of its own, and a norm behind the pool."""
    layers = keras.layers
    image = keras.Input((224, 224, 3) if include_top else (None, None, 3))
    x = keras.Sequential([layers.Conv2D(8, 4, 4), layers.LayerNormalization()], name="stem")(image)
    x = layers.Activation("gelu", name="convnext_tiny_stage_0_block_0_identity")(x)
    if not include_top:
        return keras.Model(image, layers.LayerNormalization()(x))
    x = layers.LayerNormalization()(layers.GlobalAveragePooling2D()(x))
    return lively(keras.Model(image, layers.Dense(1000)(x)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_stem_that_is_a_network_of_its_own_is_opened_to_any_size(tmp_path, monkeypatch, kind):
    full = small_convnext()
    monkeypatch.setattr(keras.applications, "ConvNeXtTiny", lambda **options: small_convnext(**options))
    file = save_weights(full, tmp_path / kind)
    network = load_network("convnext_tiny", [CLASSES], file)
    picture = tf.constant(noise(224, 224)[None])
    own = np.asarray(full(network.preprocess(picture), training=False))[0]
    assert network.minimum_size == 4
    assert np.abs(network.activations(picture)[0].numpy()[0, 0, 0] - own).max() < 1e-3 * own.std()
    assert network.activations(noise(70, 64)[None])[0].shape == (1, 1, 1, 1000)
    plain = load_network("convnext_tiny", ["convnext_tiny_stage_0_block_0_identity"], file)
    assert np.array_equal(plain.model.layers[1].get_weights()[0], full.layers[1].get_weights()[0])


@pytest.mark.full
def test_a_convnext_says_how_small_a_picture_it_takes_and_may_be_cut_from_its_classifier(with_top, tmp_path):
    """Its stem is a network of its own, which keeps the size it was built for. Random weights."""
    file = save_weights(with_top("convnext_tiny"), tmp_path / KINDS[1])
    network = load_network("convnext_tiny", [CLASSES], file)
    assert network.minimum_size < 64
    assert network.activations(noise(70, 64)[None])[0].shape == (1, 1, 1, 1000)
    assert load_network("convnext_tiny", ["convnext_tiny_stage_0_block_0_identity"], file).minimum_size < 64


def test_tiles_of_unequal_surroundings_are_drawn_to_a_class_of_the_whole_alike():
    """Of a corner less is seen at once. The classifier here is linear, so each pixel should count the same."""
    weights = tf.constant(noise(1, 1)[0])

    def classify(images, training):
        return tf.reshape(tf.reduce_mean(images @ weights[..., None], (1, 2, 3)), [1, 1, 1, 1])

    mean = Network("mean", (CLASSES,), 1, classify, lambda images: images)
    objective = Objective(mean, [Term(CLASSES, (0,))], tf.constant([1.0]))
    gradient = tiled_gradient(objective.with_places, tf.constant(noise(640, 640)), tf.constant(128))[2].numpy()
    assert np.allclose(gradient, gradient[320, 320], rtol=1e-3)
