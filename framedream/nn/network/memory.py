"""Whether what a network is to see fits the memory."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Generator

from framedream.config.machine import total_memory
from framedream.errors import InputError, OutOfMemory
from framedream.nn.network.layers import layer_shapes
from framedream.nn.network.network import Network
from framedream.nn.runtime import tf

_HELD = 3
"""Times the memory of the largest layer that is held at once, about: it, the one before it, and room to work."""

_LARGE = 1024
"""Side in pixels of an image in which borders hardly count."""


def check_forward_memory(network: Network, height: int, width: int) -> None:
    """See that an image fits the memory while a network looks at it.

    Raises:
        InputError: It does not; says how much is needed.
    """
    _check(network, height, width, _HELD * max(_numbers(network, height, width)))


def check_gradient_memory(network: Network, height: int, width: int) -> None:
    """See that an image fits the memory while its gradient is found, for which all layers are held.

    Raises:
        InputError: It does not; says how much is needed.
    """
    _check(network, height, width, sum(_numbers(network, height, width)))


@contextlib.contextmanager
def run_on_device(height: int, width: int) -> Generator[None]:
    """What is done with an image on the device; says what to do where its memory is too small.

    Raises:
        OutOfMemory: It is.
    """
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise OutOfMemory(
            f"an image of {width}x{height} does not fit the device's memory; make it smaller with --size"
        ) from error


def activations_per_pixel(network: Network) -> float:
    """How many numbers all layers together hold for each pixel of an image, about."""
    return sum(_numbers(network, _LARGE, _LARGE)) / _LARGE**2


def _numbers(network: Network, height: int, width: int) -> list[int]:
    """How many numbers each layer has."""
    padded = (side + -side % network.size_multiple for side in (height, width))
    return [math.prod(shape) for shape in layer_shapes(network.model, *padded)]


def _check(network: Network, height: int, width: int, numbers: int) -> None:
    if 4 * numbers > total_memory():
        raise InputError(
            f"{network.name} needs about {4 * numbers / 1e9:.1f} GB of memory for an image of {width}x{height}, and "
            f"this machine has {total_memory() / 1e9:.1f} GB; make it smaller with --size"
        )
