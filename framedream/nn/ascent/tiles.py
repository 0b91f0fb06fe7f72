"""The gradient of an image that is too large for the memory, tile by tile."""

from __future__ import annotations

from collections.abc import Callable

from framedream.config.machine import GRID
from framedream.nn.runtime import tf, traced_graph

PlacedObjective = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
"""Of an H×W×3 image in levels: a scalar to climb, and h×w×1, how much of it each place has."""

HALO = 192
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


def unscaled_gradient(objective: PlacedObjective, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The same, but the gradient is larger by the number of cells.

    Then it is that of a sum, not of a mean, and has the same bits whatever surrounds the cells: a dream is chaotic,
    and last bits would grow into another picture.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(image)
        loss, places = objective(image)
    return loss, places, tape.gradient(loss, image, tf.cast(tf.size(places), tf.float32))


def tiled_gradient(
    objective: PlacedObjective, image: tf.Tensor, tile: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The same, of one tile after the other, each seen with its surroundings.

    Tiles meet without a seam, because what a pixel's gradient depends on is nearly all
    within the surroundings that its tile sees.

    Args:
        objective: What is climbed.
        image: H×W×3 float32, in levels.
        tile: Longest side of a tile in pixels, a multiple of `GRID`, scalar int32.

    Returns:
        As `unscaled_gradient`, but the objective is the mean of the places.
    """

    def look(seen: tf.Tensor) -> tf.Tensor:
        _, places, gradient = unscaled_gradient(objective, seen)
        return tf.concat([gradient, tf.image.resize(places, tf.shape(seen)[:2])], axis=-1)

    # A function of its own, since in loops within loops TensorFlow leaves out nothing that is not needed, such as
    # the gradients of weights, which take as long as those of the image.
    both = _tiled(traced_graph(look, [tf.TensorSpec([None, None, 3])]), image, tile)
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
    high, wide = _even(height, tile), _even(width, tile)
    # What a network's strided layers pad depends on the size: tiles are as far from the grid as the image.
    lower, right = HALO + height % GRID, HALO + width % GRID

    def inner(top: tf.Tensor, left: tf.Tensor) -> tf.Tensor:
        first_row, first_column = tf.maximum(top - HALO, 0), tf.maximum(left - HALO, 0)
        last_row = tf.minimum(top + high + lower, height)
        last_column = tf.minimum(left + wide + right, width)
        row, column = top - first_row, left - first_column
        return look(image[first_row:last_row, first_column:last_column])[row : row + high, column : column + wide]

    def band(top: tf.Tensor) -> tf.Tensor:
        """The tiles beside each other."""
        columns = _joined(lambda left: tf.transpose(inner(top, left), [1, 0, 2]), width, wide)
        return tf.transpose(columns, [1, 0, 2])

    return _joined(band, height, high)


def _even(length: tf.Tensor, tile: tf.Tensor) -> tf.Tensor:
    """The side of tiles that share a length evenly, so that none is all surroundings."""
    count = (length + tile - 1) // tile
    side = (length + count - 1) // count
    return side + -side % GRID


def _joined(part: Callable[[tf.Tensor], tf.Tensor], length: tf.Tensor, tile: tf.Tensor) -> tf.Tensor:
    """Parts that begin at 0, tile, 2·tile …, put together along their first axis."""
    count = (length + tile - 1) // tile
    parts = tf.TensorArray(tf.float32, count, infer_shape=False, element_shape=[None, None, None])

    def add(index: tf.Tensor, parts: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
        return index + 1, parts.write(index, part(index * tile))

    _, parts = tf.while_loop(lambda index, _: index < count, add, (tf.constant(0), parts), parallel_iterations=1)
    return parts.concat()
