"""Draws what excites parts of a network most, starting from noise."""

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
    from framedream.nn.network.trained_network import Network
    from framedream.nn.visualization.visualizers import StepCallback, VisualizedFeature

ImagineProgressCallback = Callable[[int, int], None]
"""Called with the steps done and the most there can be."""

log = logging.getLogger(__name__)

_SMALLEST = 128
"""Smaller side in pixels of the smallest octave that ``auto`` aims at."""

_LEARNING_RATE, _PLAIN_LEARNING_RATE = 0.03, 0.02
"""Learning rates where none is given."""


@dataclass(frozen=True, eq=False)
class ImaginedPictures:
    """Pictures of what excites a network; a notebook shows them.

    Attributes:
        pictures: By the name of what each excites, such as ``fire7:3`` or ``class:espresso``: H×W×3 float32 RGB,
            0…255.
        values: The activation before each step, by the same names.
        sheet: All pictures on one sheet.
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
    """Draw what excites channels, neurons, layers or classes of a network most, starting from noise.

    Args:
        target: Where to write the picture, if anywhere; the suffix names the format.
        settings: What to excite, and how.
        progress: Called with the steps done and the most there can be.

    Raises:
        SettingsError: A setting cannot be used, such as a layer or a channel the model does not have.
        InputError: The picture is too small for the network or too large for memory, or the weights are not
            available.
        DeviceError: The device ran out of memory.
        OutputError: The picture cannot be written.
    """
    settings = settings or ImagineSettings()
    if target is not None:
        check_image_name(Path(target))
        prepare_output(Path(target))
    width, height = settings.size
    check_memory(1, height, width)
    found = dict(_visualize_all(settings, progress or (lambda done, of: None)))
    sheet = draw_pictures([(name, each.pixels) for name, each in found.items()], settings.columns)
    if target is not None:
        sheet.save(target)
    return ImaginedPictures(
        {name: each.pixels for name, each in found.items()}, {name: each.values for name, each in found.items()}, sheet
    )


def _visualize_all(
    settings: ImagineSettings, report: ImagineProgressCallback
) -> Generator[tuple[str, VisualizedFeature]]:
    """Make the pictures, each with its name."""
    # Imported late: TensorFlow takes seconds to import, and bad input should fail before that.
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
    makers = {layer: _create_visualizer(network, settings) for layer, network in networks.items()}
    width, height = settings.size
    check_grid(height, width, sum(map(len, wanted.values())), settings.columns)
    before, total = 0, sum(len(wanted[layer]) * steps for layer, (steps, _) in makers.items())
    for layer, (steps, make) in makers.items():
        for label, channel in wanted[layer]:
            with run_on_device(height, width):
                found = make(channel, functools.partial(_report_steps, report, before, total))
            if not found.values.any():
                log.warning(
                    "%s%s: no picture excites it; it may be dead in these weights; try another channel or "
                    "another --random-seed", layer, label,
                )  # fmt: skip
            yield layer + label, found
            before += steps
            report(before, total)


def _report_steps(report: ImagineProgressCallback, before: int, total: int, taken: int) -> None:
    report(before + taken, total)


def _create_visualizer(
    network: Network, settings: ImagineSettings
) -> tuple[int, Callable[[int, StepCallback], VisualizedFeature]]:
    """The number of steps of a picture, and the function that makes it."""
    from framedream.nn.ascent.octaves import octave_sizes
    from framedream.nn.visualization.visualizers import FeatureVisualizer, PlainVisualizer

    (width, height), seed, steps = settings.size, settings.random_seed, settings.steps
    if settings.plain:
        plain = PlainVisualizer(
            network, settings.learning_rate or _PLAIN_LEARNING_RATE, settings.epsilon, settings.neuron
        )
        return settings.epochs, lambda channel, on_step: plain.visualize(
            channel, (height, width), settings.epochs, seed, on_step
        )
    visualizer = FeatureVisualizer(network, settings.learning_rate or _LEARNING_RATE, settings.neuron)
    sizes = octave_sizes(
        height, width, octaves=settings.octaves, scale=settings.octave_scale, minimum=network.minimum_size,
        smallest=_SMALLEST,
    )  # fmt: skip
    return steps * len(sizes), lambda channel, on_step: visualizer.visualize(
        channel, sizes, settings.steps, seed, on_step
    )


def _check(network: Network, settings: ImagineSettings) -> None:
    """Check that a layer has the channels, and that the picture is large enough for it."""
    (layer,), (width, height) = network.layers, settings.size
    count = network.channel_count(layer)
    if layer != CLASSES and settings.channels and max(settings.channels) >= count:
        raise SettingsError(
            f"channels: {layer} of {network.name} has channels 0 to {count - 1}; "
            f"channel {max(settings.channels)} does not exist"
        )
    if min(width, height) < network.minimum_size:
        raise InputError(
            f"{width}x{height} is too small for {layer} of {network.name}, which needs at least "
            f"{network.minimum_size} pixels a side; give a larger --size"
        )
