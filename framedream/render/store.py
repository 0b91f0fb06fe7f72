"""Where dreamed frames are kept, so that a run that was stopped goes on where it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


class Store(Protocol):
    """Keeps arrays by name; what was saved is there after a power cut."""

    def load(self, name: str) -> dict[str, NDArray[Any]] | None:
        """What was saved under a name, or None if nothing was, or it is damaged."""
        ...

    def save(self, name: str, arrays: Arrays) -> None:
        """Keep arrays; returns when they are safe."""
        ...


class Nowhere:
    """Keeps nothing, for films that are made in one go."""

    def load(self, name: str) -> None:
        """Nothing was saved."""

    def save(self, name: str, arrays: Arrays) -> None:
        """Forget them."""


def seen_backwards(window: int, frame: int) -> str:
    """Name of a frame of a pass backwards.

    Args:
        window: The first frame of its window: one frame may be seen in two of them.
        frame: The frame.
    """
    return f"back-{window:06d}-{frame:06d}"


def judged(window: int) -> str:
    """Name of what dreams from nothing reach in a window."""
    return f"judged-{window:06d}"


def finished(frame: int) -> str:
    """Name of a frame as it is delivered."""
    return f"frame-{frame:06d}"
