"""Networks with their classifier, opened to images of any size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from framedream.config.model_registry import ModelEntry
from framedream.config.terms import CLASSES
from framedream.nn.runtime import keras

Build = Callable[..., keras.Model]
"""Builds a network for an entry of the catalog, given its weights' name and options of its constructor."""


def squeezenet_with_classifier(model: keras.Model) -> keras.Model:
    """SqueezeNet, filled, with a further output: the map of its classes before their ReLU.

    Args:
        model: As `framedream.nn.network.squeezenet.build` gives it.
    """
    conv10 = model.get_layer("conv10")
    linear = keras.layers.Conv2D(conv10.filters, 1, name=CLASSES)
    whole = keras.Model(model.input, [model.output, linear(conv10.input)])
    linear.set_weights(conv10.get_weights())
    return whole


def with_classifier(entry: ModelEntry, build: Build, fill: Callable[[keras.Model], None] | None) -> keras.Model:
    """A network of Keras with its classifier's logits as the layer `CLASSES`.

    Where the classifier is dense layers over a map of fixed size, they become convolutions over a map of any
    size (Long, Shelhamer and Darrell 2015); elsewhere it stays as it is, behind the mean over the map.

    Args:
        entry: Which one.
        build: Builds it.
        fill: Fills it with weights; None takes Keras's own.
    """
    options: dict[str, Any] = {"include_top": True, "input_shape": None, "classifier_activation": None}
    full = build(entry, None if fill else "imagenet", **options)
    if fill:
        fill(full)
    if {keras.layers.Flatten, keras.layers.Dense} <= {type(layer) for layer in full.layers}:
        return _convolutional(full)
    opened = _opened(full)
    classes = opened.output.shape[-1]
    return keras.Model(opened.input, keras.layers.Reshape((1, 1, classes), name=CLASSES)(opened.output))


def last_map(model: keras.Model) -> keras.KerasTensor:
    """The deepest map over the image that a network's classifier sees."""
    maps = [layer.output for layer in model.layers if len(layer.output.shape) == 4 and layer.output.shape[1] is None]
    return maps[-1]


def _convolutional(full: keras.Model) -> keras.Model:
    """A network that ends in dense layers over a flattened map, all of them convolutions."""
    at = next(index for index, layer in enumerate(full.layers) if isinstance(layer, keras.layers.Flatten))
    trunk = keras.Model(full.input, full.layers[at - 1].output)
    opened = _opened(trunk)
    x, side = opened.output, trunk.output.shape[1]
    for dense in full.layers[at + 1 :]:
        is_last = dense is full.layers[-1]
        kernel, bias = dense.get_weights()
        convolution = keras.layers.Conv2D(
            dense.units, side, activation=dense.activation, name=CLASSES if is_last else dense.name
        )
        x = convolution(x)
        convolution.set_weights([kernel.reshape(side, side, -1, dense.units), bias])
        side = 1
    return keras.Model(opened.input, x)


def _opened(model: keras.Model) -> keras.Model:
    """The same for images of any size."""
    opened = keras.models.clone_model(model, input_tensors=keras.Input((None, None, 3)), clone_function=_clone)
    opened.set_weights(model.get_weights())
    return opened


def _clone(layer: keras.layers.Layer) -> keras.layers.Layer:
    if not isinstance(layer, keras.Sequential):
        return type(layer).from_config(layer.get_config())
    # ConvNeXt's stems keep the size of the images they were built for, unless they are built anew.
    return keras.Sequential([_clone(inner) for inner in layer.layers], name=layer.name)
