"""The calls of layers that a Keras model consists of, in order, through Keras's public functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from framedream.nn.runtime import keras


@dataclass(frozen=True)
class LayerCall:
    """One call of a layer in a model.

    Attributes:
        layer: The layer, or another operation of Keras.
        arguments: What it takes: structures of symbolic tensors and plain values.
        options: The same by keyword.
        outputs: The symbolic tensors that it gives.
    """

    layer: keras.Operation
    arguments: tuple[Any, ...]
    options: Mapping[str, Any]
    outputs: tuple[keras.KerasTensor, ...]


def layer_calls(model: keras.Model) -> list[LayerCall]:
    """All calls of layers in the order in which Keras makes them.

    Args:
        model: A functional model in which every layer is called once.
    """
    calls: list[LayerCall] = []

    def record(layer: keras.Operation, *arguments: Any, **options: Any) -> Any:
        calls.append(LayerCall(layer, arguments, options, tuple(keras.tree.flatten(layer.output))))
        return layer.output

    # A clone of the same layers on the same input: it is thrown away, but each call passes by.
    keras.models.clone_model(model, input_tensors=model.input, clone_function=lambda layer: layer, call_function=record)
    return calls


def input_layers(model: keras.Model) -> dict[str, list[str]]:
    """Names of the layers whose outputs each layer of a model takes, in order, by the layer's name.

    Args:
        model: A functional model in which every layer is called once.
    """
    sources = {
        id(tensor): layer.name
        for layer in model.layers
        if isinstance(layer, keras.layers.InputLayer)
        for tensor in keras.tree.flatten(layer.output)
    }
    found: dict[str, list[str]] = {name: [] for name in sources.values()}
    for call in layer_calls(model):
        tensors = keras.tree.flatten((call.arguments, call.options))
        found[call.layer.name] = [sources[id(tensor)] for tensor in tensors if id(tensor) in sources]
        sources |= {id(tensor): call.layer.name for tensor in call.outputs}
    return found
