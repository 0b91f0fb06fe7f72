"""DeepDream as the Keras documentation's example runs it, for comparison only.

A Python loop over octaves and steps; each step is a call of a function, which the example compiles
(F. Chollet, https://keras.io/examples/generative/deep_dream/). The network, its layers and the octaves' sizes are
framedream's; no motion is followed: every frame is dreamed alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from framedream.config.settings import DreamSettings
from framedream.nn.network.trained_network import find_definition
from framedream.nn.runtime import keras, tf

_MEAN = (103.939, 116.779, 123.68)
_BORDER = 2
"""Cells at the edges of a layer that do not count in the example."""


class KerasLoop:
    """The example's loop around the built-in network."""

    def __init__(self, settings: DreamSettings, is_compiled: bool = True) -> None:
        """Load the network, and give TensorFlow its own defaults back.

        Args:
            settings: Layers, step size and bound of the objective.
            is_compiled: Whether a step is a `tf.function`, as in the example; else TensorFlow runs it eagerly.
        """
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})
        model = find_definition("squeezenet").load(None)
        outputs = {name: model.get_layer(name).output for name, _ in settings.layers}
        self.extractor = keras.Model(model.input, outputs)
        self._layers, self._step_size, self._max_loss = dict(settings.layers), settings.step_size, settings.max_loss
        self._step = tf.function(self._take_step) if is_compiled else self._take_step

    def dream(self, frame: np.ndarray, sizes: Sequence[tuple[int, int]], steps: int) -> np.ndarray:
        """Dream a frame.

        Args:
            frame: H×W×3 float32, RGB, in levels.
            sizes: Height and width of each octave, smallest first.
            steps: Gradient steps at each.

        Returns:
            H×W×3 float32 in levels.
        """
        original = tf.constant(frame[np.newaxis, ..., ::-1] - np.float32(_MEAN))
        shrunk, image = tf.image.resize(original, sizes[0]), tf.identity(original)
        for size in sizes:
            image = self._ascend(tf.image.resize(image, size), steps)
            here = tf.image.resize(original, size)
            image += here - tf.image.resize(shrunk, size)
            shrunk = here
        return np.clip((image.numpy()[0] + np.float32(_MEAN))[..., ::-1], 0, 255)

    def _ascend(self, image: tf.Tensor, steps: int) -> tf.Tensor:
        for _ in range(steps):
            loss, image = self._step(image, tf.constant(self._step_size))
            if self._max_loss is not None and loss > self._max_loss:
                break
        return image

    def _take_step(self, image: tf.Tensor, step_size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(image)
            loss = self._loss(image)
        gradient = tape.gradient(loss, image)
        gradient /= tf.maximum(tf.reduce_mean(tf.abs(gradient)), 1e-6)
        return loss, image + step_size * gradient

    def _loss(self, image: tf.Tensor) -> tf.Tensor:
        loss = tf.zeros([])
        for name, activation in self.extractor(image).items():
            inner = activation[:, _BORDER:-_BORDER, _BORDER:-_BORDER]
            cells = tf.reduce_prod(tf.cast(tf.shape(activation), tf.float32))
            loss += self._layers[name] * tf.reduce_sum(tf.square(inner)) / cells
        return loss
