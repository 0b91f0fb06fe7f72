"""What a network is: how the registry's networks are defined, and a trained one that is ready to be used."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from framedream.config.model_registry import find_model
from framedream.nn.network.lowering import Forward
from framedream.nn.runtime import keras, tf


class NetworkDefinition(Protocol):
    """How a network of the registry is built, filled with weights and fed.

    A class of this form takes its `framedream.config.model_registry.ModelEntry`, which names the class.
    """

    def build(self) -> keras.Model:
        """The network without its classifier, for images N×H×W×3 of any size, its weights random."""

    def load(self, file: Path | None) -> keras.Model:
        """The network without its classifier, filled from a weights file, or with its own weights.

        Raises:
            WeightsError: The weights are not available, or do not fit.
        """

    def load_with_classifier(self, file: Path | None) -> keras.Model:
        """The same with the logits of its classifier as the layer `framedream.config.terms.CLASSES`.

        Raises:
            WeightsError: The weights are not available, do not fit, or lack the classifier.
        """

    def preprocess(self, images: tf.Tensor) -> tf.Tensor:
        """Turn RGB levels 0…255, N×H×W×3, into the network's input."""


def find_definition(model: str) -> NetworkDefinition:
    """Find how a network is built.

    Raises:
        SettingsError: No network has this name; the message names the nearest one.
    """
    entry = find_model(model)
    definition: NetworkDefinition = pkgutil.resolve_name(entry.definition)(entry)
    return definition


@dataclass(frozen=True)
class Network:
    """A trained network, cut at the deepest layer that is to be excited.

    Attributes:
        name: The model's name.
        layers: Names of the layers whose activations it gives, in order.
        minimum_size: Smallest height and width, in pixels, at which each layer has a cell.
        model: The Keras model, whose outputs are the layers' activations.
        preprocess: The model's own preprocessing, from RGB levels to its input.
        size_multiple: The image is mirrored at its right and lower border until its sides are multiples of this.
        forward: The same activations in fewer operations, see `lowering.lower_network`; None calls the model.
    """

    name: str
    layers: tuple[str, ...]
    minimum_size: int
    model: keras.Model
    preprocess: Callable[[tf.Tensor], tf.Tensor]
    size_multiple: int = 1
    forward: Forward | None = None

    def channel_count(self, layer: str) -> int:
        """How many channels one of the layers has."""
        return int(self.model.outputs[self.layers.index(layer)].shape[-1])

    def input_transform(self) -> tuple[np.ndarray, np.ndarray]:
        """The preprocessing as an affine map: a pixel of the network's input is ``rgb @ matrix + offset``.

        Returns:
            The matrix, 3×3 float64, and the offset, 3 float64.
        """
        pixels = 255 * np.concatenate([np.zeros((1, 3)), np.eye(3)]).astype(np.float32)
        inputs = np.asarray(self.preprocess(tf.constant(pixels[np.newaxis, np.newaxis]))[0, 0], np.float64)
        return (inputs[1:] - inputs[0]) / 255, inputs[0]

    def activations(self, images: tf.Tensor) -> list[tf.Tensor]:
        """Activations of the layers.

        Args:
            images: N×H×W×3 float32, RGB, in levels 0…255.

        Returns:
            One tensor N×h×w×C for each layer.
        """
        if self.size_multiple > 1:
            images = _pad_to_multiple(images, self.size_multiple)
        if self.forward is not None:
            return self.forward(images)
        outputs = self.model(self.preprocess(images), training=False)
        return outputs if isinstance(outputs, list) else [outputs]


def _pad_to_multiple(images: tf.Tensor, multiple: int) -> tf.Tensor:
    height, width = tf.unstack(-tf.shape(images)[1:3] % multiple)
    return tf.pad(images, [[0, 0], [0, height], [0, width], [0, 0]], "SYMMETRIC")
