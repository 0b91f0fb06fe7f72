"""Settings of the laboratory: commands that look into a network, or for a look.

As in `framedream.settings`, the dataclasses are frozen and check themselves, and the
``Attributes`` of their docstrings are the help of the flags.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from framedream import terms
from framedream.catalog import find_model
from framedream.errors import SettingsError
from framedream.settings import FootageSettings
from framedream.values import (
    Layers,
    Moment,
    Pair,
    Size,
    check,
    coerce,
    parse_layers,
    parse_moment,
    parse_pair,
    parse_path,
    parse_size,
    whole_number,
)

Channels = tuple[int, ...] | Literal["all"]
"""Numbers of channels, counted from 0."""

USUAL_TOP = 16
"""Channels of a layer that are drawn where nothing is said."""


@dataclass(frozen=True, kw_only=True)
class FeatureSettings:
    """Which channels of which layers are drawn, and how.

    Attributes:
        layers: Layers by name or index, see `layers MODEL`: a,b, or given again. Default: those that dreams start with.
        channels: Channels of each layer, from 0, in this order: 0-3, or 1,5,9, or all. Default: the 16 strongest.
        top: Only so many of these channels, strongest first: those with the largest mean square, which dreams excite.
        columns: Maps in a row. Default: up to 4, 8 or 16, by how many there are.
        colormap: Colors from the least to the largest value of each map, as matplotlib calls them: gray, viridis.
        model: The network: squeezenet is built in; see `models` for the others.
        weights: A weights file for the model (.h5, .weights.h5 or .npz) instead of its own.
        size: Show the network the image at this size, as WIDTHxHEIGHT in pixels.
        scale: Show it at this multiple of its size.
    """

    layers: tuple[str, ...] = field(default=(), metadata={"several": True, "alias": "--layer"})
    channels: Channels | None = None
    top: int | None = None
    columns: int | None = None
    colormap: str = "gray"
    model: str = "squeezenet"
    weights: Path | None = None
    size: Size | None = None
    scale: float | None = None

    def __post_init__(self) -> None:
        coerce(self, layers=parse_names, channels=parse_channels, weights=parse_path, size=parse_size)
        entry = find_model(self.model)
        object.__setattr__(self, "model", entry.name)
        object.__setattr__(self, "layers", self.layers or tuple(name for name, _ in parse_layers(entry.start)))
        check(self, "top", self.top is None or self.top >= 1, "1 and more")
        check(self, "columns", self.columns is None or 1 <= self.columns <= 32, "1 to 32")
        FootageSettings(size=self.size, scale=self.scale)  # This checks both.


@dataclass(frozen=True, kw_only=True)
class ImagineSettings:
    """What is imagined, and how.

    Attributes:
        layers: Layers by name or index, see `layers MODEL`: a,b, or given again. Default: what dreams start with.
        channels: Channels of each layer, from 0: 0-3, or 1,5,9; each makes a picture. Default: the layer as a whole.
        classes: Classes of ImageNet by name or number, as in espresso; may be given again.
        neuron: One neuron of each channel instead of all, by its place: X,Y in widths and heights, as in 0.5,0.5.
        size: Size of each picture, as WIDTHxHEIGHT in pixels.
        octaves: Number of sizes, small to large; auto starts near 128 pixels.
        octave_scale: Ratio of one octave's size to the one before it.
        steps: Steps at each octave.
        learning_rate: Size of a step. Default: 0.03; with --plain 0.02, of an image whose levels are 0 to 1.
        plain: Climb plainly from uniform noise, as in the class room.
        epochs: Steps of --plain.
        epsilon: Of --plain: added to the gradient's root mean square; where there is no more to climb, it ends.
        columns: Pictures in a row. Default: a square.
        model: The network: squeezenet is built in; see `models` for the others.
        weights: A weights file for the model (.h5, .weights.h5 or .npz) instead of its own.
        random_seed: Seed of all randomness.
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
    model: str = "squeezenet"
    weights: Path | None = None
    random_seed: int = 0

    def __post_init__(self) -> None:
        coerce(
            self, layers=parse_names, channels=_numbered, classes=_classes, neuron=parse_pair, size=parse_size,
            weights=parse_path,
        )  # fmt: skip
        entry = find_model(self.model)
        object.__setattr__(self, "model", entry.name)
        if not self.layers and not self.classes:
            object.__setattr__(self, "layers", tuple(name for name, _ in parse_layers(entry.start)))
        if self.channels and not self.layers:
            raise SettingsError("channels: a class has none; name a layer with --layer")
        if self.neuron is not None and not (self.layers and self.channels):
            raise SettingsError("neuron: it is one of a channel; name that with --layer and --channel")
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


def _numbered(value: str | int | Iterable[int]) -> tuple[int, ...]:
    if value == ():
        return ()
    found = parse_channels(value)
    if found == "all":
        raise SettingsError("channels: all of them would be too many pictures; write 0-3, or 1,5,9")
    return found


def _classes(value: str | int | Iterable[str | int]) -> tuple[str, ...]:
    """Names of classes; a number stands for the class that has it."""
    return tuple(dict.fromkeys(terms.class_names()[terms.find_class(name)] for name in parse_names(value)))


@dataclass(frozen=True, kw_only=True)
class PreviewSettings:
    """Which looks a preview shows, and how.

    Attributes:
        layers: A row for each of a,b; with weights, as in a=0.5,b=1, all of them are one row. May be given again.
            Default: the preset's own, then others that look different.
        strengths: A column for each: what all step sizes are multiplied by. Default: 0.25,0.5,1; with presets 1.
        presets: These presets instead of rows of layers: a,b, or all, which leaves out what has no weights here.
        models: A row for each of these networks instead, each with the layers it starts with.
        best_of: Numbers of the looks that are also shown moving, as six moments of about a second: 3,7,11, or all.
        width: Width in pixels at which looks are dreamed, if the picture has as many.
        columns: Looks in a row. Default: one for each strength, or 4.
        start: Which frame of a film: seconds (2.5), a clock time (1:02.5), or a frame (62f). Default: the middle.
    """

    layers: tuple[Layers, ...] = field(default=(), metadata={"several": True})
    strengths: tuple[float, ...] = ()
    presets: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    best_of: tuple[int, ...] | Literal["all"] = ()
    width: int = 480
    columns: int | None = None
    start: Moment | None = None

    def __post_init__(self) -> None:
        coerce(
            self, layers=parse_rows, strengths=parse_strengths, presets=parse_names, models=parse_names,
            best_of=parse_best_of, start=parse_moment,
        )  # fmt: skip
        object.__setattr__(self, "models", tuple(dict.fromkeys(find_model(name).name for name in self.models)))
        grids = [name for name in ("layers", "presets", "models") if getattr(self, name)]
        if len(grids) > 1:
            raise SettingsError(f"{grids[0]} and {grids[1]} are two kinds of rows; keep one of them")
        check(self, "strengths", all(0 < strength <= 100 for strength in self.strengths), "above 0, up to 100")
        check(self, "width", 64 <= self.width <= 4096, "64 to 4096 pixels")
        check(self, "columns", self.columns is None or 1 <= self.columns <= 32, "1 to 32")


def parse_rows(value: str | Iterable[str | Mapping[str, float] | Layers]) -> tuple[Layers, ...]:
    """Read ``"a,b"``, which is two rows, ``"a=0.5,b=1"``, which is one, or several of such; each once.

    Raises:
        SettingsError: One is no layer, or a weight is no number.
    """
    rows: list[Layers] = []
    for part in [value] if isinstance(value, str | Mapping) else value:
        if isinstance(part, str) and "=" not in part:
            rows += [parse_layers(name) for name in parse_names(part)]
        else:
            rows.append(parse_layers(part))
    return tuple(dict.fromkeys(rows))


def parse_strengths(value: str | float | Iterable[float]) -> tuple[float, ...]:
    """Read ``"0.5,1,2"`` or numbers; each once.

    Raises:
        SettingsError: One is no number.
    """
    parts: Any = value.split(",") if isinstance(value, str) else [value] if isinstance(value, int | float) else value
    try:
        return tuple(dict.fromkeys(float(part) for part in parts))
    except ValueError:
        raise SettingsError(f"strengths: '{value}' are no numbers; write 0.5,1,2") from None


def parse_best_of(value: str | int | Iterable[int]) -> tuple[int, ...] | Literal["all"]:
    """Read ``"3,7,11"``, ``"all"`` or whole numbers; each once.

    Raises:
        SettingsError: It is none of these.
    """
    if value == "all":
        return "all"
    parts: Any = value.split(",") if isinstance(value, str) else [value] if isinstance(value, int) else value
    try:
        numbers = [int(part) for part in parts]
    except ValueError:
        raise SettingsError(f"best_of: '{value}' are no numbers of looks; write 3,7,11, or all") from None
    return tuple(dict.fromkeys(numbers))


def parse_names(value: str | int | Iterable[str | int]) -> tuple[str, ...]:
    """Read ``"a,b"``, or several of such; each once."""
    parts = [value] if isinstance(value, str | int) else value
    names = [name.strip() for part in parts for name in str(part).split(",")]
    return tuple(dict.fromkeys(name for name in names if name))


def parse_channels(value: str | int | Iterable[int]) -> Channels:
    """Read ``"0-3"``, ``"1,5,9"``, ``"0-3,9"``, ``"all"`` or whole numbers; each once.

    Raises:
        SettingsError: It is none of these.
    """
    if value == "all":
        return "all"
    text = value if isinstance(value, str) else str(value) if isinstance(value, int) else ",".join(map(str, value))
    if not text:
        raise SettingsError("channels: none are named; write 0-3, or 1,5,9, or all")
    return terms.parse_channels(text)
