"""Pictures from nothing: what a channel, a neuron, a layer or a class of a network would like to see most."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from framedream.nn.network.network import Network
from framedream.nn.runtime import tf, traced_graph
from framedream.nn.visualization.fourier_image import (
    enlarge_spectrum,
    frequency_weights,
    image_from_spectrum,
    spectral_noise,
)
from framedream.nn.visualization.redirected_relu import redirect_relus

_SHIFT, _TURN, _SCALE = 8.0, 5.0, 0.1
"""Largest random shift in pixels, turn in degrees and change of size of what the network is shown."""

_FIRST_MOMENT, _SECOND_MOMENT, _SMALL = 0.9, 0.999, 1e-8
"""Constants of Adam (Kingma and Ba 2015)."""

_OCTAVES_APART = 100_003
"""What tells the chance of one octave's steps from that of the next one's."""

_AT_ONCE = 16
"""Steps that are taken before something is said."""

StepCallback = Callable[[int], None]
"""Is told how many steps of a picture are taken."""


WHOLE = -1
"""Stands for a layer as a whole where the number of a channel is asked for."""


def channel_objective(layer: tf.Tensor, channel: tf.Tensor, place: tuple[float, float] | None) -> tf.Tensor:
    """How much a layer is excited by what it sees.

    Args:
        layer: Its activations, 1×h×w×C.
        channel: Which channel counts, scalar int32, or `WHOLE`.
        place: Which neuron of the channel, in shares of width and height, 0…1; None for all.

    Returns:
        A scalar: the mean of the channel's feature map, or one of its neurons; of a whole layer the mean square.
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
    """A picture from nothing.

    Attributes:
        pixels: H×W×3 float32 RGB, in levels 0…255.
        values: How much of what was wished for there was before each step.
    """

    pixels: np.ndarray
    values: np.ndarray


class FeatureVisualizer:
    """Makes pictures worth looking at: waves of decorrelated colors, climbed by Adam from small sizes to large.

    The network is shown the picture shifted, turned and scaled at random, so that what excites it holds in any
    place, after C. Olah, A. Mordvintsev and L. Schubert, "Feature Visualization" (Distill, 2017).
    """

    def __init__(self, network: Network, learning_rate: float, place: tuple[float, float] | None = None) -> None:
        """Take a network.

        Args:
            network: Gives one layer, of which something is to be excited.
            learning_rate: That of Adam.
            place: A single neuron of each channel, see `channel_objective`.
        """
        shown = replace(network, model=redirect_relus(network.model), forward=None)
        waves, weights, size = (
            tf.TensorSpec([2, 3, None, None]),
            tf.TensorSpec([None, None]),
            tf.TensorSpec([2], tf.int32),
        )
        whole = tf.TensorSpec([], tf.int32)

        def climb(channel: tf.Tensor, *state: tf.Tensor) -> tuple[tf.Tensor, ...]:
            def value(picture: tf.Tensor) -> tf.Tensor:
                return channel_objective(shown.activations(picture[tf.newaxis])[0], channel, place)

            return _climbed(value, learning_rate, *state)

        self._climb = traced_graph(
            climb, [whole, *[waves] * 3, weights, size, tf.TensorSpec([2], tf.int32), whole, whole]
        )
        self._draw = traced_graph(image_from_spectrum, [waves, weights, size])

    def picture(
        self,
        channel: int,
        sizes: Sequence[tuple[int, int]],
        steps: int,
        seed: int,
        said: StepCallback = lambda steps: None,
    ) -> VisualizedFeature:
        """A picture from nothing.

        Args:
            channel: What of the layer is excited: a channel, or `WHOLE`.
            sizes: Height and width at each octave, smallest first.
            steps: Steps at each.
            seed: Seed of the noise it begins with, and of the shifts.
            said: Is told every few steps.
        """
        waves, size, values = spectral_noise(*sizes[0], seed), sizes[0], []
        for octave, larger in enumerate(sizes):
            waves, size = enlarge_spectrum(waves, size, larger), larger
            weights, chance = frequency_weights(*size), (seed, octave * _OCTAVES_APART)
            state = [waves, np.zeros_like(waves), np.zeros_like(waves)]
            for first in range(0, steps, _AT_ONCE):
                count = min(_AT_ONCE, steps - first)
                *state, found = self._climb(channel, *state, weights, size, chance, first, count)
                values.append(found.numpy())
                said(octave * steps + first + count)
            waves = np.asarray(state[0])
        return VisualizedFeature(self._draw(waves, frequency_weights(*size), size).numpy(), np.concatenate(values))


def _climbed(
    value: Callable[[tf.Tensor], tf.Tensor],
    learning_rate: float,
    waves: tf.Tensor,
    first: tf.Tensor,
    second: tf.Tensor,
    weights: tf.Tensor,
    size: tf.Tensor,
    chance: tf.Tensor,
    taken: tf.Tensor,
    steps: tf.Tensor,
) -> tuple[tf.Tensor, ...]:
    """Some steps of Adam, of which there have been some; its two moments come after the waves."""

    def step(
        index: tf.Tensor, waves: tf.Tensor, first: tf.Tensor, second: tf.Tensor, values: tf.TensorArray
    ) -> tuple[tf.Tensor, ...]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(waves)
            loss = value(
                _seen_at_random(
                    image_from_spectrum(waves, weights, size), tf.stack([chance[0], chance[1] + taken + index])
                )
            )
        gradient = tape.gradient(loss, waves)
        first = _FIRST_MOMENT * first + (1 - _FIRST_MOMENT) * gradient
        second = _SECOND_MOMENT * second + (1 - _SECOND_MOMENT) * tf.square(gradient)
        count = tf.cast(taken + index + 1, tf.float32)
        mean, square = first / (1 - _FIRST_MOMENT**count), second / (1 - _SECOND_MOMENT**count)
        waves += learning_rate * mean / (tf.sqrt(square) + _SMALL)
        return index + 1, waves, first, second, values.write(index, loss)

    start = (tf.constant(0), waves, first, second, tf.TensorArray(tf.float32, steps))
    _, waves, first, second, values = tf.while_loop(lambda index, *_: index < steps, step, start)
    return waves, first, second, values.stack()


def _seen_at_random(picture: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """A picture shifted, turned and scaled about its middle, mirrored beyond its borders."""
    chance = tf.random.stateless_uniform([4], seed, -1.0, 1.0)
    angle, scale = chance[0] * math.radians(_TURN), 1 + _SCALE * chance[1]
    cosine, sine = tf.cos(angle) / scale, tf.sin(angle) / scale
    middle = (tf.cast(tf.shape(picture)[:2], tf.float32) - 1) / 2
    y, x = middle[0], middle[1]
    across = x - cosine * x + sine * y + _SHIFT * chance[2]
    down = y - sine * x - cosine * y + _SHIFT * chance[3]
    way = tf.stack([cosine, -sine, across, sine, cosine, down, 0.0, 0.0])
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=picture[tf.newaxis],
        transforms=way[tf.newaxis],
        output_shape=tf.shape(picture)[:2],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )[0]


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
