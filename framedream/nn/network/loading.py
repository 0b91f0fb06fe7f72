"""Networks that dream: loaded by name, cut at the layers that count, and folded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from framedream.config.model_registry import ModelEntry, find_model
from framedream.config.terms import CLASSES
from framedream.nn.network.batch_norm_folding import fold_batch_norms
from framedream.nn.network.building import load_full_network, load_with_classifier
from framedream.nn.network.classifiers import last_map
from framedream.nn.network.layers import check_layers
from framedream.nn.network.lowering import lower_network
from framedream.nn.network.network import Network
from framedream.nn.network.xla import compile_on_gpu
from framedream.nn.runtime import keras, tf


def load_network(
    model: str,
    layers: Sequence[str],
    weights_file: Path | None = None,
    *,
    to_the_letter: bool = False,
    dtype: str = "float32",
) -> Network:
    """Build a network, load its weights, cut it at the deepest layer used, and make it quick.

    Args:
        model: A name of `framedream.config.model_registry.MODELS`.
        layers: Names of the layers to excite; `CLASSES` for the classifier's logits.
        weights_file: Weights to load instead of the model's own; see `weights.load_file`.
        to_the_letter: Whether it computes as Keras does; else last bits differ.
        dtype: What it computes in, if not.

    Raises:
        SettingsError: No such model or layer; names the nearest.
        WeightsError: The weights cannot be had, or do not fit.
    """
    entry = find_model(model)
    load = load_with_classifier if CLASSES in layers else load_full_network
    whole = load(entry, weights_file)
    check_layers(whole, layers, entry.name)
    outputs = [whole.get_layer(name).output for name in layers]
    cut = keras.Model(whole.input, outputs, name=entry.name)
    # A classifier takes the mean of any map, even of one without cells.
    seen = keras.Model(whole.input, [*outputs, last_map(whole)]) if CLASSES in layers else cut
    network = Network(
        name=entry.name,
        layers=tuple(layers),
        minimum_size=_minimum_size(seen, entry.multiple),
        model=cut if to_the_letter else fold_batch_norms(cut, keep=layers),
        preprocess=_preprocessing(entry),
        multiple=entry.multiple,
    )
    if to_the_letter:
        return network
    return replace(network, forward=compile_on_gpu(lower_network(network.model, *network.input_unit(), dtype)))


def _preprocessing(entry: ModelEntry) -> Callable[[tf.Tensor], tf.Tensor]:
    applications = keras.applications
    if entry.module:
        own: Callable[[tf.Tensor], tf.Tensor] = getattr(applications, entry.module).preprocess_input
        return own
    return lambda images: applications.imagenet_utils.preprocess_input(images, mode="caffe")


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
