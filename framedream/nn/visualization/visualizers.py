"""Feature visualization: images that most excite a channel, a neuron, a layer or a class of a network."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from framedream.nn.network.trained_network import Network
from framedream.nn.runtime import tf, traced_graph
from framedream.nn.visualization.fourier_image import (
    enlarge_spectrum,
    frequency_weights,
    image_from_spectrum,
    spectral_noise,
)
from framedream.nn.visualization.redirected_relu import redirect_relus

_SHIFT, _ROTATION, _SCALE = 8.0, 5.0, 0.1
"""Largest random shift in pixels, rotation in degrees and change of scale of the image before each step."""

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8
"""Constants of Adam (Kingma and Ba 2015)."""

_OCTAVE_STRIDE = 100_003
"""Distance between the random seeds of one octave and those of the next."""

StepCallback = Callable[[int], None]
"""Takes how many steps of an image are done."""

WHOLE = -1
"""Instead of a channel's number: the layer as a whole."""


def channel_objective(layer: tf.Tensor, channel: tf.Tensor, place: tuple[float, float] | None) -> tf.Tensor:
    """How much an image excites a layer.

    Args:
        layer: Its activations, 1×h×w×C.
        channel: Number of the channel, scalar int32, or `WHOLE`.
        place: Position of a single neuron, as fractions of width and height, 0…1; None for all neurons.

    Returns:
        A scalar: the mean of the channel's feature map, or one of its neurons; for a whole layer the mean square.
    """
    if place is not None:
        size = tf.shape(layer)[1:3]
        cell = tf.minimum(tf.cast(tf.cast(size, tf.float32) * place[::-1], tf.int32), size - 1)
        layer = layer[:, cell[0], cell[1]]
    return tf.cond(
        channel == WHOLE,
        lambda: tf.reduce_mean(tf.square(layer)),
        lambda: tf.reduce_mean(tf.gather(layer, channel, axis=-1)),
    )


@dataclass(frozen=True)
class VisualizedFeature:
    """An image that excites a feature.

    Attributes:
        pixels: H×W×3 float32 RGB, in levels 0…255.
        values: The objective before each step, float32.
    """

    pixels: np.ndarray
    values: np.ndarray


class FeatureVisualizer:
    """Visualizes features by Adam on the spectrum of an image with decorrelated colors, from small sizes to large.

    Before each step the image is shifted, rotated and scaled at random, so that it excites the feature at any place,
    after C. Olah, A. Mordvintsev and L. Schubert, "Feature Visualization" (Distill, 2017).
    """

    def __init__(
        self,
        network: Network,
        learning_rate: float,
        place: tuple[float, float] | None = None,
        *,
        steps_per_call: int = 16,
    ) -> None:
        """Prepare a network.

        Args:
            network: Gives one layer, whose features are visualized.
            learning_rate: Learning rate of Adam.
            place: A single neuron of each channel, see `channel_objective`.
            steps_per_call: Steps between two reports of progress.
        """
        self._steps_per_call = steps_per_call
        redirected = replace(network, model=redirect_relus(network.model), forward=None)
        waves, weights, size = (
            tf.TensorSpec([2, 3, None, None]),
            tf.TensorSpec([None, None]),
            tf.TensorSpec([2], tf.int32),
        )
        whole = tf.TensorSpec([], tf.int32)

        def climb(channel: tf.Tensor, *state: tf.Tensor) -> tuple[tf.Tensor, ...]:
            def value(picture: tf.Tensor) -> tf.Tensor:
                return channel_objective(redirected.activations(picture[tf.newaxis])[0], channel, place)

            return _take_steps(value, learning_rate, *state)

        self._climb = traced_graph(
            climb, [whole, *[waves] * 3, weights, size, tf.TensorSpec([2], tf.int32), whole, whole]
        )
        self._draw = traced_graph(image_from_spectrum, [waves, weights, size])

    def visualize(
        self,
        channel: int,
        sizes: Sequence[tuple[int, int]],
        steps: int,
        seed: int,
        on_step: StepCallback = lambda steps: None,
    ) -> VisualizedFeature:
        """Visualize a feature, starting from noise.

        Args:
            channel: A channel of the layer, or `WHOLE`.
            sizes: Height and width at each octave, smallest first.
            steps: Steps at each octave.
            seed: Seed of the noise and of the random views.
            on_step: Called every few steps.
        """
        waves, size, values = spectral_noise(*sizes[0], seed), sizes[0], []
        for octave, larger in enumerate(sizes):
            waves, size = enlarge_spectrum(waves, size, larger), larger
            weights, step_seed = frequency_weights(*size), (seed, octave * _OCTAVE_STRIDE)
            state = [waves, np.zeros_like(waves), np.zeros_like(waves)]
            for first in range(0, steps, self._steps_per_call):
                count = min(self._steps_per_call, steps - first)
                *state, found = self._climb(channel, *state, weights, size, step_seed, first, count)
                values.append(found.numpy())
                on_step(octave * steps + first + count)
            waves = np.asarray(state[0])
        return VisualizedFeature(self._draw(waves, frequency_weights(*size), size).numpy(), np.concatenate(values))


def _take_steps(
    value: Callable[[tf.Tensor], tf.Tensor],
    learning_rate: float,
    waves: tf.Tensor,
    first: tf.Tensor,
    second: tf.Tensor,
    weights: tf.Tensor,
    size: tf.Tensor,
    seed: tf.Tensor,
    taken: tf.Tensor,
    steps: tf.Tensor,
) -> tuple[tf.Tensor, ...]:
    """Take some more steps of Adam.

    Args:
        value: The objective, of an image.
        learning_rate: Learning rate of Adam.
        waves: The spectrum of the image.
        first: First moment of Adam.
        second: Second moment of Adam.
        weights: As `frequency_weights` gives them.
        size: Height and width in pixels, 2 int32.
        seed: Seed of the random views, 2 int32.
        taken: Steps taken before, scalar int32.
        steps: Steps to take, scalar int32.

    Returns:
        The new spectrum and moments, and the objective before each step.
    """

    def step(
        index: tf.Tensor, waves: tf.Tensor, first: tf.Tensor, second: tf.Tensor, values: tf.TensorArray
    ) -> tuple[tf.Tensor, ...]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(waves)
            loss = value(
                random_view(image_from_spectrum(waves, weights, size), tf.stack([seed[0], seed[1] + taken + index]))
            )
        gradient = tape.gradient(loss, waves)
        first = _BETA_1 * first + (1 - _BETA_1) * gradient
        second = _BETA_2 * second + (1 - _BETA_2) * tf.square(gradient)
        count = tf.cast(taken + index + 1, tf.float32)
        mean, square = first / (1 - _BETA_1**count), second / (1 - _BETA_2**count)
        waves += learning_rate * mean / (tf.sqrt(square) + _EPSILON)
        return index + 1, waves, first, second, values.write(index, loss)

    start = (tf.constant(0), waves, first, second, tf.TensorArray(tf.float32, steps))
    _, waves, first, second, values = tf.while_loop(lambda index, *_: index < steps, step, start)
    return waves, first, second, values.stack()


def random_view(image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Shift, rotate and scale an image at random about its center; it is mirrored beyond its borders.

    Args:
        image: H×W×3.
        seed: Seed of the randomness, 2 int32.
    """
    chance = tf.random.stateless_uniform([4], seed, -1.0, 1.0)
    angle, scale = chance[0] * math.radians(_ROTATION), 1 + _SCALE * chance[1]
    cosine, sine = tf.cos(angle) / scale, tf.sin(angle) / scale
    center = (tf.cast(tf.shape(image)[:2], tf.float32) - 1) / 2
    y, x = center[0], center[1]
    across = x - cosine * x + sine * y + _SHIFT * chance[2]
    down = y - sine * x - cosine * y + _SHIFT * chance[3]
    transform = tf.stack([cosine, -sine, across, sine, cosine, down, 0.0, 0.0])
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=image[tf.newaxis],
        transforms=transform[tf.newaxis],
        output_shape=tf.shape(image)[:2],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )[0]


class PlainVisualizer:
    """Visualizes features by plain gradient ascent on uniform noise in [0, 1], as in the classroom.

    A step is ``image += learning_rate * gradient / (rms(gradient) + epsilon)``. The image's 0…1 are the levels 0…255
    that the network's own preprocessing takes. It may leave that range on the way and is clipped to it at the end.
    """

    def __init__(
        self, network: Network, learning_rate: float, epsilon: float, place: tuple[float, float] | None = None
    ) -> None:
        """Prepare a network.

        Args:
            network: Gives one layer, whose features are visualized.
            learning_rate: Size of a step: the root mean square of its change.
            epsilon: Added to the gradient's root mean square. The ascent ends early if the objective is not above
                it, because then nothing in the image excites the feature.
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

    def visualize(
        self, channel: int, size: tuple[int, int], epochs: int, seed: int, on_step: StepCallback = lambda steps: None
    ) -> VisualizedFeature:
        """Visualize a feature, starting from noise.

        Args:
            channel: A channel of the layer, or `WHOLE`.
            size: Height and width in pixels.
            epochs: The most steps to take.
            seed: Seed of the noise.
            on_step: Called after every step.
        """
        image = np.random.default_rng(seed).uniform(0, 1, (1, *size, 3)).astype(np.float32)
        values: list[float] = []
        for _ in range(epochs):
            loss, moved = self._step(image, channel)
            values.append(float(loss))
            on_step(len(values))
            if values[-1] <= self._epsilon:
                break
            image = moved
        return VisualizedFeature(np.clip(255 * np.asarray(image)[0], 0, 255), np.array(values, np.float32))
