"""Progress of films and batches, passed to callbacks while they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """Progress of one film, reported after each frame of each pass.

    Attributes:
        frame: Finished frames.
        frames: Total number of frames, or None if unknown.
        shot: Number of the shot in progress, from 1.
        shots: Total number of shots; 0 for several films together, and for a zoom.
        backwards: Finished frames of the backward passes.
        workers: The task of each worker, by the name of the worker; empty if this process does the work.
        beforehand: Frames of a zoom that were dreamed in advance.
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
    """Progress of a batch.

    Attributes:
        item: Number of the item in progress, from 1.
        items: Total number of items.
        name: Name of the item.
        inner: Progress of the item itself; None when it starts or ends, and for stills.
        ended: Whether the item has ended. If several items are in progress at once, ``item`` counts the
            ended ones, and ``inner`` covers all of them together.
    """

    item: int
    items: int
    name: str
    inner: Progress | None = None
    ended: bool = False


ProgressCallback = Callable[[Progress], None]
"""Receives each `Progress`, for example to update a progress bar."""
