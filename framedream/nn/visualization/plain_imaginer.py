"""The class-room way to a picture from nothing: plain gradient ascent on noise."""

from __future__ import annotations

import numpy as np

from framedream.nn.network.network import Network
from framedream.nn.runtime import tf, traced_graph
from framedream.nn.visualization.imaginer import StepCallback, VisualizedFeature, channel_objective


class PlainVisualizer:
    """Climbs from uniform noise in [0, 1]: ``image += learning_rate * gradient / (rms(gradient) + epsilon)``.

    An image's 0…1 are the levels 0…255 that the network's own preprocessing takes. It may leave that range on
    the way and is cut to it at the end.
    """

    def __init__(
        self, network: Network, learning_rate: float, epsilon: float, place: tuple[float, float] | None = None
    ) -> None:
        """Take a network.

        Args:
            network: Gives one layer, of which something is to be excited.
            learning_rate: Size of a step: the root mean square of its change.
            epsilon: What is added to the gradient's root mean square. Where there is no more of what is to be
                excited than that, the ascent ends, for then there is nothing to climb.
            place: A single neuron of each channel, see `channel_objective`.
        """

        def step(image: tf.Tensor, channel: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(image)
                loss = channel_objective(network.activations(255 * image)[0], channel, place)
            gradient = tape.gradient(loss, image)
            return loss, image + learning_rate * gradient / (tf.sqrt(tf.reduce_mean(tf.square(gradient))) + epsilon)

        self._step = traced_graph(step, [tf.TensorSpec([1, None, None, 3]), tf.TensorSpec([], tf.int32)])
        self._epsilon = epsilon

    def picture(
        self, channel: int, size: tuple[int, int], epochs: int, seed: int, said: StepCallback = lambda steps: None
    ) -> VisualizedFeature:
        """A picture from noise.

        Args:
            channel: What of the layer is excited: a channel, or `WHOLE`.
            size: Height and width in pixels.
            epochs: Steps, at most.
            seed: Seed of the noise.
            said: Is told after every step.
        """
        image = np.random.default_rng(seed).uniform(0, 1, (1, *size, 3)).astype(np.float32)
        values: list[float] = []
        for _ in range(epochs):
            loss, moved = self._step(image, channel)
            values.append(float(loss))
            said(len(values))
            if values[-1] <= self._epsilon:
                break
            image = moved
        return VisualizedFeature(np.clip(255 * np.asarray(image)[0], 0, 255), np.array(values, np.float32))
