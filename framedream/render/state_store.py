"""Stores dreamed frames, so that an interrupted run can resume."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


class StateStore(Protocol):
    """Stores arrays by name; saved arrays survive a power cut."""

    def load(self, name: str) -> dict[str, NDArray[Any]] | None:
        """Return the arrays saved under a name, or None if there are none or they are damaged."""
        ...

    def save(self, name: str, arrays: Arrays) -> None:
        """Save arrays; returns when they are safely stored."""
        ...

    def alone_with(self, name: str) -> AbstractContextManager[None]:
        """Wait until no other process is making the arrays of this name, and keep others waiting meanwhile."""
        ...


class MemoryStore:
    """For films rendered in one go: stores only what several segments share, not the frames."""

    def __init__(self) -> None:
        self._arrays: dict[str, dict[str, NDArray[Any]]] = {}

    def load(self, name: str) -> dict[str, NDArray[Any]] | None:
        """Return the arrays of an anchor frame, a sketch or a calibration."""
        return self._arrays.get(name)

    def save(self, name: str, arrays: Arrays) -> None:
        """Save arrays that several segments share."""
        if is_shared(name):
            self._arrays[name] = dict(arrays)

    def alone_with(self, name: str) -> AbstractContextManager[None]:
        """Return at once: no other process uses this store."""
        return nullcontext()


def backward_name(window: int, frame: int) -> str:
    """Return the name of a frame of a backward pass.

    Args:
        window: The first frame of its window; windows overlap.
        frame: Number of the frame.
    """
    return f"back-{window:06d}-{frame:06d}"


def calibration_name(first: int) -> str:
    """Return the name of the calibration of an interval of a shot; see `framedream.render.video.calibration`."""
    return f"judged-{first:06d}"


def anchor_name(frame: int) -> str:
    """Return the name of an anchor frame; see `framedream.render.video.anchors`."""
    return f"key-{frame:06d}"


def sketch_name(frame: int) -> str:
    """Return the name of the sketch of an anchor frame."""
    return f"sketch-{frame:06d}"


def transition_name(frame: int) -> str:
    """Return the name of a frame of a zoom's transition; see `framedream.render.zoom.transition`."""
    return f"return-{frame:06d}"


def is_shared(name: str) -> bool:
    """Return whether several segments of a shot share the arrays of this name."""
    return name.split("-")[0] in ("judged", "key", "sketch")


def frame_name(frame: int) -> str:
    """Return the name of a frame of the film."""
    return f"frame-{frame:06d}"
