"""The classic dream as it was published, stated plainly and by itself: nothing of framedream is used.

F. Chollet, Deep Learning with Python (2017), section 8.2, in today's Keras: an image in the network's own input
units, a function of loss and gradients, a loop in Python around it, plain bilinear sizes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf


@dataclass(frozen=True)
class Published:
    """What was published.

    Attributes:
        images: The picture at each scale, smallest first, H×W×3 in the network's units.
        losses: The last loss that was found at each scale.
    """

    images: list[np.ndarray]
    losses: list[float]


def published_dream(
    model: keras.Model,
    settings: dict[str, float],
    image: np.ndarray,
    *,
    step: float,
    octaves: int,
    octave_scale: float,
    iterations: int,
    max_loss: float | None,
) -> Published:
    """Dream one image.

    Args:
        model: The network, from its input to anything.
        settings: Layers with their coefficients.
        image: H×W×3, preprocessed as the network wants it.
        step: Size of a step, in the network's units.
        octaves: Number of scales.
        octave_scale: Ratio between them.
        iterations: Steps at each.
        max_loss: Where to stop.
    """
    loss_and_gradient = _traced(model, tuple(settings.items()))
    original = tf.constant(image[None], tf.float32)
    height, width = image.shape[:2]
    shapes = [(int(height / octave_scale**n), int(width / octave_scale**n)) for n in range(octaves)][::-1]
    shrunk = tf.image.resize(original, shapes[0])
    dream, images, losses = tf.identity(original), [], []
    for shape in shapes:
        dream = tf.image.resize(dream, shape)
        for _ in range(iterations):
            loss, gradient = loss_and_gradient(dream)
            if max_loss is not None and loss > max_loss:
                break
            dream += step * gradient
        lost = tf.image.resize(original, shape) - tf.image.resize(shrunk, shape)
        dream += lost
        shrunk = tf.image.resize(original, shape)
        images.append(dream[0].numpy())
        losses.append(float(loss))
    return Published(images, losses)


@functools.cache
def _traced(
    model: keras.Model, settings: tuple[tuple[str, float], ...]
) -> Callable[[tf.Tensor], tuple[tf.Tensor, ...]]:
    """Loss and normalized gradient, traced once for all dreams with the same layers."""
    coefficients = dict(settings)
    extractor = keras.Model(model.input, {name: model.get_layer(name).output for name in coefficients})

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3])])
    def loss_and_gradient(dream):
        with tf.GradientTape() as tape:
            tape.watch(dream)
            loss = tf.zeros(())
            for name, activation in extractor(dream, training=False).items():
                scaling = tf.reduce_prod(tf.cast(tf.shape(activation), tf.float32))
                loss += coefficients[name] * tf.reduce_sum(tf.square(activation[:, 2:-2, 2:-2, :])) / scaling
        gradient = tape.gradient(loss, dream)
        return loss, gradient / tf.maximum(tf.reduce_mean(tf.abs(gradient)), 1e-7)

    return loss_and_gradient
