"""The looks that a preview compares, each as settings and as the flags that give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from framedream.config.command_line import CARRIED, DREAM, to_flags
from framedream.config.model_registry import MODELS
from framedream.config.parsing import Layers, parse_layers
from framedream.config.presets import DEFAULT, preset_names
from framedream.config.preview_settings import PreviewSettings
from framedream.config.settings import Settings
from framedream.config.terms import CLASSES, parse_term
from framedream.errors import SettingsError

ALL = "all"
"""Stands for every preset there is."""

_STRENGTHS = (0.25, 0.5, 1.0)
"""Near the image little is much, so the preset's own is the largest."""

_SIZES = (("dream", "step_size"), ("motion", "follow_step_size"), ("motion", "young_step_size"))
"""What makes a dream stronger or weaker."""


@dataclass(frozen=True)
class PreviewLook:
    """One way to dream.

    Attributes:
        settings: Everything that makes it.
        flags: The words of a command line that give these settings.
    """

    settings: Settings
    flags: tuple[str, ...]


def preview_looks(
    wanted: PreviewSettings, preset: str = DEFAULT, values: Mapping[str, Any] | None = None, *, is_still: bool = False
) -> list[PreviewLook]:
    """The looks of a preview, row after row.

    Args:
        wanted: Which rows and columns it has.
        preset: What all looks start from, where their rows are no presets.
        values: Flat settings that all looks share, such as ``{"steps": 8}``.
        is_still: Whether the looks are for a still, in whose flags nothing is said of motion.

    Raises:
        SettingsError: A name or value cannot be used.
    """
    groups, strengths = DREAM if is_still else CARRIED, wanted.strengths or _usual(wanted)
    found = []
    for name, row in _rows(wanted, preset, {key.replace("-", "_"): value for key, value in (values or {}).items()}):
        for strength in strengths:
            settings = _guided(_scaled(row, strength))
            found.append(PreviewLook(settings, to_flags(settings, name, groups)))
    return found


def _guided(settings: Settings) -> Settings:
    """Settings without a guide where there are only classes, which none is drawn towards."""
    terms = [parse_term(name) for name, _ in settings.dream.layers]
    if any(term.layer != CLASSES for term in terms):
        return settings
    return replace(settings, dream=replace(settings.dream, guide=None))


def default_columns(wanted: PreviewSettings) -> int:
    """Looks in a row, where nothing is said of it."""
    strengths = len(wanted.strengths or _usual(wanted))
    return strengths if strengths > 1 else 4


def _usual(wanted: PreviewSettings) -> tuple[float, ...]:
    return (1.0,) if wanted.presets else _STRENGTHS


def _rows(wanted: PreviewSettings, preset: str, values: dict[str, Any]) -> list[tuple[str, Settings]]:
    """Settings of each row, and the preset they come from."""
    if not wanted.presets and not wanted.models:
        shared = Settings.of(preset).override(values)
        rows = wanted.layers or _usual_rows(shared)
        return [(preset, shared.override({"layers": row})) for row in rows]
    for name in ("model", "layers"):
        if values.get(name) is not None:
            kind = "presets" if wanted.presets else "models"
            raise SettingsError(f"{name}: with {kind} each row has its own; leave {name} or {kind} out")
    weights, rest = values.get("weights"), {name: value for name, value in values.items() if name != "weights"}
    if wanted.presets:
        names = preset_names() if ALL in wanted.presets else wanted.presets
        found = [(name, Settings.of(name).override(rest)) for name in names]
    else:
        found = [(preset, Settings.of(preset).override(rest | {"model": name})) for name in wanted.models]
    return found if weights is None else _with_weights(found, weights)


def _usual_rows(shared: Settings) -> list[Layers]:
    """The layers of the settings, and then others: those known to look different, or else each of them alone."""
    own, entry = shared.dream.layers, MODELS[shared.dream.model]
    others = entry.contrasting_layers or tuple(name for name, _ in parse_layers(entry.default_layers))
    return list(dict.fromkeys([own, *(parse_layers(name) for name in others)]))


def _with_weights(rows: list[tuple[str, Settings]], weights: Any) -> list[tuple[str, Settings]]:
    """Give a weights file to the only network that is not built in.

    Raises:
        SettingsError: There is none, or several.
    """
    outside = list(dict.fromkeys(row.dream.model for _, row in rows if not MODELS[row.dream.model].is_built_in))
    if len(outside) != 1:
        which = f"there are {', '.join(outside)}" if outside else "there is none"
        raise SettingsError(
            f"weights: the file is for the one network that is not built in, and {which}; name rows of one such network"
        )
    return [(name, row.override({"weights": weights}) if row.dream.model == outside[0] else row) for name, row in rows]


def _scaled(settings: Settings, strength: float) -> Settings:
    """All step sizes times a number, to four digits, which are as good as all and can be read."""
    if strength == 1:
        return settings
    sizes = {name: getattr(getattr(settings, group), name) for group, name in _SIZES}
    return settings.override({name: float(f"{size * strength:.4g}") for name, size in sizes.items()})
