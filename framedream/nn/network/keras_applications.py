"""Networks of ``keras.applications``, opened to images of any size."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from framedream.config.model_registry import ModelEntry
from framedream.config.terms import CLASSES
from framedream.errors import WeightsError
from framedream.nn.network.weights import has_classifier, load_weights
from framedream.nn.runtime import keras, tf

log = logging.getLogger(__name__)


class KerasApplication:
    """A network of ``keras.applications``; see `framedream.nn.network.trained_network.NetworkDefinition`."""

    def __init__(self, entry: ModelEntry) -> None:
        self._entry = entry

    def build(self) -> keras.Model:
        """The network without its classifier, for images of any size, its weights random."""
        return self._build(None)

    def build_with_classifier(self) -> keras.Model:
        """The network with its classifier, which ends in logits, for images of one size, its weights random."""
        return self._construct(None, include_top=True, input_shape=None, classifier_activation=None)

    def load(self, file: Path | None) -> keras.Model:
        """The network without its classifier, filled from a weights file, or with Keras's own weights.

        Raises:
            WeightsError: The weights are not available, or do not fit.
        """
        if file is None:
            return self._download(lambda: self._build("imagenet"))
        model = self.build()
        load_weights(model, file, self._entry.name)
        return model

    def load_with_classifier(self, file: Path | None) -> keras.Model:
        """The network for images of any size, with the logits of its classifier as the layer `CLASSES`.

        Where the classifier is dense layers over a map of fixed size, they become convolutions over a map of any
        size (Long, Shelhamer and Darrell 2015); elsewhere it stays unchanged, behind the mean over the map.

        Raises:
            WeightsError: The weights are not available, do not fit, or lack the classifier.
        """
        if file is None:
            options: dict[str, Any] = {"include_top": True, "input_shape": None, "classifier_activation": None}
            full = self._download(lambda: self._construct("imagenet", **options))
        else:
            if file.is_file() and not has_classifier(file):
                raise WeightsError(
                    f"{file}: has no classifier, which a class needs; "
                    f"give weights of {self._entry.name} that include it"
                )
            full = self.build_with_classifier()
            load_weights(full, file, self._entry.name)
        if {keras.layers.Flatten, keras.layers.Dense} <= {type(layer) for layer in full.layers}:
            return _to_convolutions(full)
        opened = _open_to_any_size(full)
        classes = opened.output.shape[-1]
        return keras.Model(opened.input, keras.layers.Reshape((1, 1, classes), name=CLASSES)(opened.output))

    def preprocess(self, images: tf.Tensor) -> tf.Tensor:
        """Turn RGB levels 0…255, N×H×W×3, into the network's input."""
        return getattr(keras.applications, self._entry.preprocessing).preprocess_input(images)

    def _build(self, weights: str | None) -> keras.Model:
        if self._entry.size_multiple == 1:
            return self._construct(weights, include_top=False, input_shape=(None, None, 3))
        # NASNet chooses layers by the shapes it sees, so it is built for one size and then opened to all.
        fixed = self._construct(weights, include_top=False, input_shape=(224, 224, 3))
        model = keras.models.clone_model(fixed, input_tensors=keras.Input((None, None, 3)))
        model.set_weights(fixed.get_weights())
        return model

    def _construct(self, weights: str | None, **options: Any) -> keras.Model:
        # Keras numbers unnamed layers over the whole process; InceptionV3 must always have a `conv2d_5`.
        keras.backend.clear_session(free_memory=False)
        with warnings.catch_warnings():
            # MobileNets warn about sizes they were not trained at, which a dream always has.
            warnings.simplefilter("ignore", UserWarning)
            return getattr(keras.applications, self._entry.constructor)(weights=weights, **options)

    def _download(self, construct: Callable[[], keras.Model]) -> keras.Model:
        """Construct a network with Keras's own weights.

        Raises:
            WeightsError: They are neither in the cache nor downloadable.
        """
        name, size = self._entry.name, self._entry.parameters * 4
        log.info("%s: Keras downloads its weights (%.0f MB) unless they are in its cache", name, size)
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # Keras prints where it downloads from.
                return construct()
        except Exception as error:  # Keras raises a bare Exception when a download fails.
            if "fetch failure" not in str(error) and not isinstance(error, OSError | ValueError):
                raise
            raise WeightsError(
                f"{name}: its weights are not in Keras's cache and could not be downloaded; "
                "connect once to the internet, or give a weights file with --weights FILE"
            ) from error


def _to_convolutions(full: keras.Model) -> keras.Model:
    """Turn the dense layers over a flattened map, with which a network ends, into convolutions."""
    at = next(index for index, layer in enumerate(full.layers) if isinstance(layer, keras.layers.Flatten))
    trunk = keras.Model(full.input, full.layers[at - 1].output)
    opened = _open_to_any_size(trunk)
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


def _open_to_any_size(model: keras.Model) -> keras.Model:
    """Clone a network for images of any size."""
    opened = keras.models.clone_model(model, input_tensors=keras.Input((None, None, 3)), clone_function=_clone)
    opened.set_weights(model.get_weights())
    return opened


def _clone(layer: keras.layers.Layer) -> keras.layers.Layer:
    if not isinstance(layer, keras.Sequential):
        return type(layer).from_config(layer.get_config())
    # ConvNeXt's stems keep the size of the images they were built for, unless they are built again.
    return keras.Sequential([_clone(inner) for inner in layer.layers], name=layer.name)
