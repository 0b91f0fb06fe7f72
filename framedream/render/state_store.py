"""Where dreamed frames are kept, so that a run that was stopped goes on where it was."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


class StateStore(Protocol):
    """Keeps arrays by name; what was saved is there after a power cut."""

    def load(self, name: str) -> dict[str, NDArray[Any]] | None:
        """What was saved under a name, or None if nothing was, or it is damaged."""
        ...

    def save(self, name: str, arrays: Arrays) -> None:
        """Keep arrays; returns when they are safe."""
        ...

    def alone_with(self, name: str) -> AbstractContextManager[None]:
        """Wait until nobody else is making what has this name, and keep others from it meanwhile."""
        ...


class MemoryStore:
    """For films that are made in one go: frames are forgotten, what several segments need is kept."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, NDArray[Any]]] = {}

    def load(self, name: str) -> dict[str, NDArray[Any]] | None:
        """A key, a sketch or a judgement."""
        return self._kept.get(name)

    def save(self, name: str, arrays: Arrays) -> None:
        """Keep it if it is one."""
        if is_shared(name):
            self._kept[name] = dict(arrays)

    def alone_with(self, name: str) -> AbstractContextManager[None]:
        """Nobody else is at work."""
        return nullcontext()


def backward_name(window: int, frame: int) -> str:
    """Name of a frame of a pass backwards.

    Args:
        window: The first frame of its window: one frame may be seen in two of them.
        frame: The frame.
    """
    return f"back-{window:06d}-{frame:06d}"


def calibration_name(first: int) -> str:
    """Name of what dreams from nothing reach in a stretch of a shot; see `framedream.render.video.calibration`."""
    return f"judged-{first:06d}"


def anchor_name(frame: int) -> str:
    """Name of a key; see `framedream.render.video.anchors`."""
    return f"key-{frame:06d}"


def sketch_name(frame: int) -> str:
    """Name of a key's sketch."""
    return f"sketch-{frame:06d}"


def transition_name(frame: int) -> str:
    """Name of a frame of what a zoom turns into; see `framedream.render.zoom.transition`."""
    return f"return-{frame:06d}"


def is_shared(name: str) -> bool:
    """Whether several segments of a shot need what has this name."""
    return name.split("-")[0] in ("judged", "key", "sketch")


def frame_name(frame: int) -> str:
    """Name of a frame as it is delivered."""
    return f"frame-{frame:06d}"
