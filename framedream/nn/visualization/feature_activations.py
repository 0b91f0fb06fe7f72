"""What the layers of a network make of an image: its feature maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from framedream.errors import InputError
from framedream.nn.network.layers import layer_names
from framedream.nn.network.loading import load_network
from framedream.nn.network.memory import check_forward_memory, run_on_device
from framedream.nn.runtime import tf, traced_graph


def activations(
    image: np.ndarray, model: str, layers: Sequence[str], weights_file: Path | None = None
) -> dict[str, np.ndarray]:
    """Activations of layers for an image, by the network as it was trained.

    Args:
        image: H×W×3, RGB, in levels 0…255; the model's own preprocessing is applied here.
        model: A name of `framedream.config.model_registry.MODELS`.
        layers: Names of layers, or their indices in Keras's ``model.layers`` in digits.
        weights_file: Weights to load instead of the model's own; see `weights.load_file`.

    Returns:
        For each layer, under its name and in the order given, h×w×C float32. Of a network that takes only
        sides of some multiple, the maps reach over the mirrored pixels at the right and lower border.

    Raises:
        SettingsError: No such model or layer, or a layer is no map over the image.
        WeightsError: The weights cannot be had, or do not fit.
        InputError: The image is smaller than the network can take, or needs more memory than there is.
        DeviceError: The device ran out of memory.
    """
    network = load_network(model, layer_names(model, layers), weights_file)
    height, width = image.shape[:2]
    if min(height, width) < network.minimum_size:
        raise InputError(
            f"{width}x{height} is too small for these layers of {network.name}, which take {network.minimum_size} "
            "pixels and more; make it larger with --scale, or take layers nearer to the image"
        )
    check_forward_memory(network, height, width)
    # As a graph, what no later layer needs is let go while it runs: that of a large photograph is gigabytes.
    see = traced_graph(network.activations)
    with run_on_device(height, width):
        found = see(tf.constant(image[None], tf.float32))
    return {name: layer[0].numpy() for name, layer in zip(network.layers, found, strict=True)}
