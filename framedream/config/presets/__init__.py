"""Looks by name, and looks from files."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from framedream.errors import SettingsError, nearest

DEFAULT = "framedream"
"""The preset taken when none is named; its values are the settings' own defaults."""


def preset_names() -> list[str]:
    """Names of the presets that come with framedream, the default first."""
    names = sorted(Path(item.name).stem for item in resources.files(__name__).iterdir() if item.name.endswith(".toml"))
    return sorted(names, key=lambda name: name != DEFAULT)


def read_preset(preset: str | Path) -> dict[str, Any]:
    """Read a preset: flat keys, called as the flags are, and a ``description``.

    Args:
        preset: A name of `preset_names`, or a ``.toml`` file.

    Raises:
        SettingsError: The preset does not exist, or is not valid TOML.
    """
    if Path(preset).suffix == ".toml":
        return _parse(_read_file(Path(preset)), str(preset))
    if preset not in preset_names():
        raise SettingsError(
            f"preset: there is no '{preset}'{nearest(str(preset), preset_names())}, or give a .toml file"
        )
    return _parse((resources.files(__name__) / f"{preset}.toml").read_text(encoding="utf-8"), f"preset {preset}")


def _read_file(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SettingsError(f"{file}: cannot be read ({reason}); check the path given with --preset") from None


def _parse(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{source}: is not valid TOML ({error}); write lines such as steps = 12") from None
