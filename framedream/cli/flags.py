"""Flags: one for each setting, which can also come from an environment variable."""

from __future__ import annotations

import contextlib
import inspect
import os
import re
from collections.abc import Collection
from dataclasses import Field, fields, make_dataclass
from pathlib import Path
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from cyclopts import Group, Parameter

from framedream.config.feature_settings import FeatureSettings
from framedream.config.imagine_settings import ImagineSettings
from framedream.config.parsing import Pair
from framedream.config.preview_settings import PreviewSettings
from framedream.config.settings import AS_TEXT, DreamSettings, Settings

_Kind = TypeVar("_Kind")


def _flags(name: str, settings: Any, only: Collection[str] = ()) -> Any:
    """Make a dataclass of flags for settings; a flag that is not given is None.

    Args:
        name: Prefix of the class name.
        settings: The settings, with their defaults.
        only: Names of the settings that get flags; all by default.
    """
    hints, descriptions = get_type_hints(type(settings)), help_texts(type(settings).__doc__ or "")
    flags = []
    for item in fields(settings):
        if only and item.name not in only:
            continue
        default = getattr(settings, item.name)
        shown = (lambda _, value=default: value) if isinstance(default, int | float | str) else False
        if isinstance(default, bool):
            shown = False
        # A value can start with a hyphen, as in --rotate -10 and --pan -0.1,0.
        is_signed = item.metadata == AS_TEXT or hints[item.name] == Pair
        alias = item.metadata.get("alias")
        parameter = Parameter(
            help=descriptions.get(item.name),
            show_default=shown,
            allow_leading_hyphen=is_signed,
            negative=(),
            alias=alias,
        )
        flags.append((item.name, Annotated[_flag_type(item, hints[item.name]) | None, parameter], None))
    return make_dataclass(f"{name}Flags", flags, frozen=True, kw_only=True, namespace={"__module__": __name__})


def help_texts(docstring: str) -> dict[str, str]:
    """The description of each attribute of a Google-style docstring, joined to one line."""
    _, _, section = inspect.cleandoc(docstring).partition("Attributes:\n")
    entries = re.split(r"\n(?=    \w+: )", section.rstrip())
    pairs = (entry.strip().split(": ", 1) for entry in entries if ": " in entry)
    return {name: " ".join(text.split()) for name, text in pairs}


def _flag_type(item: Field[Any], hint: Any) -> Any:
    """The type of a flag; text for types that the settings parse themselves."""
    if item.metadata == AS_TEXT:
        return str
    if item.metadata.get("several"):
        return list[str]
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    if any(get_origin(part) is tuple for part in parts):
        return str
    known = [part for part in parts if part in (bool, int, float, str, Path) or get_origin(part) is Literal]
    return Union[tuple(known)] if known else str  # noqa: UP007


def _group(number: int, flags: Any, title: str = "") -> Any:
    title = title or flags.__name__.removesuffix("Flags")
    return Annotated[flags, Parameter(name="*", group=Group(title, sort_key=number))]


DreamFlags, MotionFlags, FootageFlags, ZoomFlags, ChangeFlags, OutputFlags, RunFlags = (
    _flags(group.title(), getattr(Settings(), group))
    for group in ("dream", "motion", "footage", "zoom", "change", "output", "run")
)
OnwardFlags = _flags("Onward", Settings().motion, ("follow_steps", "follow_step_size", "young_step_size"))
"""Motion settings that apply to a zoom, whose motion is known."""
EncodingFlags = _flags("Encoding", Settings().output, ("codec", "crf", "pixel_format"))
"""Output settings of a zoom, which has no footage to compare with."""
LookFlags = _flags("Look", Settings().dream, [item.name for item in fields(DreamSettings) if item.name != "layers"])
"""Dream settings of the looks of a preview, which differ in their layers."""
FeatureFlags = _flags("Feature", FeatureSettings())
ImagineFlags = _flags("Imagine", ImagineSettings())
PreviewFlags = _flags("Preview", PreviewSettings())

if TYPE_CHECKING:
    Dream: TypeAlias = Any
    Motion: TypeAlias = Any
    Footage: TypeAlias = Any
    Zoom: TypeAlias = Any
    Change: TypeAlias = Any
    Output: TypeAlias = Any
    Run: TypeAlias = Any
    Onward: TypeAlias = Any
    Encoding: TypeAlias = Any
    Features: TypeAlias = Any
    Imagining: TypeAlias = Any
    Look: TypeAlias = Any
    Previewed: TypeAlias = Any
else:
    Dream, Motion, Footage, Zoom, Change, Output, Run = map(
        _group,
        range(1, 8),
        (DreamFlags, MotionFlags, FootageFlags, ZoomFlags, ChangeFlags, OutputFlags, RunFlags),
    )
    Onward = _group(2, OnwardFlags, "Motion")
    Encoding = _group(6, EncodingFlags, "Output")
    Features = _group(1, FeatureFlags, "Features")
    Imagining = _group(1, ImagineFlags, "Imagine")
    Previewed = _group(0, PreviewFlags, "Preview")
    Look = _group(1, LookFlags, "Dream")
Preset = Annotated[str, Parameter(env_var="FRAMEDREAM_PRESET", show_env_var=False)]
Presets = Annotated[list[str] | None, Parameter(env_var="FRAMEDREAM_PRESET", show_env_var=False, show_default=False)]
Quiet = Annotated[bool, Parameter(negative=(), show_default=False)]
Work = Annotated[str | None, Parameter(group=Group("Run", sort_key=7), show_default=False)]
Restart = Annotated[bool, Parameter(group=Group("Run", sort_key=7), negative=(), show_default=False)]


def settings_of(preset: str, *groups: Any) -> Settings:
    """Settings that a command is given.

    Args:
        preset: Name of a preset, or a ``.toml`` file.
        groups: Flags; they beat the environment, which beats the preset.

    Raises:
        SettingsError: A name or value cannot be used.
    """
    return Settings.of(preset).override(_environment(), source="environment").override(_flags_given(*groups))


def laboratory_settings(kind: type[_Kind], *groups: Any) -> _Kind:
    """Settings of a command of the laboratory.

    Args:
        kind: Their dataclass, of `framedream.laboratory`.
        groups: Flags; they beat the environment, of which only the network counts, as long as no flag names another.

    Raises:
        SettingsError: A name or value cannot be used.
    """
    flags, environment = _flags_given(*groups), _environment()
    known = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    network = {} if "model" in flags else {name: environment[name] for name in _NETWORK if name in environment}
    network = {name: value for name, value in network.items() if name in known}
    return kind(**network | flags)


def _flags_given(*groups: Any) -> dict[str, Any]:
    flags = {item.name: getattr(group, item.name) for group in groups for item in fields(group)}
    return {name: value for name, value in flags.items() if value is not None}


def given(*groups: Any) -> dict[str, Any]:
    """What the environment and the flags say together, for presets that are not known yet."""
    flags, environment = _flags_given(*groups), _environment()
    Settings().override(environment, source="environment")
    for name, others in _BEATS.items():
        if name in flags:
            environment = {other: value for other, value in environment.items() if other not in others}
    return environment | flags


def environment_names() -> list[str]:
    """Names of the environment that say something to framedream, in their order."""
    return sorted(name for name in os.environ if name.startswith("FRAMEDREAM_"))


_NETWORK = ("model", "weights")

_BEATS = {"size": ("scale",), "scale": ("size",), "model": ("layers", "weights")}
"""Flags that make values of the environment meaningless."""


def _environment() -> dict[str, int | float | str]:
    """Settings given as ``FRAMEDREAM_STEP_SIZE=2``; numbers are read as numbers."""
    given: dict[str, int | float | str] = {}
    for name, text in os.environ.items():
        key = name.removeprefix("FRAMEDREAM_").lower()
        if key != name.lower() and key != "preset":
            given[key] = _number(text)
    return given


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text
