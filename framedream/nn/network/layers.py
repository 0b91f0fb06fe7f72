"""Lists the layers of networks, and checks names and indices of layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from framedream.config.model_registry import find_model
from framedream.config.terms import CLASSES
from framedream.errors import SettingsError, nearest
from framedream.nn.network.trained_network import find_definition
from framedream.nn.runtime import keras


@dataclass(frozen=True)
class LayerInfo:
    """A layer as `describe_layers` lists it.

    Attributes:
        index: Its index in Keras's ``model.layers``, where 0 is the image.
        name: The layer's name.
        kind: What it computes, as Keras calls it.
        stride: Pixels of the image for one cell of the layer.
        channels: Number of channels.
        is_default: Whether dreams start with it if no layer is named.
    """

    index: int
    name: str
    kind: str
    stride: int
    channels: int
    is_default: bool


def describe_layers(model: str) -> list[LayerInfo]:
    """List the layers of a model that are maps over the image, from the image on; needs no weights.

    Raises:
        SettingsError: No model has this name; the message names the nearest one.
    """
    entry = find_model(model)
    whole = find_definition(entry.name).build()
    defaults = {term.partition("=")[0] for term in entry.default_layers.split(",")}
    side = 4096
    shapes = layer_shapes(whole, side, side)
    return [
        LayerInfo(index, layer.name, type(layer).__name__, round(side / shape[1]), shape[3], layer.name in defaults)
        for index, (layer, shape) in enumerate(zip(whole.layers, shapes, strict=True))
        if is_map(layer) and not isinstance(layer, keras.layers.InputLayer)
    ]


def layer_names(model: str, layers: Sequence[str]) -> tuple[str, ...]:
    """Turn indices of layers into names; needs no weights.

    Args:
        model: A name of `framedream.config.model_registry.MODELS`.
        layers: Names, which stay unchanged, or indices into Keras's ``model.layers`` in digits.

    Returns:
        The names in the same order, without repetitions.

    Raises:
        SettingsError: No model has this name, or no layer has the index.
    """
    if not any(layer.isdecimal() for layer in layers):
        return tuple(dict.fromkeys(layers))
    name = find_model(model).name
    known = [layer.name for layer in find_definition(name).build().layers]
    for index in (int(layer) for layer in layers if layer.isdecimal()):
        if not 1 <= index < len(known):
            what = "is the image itself" if index == 0 else "does not exist"
            raise SettingsError(f"layers: {name} has layers 1 to {len(known) - 1}; {index} {what} (see: layers {name})")
    return tuple(dict.fromkeys(known[int(layer)] if layer.isdecimal() else layer for layer in layers))


def layer_shapes(model: keras.Model, height: int, width: int) -> list[tuple[int, ...]]:
    """Output shape of every layer for an image of a height and width in pixels."""
    everything = keras.Model(model.input, [layer.output for layer in model.layers])
    return list(everything.compute_output_shape((1, height, width, 3)))


def check_layers(model: keras.Model, layers: Sequence[str], name: str) -> None:
    """Check that a network has layers, and that they are maps over the image.

    Args:
        model: The network.
        layers: Names of layers.
        name: The network's name in messages.

    Raises:
        SettingsError: A layer does not exist, in which case the message names the nearest one, or is not a map.
    """
    known = [layer.name for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    for layer in layers:
        if layer not in known:
            raise SettingsError(f"layers: {name} has no layer '{layer}'{nearest(layer, known)} (see: layers {name})")
        if layer != CLASSES and not is_map(model.get_layer(layer)):
            raise SettingsError(f"layers: '{layer}' of {name} is not a map over the image; see: layers {name}")


def is_map(layer: keras.layers.Layer) -> bool:
    """Whether a layer has cells over the image: its sides grow with those of the image."""
    shape = layer.output.shape
    return len(shape) == 4 and shape[1] is None
