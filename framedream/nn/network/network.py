"""A trained network, ready to be looked through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from framedream.nn.network.lowering import Forward
from framedream.nn.runtime import keras, tf


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
        forward: The same activations in fewer operations, see `lowering.lowered`; None asks the model itself.
    """

    name: str
    layers: tuple[str, ...]
    minimum_size: int
    model: keras.Model
    preprocess: Callable[[tf.Tensor], tf.Tensor]
    multiple: int = 1
    forward: Forward | None = None

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
        if self.forward is not None:
            return self.forward(images)
        outputs = self.model(self.preprocess(images), training=False)
        return outputs if isinstance(outputs, list) else [outputs]


def _mirrored_to_multiple(images: tf.Tensor, multiple: int) -> tf.Tensor:
    height, width = tf.unstack(-tf.shape(images)[1:3] % multiple)
    return tf.pad(images, [[0, 0], [0, height], [0, width], [0, 0]], "SYMMETRIC")
