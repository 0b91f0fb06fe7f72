"""What a job says while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """Where a job stands, told after each frame of each pass.

    Attributes:
        frame: Frames finished.
        frames: Frames there are, or None if that is not known.
        shot: Number of the shot being dreamed, from 1.
        shots: Shots there are; 0 where several films are meant, or a zoom.
        backwards: Frames of the passes backwards finished.
        workers: What each worker does, by its name; empty where the work is done in this process.
        beforehand: Frames of a zoom that were dreamed before the film comes to them.
    """

    frame: int
    frames: int | None
    shot: int
    shots: int
    backwards: int = 0
    workers: Mapping[str, str] = field(default_factory=dict)
    beforehand: int = 0


@dataclass(frozen=True)
class BatchProgress:
    """Where a batch stands.

    Attributes:
        item: Number of the item at work, from 1.
        items: How many there are.
        name: What it is called.
        inner: Where the item itself stands; None when it begins or ends, and for stills.
        ended: Whether it has ended. Where several are at work at once, ``item`` counts those that
            have, and ``inner`` is about all of them together.
    """

    item: int
    items: int
    name: str
    inner: Progress | None = None
    ended: bool = False


ProgressCallback = Callable[[Progress], None]
"""Takes each `Progress`, for instance to move a bar."""
