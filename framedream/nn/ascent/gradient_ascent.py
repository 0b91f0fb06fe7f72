"""Gradient ascent on an image of one size."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from framedream.nn.ascent.tiles import PlacedObjective, tiled_gradient, unscaled_gradient
from framedream.nn.runtime import tf

_STIFFNESS = 4.0
"""How early the steps of a held place shrink as it approaches its ceiling."""

_LEAST_SHARE = -0.3
"""Share of a step that a held place far above its ceiling takes: back down the gradient."""

_OWN_WEIGHT = 0.6
"""Weight of a place's own objective, against that of the whole image, when the place is held."""

_EQUALIZATION = 0.4
"""How far the gradient of a held image is equalized: with 0 strong places grow most, with 1 all grow alike."""

_NEIGHBORHOOD = 32
"""Size in pixels of the neighborhood over which the gradient is equalized."""

_CELL = 8
"""Size in pixels of the cells in which its magnitude is averaged."""


@dataclass(frozen=True)
class GradientAscent:
    """Gradient ascent with jitter and a normalized gradient, as graph operations.

    Everything that changes from call to call is a tensor, so one graph serves all calls.

    Attributes:
        objective: The objective to raise.
        gradient: What each gradient is divided by: its mean magnitude, or its root mean square.
        taps: Kernel of a blur of the gradient, see `gaussian_taps`; a single tap means no blur. The blur favors
            figures over fine noise, and figures hold still when they are warped.
        jitter: Largest shift before a step, in pixels, scalar int32; the image wraps around.
        random_seed: Seed of the shifts, which depend on nothing else but octave and step.
        whole: Computes objective, places and gradient of images that are not divided into tiles.
        floor: The least that a gradient is divided by.
        is_clipped: Whether the image is kept within 0…255 after each step.
    """

    objective: PlacedObjective
    gradient: Literal["mean", "rms"]
    taps: tf.Tensor
    jitter: tf.Tensor
    random_seed: int
    whole: Callable[[PlacedObjective, tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]] = unscaled_gradient
    floor: float = 1e-12
    is_clipped: bool = True

    def climb(
        self,
        image: tf.Tensor,
        steps: tf.Tensor,
        step_size: tf.Tensor,
        max_loss: tf.Tensor,
        ceiling: tf.Tensor,
        octave: tf.Tensor,
        tile: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Take steps until all are taken or the objective is above its bound.

        With a ceiling the image is *held*: the closer a place's own objective is to the ceiling, the smaller its
        steps, which go back down above it; and weak places catch up, because the gradient is also divided by its
        mean magnitude around each place.

        Args:
            image: H×W×3 float32, in levels 0…255.
            steps: Scalar int32, the most steps to take.
            step_size: Mean change of a step in levels, H×W×1 or 1×1×1.
            max_loss: Scalar; the step that finds the objective above it is not taken.
            ceiling: Scalar, the most that the objective may reach in any place; 0 for no bound.
            octave: Scalar int32, index of the octave, for the jitter.
            tile: Scalar int32; images larger than tiles of this side are divided into them. None for never.

        Returns:
            The image, the last value of the objective (-inf if there were no steps), and the number of steps taken.
        """

        def has_more(step: tf.Tensor, _image: tf.Tensor, loss: tf.Tensor) -> tf.Tensor:
            return tf.logical_and(step < steps, tf.logical_not(loss > max_loss))

        def take_step(step: tf.Tensor, image: tf.Tensor, _loss: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            loss, gradient, gain = self._gradient(image, self._shift(octave, step), ceiling, tile)
            above = loss > max_loss
            moved = tf.cond(above, lambda: image, lambda: self._apply_step(image, gradient, step_size * gain))
            return tf.where(above, step, step + 1), moved, loss

        start = (tf.constant(0), image, tf.constant(float("-inf")))
        invariants = (tf.TensorShape([]), tf.TensorShape([None, None, 3]), tf.TensorShape([]))
        taken, image, loss = tf.while_loop(has_more, take_step, start, shape_invariants=invariants)
        return image, loss, taken

    def _apply_step(self, image: tf.Tensor, gradient: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
        moved = image + factor * gradient
        return tf.clip_by_value(moved, 0.0, 255.0) if self.is_clipped else moved

    def _gradient(
        self, image: tf.Tensor, shift: tf.Tensor, ceiling: tf.Tensor, tile: tf.Tensor | None
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Objective and gradient of the shifted image, and factors that bring the gradient to a mean magnitude of 1."""
        loss, places, gradient = self._evaluate(tf.roll(image, shift, (0, 1)), tile)
        gradient = tf.roll(gradient, -shift, (0, 1))
        unblurred = gradient
        gradient = tf.cond(tf.size(self.taps) > 1, lambda: gaussian_blur(unblurred, self.taps), lambda: unblurred)
        magnitude = tf.abs(gradient)
        size = tf.reduce_mean(magnitude) if self.gradient == "mean" else tf.sqrt(tf.reduce_mean(tf.square(gradient)))
        size = tf.maximum(size, self.floor)

        def held() -> tuple[tf.Tensor, tf.Tensor]:
            full = tf.shape(image)[:2]
            share = tf.roll(tf.image.resize(_step_share(loss, places, ceiling), full), -shift, (0, 1))
            return gradient, share * tf.image.resize(_equalizer(magnitude / size) / size, full)

        return loss, *tf.cond(ceiling > 0, held, lambda: (gradient / size, tf.ones([1, 1, 1])))

    def _evaluate(self, image: tf.Tensor, tile: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        if tile is None:
            return self.whole(self.objective, image)
        loss, places, gradient = tf.cond(
            tf.reduce_any(tf.shape(image)[:2] > tile),
            lambda: tiled_gradient(self.objective, image, tile),
            lambda: self.whole(self.objective, image),
        )
        return loss, places, gradient

    def _shift(self, octave: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """A random shift that is the same in every frame, which keeps the pattern still."""
        seed = tf.stack([tf.constant(self.random_seed), octave * 100_003 + step])
        return tf.random.stateless_uniform([2], seed, -self.jitter, self.jitter + 1, tf.int32)


def _step_share(loss: tf.Tensor, places: tf.Tensor, ceiling: tf.Tensor) -> tf.Tensor:
    """The share of a step that each held place takes, `_LEAST_SHARE`…1, h×w×1."""
    around = _box_mean(_box_mean(places, 3, 1), 3, 1)
    share = tf.maximum(around, 0) ** _OWN_WEIGHT * tf.maximum(loss, 0) ** (1 - _OWN_WEIGHT) / ceiling
    return tf.clip_by_value(_STIFFNESS * (1 - tf.sqrt(share)), _LEAST_SHARE, 1)


def _equalizer(magnitude: tf.Tensor) -> tf.Tensor:
    """Factors, h×w×1, that raise weak places of a gradient and lower strong ones, from its magnitude of mean 1."""
    cells = tf.nn.avg_pool2d(magnitude[tf.newaxis], _CELL, _CELL, "SAME")
    around = _box_mean(tf.reduce_mean(cells[0], axis=-1, keepdims=True), _NEIGHBORHOOD // _CELL, 1)
    return (_box_mean(around, 3, 1) + 0.05) ** -_EQUALIZATION


def _box_mean(values: tf.Tensor, size: int, stride: int) -> tf.Tensor:
    """Means over a moving square, H×W×1 to h×w×1."""
    return tf.nn.avg_pool2d(values[tf.newaxis], size, stride, "SAME")[0]


def gaussian_taps(sigma: float) -> np.ndarray:
    """The taps of a Gaussian kernel, float32; a single 1 for no blur.

    Args:
        sigma: Standard deviation in pixels.
    """
    reach = blur_reach(sigma)
    weights = [math.exp(-0.5 * (offset / sigma) ** 2) if offset else 1.0 for offset in range(-reach, reach + 1)]
    return np.array(weights, np.float32) / np.float32(sum(weights))


def blur_reach(sigma: float) -> int:
    """How far a Gaussian kernel reaches, in pixels."""
    return math.ceil(3 * sigma)


def gaussian_blur(image: tf.Tensor, taps: tf.Tensor) -> tf.Tensor:
    """Blur an H×W×3 image, mirrored at its borders, with a separable kernel.

    Args:
        image: H×W×3 float32; each side at least as long as the kernel reaches.
        taps: The kernel in one direction, an odd number of them.
    """
    reach = tf.size(taps) // 2
    kernel = tf.repeat(tf.reshape(taps, [-1, 1, 1, 1]), 3, axis=2)
    padded = tf.pad(image, [[reach, reach], [reach, reach], [0, 0]], "SYMMETRIC")[tf.newaxis]
    across = tf.nn.depthwise_conv2d(padded, kernel, [1, 1, 1, 1], "VALID")
    return tf.nn.depthwise_conv2d(across, tf.transpose(kernel, [1, 0, 2, 3]), [1, 1, 1, 1], "VALID")[0]
