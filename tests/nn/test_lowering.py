"""A network in fewer operations gives the same activations and the same gradient of the image."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import noise

from framedream.nn.network.loading import load_network
from framedream.nn.network.lowering import lower_network
from framedream.nn.network.strided_convolution import strided_image_convolution
from framedream.nn.network.trained_network import Network
from framedream.nn.runtime import keras, tf

UPSIDE_DOWN, MEAN = np.eye(3)[::-1] / 50, np.array([-2.0, -2.3, -1.9])
"""Preprocessing: from RGB levels to BGR around zero."""


def looked(outputs: list[tf.Tensor]) -> tf.Tensor:
    return tf.add_n([tf.reduce_mean(tf.square(output)) for output in outputs])


def seen(forward, picture: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Activations of a picture, and its gradient of their mean square."""

    def both(image: tf.Tensor) -> tuple[list[tf.Tensor], tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(image)
            outputs = forward(image)
            loss = looked(outputs)
        return outputs, tape.gradient(loss, image)

    outputs, gradient = tf.function(both, autograph=False)(tf.constant(picture[np.newaxis]))
    return [output.numpy() for output in outputs], gradient.numpy()


def by_keras(model: keras.Model):
    matrix, offset = tf.constant(UPSIDE_DOWN, tf.float32), tf.constant(MEAN, tf.float32)

    def forward(images: tf.Tensor) -> list[tf.Tensor]:
        outputs = model(images @ matrix + offset, training=False)
        return outputs if isinstance(outputs, list) else [outputs]

    return forward


def operations(forward) -> list[str]:
    graph = tf.function(forward, autograph=False).get_concrete_function(tf.TensorSpec([1, None, None, 3])).graph
    return [operation.type for operation in graph.get_operations()]


def network(*outputs: str) -> keras.Model:
    """Random weights, which only test the plumbing: everything that is lowered, and some that is not."""
    keras.utils.set_random_seed(1)
    layers = keras.layers
    start = keras.Input((None, None, 3))
    x = layers.ZeroPadding2D(3)(start)
    x = layers.Conv2D(16, 7, 2, bias_initializer="uniform", name="first")(x)
    x = layers.ReLU(name="first_relu")(x)
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool")(x)
    narrow = layers.Conv2D(8, 1, activation="relu", name="squeeze")(x)
    sides = [layers.Conv2D(32, size, padding="same", activation="relu", name=f"side{size}")(narrow) for size in (1, 3)]
    x = layers.Concatenate(name="both")(sides)
    x = layers.MaxPooling2D(2, name="second_pool")(x)
    x = layers.Conv2D(8, 3, use_bias=False, padding="same", name="after")(x)
    x = layers.Activation("elu", name="elu")(x)
    x = layers.Concatenate(name="wide")([x, layers.Conv2D(4, 1, name="branch")(x)])
    x = layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = layers.Conv2D(12, 3, 2, dilation_rate=1, activation="swish", name="last")(x) * 3.0 + 1.0
    x = layers.Activation("linear", name="end")(x)
    model = keras.Model(start, x)
    return keras.Model(start, [model.get_layer(name).output for name in outputs])


@pytest.mark.parametrize(
    "outputs", [("end",), ("first_relu", "both", "end"), ("pool", "first"), ("wide", "second_pool")]
)
@pytest.mark.parametrize("size", [(90, 101), (77, 96)])
def test_activations_and_gradients_are_those_that_keras_finds(outputs, size):
    model = network(*outputs)
    expected, slope = seen(by_keras(model), noise(*size))
    found, gradient = seen(lower_network(model, UPSIDE_DOWN, MEAN), noise(*size))
    for mine, theirs in zip(found, expected, strict=True):
        assert theirs.std() > 0
        assert np.abs(mine - theirs).max() <= 1e-4 * np.abs(theirs).max()
    assert np.abs(gradient - slope).max() <= 1e-3 * np.abs(slope).max()


def test_the_built_in_network_has_the_same_activations_and_gradients():
    network = load_network("squeezenet", ["fire5", "fire7"])
    plain = Network(network.name, network.layers, network.minimum_size, network.model, network.preprocess)
    (expected, slope), (found, gradient) = (seen(each.activations, noise(97, 130)) for each in (plain, network))
    for mine, theirs in zip(found, expected, strict=True):
        assert np.abs(mine - theirs).max() <= 1e-4 * np.abs(theirs).max()
    assert np.abs(gradient - slope).max() <= 1e-3 * np.abs(slope).max()


def test_channels_that_are_only_convolved_again_are_not_copied_together():
    assert operations(load_network("squeezenet", ["fire7"]).activations).count("ConcatV2") == 1
    assert operations(lower_network(network("after"), UPSIDE_DOWN, MEAN)).count("ConcatV2") == 0


def test_preprocessing_costs_one_addition():
    kinds = operations(load_network("squeezenet", ["fire2"]).activations)
    first = kinds.index("Conv2D")
    assert [kind for kind in kinds[:first] if kind not in ("Placeholder", "Const", "Identity", "Shape")] == ["AddV2"]


def test_a_relu_is_taken_behind_the_pool():
    kinds = operations(lower_network(network("pool"), UPSIDE_DOWN, MEAN))
    assert kinds.index("MaxPool") < kinds.index("Relu")


@pytest.mark.parametrize("side", [1, 3, 5, 7])
@pytest.mark.parametrize("size", [(20, 31), (21, 30), (9, 16)])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_the_gradient_behind_a_strided_convolution_is_the_usual_one(side, size, padding):
    random = np.random.default_rng(side)
    kernel, bias = random.normal(size=(side, side, 3, 5)).astype(np.float32), random.normal(size=5).astype(np.float32)
    expected, slope = seen(lambda images: [tf.nn.conv2d(images, kernel, 2, padding) + bias], noise(*size))
    found, gradient = seen(lambda images: [strided_image_convolution(images, kernel, bias, padding)], noise(*size))
    assert np.allclose(found[0], expected[0], rtol=1e-4, atol=1e-3)
    assert np.allclose(gradient, slope, rtol=1e-4, atol=1e-5 * np.abs(slope).max())


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_in_half_precision_the_network_sees_nearly_the_same(dtype):
    exact, rough = (load_network("squeezenet", ["fire7"], dtype=each) for each in ("float32", dtype))
    picture = noise(96, 128)
    (expected, slope), (found, gradient) = (seen(each.activations, picture) for each in (exact, rough))
    assert gradient.dtype == np.float32
    assert np.abs(found[0] - expected[0]).max() < 0.1 * expected[0].max()
    assert 0.9 < np.vdot(gradient, slope) / np.linalg.norm(gradient) / np.linalg.norm(slope) < 1 - 1e-6


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_other_layers_compute_in_half_precision_too(dtype):
    model, picture = network("end"), noise(90, 101)
    expected, slope = seen(by_keras(model), picture)
    forward = lower_network(model, UPSIDE_DOWN, MEAN, dtype)
    found, gradient = seen(forward, picture)
    assert np.abs(found[0] - expected[0]).max() < 0.1 * np.abs(expected[0]).max()
    assert np.vdot(gradient, slope) > 0.95 * np.linalg.norm(gradient) * np.linalg.norm(slope)
    assert model.get_layer("depthwise").compute_dtype == dtype


def test_a_gradient_beyond_the_range_of_float16_changes_nothing():
    start = keras.Input((None, None, 3))
    loud = keras.Model(start, keras.layers.Conv2D(4, 1, kernel_initializer="ones")(start))
    picture = np.full((8, 8, 3), 20.0, np.float32)
    picture[:, 4:] = 1.0
    _, gradient = seen(
        lambda images: [500 * output for output in lower_network(loud, np.eye(3), np.zeros(3), "float16")(images)],
        picture,
    )
    assert np.isfinite(gradient).all()
    assert (gradient[:, :, 4:] > 0).all()
    assert (gradient[:, :, :4] == 0).all()
