"""Computes feature maps: the activations of a network's layers for an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from framedream.errors import InputError
from framedream.nn.network.layers import layer_names
from framedream.nn.network.loading import load_network
from framedream.nn.network.memory import check_forward_memory, run_on_device
from framedream.nn.runtime import tf, traced_graph


def compute_activations(
    image: np.ndarray, model: str, layers: Sequence[str], weights_file: Path | None = None
) -> dict[str, np.ndarray]:
    """Compute activations of layers for an image.

    Args:
        image: H×W×3, RGB, in levels 0…255; the model's own preprocessing is applied here.
        model: A name of `framedream.config.model_registry.MODELS`.
        layers: Names of layers, or their indices in Keras's ``model.layers`` in digits.
        weights_file: Weights to load instead of the model's own; see `weights.load_weights`.

    Returns:
        For each layer, under its name and in the order given, h×w×C float32. If the network takes only sides
            of some multiple, the maps include the mirrored pixels at the right and lower border.

    Raises:
        SettingsError: No such model or layer, or a layer is not a map over the image.
        WeightsError: The weights are not available, or do not fit.
        InputError: The image is smaller than the network can take, or needs more memory than there is.
        DeviceError: The device ran out of memory.
    """
    network = load_network(model, layer_names(model, layers), weights_file)
    height, width = image.shape[:2]
    if min(height, width) < network.minimum_size:
        raise InputError(
            f"{width}x{height} is too small for these layers of {network.name}, which need {network.minimum_size} "
            "pixels; enlarge it with --scale, or choose layers closer to the image"
        )
    check_forward_memory(network, height, width)
    # A graph frees activations that no later layer needs while it runs: those of a large photograph are gigabytes.
    compute = traced_graph(network.activations)
    with run_on_device(height, width):
        found = compute(tf.constant(image[None], tf.float32))
    return {name: layer[0].numpy() for name, layer in zip(network.layers, found, strict=True)}
