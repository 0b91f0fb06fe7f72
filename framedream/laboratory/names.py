"""Names and numbers as they are written for the laboratory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from framedream import terms
from framedream.errors import SettingsError

Channels = tuple[int, ...] | Literal["all"]
"""Numbers of channels, counted from 0."""


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
