"""Frames fitted to the memory: whole where there is room, else in tiles."""

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

_log = logging.getLogger(__name__)

_PICTURE = 60
"""Bytes for each pixel that the gradient of a frame takes beside the network's layers, about."""

_ALWAYS = 5e6
"""Pixels beyond which a frame is seen in tiles, however much memory there is: they are large, and cost little."""


class TileFitter:
    """Finds tiles that fit, and remembers them for all frames that follow.

    Attributes:
        tile: Side of the tiles that frames are seen in, in pixels; 0 for whole.
    """

    def __init__(self, tile: int | None, numbers: float) -> None:
        """Begin with some size of tiles.

        Args:
            tile: That size; 0 sees frames whole if they fit the main memory. None takes smaller and smaller
                tiles as memory runs out.
            numbers: How many the network's layers hold for each pixel.
        """
        self.tile, self._is_set = tile or 0, tile is not None
        self._bytes = 4 * numbers + _PICTURE

    def fitted(self, image: np.ndarray, action: Callable[[], _T]) -> _T:
        """Do something with a frame, in smaller and smaller tiles until it fits the device."""
        self.tile = self.tile or self._tile_that_fits(*image.shape[:2])
        while True:
            try:
                return action()
            except tf.errors.ResourceExhaustedError as error:
                self._take_smaller_tiles(image, error)

    def _take_smaller_tiles(self, image: np.ndarray, error: Exception) -> None:
        """Go on with smaller tiles, for this frame and all that follow."""
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
        _log.warning("%dx%d does not fit the device's memory; dreaming in tiles of %d pixels", width, height, self.tile)

    def _tile_that_fits(self, height: int, width: int) -> int:
        """The side of tiles for frames that are large, or would fill the main memory; 0 for frames seen whole."""
        room = total_memory() / 2
        if height * width <= _ALWAYS and height * width * self._bytes <= room:
            return 0
        return next((tile for tile in TILES if (tile + 2 * HALO) ** 2 * self._bytes <= room), TILES[-1])
