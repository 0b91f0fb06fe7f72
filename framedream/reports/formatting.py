"""Names, numbers and settings as text that can be shown, whatever bytes a file's name holds."""

from __future__ import annotations

import math
import os
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

_VISIBLE = {code: f"\\x{code:02x}" for code in [*range(0x20), *range(0x7F, 0xA0)]} | {ord("\n"): "↵"}


def is_utf8(text: str) -> bool:
    """Whether a name is valid UTF-8."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def name_bytes(text: str) -> bytes:
    """The bytes of a file's name."""
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def utf8_text(text: str) -> str:
    r"""Text that is valid UTF-8: other bytes as in ``\xff``."""
    return text if is_utf8(text) else name_bytes(text).decode("utf-8", "backslashreplace")


def printable_text(text: str) -> str:
    r"""Text that can be seen: a line break as ↵, other control characters as in ``\x07``."""
    return utf8_text(text).translate(_VISIBLE)


def relative_link(path: str) -> str:
    """A relative address of a file, byte for byte."""
    return quote(name_bytes(path), safe="/")


def format_duration(seconds: float) -> str:
    """A duration, as in ``0:42`` or ``1:02:03``; short ones in tenths of a second."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    return format_clock(seconds)


def format_clock(seconds: float) -> str:
    """A duration in whole seconds, as in ``0:42`` or ``1:02:03``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def format_count(number: int, noun: str) -> str:
    """A number of things, as in ``1 frame`` or ``1,204 frames``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def format_rate(frames_per_second: float) -> str:
    """A speed, to three digits or so."""
    return f"{frames_per_second:.{2 if frames_per_second < 10 else 1 if frames_per_second < 100 else 0}f}"


def format_time(time: datetime) -> str:
    """A day and a time of day."""
    return f"{time:%Y-%m-%d %H:%M}"


def format_setting(value: object) -> str | int | float | bool | None:
    """A setting's value as data, written as its flag is: ``fire5=0.5,fire7=1``, ``1280x720``."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, tuple) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in value):
        return ",".join(f"{utf8_text(str(name))}={weight:g}" for name, weight in value)
    if isinstance(value, tuple) and len(value) == 2:
        return "x".join(str(part) for part in value)
    return utf8_text(os.fspath(value) if isinstance(value, Path) else str(value))
