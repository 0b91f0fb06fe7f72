"""Folding batch norms into convolutions changes no output."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from pictures import noise

from framedream.nn.network.batch_norm_folding import fold_batch_norms
from framedream.nn.network.trained_network import find_definition
from framedream.nn.runtime import keras


@functools.cache
def build(name: str) -> keras.Model:
    """A network with random weights whose batch norms have statistics as if it had learned."""
    whole = find_definition(name).build()
    random = np.random.default_rng(0)
    for layer in whole.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            ranges = {"gamma": (0.5, 1.5), "beta": (-0.5, 0.5), "moving_mean": (-0.5, 0.5), "moving_variance": (0.5, 2)}
            layer.set_weights([random.uniform(*ranges[weight.name], weight.shape) for weight in layer.weights])
    return whole


def cut(name: str, *layers: str) -> keras.Model:
    """A network up to some of its layers."""
    whole = build(name)
    return keras.Model(whole.input, [whole.get_layer(layer).output for layer in layers])


def norms(model: keras.Model) -> int:
    return sum(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers)


def outputs(model: keras.Model) -> list[np.ndarray]:
    found = model(noise(96, 112)[None] / 127.5 - 1, training=False)
    return [np.asarray(item) for item in (found if isinstance(found, list) else [found])]


def assert_same(model: keras.Model, folded: keras.Model) -> None:
    for before, after in zip(outputs(model), outputs(folded), strict=True):
        assert before.std() > 0
        assert np.abs(after - before).max() <= 1e-4 * np.abs(before).max()


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("inception_v3", "mixed2"),
        ("mobilenet", "conv_pw_8_relu"),
        pytest.param("xception", "block3_sepconv2_bn", marks=pytest.mark.full),
    ],
)
def test_networks_whose_norms_follow_convolutions_are_folded_whole(name, layer):
    model = cut(name, layer)
    folded = fold_batch_norms(model, keep=[layer])
    assert norms(model) > 0
    assert norms(folded) == 0
    assert_same(model, folded)


def test_norms_that_follow_something_else_stay():
    model = cut("densenet121", "conv3_block4_concat")
    folded = fold_batch_norms(model, keep=["conv3_block4_concat"])
    assert 0 < norms(folded) < norms(model)
    assert_same(model, folded)


def test_a_convolution_whose_own_output_is_wanted_is_not_changed():
    model = cut("inception_v3", "conv2d_3", "mixed0")
    folded = fold_batch_norms(model, keep=["conv2d_3", "mixed0"])
    assert norms(folded) == 1
    assert_same(model, folded)


def test_a_folded_norm_that_is_wanted_gives_its_own_output():
    model = cut("mobilenet", "conv_pw_3_bn", "conv_pw_4_relu")
    assert_same(model, fold_batch_norms(model, keep=["conv_pw_3_bn", "conv_pw_4_relu"]))


def small(*layers: keras.layers.Layer) -> keras.Model:
    """Layers one after the other, with random weights everywhere."""
    inputs = x = keras.Input((None, None, 3))
    for layer in layers:
        x = layer(x)
    model = keras.Model(inputs, x)
    random = np.random.default_rng(0)
    model.set_weights([random.uniform(0.2, 1.2, weight.shape) for weight in model.weights])
    return model


@pytest.mark.parametrize(
    "convolution",
    [
        keras.layers.Conv2D(4, 3, use_bias=True),
        keras.layers.Conv2D(6, 3, groups=3, use_bias=False),
        keras.layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=True),
        keras.layers.SeparableConv2D(4, 3, depth_multiplier=2, use_bias=False),
        keras.layers.Conv2D(4, 3, strides=2, padding="same", dilation_rate=1),
    ],
    ids=["bias", "groups", "depthwise", "separable", "strides"],
)
@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}], ids=["all", "no scale", "no center"])
def test_every_kind_of_convolution_and_norm_folds_exactly(convolution, options):
    layer = type(convolution).from_config(convolution.get_config())
    model = small(layer, keras.layers.BatchNormalization(**options))
    folded = fold_batch_norms(model)
    assert norms(folded) == 0
    assert_same(model, folded)


@pytest.mark.parametrize(
    "layers",
    [
        [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.BatchNormalization()],
        [keras.layers.Conv2D(4, 3), keras.layers.ReLU(), keras.layers.BatchNormalization()],
        [keras.layers.BatchNormalization(), keras.layers.Conv2D(4, 3)],
    ],
    ids=["own activation", "activation between", "norm first"],
)
def test_where_it_would_not_be_exact_nothing_is_folded(layers):
    model = small(*[type(layer).from_config(layer.get_config()) for layer in layers])
    assert fold_batch_norms(model) is model


def test_a_convolution_with_a_second_use_is_not_folded():
    inputs = keras.Input((None, None, 3))
    shared = keras.layers.Conv2D(3, 3, padding="same")(inputs)
    model = keras.Model(inputs, keras.layers.Add()([shared, keras.layers.BatchNormalization()(shared)]))
    assert fold_batch_norms(model) is model
