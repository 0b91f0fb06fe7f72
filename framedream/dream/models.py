"""Networks that dream: loaded by name, cut at the layers that count, and folded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from framedream.catalog import ModelEntry, find_model
from framedream.dream.building import load_whole, load_with_classes
from framedream.dream.classifiers import last_map
from framedream.dream.compiling import compiled
from framedream.dream.folding import fold_batch_norms
from framedream.dream.layers import check_layers
from framedream.dream.lowering import lowered
from framedream.dream.network import Network
from framedream.dream.runtime import keras, tf
from framedream.terms import CLASSES


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
        model: A name of `framedream.catalog.MODELS`.
        layers: Names of the layers to excite; `CLASSES` for the classifier's logits.
        weights_file: Weights to load instead of the model's own; see `weights.load_file`.
        to_the_letter: Whether it computes as Keras does; else last bits differ.
        dtype: What it computes in, if not.

    Raises:
        SettingsError: No such model or layer; names the nearest.
        WeightsError: The weights cannot be had, or do not fit.
    """
    entry = find_model(model)
    load = load_with_classes if CLASSES in layers else load_whole
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
    return replace(network, forward=compiled(lowered(network.model, *network.input_unit(), dtype)))


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
