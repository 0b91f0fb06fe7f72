"""Networks that dream: built by name, filled with weights, cut and folded."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from framedream.catalog import ModelEntry, find_model
from framedream.dream import squeezenet, weights
from framedream.dream.classifiers import last_map, squeezenet_with_classes, with_classes
from framedream.dream.folding import fold_batch_norms
from framedream.dream.runtime import keras, tf
from framedream.errors import SettingsError, WeightsError, nearest
from framedream.terms import CLASSES

_log = logging.getLogger("framedream")


@dataclass(frozen=True)
class Network:
    """A trained network, cut at the deepest layer that is to be excited.

    Attributes:
        name: The model's name.
        layers: The layers whose activations it gives, in order.
        minimum_size: Smallest height and width, in pixels, at which each layer has a cell.
        model: The Keras model itself, its outputs the layers' activations.
        preprocess: The model's own preprocessing, from RGB levels to its input.
        multiple: Sides are brought to a multiple of this by mirroring the last pixels.
    """

    name: str
    layers: tuple[str, ...]
    minimum_size: int
    model: keras.Model
    preprocess: Callable[[tf.Tensor], tf.Tensor]
    multiple: int = 1

    def channels(self, layer: str) -> int:
        """How many channels one of the layers has."""
        return int(self.model.outputs[self.layers.index(layer)].shape[-1])

    def input_unit(self) -> tuple[np.ndarray, np.ndarray]:
        """The network's own unit: a pixel of its input is ``rgb @ matrix + offset``.

        Returns:
            The matrix, 3×3 float64, and the offset, 3 float64.
        """
        pixels = 255 * np.concatenate([np.zeros((1, 3)), np.eye(3)]).astype(np.float32)
        seen = np.asarray(self.preprocess(tf.constant(pixels[np.newaxis, np.newaxis]))[0, 0], np.float64)
        return (seen[1:] - seen[0]) / 255, seen[0]

    def activations(self, images: tf.Tensor) -> list[tf.Tensor]:
        """Activations of the layers.

        Args:
            images: N×H×W×3 float32, RGB, in levels 0…255.

        Returns:
            One tensor N×h×w×C for each layer.
        """
        if self.multiple > 1:
            images = _mirrored_to_multiple(images, self.multiple)
        outputs = self.model(self.preprocess(images), training=False)
        return outputs if isinstance(outputs, list) else [outputs]


@dataclass(frozen=True)
class LayerInfo:
    """What `describe_layers` says of a layer.

    Attributes:
        index: Its place in Keras's ``model.layers``, where 0 is the image.
        name: The layer's name.
        kind: What it computes, as Keras calls it.
        stride: Pixels of the image for one cell of the layer.
        channels: Number of channels.
        start: The model's own choice to start with.
    """

    index: int
    name: str
    kind: str
    stride: int
    channels: int
    start: bool


def load_network(model: str, layers: Sequence[str], weights_file: Path | None = None, *, fold: bool = True) -> Network:
    """Build a network, load its weights, cut it at the deepest layer used, fold batch norms.

    Args:
        model: A name of `framedream.catalog.MODELS`.
        layers: Names of the layers to excite; `CLASSES` for the classifier's logits.
        weights_file: Weights to load instead of the model's own; see `weights.load_file`.
        fold: Whether batch norms are folded, which changes last bits.

    Raises:
        SettingsError: No such model or layer; names the nearest.
        WeightsError: The weights cannot be had, or do not fit.
    """
    entry = find_model(model)
    load = _load_with_classes if CLASSES in layers else _load_whole
    whole = load(entry, weights_file)
    _check_layers(whole, layers, entry.name)
    outputs = [whole.get_layer(name).output for name in layers]
    cut = keras.Model(whole.input, outputs, name=entry.name)
    # A classifier takes the mean of any map, even of one without cells.
    seen = keras.Model(whole.input, [*outputs, last_map(whole)]) if CLASSES in layers else cut
    return Network(
        name=entry.name,
        layers=tuple(layers),
        minimum_size=_minimum_size(seen, entry.multiple),
        model=fold_batch_norms(cut, keep=layers) if fold else cut,
        preprocess=_preprocessing(entry),
        multiple=entry.multiple,
    )


def describe_layers(model: str) -> list[LayerInfo]:
    """Layers of a model that give a map of activations, from the image on; needs no weights.

    Raises:
        SettingsError: No such model; names the nearest.
    """
    entry = find_model(model)
    whole = _build(entry, None)
    start = {term.partition("=")[0] for term in entry.start.split(",")}
    side = 4096
    shapes = layer_shapes(whole, side, side)
    return [
        LayerInfo(index, layer.name, type(layer).__name__, round(side / shape[1]), shape[3], layer.name in start)
        for index, (layer, shape) in enumerate(zip(whole.layers, shapes, strict=True))
        if _is_map(layer) and not isinstance(layer, keras.layers.InputLayer)
    ]


def layer_names(model: str, layers: Sequence[str]) -> tuple[str, ...]:
    """Names of layers that are given by name or by index; needs no weights.

    Args:
        model: A name of `framedream.catalog.MODELS`.
        layers: Names, which are left as they are, or indices into Keras's ``model.layers`` in digits.

    Returns:
        The names in the order given, each once.

    Raises:
        SettingsError: No such model; or an index is the image's, or of no layer.
    """
    if not any(layer.isdecimal() for layer in layers):
        return tuple(dict.fromkeys(layers))
    name = find_model(model).name
    known = [layer.name for layer in _build(find_model(model), None).layers]
    for index in (int(layer) for layer in layers if layer.isdecimal()):
        if not 1 <= index < len(known):
            what = "is the image itself" if index == 0 else "is none of them"
            raise SettingsError(f"layers: {name} has layers 1 to {len(known) - 1}; {index} {what} (see: layers {name})")
    return tuple(dict.fromkeys(known[int(layer)] if layer.isdecimal() else layer for layer in layers))


def layer_shapes(model: keras.Model, height: int, width: int) -> list[tuple[int, ...]]:
    """Output shape of every layer for an image."""
    everything = keras.Model(model.input, [layer.output for layer in model.layers])
    return list(everything.compute_output_shape((1, height, width, 3)))


def _load_whole(entry: ModelEntry, file: Path | None) -> keras.Model:
    if file is None:
        return _build_with_own_weights(entry)
    if entry.builder and weights.has_classifier_top(file):
        return _without_top(entry, file)
    model = _build(entry, None)
    weights.load_file(model, file, entry.name)
    return model


def _load_with_classes(entry: ModelEntry, file: Path | None) -> keras.Model:
    if not entry.builder:
        return squeezenet_with_classes(_load_whole(entry, file))
    if file is None:
        return _from_keras(entry, lambda: with_classes(entry, _build, None))
    if file.is_file() and not weights.has_classifier_top(file):
        raise WeightsError(
            f"{file}: has no classifier, which a class needs; give {entry.name}'s weights with their top"
        )
    return with_classes(entry, _build, lambda full: weights.load_file(full, file, entry.name))


def _build(entry: ModelEntry, own_weights: str | None, **options: Any) -> keras.Model:
    # Keras numbers unnamed layers over the whole process; InceptionV3 must always have a `conv2d_5`.
    keras.backend.clear_session(free_memory=False)
    if not entry.builder:
        return squeezenet.build()
    builder = getattr(keras.applications, entry.builder)
    if entry.multiple == 1 or "include_top" in options:
        with warnings.catch_warnings():
            # MobileNets warn of sizes they were not trained at, which a dream always has.
            warnings.simplefilter("ignore", UserWarning)
            return builder(weights=own_weights, **({"include_top": False, "input_shape": (None, None, 3)} | options))
    # NASNet chooses layers by the shapes it sees, so it is built for a size and then opened to all.
    fixed = builder(weights=own_weights, include_top=False, input_shape=(224, 224, 3))
    model = keras.models.clone_model(fixed, input_tensors=keras.Input((None, None, 3)))
    model.set_weights(fixed.get_weights())
    return model


def _build_with_own_weights(entry: ModelEntry) -> keras.Model:
    if not entry.builder:
        model = squeezenet.build()
        squeezenet.load_weights(model)
        return model
    return _from_keras(entry, lambda: _build(entry, "imagenet"))


def _from_keras(entry: ModelEntry, build: Callable[[], keras.Model]) -> keras.Model:
    """What is built with Keras's own weights.

    Raises:
        WeightsError: They are not to be had.
    """
    _log.info("%s: its weights (%.0f MB) are downloaded if this is their first use", entry.name, entry.parameters * 4)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # Keras prints where it downloads from.
            return build()
    except Exception as error:  # Keras raises a bare Exception when a download fails.
        if "fetch failure" not in str(error) and not isinstance(error, OSError | ValueError):
            raise
        raise WeightsError(
            f"{entry.name}: its weights are not in Keras's cache and could not be downloaded; "
            "connect once to the internet, or give a weights file with --weights FILE"
        ) from error


def _without_top(entry: ModelEntry, file: Path) -> keras.Model:
    full = _build(entry, None, include_top=True, input_shape=None)
    weights.load_file(full, file, entry.name)
    model = _build(entry, None)
    # Layers that hold nothing differ at the end: ConvNeXt's last norm follows a pool where there is a top.
    holding = ([layer for layer in each.layers if layer.weights] for each in (model, full))
    for layer, filled in zip(*holding, strict=False):
        layer.set_weights(filled.get_weights())
    return model


def _check_layers(model: keras.Model, layers: Sequence[str], name: str) -> None:
    known = [layer.name for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    for layer in layers:
        if layer not in known:
            raise SettingsError(f"layers: {name} has no layer '{layer}'{nearest(layer, known)} (see: layers {name})")
        if layer != CLASSES and not _is_map(model.get_layer(layer)):
            raise SettingsError(f"layers: '{layer}' of {name} is no map over the image; see: layers {name}")


def _is_map(layer: keras.layers.Layer) -> bool:
    """Whether it has cells over the image; sides that are the same for any image are no cells of it."""
    shape = layer.output.shape
    return len(shape) == 4 and shape[1] is None


def _preprocessing(entry: ModelEntry) -> Callable[[tf.Tensor], tf.Tensor]:
    applications = keras.applications
    if entry.module:
        own: Callable[[tf.Tensor], tf.Tensor] = getattr(applications, entry.module).preprocess_input
        return own
    return lambda images: applications.imagenet_utils.preprocess_input(images, mode="caffe")


def _mirrored_to_multiple(images: tf.Tensor, multiple: int) -> tf.Tensor:
    height, width = tf.unstack(-tf.shape(images)[1:3] % multiple)
    return tf.pad(images, [[0, 0], [0, height], [0, width], [0, 0]], "SYMMETRIC")


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
