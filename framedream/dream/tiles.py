"""The gradient of an image that is too large for the memory, tile by tile."""

from __future__ import annotations

from collections.abc import Callable

from framedream.dream.runtime import tf

PlacedObjective = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
"""Of an H×W×3 image in levels: a scalar to climb, and h×w×1, how much of it each place has."""

GRID = 64
"""Tiles begin at multiples of this, in pixels, so that they see the network's cells where the whole image has them."""

_HALO = 192
"""What a tile sees beyond its own borders, in pixels: about how far a cell of a deep layer reaches."""


def whole_gradient(objective: PlacedObjective, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
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


def tiled_gradient(
    objective: PlacedObjective, image: tf.Tensor, tile: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
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

    def look(seen: tf.Tensor) -> tf.Tensor:
        _, places, gradient = whole_gradient(objective, seen)
        # The objective is a mean over the cells that are seen, of which tiles at the border have fewer.
        gradient *= tf.cast(tf.shape(places)[0] * tf.shape(places)[1], tf.float32)
        return tf.concat([gradient, tf.image.resize(places, tf.shape(seen)[:2])], axis=-1)

    both = _tiled(look, image, tile)
    cells = tf.maximum(tf.shape(image)[:2] // 16, 1)
    places = tf.image.resize(both[..., 3:], cells, method="area")
    return tf.reduce_mean(both[..., 3]), places, both[..., :3]


def tiled_objective(objective: PlacedObjective, image: tf.Tensor, tile: tf.Tensor) -> tf.Tensor:
    """The objective alone, tile by tile, as the mean of the places; arguments as `tiled_gradient`."""

    def look(seen: tf.Tensor) -> tf.Tensor:
        return tf.image.resize(objective(seen)[1], tf.shape(seen)[:2])

    return tf.reduce_mean(_tiled(look, image, tile))


def _tiled(look: Callable[[tf.Tensor], tf.Tensor], image: tf.Tensor, tile: tf.Tensor) -> tf.Tensor:
    """What is seen of an image, H×W×C, a tile at a time; ``look`` gives h×w×C of what it is shown."""
    height, width = tf.unstack(tf.shape(image)[:2])
    # What a network's strided layers pad depends on the size: tiles are as far from the grid as the image.
    short, narrow = -height % GRID, -width % GRID

    def inner(top: tf.Tensor, left: tf.Tensor) -> tf.Tensor:
        first_row, first_column = tf.maximum(top - _HALO, 0), tf.maximum(left - _HALO, 0)
        last_row = tf.minimum(top + tile + _HALO - short, height)
        last_column = tf.minimum(left + tile + _HALO - narrow, width)
        row, column = top - first_row, left - first_column
        return look(image[first_row:last_row, first_column:last_column])[row : row + tile, column : column + tile]

    def band(top: tf.Tensor) -> tf.Tensor:
        """The tiles beside each other."""
        columns = _joined(lambda left: tf.transpose(inner(top, left), [1, 0, 2]), width, tile)
        return tf.transpose(columns, [1, 0, 2])

    return _joined(band, height, tile)


def _joined(part: Callable[[tf.Tensor], tf.Tensor], length: tf.Tensor, tile: tf.Tensor) -> tf.Tensor:
    """Parts that begin at 0, tile, 2·tile …, put together along their first axis."""
    count = (length + tile - 1) // tile
    parts = tf.TensorArray(tf.float32, count, infer_shape=False, element_shape=[None, None, None])

    def add(index: tf.Tensor, parts: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
        return index + 1, parts.write(index, part(index * tile))

    _, parts = tf.while_loop(lambda index, _: index < count, add, (tf.constant(0), parts), parallel_iterations=1)
    return parts.concat()
