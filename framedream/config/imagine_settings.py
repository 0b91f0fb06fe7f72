"""Settings of the command ``imagine``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from framedream.config import terms
from framedream.config.model_registry import DEFAULT_MODEL, find_model
from framedream.config.name_lists import parse_channels, parse_layer_names, parse_names
from framedream.config.parsing import (
    Pair,
    Size,
    check,
    coerce,
    parse_layers,
    parse_pair,
    parse_path,
    parse_size,
    whole_number,
)
from framedream.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class ImagineSettings:
    """What to imagine, and how.

    Attributes:
        layers: Layers by name or index, see `layers MODEL`: a,b; can be repeated. Default: those of the network.
        channels: Channels of each layer, counted from 0: 0-3, or 1,5,9; one picture each. Default: the whole layer.
        classes: Classes of ImageNet by name or number, such as espresso; can be repeated.
        neuron: Excite one neuron of each channel, at X,Y in fractions of width and height, such as 0.5,0.5.
        size: Size of each picture, as WIDTHxHEIGHT in pixels.
        octaves: Number of sizes, from small to large; auto starts near 128 pixels.
        octave_scale: Ratio between the sizes of two octaves.
        steps: Steps at each octave.
        learning_rate: Step size. Default: 0.03; with --plain 0.02, for an image in the range 0 to 1.
        plain: Use the textbook method: plain gradient ascent from uniform noise.
        epochs: Number of steps with --plain.
        epsilon: With --plain: added to the root mean square of the gradient; the ascent stops where the gradient is 0.
        columns: Pictures per row. Default: as many as make a square.
        model: The network; squeezenet is built in, see `models` for others.
        weights: Weights for the model instead of its own: weights or a whole model that Keras saved (.h5, .keras); for
            squeezenet also .npz.
        random_seed: Seed of the random number generator.
    """

    layers: tuple[str, ...] = field(default=(), metadata={"several": True, "alias": "--layer"})
    channels: tuple[int, ...] = field(default=(), metadata={"alias": "--channel"})
    classes: tuple[str, ...] = field(default=(), metadata={"several": True, "alias": "--class"})
    neuron: Pair | None = None
    size: Size = (384, 384)
    octaves: int | Literal["auto"] = "auto"
    octave_scale: float = 1.4
    steps: int = 96
    learning_rate: float | None = None
    plain: bool = False
    epochs: int = 40
    epsilon: float = 1e-5
    columns: int | None = None
    model: str = DEFAULT_MODEL
    weights: Path | None = None
    random_seed: int = 0

    def __post_init__(self) -> None:
        coerce(
            self, layers=_layers, channels=_numbered, classes=_classes, neuron=parse_pair, size=parse_size,
            weights=parse_path,
        )  # fmt: skip
        for name in ("layers", "channels", "classes"):
            object.__setattr__(self, name, getattr(self, name) or ())
        entry = find_model(self.model)
        object.__setattr__(self, "model", entry.name)
        if not self.layers and not self.classes:
            object.__setattr__(self, "layers", tuple(name for name, _ in parse_layers(entry.default_layers)))
        if self.channels and not self.layers:
            raise SettingsError("channels: a class has no channels; name a layer with --layer")
        if self.neuron is not None and not (self.layers and self.channels):
            raise SettingsError("neuron: a neuron belongs to a channel; name one with --layer and --channel")
        check(self, "neuron", self.neuron is None or all(0 <= share <= 1 for share in self.neuron), "0,0 to 1,1")
        check(self, "size", min(self.size) >= 1 and max(self.size) <= 8192, "1x1 to 8192x8192")
        octaves = self.octaves == "auto" or 1 <= whole_number(self, "octaves") <= 32
        check(self, "octaves", octaves, "auto, or 1 to 32")
        check(self, "octave_scale", 1.05 <= self.octave_scale <= 4, "1.05 to 4")
        for name in ("steps", "epochs"):
            check(self, name, 1 <= getattr(self, name) <= 100_000, "1 to 100000")
        check(self, "learning_rate", self.learning_rate is None or 0 < self.learning_rate <= 10, "above 0, up to 10")
        check(self, "epsilon", 0 < self.epsilon <= 1, "above 0, up to 1")
        check(self, "columns", self.columns is None or 1 <= self.columns <= 32, "1 to 32")
        check(self, "random_seed", 0 <= self.random_seed < 2**31, "0 to 2147483647")


def _layers(value: str | int | Iterable[str | int]) -> tuple[str, ...]:
    names = parse_layer_names(value)
    if terms.CLASSES in names:
        raise SettingsError("layers: give classes with --class, such as --class espresso")
    return names


def _numbered(value: str | int | Iterable[int]) -> tuple[int, ...]:
    if isinstance(value, tuple) and not value:
        return ()
    found = parse_channels(value)
    if found == "all":
        raise SettingsError("channels: all channels would be too many pictures; write 0-3, or 1,5,9")
    return found


def _classes(value: str | int | Iterable[str | int]) -> tuple[str, ...]:
    """Names of classes; a number stands for the class with that number."""
    return tuple(dict.fromkeys(terms.class_names()[terms.find_class(name)] for name in parse_names(value)))
