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
        weights: A coefficient for each of them, float32.
    """

    network: Network
    weights: tf.Tensor

    def __call__(self, image: tf.Tensor) -> tf.Tensor:
        """The objective of one image.

        Args:
            image: H×W×3 float32, RGB, in levels 0…255.

        Returns:
            A scalar.
        """
        return self.with_places(image)[0]

    def with_places(self, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The objective of one image, and how much of it each place has.

        Args:
            image: H×W×3 float32, RGB, in levels 0…255.

        Returns:
            A scalar, and h×w×1 in the same unit, of the size of the smallest layer: the same
            sum before the mean over the image.
        """
        activations = self.network.activations(image[tf.newaxis])
        terms = [self.weights[index] * tf.square(layer) for index, layer in enumerate(activations)]
        places = [tf.reduce_mean(term, axis=-1, keepdims=True) for term in terms]
        size = tf.reduce_min([tf.shape(place)[1:3] for place in places], axis=0)
        even = [tf.image.resize(place, size, method="area")[0] for place in places]
        return tf.add_n([tf.reduce_mean(term) for term in terms]), tf.add_n(even)
