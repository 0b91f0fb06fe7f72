"""Folds batch normalization into the convolution before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import numpy as np

from framedream.nn.network.graph import input_layers
from framedream.nn.runtime import keras

_FOLDABLE = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)


class _Identity(keras.layers.Layer):  # type: ignore[misc]
    """Takes the place of a folded batch norm, and is called like one."""

    def call(self, inputs: keras.KerasTensor, training: bool | None = None, mask: None = None) -> keras.KerasTensor:
        """Return the inputs unchanged."""
        return inputs


def fold_batch_norms(model: keras.Model, keep: Collection[str] = ()) -> keras.Model:
    """Fold the batch norms of a model, which keeps its outputs and saves operations.

    A batch norm is folded where that is exact: it normalizes channels, and its only input is one linear convolution
    whose result nothing else uses.

    Args:
        model: A functional model in which every layer is called once.
        keep: Names of layers whose outputs must not change.

    Returns:
        A new model with its own weights, in which folded batch norms are identities of the same name.
    """
    pairs = _foldable_pairs(model, keep)
    if not pairs:
        return model
    convolutions = {convolution.name for convolution in pairs.values()}

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if layer.name in pairs:
            return _Identity(name=layer.name)
        config = layer.get_config()
        if layer.name in convolutions:
            config["use_bias"] = True
        return type(layer).from_config(config)

    folded = keras.models.clone_model(model, clone_function=clone)
    for layer in model.layers:
        if layer.weights and layer.name not in pairs and layer.name not in convolutions:
            folded.get_layer(layer.name).set_weights(layer.get_weights())
    for name, convolution in pairs.items():
        folded.get_layer(convolution.name).set_weights(_folded_weights(convolution, model.get_layer(name)))
    return folded


def _foldable_pairs(model: keras.Model, keep: Collection[str]) -> dict[str, keras.layers.Layer]:
    """Names of batch norms that can be folded, each with the convolution before it."""
    inputs = input_layers(model)
    uses = Counter(source for sources in inputs.values() for source in sources)
    pairs = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and len(inputs[layer.name]) == 1:
            only = model.get_layer(inputs[layer.name][0])
            linear = isinstance(only, _FOLDABLE) and only.activation is keras.activations.linear
            channels = layer.axis in (-1, 3, [-1], [3])
            if linear and channels and uses[only.name] == 1 and only.name not in keep:
                pairs[layer.name] = only
    return pairs


def _folded_weights(convolution: keras.layers.Layer, norm: keras.layers.BatchNormalization) -> list[np.ndarray]:
    mean, variance = np.asarray(norm.moving_mean), np.asarray(norm.moving_variance)
    gain = 1.0 / np.sqrt(variance + norm.epsilon)
    if norm.scale:
        gain = gain * np.asarray(norm.gamma)
    shift = np.asarray(norm.beta) if norm.center else 0.0
    weights = convolution.get_weights()
    bias = weights.pop() if convolution.use_bias else 0.0
    weights[-1] = weights[-1] * _as_kernel_gain(gain, convolution)
    return [*weights, (bias - mean) * gain + shift]


def _as_kernel_gain(gain: np.ndarray, convolution: keras.layers.Layer) -> np.ndarray:
    """Shape the gains for a kernel: depthwise ones end in input channels × multiplier, others in output channels."""
    if isinstance(convolution, keras.layers.DepthwiseConv2D):
        return gain.reshape(-1, convolution.depth_multiplier)
    return gain
