"""Dreams frames of any size with one network."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from framedream.config.settings import DreamSettings
from framedream.config.terms import CLASSES, parse_term
from framedream.errors import SettingsError
from framedream.nn.ascent.gradient_ascent import GradientAscent, blur_reach, gaussian_taps
from framedream.nn.ascent.objective import Objective, guide_features
from framedream.nn.ascent.octaves import OctaveAscent, octave_sizes
from framedream.nn.ascent.tile_fitter import TileFitter
from framedream.nn.ascent.tiles import tiled_objective, whole_gradient
from framedream.nn.network.loading import load_network
from framedream.nn.network.memory import activations_per_pixel
from framedream.nn.precision import dtype_for
from framedream.nn.runtime import tf, traced_graph

log = logging.getLogger(__name__)

_CLASSIC_FLOOR = 1e-7
"""The least that the classic algorithm divides a gradient by, in the unit of the network's input."""


@dataclass(frozen=True)
class Dream:
    """A dreamed frame.

    Attributes:
        pixels: H×W×3 float32, RGB, in levels 0…255.
        losses: The last value of the objective at each octave, smallest first.
        steps: Ascent steps taken at each octave.
    """

    pixels: np.ndarray
    losses: tuple[float, ...]
    steps: tuple[int, ...]


class Dreamer:
    """Dreams frames with one network: create it once and use it for every frame.

    The network is loaded and its weights become constants of one graph, which is traced once, whatever the sizes
    of the frames and however the settings change. The same frame gives the same dream.
    """

    def __init__(
        self,
        settings: DreamSettings,
        tile: int | None = None,
        layers: Sequence[str] = (),
        guide: np.ndarray | None = None,
    ) -> None:
        """Load the network.

        Args:
            settings: How to dream frames, unless a call says otherwise.
            tile: Side of the tiles that frames are dreamed in, in pixels; 0 dreams them whole if they fit the main
                memory. Default: smaller and smaller tiles as memory runs out.
            layers: More layers that calls may excite, besides those of the settings.
            guide: H×W×3 float32, RGB, in levels 0…255: the image whose features layers are drawn towards.

        Raises:
            SettingsError: A layer or channel does not exist, or no layer is left to be drawn towards the guide.
            InputError: The guide is smaller than the network can take.
            WeightsError: The weights are not available, or do not fit.
        """
        self.settings = settings
        # A term can be written in two ways.
        named = {parse_term(name): name for name in (*(name for name, _ in settings.layers), *layers)}
        self._names, self._terms = list(named.values()), list(named)
        used = list(dict.fromkeys(term.layer for term in self._terms))
        if guide is not None and used == [CLASSES]:
            raise SettingsError("guide: a class cannot be drawn towards a guide; add a layer, or leave the guide out")
        self._is_classic = settings.algorithm == "classic"
        self.network = load_network(
            settings.model, used, settings.weights, exact=self._is_classic, dtype=dtype_for(settings.precision)
        )
        self._check_channels()
        # The classic algorithm works in the unit of the network's input.
        self._matrix, self._offset = self.network.input_transform()
        self._guides = {} if guide is None else guide_features(self.network, guide)
        frame, step_size, weights = tf.TensorSpec([None, None, 3]), tf.TensorSpec([None, None, 1]), [len(named)]
        sizes, whole, bound = tf.TensorSpec([None, 2], tf.int32), tf.TensorSpec([], tf.int32), tf.TensorSpec([])
        weighted, taps = tf.TensorSpec(weights), tf.TensorSpec([None])
        arguments = [weighted, taps, whole, frame, sizes, whole, step_size, bound, tf.TensorSpec([None])]
        # Two graphs, since tracing takes seconds, and few frames need tiles.
        self._dream, self._dream_tiled = (traced_graph(self._graph, [*arguments, *tile]) for tile in ([], [whole]))
        self._measure = traced_graph(lambda image, weights: self._objective(weights)(image), [frame, weighted])
        self._measure_tiled = traced_graph(
            lambda image, weights, tile: tiled_objective(self._objective(weights).with_places, image, tile),
            [frame, weighted, whole],
        )
        self.tile_fitter = TileFitter(tile, activations_per_pixel(self.network))
        self._warned: set[tuple[int, ...]] = set()
        self._warned_of_silence = False

    def _check_channels(self) -> None:
        for name, term in zip(self._names, self._terms, strict=True):
            count = self.network.channel_count(term.layer)
            if term.channels and max(term.channels) >= count:
                raise SettingsError(f"layers: '{name}' does not exist: {term.layer} has channels 0 to {count - 1}")

    def _objective(self, weights: tf.Tensor) -> Objective:
        return Objective(self.network, self._terms, weights, self._guides, self._is_classic)

    def _graph(
        self, weights: tf.Tensor, taps: tf.Tensor, jitter: tf.Tensor, *arguments: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        settings = self.settings
        objective = self._objective(weights)
        ascent = GradientAscent(objective.with_places, settings.gradient, taps, jitter, settings.random_seed)
        return (
            self._classic(objective, ascent, *arguments) if self._is_classic else OctaveAscent(ascent).dream(*arguments)
        )

    def _classic(
        self, objective: Objective, ascent: GradientAscent, image: tf.Tensor, *arguments: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The classic algorithm in the unit of the network's input: the published one, to nearly the last bit."""
        objective = replace(objective, network=replace(self.network, preprocess=lambda images: images))
        ascent = replace(
            ascent, objective=objective.with_places, whole=whole_gradient, floor=_CLASSIC_FLOOR, is_clipped=False
        )
        inputs = self.network.preprocess(image[tf.newaxis])[0]
        dream, losses, taken = OctaveAscent(ascent, is_classic=True).dream(inputs, *arguments)
        to_levels = tf.constant(np.linalg.inv(self._matrix), tf.float32)
        return tf.clip_by_value((dream - tf.constant(self._offset, tf.float32)) @ to_levels, 0.0, 255.0), losses, taken

    def dream(
        self,
        image: np.ndarray,
        settings: DreamSettings | None = None,
        *,
        steps: int | None = None,
        step_size: float | np.ndarray | None = None,
        ceilings: Sequence[float] | None = None,
    ) -> Dream:
        """Dream a frame.

        Args:
            image: H×W×3 float32, RGB, in levels 0…255.
            settings: How to dream this frame. Default: the dreamer's own settings. What would make another network or
                another graph (model, weights, gradient, seed) has no effect.
            steps: Ascent steps at each octave. Default: those of the settings.
            step_size: Levels a step changes: a number or an H×W×1 map. Default: that of the settings.
            ceilings: The most that the objective may reach in any place, for each of `sizes`: the image is held
                there, see `GradientAscent.climb`. Default: unbounded. If there are more or fewer ceilings than
                sizes, they count from the largest size, and the first also holds for all smaller sizes.

        Raises:
            InputError: The frame is smaller than the network can take.
            DeviceError: The device ran out of memory; `OutOfMemory` where smaller tiles may help.
        """
        settings, (height, width) = settings or self.settings, image.shape[:2]
        dream = self._run(image, settings, self.sizes(height, width, settings), steps, step_size, ceilings)
        if any(dream.steps) and not any(dream.losses) and not self._warned_of_silence:
            self._warned_of_silence = True
            log.warning(
                "nothing in the picture excites %s, so it stays unchanged; framedream features shows what is excited",
                ", ".join(name for name, _ in settings.layers),
            )
        return dream

    def octaves(self, image: np.ndarray) -> list[np.ndarray]:
        """The dream of a frame at each of its sizes, smallest first; the last is what `dream` gives.

        Takes less than twice as long as `dream`: the dream is stopped at each octave, which leaves the graph, and so
        each bit of the result, the same.

        Args:
            image: H×W×3 float32, RGB, in levels 0…255.
        """
        sizes = self.sizes(*image.shape[:2])
        return [self._run(image, self.settings, sizes[:count]).pixels for count in range(1, len(sizes) + 1)]

    def strength(self, image: np.ndarray, settings: DreamSettings | None = None) -> float:
        """The objective of a whole frame at its full size, without jitter.

        Args:
            image: H×W×3 float32, RGB, in levels 0…255.
            settings: How to dream the frame. Default: the dreamer's own settings.

        Raises:
            DeviceError: The device ran out of memory.
        """
        weights = self._weights(settings or self.settings)

        def measure() -> float:
            tile = self.tile_fitter.tile
            return float(self._measure_tiled(image, weights, tile) if tile else self._measure(image, weights))

        return self.tile_fitter.run(image, measure)

    def sizes(self, height: int, width: int, settings: DreamSettings | None = None) -> list[tuple[int, int]]:
        """Sizes of the octaves of a frame as (height, width), smallest first; warns once if some are left out."""
        settings = settings or self.settings
        requested = settings.octaves
        # The blur of the gradient mirrors this many pixels beyond the border.
        minimum = max(self.network.minimum_size, blur_reach(settings.smoothing))
        rounding = int if self._is_classic else round
        scale = settings.octave_scale
        sizes = octave_sizes(height, width, octaves=requested, scale=scale, minimum=minimum, rounding=rounding)
        if requested != "auto" and len(sizes) < requested and (height, width, requested) not in self._warned:
            self._warned.add((height, width, requested))
            log.warning(
                "%d of %d octaves used: at %dx%d the others are smaller than %s can take (%d pixels)",
                len(sizes), requested, width, height, self.network.name, minimum,
            )  # fmt: skip
        return sizes

    def drops_octaves(self, height: int, width: int, settings: DreamSettings) -> bool:
        """Whether a frame, or one of its octaves, is smaller than the network can take with all of its layers.

        With only the layers that these settings excite, it may take them.
        """
        sizes = octave_sizes(height, width, octaves=settings.octaves, scale=settings.octave_scale, minimum=1)
        return min(sizes[0]) < self.network.minimum_size

    def _run(
        self,
        image: np.ndarray,
        settings: DreamSettings,
        sizes: list[tuple[int, int]],
        steps: int | None = None,
        step_size: float | np.ndarray | None = None,
        ceilings: Sequence[float] | None = None,
    ) -> Dream:
        steps = settings.steps if steps is None else steps
        unit = float(self._matrix.sum()) / 3 if self._is_classic else 1.0
        step_map = np.asarray(settings.step_size if step_size is None else step_size) * unit
        per_pixel = np.atleast_3d(step_map).astype(np.float32)
        max_loss = float("inf") if settings.max_loss is None else settings.max_loss
        bounds = np.zeros(len(sizes), np.float32) if ceilings is None else _align_ceilings(ceilings, len(sizes))
        weights, taps = self._weights(settings), gaussian_taps(settings.smoothing)

        def dream() -> Dream:
            arguments = weights, taps, settings.jitter, image, sizes, steps, per_pixel, max_loss, bounds
            tile = self.tile_fitter.tile
            pixels, losses, taken = self._dream_tiled(*arguments, tile) if tile else self._dream(*arguments)
            return Dream(pixels.numpy(), tuple(losses.numpy().tolist()), tuple(taken.numpy().tolist()))

        return self.tile_fitter.run(image, dream)

    def _weights(self, settings: DreamSettings) -> np.ndarray:
        """A weight for each term."""
        weights = {parse_term(name): weight for name, weight in settings.layers}
        if not weights.keys() <= set(self._terms):
            wanted = tuple(dict(settings.layers))
            raise ValueError(f"this dreamer has the layers {tuple(self._names)}, not all of {wanted}")
        return np.array([weights.get(term, 0.0) for term in self._terms], np.float32)


def _align_ceilings(ceilings: Sequence[float], count: int) -> np.ndarray:
    """Give each of the sizes, smallest first, its ceiling, counted from the largest."""
    given = list(ceilings)
    return np.asarray([*given[:1] * (count - len(given)), *given[-count:]], np.float32)
