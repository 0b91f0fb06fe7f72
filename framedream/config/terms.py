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
        channels: Which of its channels, in their order; None for all. Of the classifier, the class.
    """

    layer: str
    channels: tuple[int, ...] | None = None


def parse_term(text: str) -> Term:
    """Read ``fire7``, ``fire7:12``, ``fire7:0-3+9`` or ``class:espresso``.

    Raises:
        SettingsError: There is no layer, the channels are no numbers, or no class is called so.
    """
    layer, colon, rest = (part.strip() for part in text.partition(":"))
    if layer.lower() == CLASSES:
        return Term(CLASSES, (find_class(rest),))
    if not layer:
        raise SettingsError(f"layers: '{text}' names no layer; write fire7, fire7:12 or class:espresso")
    if not colon:
        return Term(layer)
    try:
        return Term(layer, tuple(sorted(parse_channels(rest.replace("+", ",")))))
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
        SettingsError: There is none, and the nearest is named; or the name stands for two.
    """
    names, wanted = class_names(), text.strip()
    if wanted.isdecimal() and int(wanted) < len(names):
        return int(wanted)
    found = [number for number, name in enumerate(names) if _folded(name) == _folded(wanted)]
    if not found:
        raise SettingsError(
            f"'{wanted}' is no class of ImageNet, nor a number from 0 to {len(names) - 1}{nearest(wanted, names)}"
        )
    if len(found) > 1:
        raise SettingsError(
            f"'{wanted}' is the name of two classes of ImageNet, {found[0]} and {found[1]}; give the number instead"
        )
    return found[0]


@functools.cache
def class_names() -> tuple[str, ...]:
    """Names of the thousand classes of ImageNet, in the order that all its networks have."""
    text = (resources.files("framedream.config") / "imagenet_classes.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())


def _folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
