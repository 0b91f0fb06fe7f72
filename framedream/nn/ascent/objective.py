"""The objective that gradient ascent raises: a weighted sum of terms over a network's activations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from framedream.config.terms import CLASSES, Term
from framedream.errors import InputError
from framedream.nn.network.trained_network import Network
from framedream.nn.runtime import tf

_BORDER = 2
"""Cells at the edges of layers that the classic algorithm ignores."""

_GUIDE_CELLS = 512
"""The most cells of a guide's layer to compare with."""

_PLACE_SIZE = 32
"""Pixels of the image for each cell of the places where the classifier sees only the image as a whole."""


@dataclass(frozen=True)
class Objective:
    """Layers, channels, classes and a guide's features, each with a coefficient.

    A layer, or some channels of it, counts by the mean square of its activations: the objective of the
    original DeepDream (Mordvintsev et al. 2015) as the Keras example states it, ``Σ weight × mean(activation²)``.
    With a guide, it counts by how far it points where the guide's features do: for each cell the largest
    scalar product with a cell of the guide, over the number of channels (the same authors' "controlled dreams").
    A class counts by its logit, the mean of those of all cells where the classifier has a map.

    Attributes:
        network: The network, whose outputs are the layers of the terms.
        terms: Layers, channels and classes.
        weights: A coefficient for each term, float32.
        guides: For layers that are drawn towards a guide, its cells M×C, see `guide_features`.
        is_classic: Whether to ignore cells at the edges of layers, as in the Keras book: their values depend on a
            layer's padding.
    """

    network: Network
    terms: Sequence[Term]
    weights: tf.Tensor
    guides: Mapping[str, np.ndarray] = field(default_factory=dict)
    is_classic: bool = False

    def __call__(self, image: tf.Tensor) -> tf.Tensor:
        """The objective of one image.

        Args:
            image: H×W×3 float32, RGB, in levels 0…255.

        Returns:
            A scalar.
        """
        return self.with_places(image)[0]

    def with_places(self, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The objective of one image, and how much of it each place has.

        Args:
            image: H×W×3 float32, RGB, in levels 0…255.

        Returns:
            A scalar, and h×w×1 in the same unit, of the size of the smallest layer: the same
            sum before the mean over the image.
        """
        layers = dict(zip(self.network.layers, self.network.activations(tf.expand_dims(image, 0)), strict=True))
        maps = [self._map(term, layers[term.layer]) for term in self.terms]
        weighted = [self.weights[index] * each for index, each in enumerate(maps)]
        # A classifier may see only the image as a whole, so its map has no places.
        placed = [each for term, each in zip(self.terms, maps, strict=True) if term.layer != CLASSES] or maps
        size = tf.reduce_min([_cells(each, image) for each in placed], axis=0)
        even = [tf.image.resize(tf.reduce_mean(each, -1, keepdims=True), size, method="area")[0] for each in weighted]
        parts = [self._part(index, *pair) for index, pair in enumerate(zip(maps, weighted, strict=True))]
        return tf.add_n(parts), tf.add_n(even)

    def _part(self, index: int, each: tf.Tensor, weighted: tf.Tensor) -> tf.Tensor:
        """What a term adds to the objective, given its map, and that times its coefficient."""
        # A classifier may have a single cell, which is all border.
        if self.is_classic and self.terms[index].layer != CLASSES:
            return self.weights[index] * _inner_sum(each) / _count(each)
        return tf.reduce_mean(weighted)

    def _map(self, term: Term, layer: tf.Tensor) -> tf.Tensor:
        """The values of a layer to average, 1×h×w×C, or 1×h×w×1 where its channels count together."""
        if term.channels is not None:
            layer = tf.gather(layer, term.channels, axis=-1)
        if term.layer == CLASSES:
            return layer
        if term.layer not in self.guides:
            return tf.square(layer)
        guide = self.guides[term.layer]
        guide = guide if term.channels is None else guide[:, list(term.channels)]
        alike = tf.tensordot(tf.stop_gradient(layer), tf.constant(guide.T), 1)
        # Not the largest product itself: its gradient would keep all products in memory, several times.
        best = tf.gather(guide, tf.argmax(alike, axis=-1))
        return tf.reduce_mean(layer * best, axis=-1, keepdims=True)


def _cells(each: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Rows and columns of a map; if it is of the image as a whole, as many as tiles of unequal size need."""
    return tf.maximum(tf.shape(image)[:2] // _PLACE_SIZE, 1) if each.shape[1] == 1 else tf.shape(each)[1:3]


def _inner_sum(each: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(each[:, _BORDER:-_BORDER, _BORDER:-_BORDER])


def _count(each: tf.Tensor) -> tf.Tensor:
    return tf.reduce_prod(tf.cast(tf.shape(each), tf.float32))


def guide_features(network: Network, image: np.ndarray) -> dict[str, np.ndarray]:
    """Cells of each layer on an image, M×C float32, evenly spread where there are many.

    Args:
        network: The network.
        image: H×W×3 float32, RGB, in levels 0…255.

    Raises:
        InputError: The image is smaller than the network can take.
    """
    height, width = image.shape[:2]
    if min(height, width) < network.minimum_size:
        raise InputError(
            f"guide: {width}x{height} is too small for these layers, which need {network.minimum_size} pixels; "
            "give a larger image"
        )
    found = {}
    for name, layer in zip(network.layers, network.activations(tf.constant(image)[tf.newaxis]), strict=True):
        if name != CLASSES:
            cells = layer.numpy().reshape(-1, layer.shape[-1])
            found[name] = cells[np.linspace(0, len(cells) - 1, min(len(cells), _GUIDE_CELLS)).astype(int)]
    return found
