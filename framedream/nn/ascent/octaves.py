"""Gradient ascent at every size of an image, from small to large."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from framedream.errors import InputError
from framedream.nn.ascent.gradient_ascent import GradientAscent
from framedream.nn.runtime import tf

_AUTO_SMALLEST = 100
"""Smaller side of the smallest octave that ``auto`` aims at, in pixels: large enough for whole heads."""


def octave_sizes(
    height: int,
    width: int,
    *,
    octaves: int | Literal["auto"],
    scale: float,
    minimum: int,
    smallest: int = _AUTO_SMALLEST,
    rounding: Callable[[float], int] = round,
) -> list[tuple[int, int]]:
    """Sizes of the octaves of a frame, smallest first.

    Args:
        height: Height of the frame in pixels.
        width: Width of the frame in pixels.
        octaves: Number of octaves; ``auto`` takes as many as bring the smaller side near ``smallest``, so that a
            preset looks the same on small and large frames.
        scale: Ratio of an octave's size to the one before it.
        minimum: Smallest side the network can take; octaves below it are left out.
        smallest: Smaller side of the smallest octave that ``auto`` aims at, in pixels.
        rounding: Rounds a size to whole pixels.

    Returns:
        ``(height, width)`` of each octave, the last that of the frame.

    Raises:
        InputError: The frame itself is smaller than the network can take.
    """
    smaller = min(height, width)
    if smaller < minimum:
        raise InputError(
            f"a frame of {width}x{height} is too small for these layers, which need {minimum} pixels; "
            "enlarge it with --scale, or choose layers closer to the image"
        )
    if octaves == "auto":
        octaves = 1 + max(0, round(math.log(smaller / smallest, scale)))
    # Divide, as the classic algorithm does: a product with 1.3 ** -1 can fall just below a whole number.
    ratios = [scale**power for power in range(octaves)]
    sizes = [(rounding(height / ratio), rounding(width / ratio)) for ratio in ratios]
    return [size for size in sizes if min(size) >= minimum][::-1]


@dataclass(frozen=True)
class OctaveAscent:
    """Octaves of gradient ascent as graph operations (Mordvintsev et al. 2015).

    At each size the running dream is enlarged and the detail that the smaller size could
    not hold is put back: ``dream = image at this size + enlarged(dream − image, both at
    the size before)``. Then the ascent climbs from there.

    The classic algorithm, from F. Chollet's *Deep Learning with Python* (2017, section 8.2), enlarges the dream
    itself, climbs, and puts the detail back afterwards; it resizes by plain bilinear interpolation.

    Attributes:
        ascent: The ascent of one octave.
        is_classic: Whether to follow the classic algorithm.
    """

    ascent: GradientAscent
    is_classic: bool = False

    def dream(
        self,
        image: tf.Tensor,
        sizes: tf.Tensor,
        steps: tf.Tensor,
        step_size: tf.Tensor,
        max_loss: tf.Tensor,
        ceilings: tf.Tensor,
        tile: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Dream at all sizes, from small to large.

        Args:
            image: The frame, H×W×3 float32, in levels.
            sizes: ``[height, width]`` of each octave, N×2 int32.
            steps: The most steps to take at each octave, scalar int32.
            step_size: Mean change of a step in levels, H×W×1 or 1×1×1.
            max_loss: Scalar; an octave stops when its objective is above it.
            ceilings: The most that the objective may reach in any place at each octave, N; 0 for no bound.
            tile: Side of the tiles in which large octaves are dreamed, scalar int32. None dreams all of them whole.

        Returns:
            The dream at the last of the sizes, in levels; the last value of the objective at each octave, N; the
            steps taken at each octave, N.
        """

        def has_more(index: tf.Tensor, *_: tf.Tensor) -> tf.Tensor:
            return index < tf.shape(sizes)[0]

        def next_octave(
            index: tf.Tensor,
            before: tf.Tensor,
            other: tf.Tensor,
            losses: tf.TensorArray,
            taken: tf.TensorArray,
        ) -> tuple[tf.Tensor, ...]:
            here = tf.image.resize(image, sizes[index]) if self.is_classic else _shrink(image, sizes[index])
            seed = tf.image.resize(before, sizes[index]) if self.is_classic else here + _enlarge(other, sizes[index])
            dream, loss, count = self.ascent.climb(
                seed, steps, _resize_step_map(step_size, sizes[index]), max_loss, ceilings[index], index, tile
            )
            if self.is_classic:
                dream, other = dream + (here - tf.image.resize(other, sizes[index])), here
            else:
                other = dream - here
            return index + 1, dream, other, losses.write(index, loss), taken.write(index, count)

        octaves = tf.shape(sizes)[0]
        start = (
            tf.constant(0),
            image,
            image if self.is_classic else tf.zeros([1, 1, 3]),
            tf.TensorArray(tf.float32, octaves),
            tf.TensorArray(tf.int32, octaves),
        )
        scalar, any_size, array = tf.TensorShape([]), tf.TensorShape([None, None, 3]), tf.TensorShape(None)
        invariants = (scalar, any_size, any_size, array, array)
        _, dream, _, losses, taken = tf.while_loop(has_more, next_octave, start, shape_invariants=invariants)
        return dream, losses.stack(), taken.stack()


def _shrink(image: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    return tf.cond(
        tf.reduce_all(tf.shape(image)[:2] <= size),
        lambda: image,
        lambda: tf.image.resize(image, size, method="area"),
    )


def _resize_step_map(per_pixel: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Resize a map of step sizes; a single number stays unchanged."""
    return tf.cond(tf.size(per_pixel) > 1, lambda: tf.image.resize(per_pixel, size), lambda: per_pixel)


def _enlarge(change: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    return tf.image.resize(change, size, method="bicubic")
