"""Parses lists of names and channel numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from framedream.config import terms
from framedream.errors import SettingsError

Channels = tuple[int, ...] | Literal["all"]
"""Channel numbers, counted from 0."""


def parse_names(value: str | int | Iterable[str | int]) -> tuple[str, ...]:
    """Parse ``"a,b"`` or a list of such texts; drop repeated names."""
    parts = [value] if isinstance(value, str | int) else value
    names = [name.strip() for part in parts for name in str(part).split(",")]
    return tuple(dict.fromkeys(name for name in names if name))


def parse_layer_names(value: str | int | Iterable[str | int]) -> tuple[str, ...]:
    """Parse names of layers, as `parse_names` does.

    Raises:
        SettingsError: A name has channels or a class, as the layers of a dream may.
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
    """Parse ``"0-3"``, ``"1,5,9"``, ``"0-3,9"``, ``"all"`` or whole numbers; drop repeated ones.

    Raises:
        SettingsError: The value has another form.
    """
    if isinstance(value, str) and value == "all":
        return "all"
    text = str(value) if isinstance(value, str | int) else ",".join(map(str, value))
    if not text:
        raise SettingsError("channels: the list is empty; write 0-3, or 1,5,9, or all")
    return terms.parse_channels(text)
