"""Networks built by name and filled with weights."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from framedream.config.model_registry import ModelEntry
from framedream.errors import WeightsError
from framedream.nn.network import squeezenet, weights
from framedream.nn.network.classifiers import squeezenet_with_classifier, with_classifier
from framedream.nn.runtime import keras

_log = logging.getLogger(__name__)


def load_full_network(entry: ModelEntry, file: Path | None) -> keras.Model:
    """A network with its weights, without its classifier.

    Args:
        entry: Which one.
        file: Where its weights are; None for its own.

    Raises:
        WeightsError: They cannot be had, or do not fit.
    """
    if file is None:
        return _build_with_own_weights(entry)
    if entry.builder and weights.has_classifier_top(file):
        return _without_top(entry, file)
    model = build_network(entry, None)
    weights.load_file(model, file, entry.name)
    return model


def load_with_classifier(entry: ModelEntry, file: Path | None) -> keras.Model:
    """The same with its classifier's logits as the layer `framedream.config.terms.CLASSES`.

    Raises:
        WeightsError: The weights cannot be had, do not fit, or are without the classifier.
    """
    if not entry.builder:
        return squeezenet_with_classifier(load_full_network(entry, file))
    if file is None:
        return _from_keras(entry, lambda: with_classifier(entry, build_network, None))
    if file.is_file() and not weights.has_classifier_top(file):
        raise WeightsError(
            f"{file}: has no classifier, which a class needs; give {entry.name}'s weights with their top"
        )
    return with_classifier(entry, build_network, lambda full: weights.load_file(full, file, entry.name))


def build_network(entry: ModelEntry, own_weights: str | None, **options: Any) -> keras.Model:
    """A network for images of any size.

    Args:
        entry: Which one.
        own_weights: ``"imagenet"`` for those that Keras has; None for none that count.
        options: Others of its constructor in Keras, such as ``include_top``.
    """
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
    return _from_keras(entry, lambda: build_network(entry, "imagenet"))


def _from_keras(entry: ModelEntry, make: Callable[[], keras.Model]) -> keras.Model:
    """What is built with Keras's own weights.

    Raises:
        WeightsError: They are not to be had.
    """
    _log.info("%s: its weights (%.0f MB) are downloaded if this is their first use", entry.name, entry.parameters * 4)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # Keras prints where it downloads from.
            return make()
    except Exception as error:  # Keras raises a bare Exception when a download fails.
        if "fetch failure" not in str(error) and not isinstance(error, OSError | ValueError):
            raise
        raise WeightsError(
            f"{entry.name}: its weights are not in Keras's cache and could not be downloaded; "
            "connect once to the internet, or give a weights file with --weights FILE"
        ) from error


def _without_top(entry: ModelEntry, file: Path) -> keras.Model:
    full = build_network(entry, None, include_top=True, input_shape=None)
    weights.load_file(full, file, entry.name)
    model = build_network(entry, None)
    # Layers that hold nothing differ at the end: ConvNeXt's last norm follows a pool where there is a top.
    holding = ([layer for layer in each.layers if layer.weights] for each in (model, full))
    for layer, filled in zip(*holding, strict=False):
        layer.set_weights(filled.get_weights())
    return model
