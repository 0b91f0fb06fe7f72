"""Settings of the command ``features``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from framedream.config.model_registry import DEFAULT_MODEL, find_model
from framedream.config.name_lists import Channels, parse_channels, parse_layer_names
from framedream.config.parsing import Size, check, coerce, parse_layers, parse_path, parse_size
from framedream.config.settings import FootageSettings

USUAL_TOP = 16
"""Number of channels of a layer that are drawn by default."""


@dataclass(frozen=True, kw_only=True)
class FeatureSettings:
    """The feature maps to draw.

    Attributes:
        layers: Layers by name or index, see `layers MODEL`: a,b; can be repeated. Default: those of the network.
        channels: Channels of each layer, counted from 0, in order: 0-3, or 1,5,9, or all. Default: the 16 strongest.
        top: Draw only this many channels, those with the largest mean square first.
        columns: Maps per row. Default: at most 4, 8 or 16, depending on their number.
        colormap: A colormap of matplotlib, such as gray or viridis, from the smallest to the largest value of each map.
        model: The network; squeezenet is built in, see `models` for others.
        weights: Weights for the model instead of its own: weights or a whole model that Keras saved (.h5, .keras); for
            squeezenet also .npz.
        size: Resize the image to WIDTHxHEIGHT pixels first.
        scale: Resize the image by this factor first.
    """

    layers: tuple[str, ...] = field(default=(), metadata={"several": True, "alias": "--layer"})
    channels: Channels | None = None
    top: int | None = None
    columns: int | None = None
    colormap: str = "gray"
    model: str = DEFAULT_MODEL
    weights: Path | None = None
    size: Size | None = None
    scale: float | None = None

    def __post_init__(self) -> None:
        coerce(self, layers=parse_layer_names, channels=parse_channels, weights=parse_path, size=parse_size)
        entry = find_model(self.model)
        object.__setattr__(self, "model", entry.name)
        object.__setattr__(self, "layers", self.layers or tuple(name for name, _ in parse_layers(entry.default_layers)))
        check(self, "top", self.top is None or self.top >= 1, "1 and more")
        check(self, "columns", self.columns is None or 1 <= self.columns <= 32, "1 to 32")
        FootageSettings(size=self.size, scale=self.scale)  # This checks both.
