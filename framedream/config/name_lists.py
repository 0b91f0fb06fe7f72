"""Names and numbers as they are written for the laboratory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from framedream.config import terms
from framedream.errors import SettingsError

Channels = tuple[int, ...] | Literal["all"]
"""Numbers of channels, counted from 0."""


def parse_names(value: str | int | Iterable[str | int]) -> tuple[str, ...]:
    """Read ``"a,b"``, or several of such; each once."""
    parts = [value] if isinstance(value, str | int) else value
    names = [name.strip() for part in parts for name in str(part).split(",")]
    return tuple(dict.fromkeys(name for name in names if name))


def parse_layer_names(value: str | int | Iterable[str | int]) -> tuple[str, ...]:
    """Read names of layers, as `parse_names` does.

    Raises:
        SettingsError: It is written as a term of a dream, with channels or a class.
    """
    names = parse_names(value)
    for name in names:
        layer, colon, rest = name.partition(":")
        if colon and layer.lower() == terms.CLASSES:
            raise SettingsError(f"layers: '{name}' is a class; imagine takes it as --class {rest or 'espresso'}")
        if colon:
            raise SettingsError(f"layers: '{name}' is a layer with channels; write --layer {layer} --channels {rest}")
    return names


def parse_channels(value: str | int | Iterable[int]) -> Channels:
    """Read ``"0-3"``, ``"1,5,9"``, ``"0-3,9"``, ``"all"`` or whole numbers; each once.

    Raises:
        SettingsError: It is none of these.
    """
    if isinstance(value, str) and value == "all":
        return "all"
    text = str(value) if isinstance(value, str | int) else ",".join(map(str, value))
    if not text:
        raise SettingsError("channels: none are named; write 0-3, or 1,5,9, or all")
    return terms.parse_channels(text)
