"""What an ascent climbs: a weighted sum of terms over a network's activations."""

from __future__ import annotations

from dataclasses import dataclass

from framedream.dream.models import Network
from framedream.dream.runtime import tf


@dataclass(frozen=True)
class LayerEnergy:
    """The mean square of layers' activations, each with its coefficient.

    The objective of the original DeepDream (Mordvintsev et al. 2015) as the Keras example
    states it: ``Σ weight × mean(activation²)``.

    Attributes:
        network: The network, cut so that its outputs are the layers.
        weights: A coefficient for each of them.
    """

    network: Network
    weights: tuple[float, ...]

    def __call__(self, image: tf.Tensor) -> tf.Tensor:
        """The objective of one image.

        Args:
            image: H×W×3 float32, RGB, in levels 0…255.

        Returns:
            A scalar.
        """
        activations = self.network.activations(image[tf.newaxis])
        return tf.add_n(
            [weight * tf.reduce_mean(tf.square(a)) for weight, a in zip(self.weights, activations, strict=True)]
        )
