"""Checks that an image fits the memory before a network sees it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Generator

from framedream.config.machine import total_memory
from framedream.errors import InputError, OutOfMemory
from framedream.nn.network.layers import layer_shapes
from framedream.nn.network.trained_network import Network
from framedream.nn.runtime import tf

_HELD = 3
"""How many times the memory of the largest layer is in use at once: it, the one before it, and room to work."""

_LARGE = 1024
"""Side in pixels of an image whose borders hardly count."""


def check_forward_memory(network: Network, height: int, width: int) -> None:
    """Check that the activations of an image fit the memory.

    Args:
        network: The network.
        height: Height of the image in pixels.
        width: Width of the image in pixels.

    Raises:
        InputError: They do not; the message says how much memory is needed.
    """
    _check(network, height, width, _HELD * max(_layer_sizes(network, height, width)))


def check_gradient_memory(network: Network, height: int, width: int) -> None:
    """Check that an image fits the memory while its gradient is computed, which keeps all layers.

    Arguments as `check_forward_memory`.

    Raises:
        InputError: It does not; the message says how much memory is needed.
    """
    _check(network, height, width, sum(_layer_sizes(network, height, width)))


@contextlib.contextmanager
def run_on_device(height: int, width: int) -> Generator[None]:
    """Run a block on the device, and say what to do if its memory is too small.

    Args:
        height: Height of the image in pixels.
        width: Width of the image in pixels.

    Raises:
        OutOfMemory: The image does not fit the device's memory.
    """
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise OutOfMemory(
            f"an image of {width}x{height} does not fit the device's memory; make it smaller with --size"
        ) from error


def activations_per_pixel(network: Network) -> float:
    """Approximately how many numbers all layers together hold for each pixel of an image."""
    return sum(_layer_sizes(network, _LARGE, _LARGE)) / _LARGE**2


def _layer_sizes(network: Network, height: int, width: int) -> list[int]:
    """How many numbers each layer holds for an image."""
    padded = (side + -side % network.size_multiple for side in (height, width))
    return [math.prod(shape) for shape in layer_shapes(network.model, *padded)]


def _check(network: Network, height: int, width: int, numbers: int) -> None:
    if 4 * numbers > total_memory():
        raise InputError(
            f"{network.name} needs about {4 * numbers / 1e9:.1f} GB of memory for an image of {width}x{height}, and "
            f"this machine has {total_memory() / 1e9:.1f} GB; make it smaller with --size"
        )
