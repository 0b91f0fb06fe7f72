"""Gradient ascent on an image of one size."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from framedream.dream.runtime import tf

Objective = Callable[[tf.Tensor], tf.Tensor]


@dataclass(frozen=True)
class Ascent:
    """Gradient ascent with jitter and a normalised gradient, as graph operations.

    Attributes:
        objective: Takes an H×W×3 image in levels, gives a scalar.
        gradient: What each gradient is divided by: its mean magnitude, or its root mean square.
        smoothing: Sigma of a Gaussian blur of the gradient, in pixels; 0 leaves it as it is.
            It favors figures over fine noise, and what it grows holds still when it is warped.
        jitter: Largest shift before a step, in pixels; the image wraps around.
        random_seed: Seed of the shifts, which depend on nothing else but octave and step.
    """

    objective: Objective
    gradient: Literal["mean", "rms"]
    smoothing: float
    jitter: int
    random_seed: int

    def climb(
        self, image: tf.Tensor, steps: tf.Tensor, step_size: tf.Tensor, max_loss: tf.Tensor, octave: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Take steps until they are done or the objective is above its bound.

        Args:
            image: H×W×3 float32, in levels 0…255.
            steps: Scalar int32, the most steps to take.
            step_size: Mean change of a step in levels, H×W×1 or 1×1×1.
            max_loss: Scalar; the step that finds the objective above it is not taken.
            octave: Scalar int32, index of the octave, for the jitter.

        Returns:
            The image, the last objective seen (-inf if no step was taken), and the steps taken.
        """

        def wanted(step: tf.Tensor, _image: tf.Tensor, loss: tf.Tensor) -> tf.Tensor:
            return tf.logical_and(step < steps, tf.logical_not(loss > max_loss))

        def take(step: tf.Tensor, image: tf.Tensor, _loss: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            loss, direction = self._direction(image, self._shift(octave, step))
            moved = tf.clip_by_value(image + step_size * direction, 0.0, 255.0)
            above = loss > max_loss
            return tf.where(above, step, step + 1), tf.where(above, image, moved), loss

        start = (tf.constant(0), image, tf.constant(float("-inf")))
        invariants = (tf.TensorShape([]), tf.TensorShape([None, None, 3]), tf.TensorShape([]))
        taken, image, loss = tf.while_loop(wanted, take, start, shape_invariants=invariants)
        return image, loss, taken

    def _direction(self, image: tf.Tensor, shift: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Objective and normalised gradient, both seen through the shift."""
        rolled = tf.roll(image, shift, (0, 1))
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(rolled)
            loss = self.objective(rolled)
        gradient = tf.roll(tape.gradient(loss, rolled), -shift, (0, 1))
        if self.smoothing:
            gradient = gaussian_blur(gradient, self.smoothing)
        if self.gradient == "mean":
            size = tf.reduce_mean(tf.abs(gradient))
        else:
            size = tf.sqrt(tf.reduce_mean(tf.square(gradient)))
        return loss, gradient / tf.maximum(size, 1e-12)

    def _shift(self, octave: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """The same in every frame, which keeps the pattern still."""
        seed = tf.stack([tf.constant(self.random_seed), octave * 100_003 + step])
        return tf.random.stateless_uniform([2], seed, -self.jitter, self.jitter + 1, tf.int32)


def gaussian_blur(image: tf.Tensor, sigma: float) -> tf.Tensor:
    """Blur an H×W×3 image, mirrored at its borders, with a separable Gaussian kernel.

    Args:
        image: H×W×3 float32; each side at least three times sigma.
        sigma: Standard deviation in pixels.
    """
    reach = math.ceil(3 * sigma)
    weights = [math.exp(-0.5 * (offset / sigma) ** 2) for offset in range(-reach, reach + 1)]
    kernel = tf.repeat(tf.reshape(tf.constant(weights) / sum(weights), [-1, 1, 1, 1]), 3, axis=2)
    padded = tf.pad(image, [[reach, reach], [reach, reach], [0, 0]], "SYMMETRIC")[tf.newaxis]
    across = tf.nn.depthwise_conv2d(padded, kernel, [1, 1, 1, 1], "VALID")
    return tf.nn.depthwise_conv2d(across, tf.transpose(kernel, [1, 0, 2, 3]), [1, 1, 1, 1], "VALID")[0]
