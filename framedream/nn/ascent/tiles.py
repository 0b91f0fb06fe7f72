"""Computes the gradient of an image that is too large for the memory tile by tile."""

from __future__ import annotations

from collections.abc import Callable

from framedream.config.machine import GRID
from framedream.nn.runtime import tf, traced_graph

PlacedObjective = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
"""Takes an H×W×3 image in levels; returns a scalar to raise, and h×w×1, how much of it each place has."""

HALO = 192
"""Pixels beyond its own borders that a tile includes: about how far a cell of a deep layer reaches."""


def whole_gradient(objective: PlacedObjective, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Compute objective and gradient of an image as a whole.

    Args:
        objective: The objective to raise.
        image: H×W×3 float32, in levels.

    Returns:
        The objective; how much of it each place has, h×w×1; the gradient, H×W×3.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(image)
        loss, places = objective(image)
    return loss, places, tape.gradient(loss, image)


def unscaled_gradient(objective: PlacedObjective, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Compute the same, with the gradient multiplied by the number of cells.

    So it is the gradient of a sum, not of a mean, and has the same bits whatever surrounds the cells: a dream is
    chaotic, and differences in last bits would grow into another picture.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(image)
        loss, places = objective(image)
    return loss, places, tape.gradient(loss, image, tf.cast(tf.size(places), tf.float32))


def tiled_gradient(
    objective: PlacedObjective, image: tf.Tensor, tile: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Compute the same one tile after the other, each with its surroundings.

    Tiles meet without a seam, because nearly everything that a pixel's gradient depends on lies within the
    surroundings of its tile.

    Args:
        objective: The objective to raise.
        image: H×W×3 float32, in levels.
        tile: Longest side of a tile in pixels, a multiple of `GRID`, scalar int32.

    Returns:
        As `unscaled_gradient`, but the objective is the mean of the places.
    """

    def gradient_and_places(part: tf.Tensor) -> tf.Tensor:
        _, places, gradient = unscaled_gradient(objective, part)
        return tf.concat([gradient, tf.image.resize(places, tf.shape(part)[:2])], axis=-1)

    # A separate function, because in nested loops TensorFlow does not prune unneeded operations, such as the
    # gradients of weights, which take as long as those of the image.
    both = map_tiles(traced_graph(gradient_and_places, [tf.TensorSpec([None, None, 3])]), image, tile)
    cells = tf.maximum(tf.shape(image)[:2] // 16, 1)
    places = tf.image.resize(both[..., 3:], cells, method="area")
    return tf.reduce_mean(both[..., 3]), places, both[..., :3]


def tiled_objective(objective: PlacedObjective, image: tf.Tensor, tile: tf.Tensor) -> tf.Tensor:
    """Compute the objective alone, tile by tile, as the mean of the places; arguments as `tiled_gradient`."""

    def places(part: tf.Tensor) -> tf.Tensor:
        return tf.image.resize(objective(part)[1], tf.shape(part)[:2])

    return tf.reduce_mean(map_tiles(places, image, tile))


def map_tiles(function: Callable[[tf.Tensor], tf.Tensor], image: tf.Tensor, tile: tf.Tensor) -> tf.Tensor:
    """Apply a function to an image one tile after the other, each with its surroundings, and join the results.

    Args:
        function: Takes h×w×3 of the image and returns h×w×C.
        image: H×W×3.
        tile: Longest side of a tile in pixels, a multiple of `GRID`, scalar int32.

    Returns:
        H×W×C.
    """
    height, width = tf.unstack(tf.shape(image)[:2])
    high, wide = _tile_side(height, tile), _tile_side(width, tile)
    # The padding of strided layers depends on the size, so tiles end as far off the grid as the image does.
    lower, right = HALO + height % GRID, HALO + width % GRID

    def inner(top: tf.Tensor, left: tf.Tensor) -> tf.Tensor:
        first_row, first_column = tf.maximum(top - HALO, 0), tf.maximum(left - HALO, 0)
        last_row = tf.minimum(top + high + lower, height)
        last_column = tf.minimum(left + wide + right, width)
        row, column = top - first_row, left - first_column
        return function(image[first_row:last_row, first_column:last_column])[row : row + high, column : column + wide]

    def row_of_tiles(top: tf.Tensor) -> tf.Tensor:
        columns = _concat_tiles(lambda left: tf.transpose(inner(top, left), [1, 0, 2]), width, wide)
        return tf.transpose(columns, [1, 0, 2])

    return _concat_tiles(row_of_tiles, height, high)


def _tile_side(length: tf.Tensor, tile: tf.Tensor) -> tf.Tensor:
    """The side of tiles that divide a length evenly, so that no tile is nearly all surroundings."""
    count = (length + tile - 1) // tile
    side = (length + count - 1) // count
    return side + -side % GRID


def _concat_tiles(part: Callable[[tf.Tensor], tf.Tensor], length: tf.Tensor, tile: tf.Tensor) -> tf.Tensor:
    """Concatenate the parts that begin at 0, tile, 2·tile … along their first axis."""
    count = (length + tile - 1) // tile
    parts = tf.TensorArray(tf.float32, count, infer_shape=False, element_shape=[None, None, None])

    def add(index: tf.Tensor, parts: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
        return index + 1, parts.write(index, part(index * tile))

    _, parts = tf.while_loop(lambda index, _: index < count, add, (tf.constant(0), parts), parallel_iterations=1)
    return parts.concat()
