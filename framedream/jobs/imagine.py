"""Nothing in, pictures out of what a network would like to see."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from framedream.config.imagine_settings import ImagineSettings
from framedream.config.terms import CLASSES, find_class
from framedream.errors import InputError, SettingsError
from framedream.film.preflight import check_memory
from framedream.media import check_image_name
from framedream.media.atomic_files import prepare_output
from framedream.reports.picture_grid import check_grid, draw_pictures
from framedream.reports.sheet import Sheet

if TYPE_CHECKING:
    from framedream.nn.network.network import Network
    from framedream.nn.visualization.visualizers import StepCallback, VisualizedFeature

ImagineProgressCallback = Callable[[int, int], None]
"""Takes how many steps are done, and how many there are at most."""

log = logging.getLogger(__name__)

_SMALLEST = 128
"""Smaller side in pixels of the smallest octave that ``auto`` aims at."""

_RATE, _PLAIN_RATE = 0.03, 0.02
"""Learning rates where none is given."""


@dataclass(frozen=True, eq=False)
class ImaginedPictures:
    """Pictures from nothing; a notebook shows them.

    Attributes:
        pictures: Each by the name of what it excites, as ``fire7:3`` or ``class:espresso``: H×W×3 float32 RGB, in
            levels 0…255.
        values: How much of it there was before each step, by the same names.
        sheet: All of them, as they are written.
    """

    pictures: Mapping[str, np.ndarray] = field(repr=False)
    values: Mapping[str, np.ndarray] = field(repr=False)
    sheet: Sheet

    def _repr_png_(self) -> bytes:
        return self.sheet._repr_png_()


def imagine(
    target: Path | str | None = None,
    settings: ImagineSettings | None = None,
    *,
    progress: ImagineProgressCallback | None = None,
) -> ImaginedPictures:
    """Draw from nothing what excites channels, neurons, layers or classes of a network most.

    Args:
        target: Where to write the picture, if anywhere; the suffix names the format.
        settings: What is imagined, and how.
        progress: Is told how many steps are done, and how many there are at most.

    Raises:
        SettingsError: A setting cannot be used, such as a layer or a channel the model does not have.
        InputError: The picture is smaller than the network can take, or needs more memory than there is, or the
            weights are not to be had.
        DeviceError: The device ran out of memory.
        OutputError: The picture cannot be written.
    """
    settings = settings or ImagineSettings()
    if target is not None:
        check_image_name(Path(target))
        prepare_output(Path(target))
    width, height = settings.size
    check_memory(1, height, width)
    found = dict(_made(settings, progress or (lambda done, of: None)))
    sheet = draw_pictures([(name, each.pixels) for name, each in found.items()], settings.columns)
    if target is not None:
        sheet.save(target)
    return ImaginedPictures(
        {name: each.pixels for name, each in found.items()}, {name: each.values for name, each in found.items()}, sheet
    )


def _made(settings: ImagineSettings, report: ImagineProgressCallback) -> Generator[tuple[str, VisualizedFeature]]:
    """All pictures, each with its name."""
    # Here, not above: TensorFlow takes seconds to import, and bad input is answered before that.
    from framedream.nn.network.layers import layer_names
    from framedream.nn.network.loading import load_network
    from framedream.nn.network.memory import check_gradient_memory, run_on_device
    from framedream.nn.visualization.visualizers import WHOLE

    channels = [(f":{channel}", channel) for channel in settings.channels] or [("", WHOLE)]
    wanted = dict.fromkeys(layer_names(settings.model, settings.layers) if settings.layers else (), channels)
    if settings.classes:
        wanted[CLASSES] = [(f":{name}", find_class(name)) for name in settings.classes]
    networks = {layer: load_network(settings.model, [layer], settings.weights) for layer in wanted}
    for network in networks.values():
        _check(network, settings)
        check_gradient_memory(network, *settings.size[::-1])
    makers = {layer: _maker(network, settings) for layer, network in networks.items()}
    width, height = settings.size
    check_grid(height, width, sum(map(len, wanted.values())), settings.columns)
    before, all_of_them = 0, sum(len(wanted[layer]) * steps for layer, (steps, _) in makers.items())
    for layer, (steps, make) in makers.items():
        for label, channel in wanted[layer]:
            with run_on_device(height, width):
                found = make(channel, functools.partial(_tell, report, before, all_of_them))
            if not found.values.any():
                log.warning(
                    "%s%s: nothing was found that excites it; with these weights it may never be: take another, or "
                    "another --random-seed", layer, label,
                )  # fmt: skip
            yield layer + label, found
            before += steps
            report(before, all_of_them)


def _tell(report: ImagineProgressCallback, before: int, all_of_them: int, taken: int) -> None:
    report(before + taken, all_of_them)


def _maker(network: Network, settings: ImagineSettings) -> tuple[int, Callable[[int, StepCallback], VisualizedFeature]]:
    """What makes the picture of a channel and tells of its steps; and how many steps it takes."""
    from framedream.nn.ascent.octaves import octave_sizes
    from framedream.nn.visualization.visualizers import FeatureVisualizer, PlainVisualizer

    (width, height), seed, steps = settings.size, settings.random_seed, settings.steps
    if settings.plain:
        plain = PlainVisualizer(network, settings.learning_rate or _PLAIN_RATE, settings.epsilon, settings.neuron)
        return settings.epochs, lambda channel, on_step: plain.visualize(
            channel, (height, width), settings.epochs, seed, on_step
        )
    visualizer = FeatureVisualizer(network, settings.learning_rate or _RATE, settings.neuron)
    sizes = octave_sizes(
        height, width, octaves=settings.octaves, scale=settings.octave_scale, minimum=network.minimum_size,
        smallest=_SMALLEST,
    )  # fmt: skip
    return steps * len(sizes), lambda channel, on_step: visualizer.visualize(
        channel, sizes, settings.steps, seed, on_step
    )


def _check(network: Network, settings: ImagineSettings) -> None:
    """See that a network's layer has the channels, and a cell in so small a picture."""
    (layer,), (width, height) = network.layers, settings.size
    count = network.channel_count(layer)
    if layer != CLASSES and settings.channels and max(settings.channels) >= count:
        raise SettingsError(
            f"channels: {layer} of {network.name} has {count} channels, 0 to {count - 1}; "
            f"{max(settings.channels)} is none of them"
        )
    if min(width, height) < network.minimum_size:
        raise InputError(
            f"{width}x{height} is too small for {layer} of {network.name}, which takes {network.minimum_size} pixels "
            "and more; give a larger --size"
        )
