"""Settings as the flags that give them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from framedream.config.presets import DEFAULT
from framedream.config.settings import Settings
from framedream.config.timeline import flag_name, format_value

DREAM, CARRIED = ("dream",), ("dream", "motion")
"""Groups of settings that make a look: of a still, of a film."""


def to_flags(settings: Settings, preset: str = DEFAULT, groups: Sequence[str] = CARRIED) -> tuple[str, ...]:
    """The words of a command line that give settings: as few as tell them from a preset.

    Args:
        settings: The settings; made of the preset by replacing values.
        preset: The preset, by name or file. Flags that start from the default one are taken where they are shorter,
            unless the preset says more than belongs to these groups.
        groups: Groups of settings that count.
    """
    names = [preset] if _says_more(preset) else [DEFAULT, preset]
    candidates = [words for name in names if (words := _beside(name, settings, groups)) is not None]
    return min(candidates, key=lambda words: len(shlex.join(words)))


def _says_more(preset: str) -> bool:
    """Whether there is more in a preset than how frames are dreamed and carried."""
    start, usual = Settings.of(preset), Settings()
    return start != replace(usual, dream=start.dream, motion=start.motion)


def _beside(preset: str, settings: Settings, groups: Sequence[str]) -> tuple[str, ...] | None:
    """Flags for what a preset does not say; None where only leaving out what it says would do."""
    start = Settings.of(preset)
    words = [] if preset == DEFAULT else ["--preset", preset]
    if start.dream.model != settings.dream.model:
        words += ["--model", settings.dream.model]
        # A model brings its own layers.
        start = start.override({"model": settings.dream.model})
    for group in groups:
        for item in fields(getattr(start, group)):
            value = getattr(getattr(settings, group), item.name)
            if value == getattr(getattr(start, group), item.name):
                continue
            if value is None:
                return None
            words += [f"--{flag_name(item.name)}", _text(item.name, value)]
    return tuple(words)


def _text(name: str, value: Any) -> str:
    """A value as its flag takes it; a weight of 1 need not be said."""
    if name == "layers":
        return ",".join(layer if weight == 1 else f"{layer}={format_value(weight)}" for layer, weight in value)
    return format_value(value)
