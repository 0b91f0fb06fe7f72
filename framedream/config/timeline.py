"""Timelines: key frames of settings, and settings that follow the loudness of a sound."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, get_args

from framedream.config.parsing import parse_moment
from framedream.errors import SettingsError, nearest

Easing = Literal["smooth", "linear", "in", "out", "hold"]
"""The way from the previous key frame to this one; ``hold`` keeps the old value and jumps."""

Band = Literal["bass", "mid", "treble", "all", "beat"]
"""The part of a sound to follow."""

_GROUPS = ("dream", "motion", "zoom")
"""Groups of settings that can change over a film."""

_FIXED = (
    "model", "weights", "guide", "algorithm", "gradient", "random_seed", "precision", "flow", "passes", "cuts", "ease",
    "duration", "loop",
)  # fmt: skip
"""Settings of these groups that cannot change."""

_KEY, _FOLLOW = ("at", "easing"), ("setting", "band", "from", "to")


@dataclass(frozen=True)
class Keyframe:
    """Values of settings at one time.

    Attributes:
        at: The moment, in seconds of the film.
        values: Names of settings, each with its value.
        easing: How the values are come to from those of the key before.
    """

    at: Fraction
    values: tuple[tuple[str, Any], ...]
    easing: Easing = "smooth"


@dataclass(frozen=True)
class SoundFollow:
    """A setting that follows the loudness of a sound.

    Attributes:
        setting: Its name.
        band: What of the sound it follows.
        low: Its value in silence.
        high: Its value where the sound is loudest.
    """

    setting: str
    band: Band
    low: Any
    high: Any


@dataclass(frozen=True)
class Timeline:
    """All settings that change over a film.

    Attributes:
        keys: In the order of their moments.
        follows: One for each setting that follows the sound; it beats the keys.
        source: Where they come from, for messages.
    """

    keys: tuple[Keyframe, ...] = ()
    follows: tuple[SoundFollow, ...] = ()
    source: str = field(default="timeline", compare=False)

    @classmethod
    def read(cls, path: Path) -> Timeline:
        """Read a timeline from a ``.toml`` file.

        Raises:
            SettingsError: It cannot be read, is not valid TOML, or or contains anything but [[key]] and [[follow]].
        """
        data = _parsed(path)
        for name in data:
            if name not in ("key", "follow"):
                raise SettingsError(f"{path}: unknown '{name}'{nearest(name, ('key', 'follow'))}")
        keys = [_key(table, f"{path}, [[key]] {number}") for number, table in _tables(data, "key", path)]
        follows = [_follow(table, f"{path}, [[follow]] {number}") for number, table in _tables(data, "follow", path)]
        if not keys and not follows:
            raise SettingsError(f"{path}: the timeline is empty; write [[key]] above each time and its settings")
        return cls(tuple(sorted(keys, key=lambda key: key.at)), tuple(follows), str(path))

    def checked(self, homes: Mapping[str, str], valued: Callable[[str, Any], Any]) -> Timeline:
        """Return the timeline with each value converted to the type of its setting.

        Args:
            homes: Names of all settings, each with its group.
            valued: Gives the value of a setting in its own type, or a `SettingsError`.

        Raises:
            SettingsError: A setting is unknown, cannot change, has two values at once, or its value cannot be used.
        """
        keys: list[Keyframe] = []
        follows: list[SoundFollow] = []
        named: set[tuple[str, Fraction]] = set()
        for key in self.keys:
            label = f"{self.source}, key at {format_moment(key.at)}"
            for name, _ in key.values:
                _check_name(name, homes, label)
                if (name, key.at) in named:
                    raise SettingsError(f"{label}: {flag_name(name)} is set twice at this time; remove one")
                named.add((name, key.at))
            keys.append(replace(key, values=tuple((name, _value(valued, name, at, label)) for name, at in key.values)))
        for follow in self.follows:
            name = follow.setting
            label = f"{self.source}, follow of {flag_name(name)}"
            _check_name(name, homes, label)
            if name in [other.setting for other in follows]:
                raise SettingsError(f"{label}: this setting follows twice; remove one")
            low, high = (_value(valued, name, value, label) for value in (follow.low, follow.high))
            if not all(isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high)):
                raise SettingsError(f"{label}: from and to must be numbers; only numbers can follow a sound")
            follows.append(replace(follow, low=low, high=high))
        return replace(self, keys=tuple(keys), follows=tuple(follows))

    @property
    def names(self) -> list[str]:
        """Names of all settings that change."""
        named = [name for key in self.keys for name, _ in key.values] + [follow.setting for follow in self.follows]
        return list(dict.fromkeys(named))

    def flat(self) -> dict[str, str]:
        """Everything as text, keyed for comparison with another timeline."""
        keys = {
            f"{flag_name(name)} at {format_moment(key.at)}": f"{format_value(value)} ({key.easing})"
            for key in self.keys
            for name, value in key.values
        }
        return keys | {
            f"{flag_name(follow.setting)} follows": (
                f"{follow.band} {format_value(follow.low)} to {format_value(follow.high)}"
            )
            for follow in self.follows
        }

    def __str__(self) -> str:
        return "; ".join(f"{name}: {text}" for name, text in self.flat().items())


def parse_timeline(value: str | Path | Timeline) -> Timeline:
    """Read the timeline in a file; return a timeline unchanged."""
    return value if isinstance(value, Timeline) else Timeline.read(Path(value).expanduser())


def format_moment(at: Fraction) -> str:
    """Format a time as people write it."""
    return f"{float(at):g}s" if Fraction(f"{float(at):g}") == at else f"{at}s"


def flag_name(name: str) -> str:
    """The name of a setting in files and flags."""
    return name.replace("_", "-")


def format_value(value: Any) -> str:
    """Format the value of a setting as people write it, without loss."""
    if isinstance(value, tuple):
        return ",".join(
            f"{part[0]}={format_value(part[1])}" if isinstance(part, tuple) else format_value(part) for part in value
        )
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return str(value)


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: is not valid TOML ({error}); write [[key]] and lines such as at = 3") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SettingsError(f"{path}: cannot be read ({reason}); check the path given with --timeline") from None


def _tables(data: Mapping[str, Any], name: str, path: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    tables = data.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SettingsError(f"{path}: {name} is not a list of tables; write [[{name}]] above each")
    return enumerate(tables, 1)


def _key(table: dict[str, Any], label: str) -> Keyframe:
    if "at" not in table:
        raise SettingsError(f'{label}: has no time; write at = "3s"')
    at = _seconds(table["at"], label)
    easing = table.get("easing", "smooth")
    _check_word(easing, get_args(Easing), f"{label}: easing")
    values: dict[str, Any] = {}
    for written_as, value in table.items():
        name = written_as.replace("-", "_")
        if name in values:
            raise SettingsError(f"{label}: {written_as} is set twice, with a hyphen and with an underscore; keep one")
        if name not in _KEY:
            values[name] = value
    if not values:
        raise SettingsError(f"{label}: changes nothing; write settings below it, such as step-size = 2")
    return Keyframe(at, tuple(values.items()), easing)


def _follow(table: dict[str, Any], label: str) -> SoundFollow:
    for name in table:
        if name not in _FOLLOW:
            raise SettingsError(f"{label}: unknown '{name}'{nearest(name, _FOLLOW)}")
    for name, example in zip(_FOLLOW, ('"step-size"', '"bass"', "1.5", "4.0"), strict=True):
        if name not in table:
            raise SettingsError(f"{label}: has no {name}; write {name} = {example}")
    _check_word(table["band"], get_args(Band), f"{label}: band")
    return SoundFollow(str(table["setting"]).replace("-", "_"), table["band"], table["from"], table["to"])


def _seconds(value: Any, label: str) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise SettingsError(f'{label}: at is not a time; write seconds, such as at = "3s"')
    if re.fullmatch(r"\s*\d+f\s*", str(value)):
        raise SettingsError(
            f"{label}: at {str(value).strip()} is a frame number; write the time in seconds, such as at = 2.5"
        )
    try:
        at = parse_moment(value)
    except SettingsError:
        raise SettingsError(
            f"{label}: at '{value}' is not a time; write seconds (2.5) or a clock time (1:02.5)"
        ) from None
    assert at.seconds is not None
    return at.seconds


def _check_word(value: Any, words: tuple[str, ...], label: str) -> None:
    if value not in words:
        raise SettingsError(f"{label} '{value}' is not one of {', '.join(words)}{nearest(str(value), words)}")


def _check_name(name: str, homes: Mapping[str, str], label: str) -> None:
    """Check that a setting exists and can change."""
    changing = [flag_name(other) for other, home in homes.items() if home in _GROUPS and other not in _FIXED]
    if name not in homes:
        raise SettingsError(f"{label}: unknown setting '{flag_name(name)}'{nearest(flag_name(name), changing)}")
    if flag_name(name) not in changing:
        raise SettingsError(
            f"{label}: {flag_name(name)} cannot change within a film; "
            f"set it for the whole film with --{flag_name(name)}"
        )


def _value(valued: Callable[[str, Any], Any], name: str, value: Any, label: str) -> Any:
    try:
        return valued(name, value)
    except SettingsError as error:
        raise SettingsError(f"{label}: {error}") from None
