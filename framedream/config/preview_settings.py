"""Settings of the command ``preview``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from framedream.config.model_registry import find_model
from framedream.config.name_lists import parse_names
from framedream.config.parsing import Layers, Moment, check, coerce, parse_layers, parse_moment
from framedream.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class PreviewSettings:
    """The looks that a preview shows.

    Attributes:
        layers: One row for each layer of a,b; a list with weights, such as a=0.5,b=1, makes one row. Can be repeated.
            Default: the preset's layers, then others that look different.
        strengths: One column for each factor; it multiplies all step sizes. Default: 0.25,0.5,1; with presets 1.
        presets: One look for each of these presets: a,b, or all, which skips presets whose weights are missing.
        models: One row for each of these networks, with its default layers.
        best_of: Looks to show in motion too, as six frames of about one second: 3,7,11, or all.
        width: Width in pixels at which looks are dreamed; smaller pictures keep their size.
        columns: Looks per row. Default: one for each strength, or 4.
        start: The frame of a film: seconds (2.5), a clock time (1:02.5) or a frame number (62f). Default: the middle.
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
        for name in ("layers", "strengths", "presets", "models", "best_of"):
            object.__setattr__(self, name, getattr(self, name) or ())
        object.__setattr__(self, "models", tuple(dict.fromkeys(find_model(name).name for name in self.models)))
        grids = [name for name in ("layers", "presets", "models") if getattr(self, name)]
        if len(grids) > 1:
            raise SettingsError(f"{grids[0]} and {grids[1]} cannot be combined; keep one of them")
        check(self, "strengths", all(0 < strength <= 100 for strength in self.strengths), "above 0, up to 100")
        check(self, "width", 64 <= self.width <= 4096, "64 to 4096 pixels")
        check(self, "columns", self.columns is None or 1 <= self.columns <= 32, "1 to 32")


def parse_rows(value: str | Iterable[str | Mapping[str, float] | Layers]) -> tuple[Layers, ...]:
    """Parse ``"a,b"`` (two rows), ``"a=0.5,b=1"`` (one row), or a list of such texts; drop repeated rows.

    Raises:
        SettingsError: A name is not a layer, or a weight is not a number.
    """
    rows: list[Layers] = []
    for part in [value] if isinstance(value, str | Mapping) else value:
        if isinstance(part, str) and "=" not in part:
            rows += [parse_layers(name) for name in parse_names(part)]
        else:
            rows.append(parse_layers(part))
    return tuple(dict.fromkeys(rows))


def parse_strengths(value: str | float | Iterable[float]) -> tuple[float, ...]:
    """Parse ``"0.5,1,2"`` or numbers; drop repeated ones.

    Raises:
        SettingsError: A value is not a number.
    """
    parts: Any = value.split(",") if isinstance(value, str) else [value] if isinstance(value, int | float) else value
    try:
        return tuple(dict.fromkeys(float(part) for part in parts))
    except ValueError:
        raise SettingsError(f"strengths: '{value}' is not a list of numbers; write 0.5,1,2") from None


def parse_best_of(value: str | int | Iterable[int]) -> tuple[int, ...] | Literal["all"]:
    """Parse ``"3,7,11"``, ``"all"`` or whole numbers; drop repeated ones.

    Raises:
        SettingsError: The value has another form.
    """
    if value == "all":
        return "all"
    parts: Any = value.split(",") if isinstance(value, str) else [value] if isinstance(value, int) else value
    try:
        numbers = [int(part) for part in parts]
    except ValueError:
        raise SettingsError(f"best_of: '{value}' is not a list of looks; write 3,7,11, or all") from None
    return tuple(dict.fromkeys(numbers))
