"""Parses the terms of an objective: a layer, some of its channels, or a class."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from importlib import resources

from framedream.errors import SettingsError, nearest

CLASSES = "class"
"""Name of the classifier layer, which has one value for each class of ImageNet."""


@dataclass(frozen=True)
class Term:
    """One term of an objective.

    Attributes:
        layer: The layer's name, or `CLASSES`.
        channels: Its channels in ascending order, or None for all; the class for the classifier.
    """

    layer: str
    channels: tuple[int, ...] | None = None


def parse_term(text: str) -> Term:
    """Parse ``fire7``, ``fire7:12``, ``fire7:0-3+9`` or ``class:espresso``.

    Raises:
        SettingsError: The layer is missing, the channels are not numbers, or the class is unknown.
    """
    layer, colon, rest = (part.strip() for part in text.partition(":"))
    if layer.lower() == CLASSES:
        return Term(CLASSES, (find_class(rest),))
    if not layer:
        raise SettingsError(f"layers: '{text}' does not name a layer; write fire7, fire7:12 or class:espresso")
    if not colon:
        return Term(layer)
    try:
        return Term(layer, tuple(sorted(parse_channels(rest.replace("+", ",")))))
    except SettingsError:
        raise SettingsError(
            f"layers: '{rest}' does not name channels of {layer}; write {layer}:12 or {layer}:0-3+9"
        ) from None


def parse_channels(text: str) -> tuple[int, ...]:
    """Parse channel numbers: ``5``, ``0-3`` or ``1,5,8-11``; drop repeated ones.

    Raises:
        SettingsError: The text has another form.
    """
    found: dict[int, None] = {}
    for part in text.split(","):
        ends = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", part.strip())
        if not ends or int(ends[2] or ends[1]) < int(ends[1]):
            raise SettingsError(f"channels: '{part.strip()}' is not a channel; write 0-3, or 1,5,9, or all")
        found |= dict.fromkeys(range(int(ends[1]), int(ends[2] or ends[1]) + 1))
    return tuple(found)


def find_class(text: str) -> int:
    """Find a class of ImageNet by its name or number, and return its number, 0…999.

    Raises:
        SettingsError: The class is unknown (the message names the nearest), or two classes have the name.
    """
    names, wanted = class_names(), text.strip()
    if wanted.isdecimal() and int(wanted) < len(names):
        return int(wanted)
    found = [number for number, name in enumerate(names) if _folded(name) == _folded(wanted)]
    if not found:
        raise SettingsError(
            f"'{wanted}' is neither a class of ImageNet nor a number from 0 to {len(names) - 1}{nearest(wanted, names)}"
        )
    if len(found) > 1:
        raise SettingsError(
            f"'{wanted}' is the name of two classes of ImageNet, {found[0]} and {found[1]}; give the number instead"
        )
    return found[0]


@functools.cache
def class_names() -> tuple[str, ...]:
    """Names of the 1000 classes of ImageNet, in the order that networks use."""
    text = (resources.files("framedream.config") / "imagenet_classes.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())


def _folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
