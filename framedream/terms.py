"""What can be excited, as it is written: a layer, some of its channels, or a class."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from importlib import resources

from framedream.errors import SettingsError, nearest

CLASSES = "class"
"""Stands for the classifier of a network, which has a value for each class of ImageNet."""


@dataclass(frozen=True)
class Term:
    """One thing to excite.

    Attributes:
        layer: The layer's name, or `CLASSES`.
        channels: Which of its channels; None for all. Of the classifier, the class.
    """

    layer: str
    channels: tuple[int, ...] | None = None


def parse_term(text: str) -> Term:
    """Read ``fire7``, ``fire7:12``, ``fire7:0-3+9`` or ``class:espresso``.

    Raises:
        SettingsError: The channels are no numbers, or no class is called so.
    """
    layer, colon, rest = text.partition(":")
    if not colon:
        return Term(layer)
    if layer.strip().lower() == CLASSES:
        return Term(CLASSES, (find_class(rest),))
    try:
        return Term(layer, parse_channels(rest.replace("+", ",")))
    except SettingsError:
        raise SettingsError(
            f"layers: '{rest}' names no channels of {layer}; write them as {layer}:12 or {layer}:0-3+9"
        ) from None


def parse_channels(text: str) -> tuple[int, ...]:
    """Read numbers of channels: ``5``, ``0-3`` or ``1,5,8-11``; each counts once.

    Raises:
        SettingsError: It is something else.
    """
    found: dict[int, None] = {}
    for part in text.split(","):
        ends = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", part.strip())
        if not ends or int(ends[2] or ends[1]) < int(ends[1]):
            raise SettingsError(f"channels: '{part.strip()}' is no channel; write 0-3, or 1,5,9, or all")
        found |= dict.fromkeys(range(int(ends[1]), int(ends[2] or ends[1]) + 1))
    return tuple(found)


def find_class(text: str) -> int:
    """The number of a class of ImageNet, 0…999, by its name or number.

    Raises:
        SettingsError: There is none; names the nearest.
    """
    wanted = text.strip()
    if wanted.isdecimal() and int(wanted) < len(class_names()):
        return int(wanted)
    known = {_folded(name): number for number, name in enumerate(class_names())}
    if _folded(wanted) not in known:
        raise SettingsError(
            f"class: ImageNet has no '{wanted}'{nearest(wanted, class_names())} (or a number, 0 to 999)"
        )
    return known[_folded(wanted)]


@functools.cache
def class_names() -> tuple[str, ...]:
    """Names of the thousand classes of ImageNet, in the order that all its networks have."""
    text = (resources.files("framedream") / "imagenet_classes.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())


def _folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
