"""Finds tiles with which frames fit the memory."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from framedream.config.machine import TILES, total_memory
from framedream.errors import DeviceError, OutOfMemory
from framedream.nn.ascent.tiles import HALO
from framedream.nn.runtime import tf

_T = TypeVar("_T")

log = logging.getLogger(__name__)

_BYTES_PER_PIXEL = 60
"""Approximate bytes a pixel that the gradient of a frame takes besides the network's layers."""

_LARGEST_WHOLE = 5e6
"""Pixels above which a frame is divided into tiles however much memory there is: large tiles cost little."""


class TileFitter:
    """Finds tiles that fit, and remembers them for all later frames.

    Attributes:
        tile: Side of the tiles in pixels; 0 for whole frames.
    """

    def __init__(self, tile: int | None, numbers: float) -> None:
        """Start with a size of tiles.

        Args:
            tile: That size; 0 keeps frames whole if they fit the main memory. None takes smaller and smaller tiles
                as memory runs out.
            numbers: How many numbers the network's layers hold for each pixel of the image.
        """
        self.tile, self._is_set = tile or 0, tile is not None
        self._bytes = 4 * numbers + _BYTES_PER_PIXEL

    def run(self, image: np.ndarray, action: Callable[[], _T]) -> _T:
        """Run an action on a frame, with smaller and smaller tiles until it fits the device.

        Args:
            image: The frame, H×W×C.
            action: Uses `tile`, and raises TensorFlow's ResourceExhaustedError where the device's memory is full.

        Raises:
            OutOfMemory: The tiles that were set do not fit, and smaller ones may.
            DeviceError: Not even the smallest tiles fit.
        """
        self.tile = self.tile or self._tile_that_fits(*image.shape[:2])
        while True:
            try:
                return action()
            except tf.errors.ResourceExhaustedError as error:
                self._take_smaller_tiles(image, error)

    def _take_smaller_tiles(self, image: np.ndarray, error: Exception) -> None:
        """Go on with smaller tiles, for this frame and all later ones."""
        height, width = image.shape[:2]
        smaller = [tile for tile in TILES if tile < (self.tile or max(height, width))]
        if smaller and self._is_set:
            raise OutOfMemory(
                f"a frame of {width}x{height} does not fit the device's memory; give smaller tiles with --tile, "
                "or dream it smaller with --scale"
            ) from error
        if not smaller:
            raise DeviceError(
                f"a frame of {width}x{height} does not fit the device's memory, not even in tiles; "
                "dream it smaller with --scale"
            ) from error
        self.tile = smaller[0]
        log.warning("%dx%d does not fit the device's memory; dreaming in tiles of %d pixels", width, height, self.tile)

    def _tile_that_fits(self, height: int, width: int) -> int:
        """The side of tiles for frames that are large, or would fill the main memory; 0 for whole frames."""
        room = total_memory() / 2
        if height * width <= _LARGEST_WHOLE and height * width * self._bytes <= room:
            return 0
        return next((tile for tile in TILES if (tile + 2 * HALO) ** 2 * self._bytes <= room), TILES[-1])
