"""Runs that break in the middle, and what they leave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from framedream import Progress
from framedream.media import open_footage


class Break(BaseException):
    """What no one catches."""


def breaking_at(count: int) -> Callable[[Progress], None]:
    """A progress callback that breaks the run after so many frames of all passes."""
    told = []

    def progress(_: Progress) -> None:
        told.append(True)
        if len(told) == count:
            raise Break

    return progress


def names(folder: Path) -> set[str]:
    """What lies in a folder."""
    return {item.name for item in folder.iterdir()}


def read(film: Path) -> list[bytes]:
    """The frames of a film."""
    return [frame.pixels.tobytes() for frame in open_footage(film).frames()]
