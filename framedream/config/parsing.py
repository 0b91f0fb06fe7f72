"""Parses and checks values that people write in flags, preset files and notebooks."""

from __future__ import annotations

import contextlib
import functools
import math
import numbers
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args, get_type_hints

from framedream.config.terms import parse_term
from framedream.errors import SettingsError, nearest

Layers = tuple[tuple[str, float], ...]
"""Terms with their coefficients, as in ``fire5=0.5,fire7:12=1``; see `framedream.config.terms`."""

Size = tuple[int, int]
"""Width and height in pixels."""

Pair = tuple[float, float]
"""Shares of a frame's width and height."""


@dataclass(frozen=True)
class Moment:
    """A point in a film: a time in seconds, or the number of a frame.

    Attributes:
        seconds: Time from the film's start, or None if a frame is meant.
        frame: Index of a frame, counted from 0, or None if a time is meant.
    """

    seconds: Fraction | None = None
    frame: int | None = None

    def __str__(self) -> str:
        return f"{self.frame}f" if self.seconds is None else f"{float(self.seconds):g}"


def parse_layers(value: str | Mapping[str, float] | Sequence[str] | Layers) -> Layers:
    """Parse ``"fire5=0.5,fire7=1"``, a list of such texts, a mapping, or pairs; a name alone has weight 1.

    Raises:
        SettingsError: A weight is not a number, a name occurs twice, or a name cannot be parsed.
    """
    pairs: list[tuple[str, Any]] = []
    for part in [value] if isinstance(value, str) else value.items() if isinstance(value, Mapping) else value:
        if isinstance(part, str):
            terms = [term.partition("=") for term in part.split(",") if term.strip()]
            pairs += [(name.strip(), text.strip() if sign else 1.0) for name, sign, text in terms]
        else:
            pairs.append(part)
    layers = []
    for name, weight in pairs:
        try:
            number = float(weight)
        except (TypeError, ValueError):
            raise SettingsError(f"layers: weight '{weight}' of '{name}' is not a number; write {name}=0.5") from None
        if not name or not math.isfinite(number):
            raise SettingsError(f"layers: '{name}={weight}' is not a layer with a weight; write layers as a=1,b=0.5")
        layers.append((name, number))
    if len({parse_term(name) for name, _ in layers}) < len(layers):
        raise SettingsError(f"layers: '{value}' names a layer twice; keep one of them")
    return tuple(layers)


def parse_size(value: str | Size) -> Size:
    """Read ``"1280x720"`` or a pair of whole numbers."""
    if not isinstance(value, str):
        width, height = value
        return int(width), int(height)
    parts = re.fullmatch(r"(\d+)[x×](\d+)", value.strip())
    if not parts:
        raise SettingsError(f"size: '{value}' is not WIDTHxHEIGHT in pixels, such as 1280x720")
    return int(parts[1]), int(parts[2])


def parse_moment(value: str | float | Fraction | Moment) -> Moment:
    """Read seconds (``2.5``), a clock time (``1:02.5``, ``0:01:02.5``) or a frame (``62f``)."""
    if isinstance(value, Moment):
        return value
    if isinstance(value, Fraction) and value >= 0:
        return Moment(seconds=value)
    text = str(value).strip().removesuffix("s")
    if re.fullmatch(r"\d+f", text):
        return Moment(frame=int(text[:-1]))
    if not re.fullmatch(r"(\d+:){0,2}(\d+\.?\d*|\.\d+)", text):
        raise SettingsError(f"'{value}' is not a time; write seconds (2.5), a clock time (1:02.5) or a frame (62f)")
    seconds = Fraction(0)
    for part in text.split(":"):
        seconds = seconds * 60 + Fraction(part)
    return Moment(seconds=seconds)


def parse_rate(value: str | float | Fraction) -> Fraction:
    """Read frames per second: ``25``, ``30000/1001``, ``29.97`` (taken as 30000/1001)."""
    try:
        rate = Fraction(value) if isinstance(value, str) else Fraction(value).limit_denominator(100_000)
    except (ValueError, ZeroDivisionError):
        raise SettingsError(f"fps: '{value}' is not a frame rate; write 25, 29.97 or 30000/1001") from None
    if not 0 < rate <= 1000:
        raise SettingsError(f"fps: {value} is out of range; a frame rate is above 0 and at most 1000")
    ntsc = Fraction(round(rate) * 1000, 1001)
    return ntsc if abs(rate - ntsc) < Fraction(1, 200) and rate != round(rate) else rate


def parse_factor(value: str | float | Fraction) -> Fraction:
    """Parse a factor of duration: ``4``, ``1.5`` or ``3/2``."""
    with contextlib.suppress(TypeError, ValueError, ZeroDivisionError, OverflowError):
        if not isinstance(value, bool):
            return Fraction(value).limit_denominator(1000)
    raise SettingsError(f"'{value}' is not a number; write 4 or 1.5")


def parse_growth(value: str | float) -> float:
    """Read a factor per second: ``1.3/s`` or ``1.3``."""
    return _per_second("zoom", value, "1.3/s")


def parse_speed(value: str | float) -> float:
    """Read degrees per second: ``10/s`` or ``-10``."""
    return _per_second("rotate", value, "10/s")


def _per_second(name: str, value: str | float, example: str) -> float:
    try:
        number = float(str(value).strip().removesuffix("/s"))
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or isinstance(value, bool):
        raise SettingsError(f"{name}: '{value}' is not a speed per second; write {example}")
    return number


def parse_pair(value: str | Sequence[float]) -> Pair:
    """Parse ``"0.5,0.3"`` or two numbers."""
    try:
        parts = value.removesuffix("/s").split(",") if isinstance(value, str) else value
        x, y = (float(part) for part in parts)
    except (TypeError, ValueError):
        x = y = math.nan
    if not (math.isfinite(x) and math.isfinite(y)):
        raise SettingsError(f"'{value}' is not X,Y in fractions of width and height, such as 0.5,0.3")
    return x, y


def parse_seconds(value: str | float | Fraction) -> Fraction:
    """Parse a duration: ``2.5``, ``2.5s`` or ``1:02.5``."""
    with contextlib.suppress(SettingsError):
        seconds = parse_moment(value).seconds
        if seconds is not None:
            return seconds
    raise SettingsError(f"'{value}' is not a duration; write seconds (2.5) or a clock time (1:02.5)")


def parse_scheduler(value: str) -> str:
    """Parse the address of a Dask scheduler: ``tcp://host:8786``, also with ``tls``, ``ucx`` and others."""
    host = r"(\[[0-9A-Fa-f:.]+(%\w+)?\]|[^\s/:@\[\]]+)"
    parts = re.fullmatch(rf"(?!https?:)[a-z][a-z0-9+.-]*://{host}:(?P<port>[0-9]{{1,5}})", str(value).strip())
    if not parts or not 1 <= int(parts["port"]) <= 65_535:
        raise SettingsError(
            f"scheduler: '{value}' is not the address of a Dask scheduler; write it as tcp://host:8786, "
            "the way the scheduler prints it when it starts"
        )
    return parts[0]


def parse_path(value: str | Path) -> Path:
    """Parse the path of a file; ``~`` is the home folder."""
    return Path(value).expanduser()


def coerce(settings: Any, **parsers: Callable[[Any], Any]) -> None:
    """Convert text and similar types (from flags, TOML, notebooks) to the type of each field."""
    hints = _hints(settings.__class__)
    for item in fields(settings):
        value = getattr(settings, item.name)
        if value is None:
            continue
        if item.name in parsers:
            value = _parsed(item.name, value, parsers[item.name])
        elif hints[item.name] is bool:
            value = {"true": True, "false": False}.get(str(value).lower())
            if value is None:
                raise SettingsError(f"{item.name}: {getattr(settings, item.name)!r} is neither true nor false")
        elif float in (get_args(hints[item.name]) or (hints[item.name],)):
            if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
                raise SettingsError(f"{item.name}: {value!r} is not a number")
            value = float(value)
        elif hints[item.name] in (int, int | None):
            value = whole_number(settings, item.name)
        elif int in get_args(hints[item.name]) and isinstance(value, numbers.Integral):
            value = value if isinstance(value, bool) else int(value)
        elif not isinstance(value, str):
            raise SettingsError(f"{item.name}: {value!r} is not text")
        object.__setattr__(settings, item.name, value)


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    """The types of a class's fields; cached, because settings that change are made for every frame."""
    return get_type_hints(kind)


def _parsed(name: str, value: Any, parse: Callable[[Any], Any]) -> Any:
    try:
        return parse(value)
    except SettingsError as error:
        # A message that begins with a setting or a file already names its subject.
        raise SettingsError(f"{name}: {error}" if str(error).startswith("'") else str(error)) from None
    except (TypeError, ValueError, OverflowError):
        flag = name.replace("_", "-")
        raise SettingsError(
            f"{name}: {value!r} is not a valid value; write it the way you would write --{flag}"
        ) from None


def whole_number(settings: Any, name: str) -> int:
    """Return the value of a field that must be a whole number.

    Raises:
        SettingsError: It is not a whole number.
    """
    value = getattr(settings, name)
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise SettingsError(f"{name}: {value!r} is not a whole number")
    return int(value)


def check(settings: Any, name: str, good: bool, accepted: str) -> None:
    """Check the value of a field; the error names the accepted values.

    Raises:
        SettingsError: ``good`` is false.
    """
    if not good:
        raise SettingsError(f"{name}: {getattr(settings, name)} is out of range; accepted: {accepted}")


def check_choices(settings: Any) -> None:
    """Check the fields that accept a fixed set of words.

    Raises:
        SettingsError: A field has another word; the message names the nearest one.
    """
    for name, hint in _hints(settings.__class__).items():
        choices = get_args(hint)
        value = getattr(settings, name)
        if choices and all(isinstance(choice, str) for choice in choices) and value not in choices:
            raise SettingsError(f"{name}: '{value}' is not one of {', '.join(choices)}{nearest(str(value), choices)}")
