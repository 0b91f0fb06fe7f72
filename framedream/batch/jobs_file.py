"""A jobs file: what of a folder is dreamed, and how each part of it.

For example::

    preset = "peacock"        # for all
    steps = 20

    [[item]]
    source = "holiday/*.mov"  # relative to the source folder

    [[item]]
    source = "beach.mov"
    target = "best/beach.webm"
    presets = ["eyes", "mine.toml"]
    scale = 0.5
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from framedream.config.settings import setting_groups
from framedream.errors import SettingsError, nearest

EVERYTHING = "."
"""The source that stands for all there is."""

_PRESET_KEYS = ("preset", "presets")
_FILE_KEYS = ("weights", "guide", "timeline", "sound", "mask")


@dataclass(frozen=True)
class JobOrder:
    """Something to be dreamed in some ways.

    Attributes:
        label: Where it was asked for, for messages; empty if nowhere.
        source: A path or a glob, relative to the source folder.
        target: Where it goes, relative to the target folder, or None for the place like its source's.
        presets: Its presets; none where the file does not say.
        values: Settings, each with where they were given; the later beat the earlier.
    """

    label: str = ""
    source: str = EVERYTHING
    target: str | None = None
    presets: tuple[str, ...] = ()
    values: tuple[tuple[str, Mapping[str, Any]], ...] = ()


def read_jobs_file(path: Path) -> list[JobOrder]:
    """Read a jobs file: an order for each ``[[item]]``, or one for everything if there is none.

    Names of preset, weights and other files are looked for beside the jobs file first.

    Raises:
        SettingsError: It cannot be read, is not valid TOML, has an unknown key, or a path leads out.
    """
    data = _parsed(path)
    tables = data.pop("item", None)
    presets = _presets(data, str(path), path.parent)
    shared = ((str(path), _settings(data, str(path), ("item", *_PRESET_KEYS), path.parent)),)
    if tables is None:
        return [JobOrder("", EVERYTHING, None, presets, shared)]
    if not tables or not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SettingsError(f"{path}: item is not a list of tables; write [[item]] above each")
    return [
        _order(table, f"{path}, [[item]] {number}", presets, shared, path.parent)
        for number, table in enumerate(tables, 1)
    ]


def _order(
    table: dict[str, Any],
    label: str,
    presets: tuple[str, ...],
    shared: tuple[tuple[str, Mapping[str, Any]], ...],
    folder: Path,
) -> JobOrder:
    source = _inner_path(table.pop("source", None), "source", label)
    target = table.pop("target", None)
    if target is not None:
        target = _inner_path(target, "target", label)
    presets = _presets(table, label, folder) or presets
    values = _settings(table, label, ("source", "target", *_PRESET_KEYS), folder)
    return JobOrder(label, source, target, presets, (*shared, (label, values)))


def _parsed(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+)", str(error))
        line = place[1] if place else max(1, len(text.splitlines()))
        raise SettingsError(
            f"{path}, line {line}: is not valid TOML ({error}); write lines such as steps = 12"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SettingsError(f"{path}: cannot be read ({reason}); check the path given with --jobs-file") from None


def _presets(table: dict[str, Any], label: str, folder: Path) -> tuple[str, ...]:
    """Take the presets out of a table."""
    given = [table.pop(key) for key in _PRESET_KEYS if key in table]
    if len(given) > 1:
        raise SettingsError(f"{label}: preset and presets were both given; keep one of them")
    if not given:
        return ()
    presets = [given[0]] if isinstance(given[0], str) else given[0]
    if not isinstance(presets, list) or not presets or not all(isinstance(name, str) for name in presets):
        raise SettingsError(f'{label}: preset is not a name or a list of names; write presets = ["eyes", "peacock"]')
    return tuple(_beside(name, folder) if Path(name).suffix == ".toml" else name for name in presets)


def _settings(table: dict[str, Any], label: str, others: tuple[str, ...], folder: Path) -> dict[str, Any]:
    """The settings of a table, with names as in `Settings`."""
    known = setting_groups()
    settings = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in known:
            raise SettingsError(f"{label}: unknown key '{key}'{nearest(key, [*others, *known])}")
        if name in settings:
            raise SettingsError(f"{label}: {name} is set twice, with a hyphen and with an underscore; keep one of them")
        settings[name] = _beside(value, folder) if name in _FILE_KEYS and isinstance(value, str) else value
    return settings


def _beside(name: str, folder: Path) -> str:
    """A file named in the jobs file: beside it if it is there, else as it is named."""
    path = folder / Path(name).expanduser()
    return str(path) if path.exists() else name


def _inner_path(value: object, key: str, label: str) -> str:
    """A path that stays in its folder, without needless parts."""
    if not isinstance(value, str) or not value:
        raise SettingsError(f'{label}: {key} is missing or no text; write {key} = "holiday/beach.mov"')
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts or "\0" in value:
        raise SettingsError(f"{label}: {key} '{value}' leads out of its folder; write a path inside, without '..'")
    return str(path)
