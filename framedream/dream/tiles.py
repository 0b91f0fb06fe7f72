"""The gradient of an image that is too large for the memory, tile by tile."""

from __future__ import annotations

from collections.abc import Callable

from framedream.dream.runtime import tf

Objective = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
"""Of an H×W×3 image in levels: a scalar to climb, and h×w×1, how much of it each place has."""

GRID = 64
"""Tiles begin at multiples of this, in pixels, so that they see the network's cells where the whole image has them."""

_HALO = 192
"""What a tile sees beyond its own borders, in pixels: about how far a cell of a deep layer reaches."""


def whole_gradient(objective: Objective, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Objective and gradient of an image at once.

    Args:
        objective: What is climbed.
        image: H×W×3 float32, in levels.

    Returns:
        The objective; how much of it each place has, h×w×1; the gradient, H×W×3.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(image)
        loss, places = objective(image)
    return loss, places, tape.gradient(loss, image)


def tiled_gradient(objective: Objective, image: tf.Tensor, tile: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The same, of one tile after the other, each seen with its surroundings.

    Tiles meet without a seam, because what a pixel's gradient depends on is nearly all
    within the surroundings that its tile sees.

    Args:
        objective: What is climbed.
        image: H×W×3 float32, in levels.
        tile: Side of a tile in pixels, a multiple of `GRID`, scalar int32.

    Returns:
        As `whole_gradient`, but the objective is the mean of the places, and the gradient is larger by
        the number of cells in the image.
    """
    height, width = tf.unstack(tf.shape(image)[:2])

    def inner(top: tf.Tensor, left: tf.Tensor) -> tf.Tensor:
        """Gradient and places of one tile, h×w×4."""
        first_row, first_column = tf.maximum(top - _HALO, 0), tf.maximum(left - _HALO, 0)
        # As odd or even as the image: it decides on which side a network's strided layers pad.
        last_row = tf.minimum(top + tile + _HALO - height % 2, height)
        last_column = tf.minimum(left + tile + _HALO - width % 2, width)
        seen = image[first_row:last_row, first_column:last_column]
        size = tf.shape(seen)[:2]
        _, places, gradient = whole_gradient(objective, seen)
        # The objective is a mean over the cells that are seen, of which tiles at the border have fewer.
        gradient *= tf.cast(tf.shape(places)[0] * tf.shape(places)[1], tf.float32)
        both = tf.concat([gradient, tf.image.resize(places, size)], axis=-1)
        row, column = top - first_row, left - first_column
        return both[row : row + tile, column : column + tile]

    def band(top: tf.Tensor) -> tf.Tensor:
        """The tiles beside each other, h×W×4."""
        columns = _joined(lambda left: tf.transpose(inner(top, left), [1, 0, 2]), width, tile)
        return tf.transpose(columns, [1, 0, 2])

    both = _joined(band, height, tile)
    cells = tf.maximum(tf.shape(image)[:2] // 16, 1)
    places = tf.image.resize(both[..., 3:], cells, method="area")
    return tf.reduce_mean(both[..., 3]), places, both[..., :3]


def _joined(part: Callable[[tf.Tensor], tf.Tensor], length: tf.Tensor, tile: tf.Tensor) -> tf.Tensor:
    """Parts that begin at 0, tile, 2·tile …, put together along their first axis."""
    count = (length + tile - 1) // tile
    parts = tf.TensorArray(tf.float32, count, infer_shape=False, element_shape=[None, None, 4])

    def add(index: tf.Tensor, parts: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
        return index + 1, parts.write(index, part(index * tile))

    _, parts = tf.while_loop(lambda index, _: index < count, add, (tf.constant(0), parts), parallel_iterations=1)
    return tf.ensure_shape(parts.concat(), [None, None, 4])
