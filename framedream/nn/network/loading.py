"""Loads a network by name, cuts it at the layers used, and makes it fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from framedream.config.model_registry import find_model
from framedream.config.terms import CLASSES
from framedream.nn.network.batch_norm_folding import fold_batch_norms
from framedream.nn.network.layers import check_layers
from framedream.nn.network.lowering import lower_network
from framedream.nn.network.trained_network import Network, find_definition
from framedream.nn.runtime import compile_on_gpu, keras


def load_network(
    model: str,
    layers: Sequence[str],
    weights_file: Path | None = None,
    *,
    exact: bool = False,
    dtype: str = "float32",
) -> Network:
    """Build a network, load its weights, cut it at the deepest layer used, and make it fast.

    Args:
        model: A name of `framedream.config.model_registry.MODELS`.
        layers: Names of the layers to excite; `CLASSES` for the classifier's logits.
        weights_file: Weights to load instead of the model's own; see `weights.load_weights`.
        exact: Compute exactly as Keras does, in float32, instead of in fewer operations that differ in the last bits.
        dtype: Type of number to compute in, unless exact.

    Raises:
        SettingsError: No such model or layer; the message names the nearest one.
        WeightsError: The weights are not available, or do not fit.
    """
    entry = find_model(model)
    definition = find_definition(entry.name)
    load = definition.load_with_classifier if CLASSES in layers else definition.load
    whole = load(weights_file)
    check_layers(whole, layers, entry.name)
    outputs = [whole.get_layer(name).output for name in layers]
    cut = keras.Model(whole.input, outputs, name=entry.name)
    # A classifier takes the mean of any map, even of one without cells.
    measured = keras.Model(whole.input, [*outputs, _last_map(whole)]) if CLASSES in layers else cut
    network = Network(
        name=entry.name,
        layers=tuple(layers),
        minimum_size=_minimum_size(measured, entry.size_multiple),
        model=cut if exact else fold_batch_norms(cut, keep=layers),
        preprocess=definition.preprocess,
        size_multiple=entry.size_multiple,
    )
    if exact:
        return network
    return replace(network, forward=compile_on_gpu(lower_network(network.model, *network.input_transform(), dtype)))


def _last_map(model: keras.Model) -> keras.KerasTensor:
    """The deepest map over the image, which a network's classifier sees."""
    maps = [layer.output for layer in model.layers if len(layer.output.shape) == 4 and layer.output.shape[1] is None]
    return maps[-1]


def _minimum_size(cut: keras.Model, multiple: int) -> int:
    """Smallest side at which every output has a cell, by bisection."""

    def fits(side: int) -> bool:
        side += -side % multiple
        try:
            shapes = cut.compute_output_shape((1, side, side, 3))
        except ValueError:
            return False
        shapes = shapes if isinstance(shapes, list) else [shapes]
        return all(min(shape[1:3]) >= 1 for shape in shapes)

    low, high = 0, 512
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high
