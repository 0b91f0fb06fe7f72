"""A network, an objective and the octave core, ready to dream frames of any size."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from framedream.dream.ascent import Ascent
from framedream.dream.models import load_network
from framedream.dream.objective import LayerEnergy
from framedream.dream.octaves import OctaveCore, octave_sizes
from framedream.dream.runtime import tf
from framedream.dream.tiles import tiled_objective
from framedream.errors import DeviceError, OutOfMemory
from framedream.machine import TILES, total_memory
from framedream.settings import DreamSettings

_T = TypeVar("_T")

_log = logging.getLogger("framedream")

_BYTES_PER_PIXEL = 700
"""Main memory that the gradient of a whole frame takes, about."""


@dataclass(frozen=True)
class Dream:
    """A dreamed frame.

    Attributes:
        pixels: H×W×3 float32, RGB, in levels 0…255.
        losses: The last objective seen at each octave, smallest first.
        steps: Ascent steps taken at each octave.
    """

    pixels: np.ndarray
    losses: tuple[float, ...]
    steps: tuple[int, ...]


class Dreamer:
    """Dreams frames with one set of settings; made once, used for every frame.

    The network is loaded and its weights become constants of one graph, traced once
    whatever the frames' sizes. The same frame gives the same dream.
    """

    def __init__(self, settings: DreamSettings, tile: int | None = None) -> None:
        """Load the network.

        Args:
            settings: How frames are dreamed.
            tile: Side of the tiles that frames are dreamed in, in pixels; 0 dreams them whole
                if they fit the main memory. Default: smaller and smaller ones as memory runs out.

        Raises:
            SettingsError: A layer does not exist.
            WeightsError: The weights cannot be had.
        """
        self.settings = settings
        self.network = load_network(settings.model, [name for name, _ in settings.layers], settings.weights)
        self._objective = LayerEnergy(self.network, tuple(weight for _, weight in settings.layers))
        ascent = Ascent(
            self._objective.with_places, settings.gradient, settings.smoothing, settings.jitter, settings.random_seed
        )
        core = OctaveCore(ascent)
        frame, step_size = tf.TensorSpec([None, None, 3]), tf.TensorSpec([None, None, 1])
        sizes, steps, bound = tf.TensorSpec([None, 2], tf.int32), tf.TensorSpec([], tf.int32), tf.TensorSpec([])
        self._dream = tf.function(core.dream, [frame, sizes, steps, step_size, bound, tf.TensorSpec([None]), steps])
        self._measure = tf.function(self._objective, [frame])
        self._measure_tiled = tf.function(partial(tiled_objective, self._objective.with_places), [frame, steps])
        self._tile, self._tile_is_set = tile or 0, tile is not None
        self._sizes: dict[tuple[int, int], list[tuple[int, int]]] = {}

    def dream(
        self,
        image: np.ndarray,
        *,
        steps: int | None = None,
        step_size: float | np.ndarray | None = None,
        ceilings: Sequence[float] | None = None,
    ) -> Dream:
        """Dream a frame.

        Args:
            image: H×W×3 float32, RGB, in levels 0…255.
            steps: Ascent steps at each octave; those of the settings if not given.
            step_size: Levels a step changes: a number or an H×W×1 map; the settings' if not given.
            ceilings: What the objective may grow to in any place, for each of `sizes`: the
                image is held there, see `Ascent.climb`. Unbounded if not given.

        Raises:
            InputError: The frame is smaller than the network can take.
            DeviceError: The device ran out of memory; `OutOfMemory` where smaller tiles may help.
        """
        return self._run(image, self.sizes(*image.shape[:2]), steps, step_size, ceilings)

    def octaves(self, image: np.ndarray) -> list[np.ndarray]:
        """The dream of a frame at each of its sizes, smallest first; the last is what `dream` gives.

        Takes less than twice as long as `dream`: an octave is had by stopping there, which
        leaves the graph, and so each bit of the result, as it is.

        Args:
            image: H×W×3 float32, RGB, in levels 0…255.
        """
        sizes = self.sizes(*image.shape[:2])
        return [self._run(image, sizes[:count]).pixels for count in range(1, len(sizes) + 1)]

    def strength(self, image: np.ndarray) -> float:
        """The objective of a whole frame at its full size, without jitter.

        Raises:
            DeviceError: The device ran out of memory.
        """

        def measure() -> float:
            return float(self._measure_tiled(image, self._tile) if self._tile else self._measure(image))

        return self._fitted(image, measure)

    def sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """Sizes of the octaves of a frame; says once if some had to be left out."""
        if (height, width) not in self._sizes:
            asked = self.settings.octaves
            # The blur of the gradient mirrors as many pixels beyond the border.
            minimum = max(self.network.minimum_size, math.ceil(3 * self.settings.smoothing))
            sizes = octave_sizes(height, width, octaves=asked, scale=self.settings.octave_scale, minimum=minimum)
            if asked != "auto" and len(sizes) < asked:
                _log.warning(
                    "%d of %d octaves used: at %dx%d the others are smaller than %s can take (%d pixels)",
                    len(sizes), asked, width, height, self.network.name, minimum,
                )  # fmt: skip
            self._sizes[height, width] = sizes
        return self._sizes[height, width]

    def _run(
        self,
        image: np.ndarray,
        sizes: list[tuple[int, int]],
        steps: int | None = None,
        step_size: float | np.ndarray | None = None,
        ceilings: Sequence[float] | None = None,
    ) -> Dream:
        settings = self.settings
        steps = settings.steps if steps is None else steps
        per_pixel = np.asarray(settings.step_size if step_size is None else step_size, np.float32)
        max_loss = float("inf") if settings.max_loss is None else settings.max_loss
        bounds = np.zeros(len(sizes), np.float32) if ceilings is None else np.asarray(ceilings, np.float32)

        def dream() -> Dream:
            pixels, losses, taken = self._dream(
                image, sizes, steps, np.atleast_3d(per_pixel), max_loss, bounds, self._tile
            )
            return Dream(pixels.numpy(), tuple(losses.numpy().tolist()), tuple(taken.numpy().tolist()))

        return self._fitted(image, dream)

    def _fitted(self, image: np.ndarray, action: Callable[[], _T]) -> _T:
        """Do something with a frame, in smaller and smaller tiles until it fits the device."""
        self._tile = self._tile or _tile_that_fits(*image.shape[:2])
        while True:
            try:
                return action()
            except tf.errors.ResourceExhaustedError as error:
                self._take_smaller_tiles(image, error)

    def _take_smaller_tiles(self, image: np.ndarray, error: Exception) -> None:
        """Go on with smaller tiles, for this frame and all that follow."""
        height, width = image.shape[:2]
        smaller = [tile for tile in TILES if tile < (self._tile or max(height, width))]
        if smaller and self._tile_is_set:
            raise OutOfMemory(f"a frame of {width}x{height} does not fit the device's memory") from error
        if not smaller:
            raise DeviceError(
                f"a frame of {width}x{height} does not fit the device's memory, not even in tiles; "
                "dream it smaller with --scale"
            ) from error
        self._tile = smaller[0]
        _log.warning(
            "%dx%d does not fit the device's memory; dreaming in tiles of %d pixels", width, height, self._tile
        )


def _tile_that_fits(height: int, width: int) -> int:
    """The side of tiles for frames that would fill the main memory; 0 where they fit as a whole."""
    return TILES[0] if height * width * _BYTES_PER_PIXEL > total_memory() / 2 else 0
