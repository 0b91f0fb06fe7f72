"""The looks that a preview compares, as settings and as flags."""

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
"""Selects every preset."""

_STRENGTHS = (0.25, 0.5, 1.0)
"""Multiples of the step sizes; small ones differ more visibly than large ones."""

_STEP_SIZES = (("dream", "step_size"), ("motion", "follow_step_size"), ("motion", "young_step_size"))
"""Settings that make a dream stronger or weaker."""


@dataclass(frozen=True)
class PreviewLook:
    """One way to dream.

    Attributes:
        settings: All its settings.
        flags: The command-line arguments that give these settings.
    """

    settings: Settings
    flags: tuple[str, ...]


def preview_looks(
    wanted: PreviewSettings, preset: str = DEFAULT, values: Mapping[str, Any] | None = None, *, is_still: bool = False
) -> list[PreviewLook]:
    """The looks of a preview, row after row.

    Args:
        wanted: Its rows and columns.
        preset: The preset that all looks start from, unless rows are presets.
        values: Flat settings that all looks share, such as ``{"steps": 8}``.
        is_still: Whether the source is a still image; its flags have no motion settings.

    Raises:
        SettingsError: A name or value is invalid.
    """
    groups, strengths = DREAM if is_still else CARRIED, wanted.strengths or _default_strengths(wanted)
    found = []
    for name, row in _rows(wanted, preset, {key.replace("-", "_"): value for key, value in (values or {}).items()}):
        for strength in strengths:
            settings = _drop_unused_guide(_scale_steps(row, strength))
            found.append(PreviewLook(settings, to_flags(settings, name, groups)))
    return found


def _drop_unused_guide(settings: Settings) -> Settings:
    """Remove the guide where all terms are classes, which have no guide."""
    terms = [parse_term(name) for name, _ in settings.dream.layers]
    if any(term.layer != CLASSES for term in terms):
        return settings
    return replace(settings, dream=replace(settings.dream, guide=None))


def default_columns(wanted: PreviewSettings) -> int:
    """Looks per row if the settings give no number."""
    strengths = len(wanted.strengths or _default_strengths(wanted))
    return strengths if strengths > 1 else 4


def _default_strengths(wanted: PreviewSettings) -> tuple[float, ...]:
    return (1.0,) if wanted.presets else _STRENGTHS


def _rows(wanted: PreviewSettings, preset: str, values: dict[str, Any]) -> list[tuple[str, Settings]]:
    """The settings of each row, with its preset."""
    if not wanted.presets and not wanted.models:
        shared = Settings.of(preset).override(values)
        rows = wanted.layers or _default_rows(shared)
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


def _default_rows(shared: Settings) -> list[Layers]:
    """The layers of the settings, then contrasting layers of the network, or else each default layer alone."""
    own, entry = shared.dream.layers, MODELS[shared.dream.model]
    others = entry.contrasting_layers or tuple(name for name, _ in parse_layers(entry.default_layers))
    return list(dict.fromkeys([own, *(parse_layers(name) for name in others)]))


def _with_weights(rows: list[tuple[str, Settings]], weights: Any) -> list[tuple[str, Settings]]:
    """Apply a weights file to the only network that is not built in.

    Raises:
        SettingsError: No row or several networks could use it.
    """
    outside = list(dict.fromkeys(row.dream.model for _, row in rows if not MODELS[row.dream.model].is_built_in))
    if len(outside) != 1:
        which = f"the rows have {', '.join(outside)}" if outside else "no row has one"
        raise SettingsError(
            f"weights: the file needs exactly one network that is not built in, but {which}; "
            "name rows of one such network"
        )
    return [(name, row.override({"weights": weights}) if row.dream.model == outside[0] else row) for name, row in rows]


def _scale_steps(settings: Settings, strength: float) -> Settings:
    """Multiply all step sizes, rounded to four digits for readable flags."""
    if strength == 1:
        return settings
    sizes = {name: getattr(getattr(settings, group), name) for group, name in _STEP_SIZES}
    return settings.override({name: float(f"{size * strength:.4g}") for name, size in sizes.items()})
