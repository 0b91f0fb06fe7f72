"""What a report says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

ItemState = Literal["waiting", "running", "done", "kept", "failed", "stopped"]
"""How far an item is; ``kept`` was finished by an earlier run."""

STATES: tuple[ItemState, ...] = get_args(ItemState)

_FINISHED = ("done", "kept")


@dataclass(frozen=True)
class ReportItem:
    """What became of one item.

    Attributes:
        name: What it is called; bytes that are no UTF-8 as lone surrogates.
        kind: What it is: video, animation, still, images.
        preset: Its preset.
        state: How far it is.
        target: Path of the result, relative to the folder of the report.
        settings: Those that differ from the defaults, by their flat names.
        frames: Frames dreamed, if known.
        seconds: How long that took, if known.
        warnings: What was said on the way.
        problem: Why it failed, if so: cause; cure.
        source_pictures: JPEGs of the footage: start, middle and end, or fewer.
        dreamed_pictures: JPEGs of the same moments of the dream.
    """

    name: str
    kind: str
    preset: str
    state: ItemState
    target: str
    settings: Mapping[str, object] = field(default_factory=dict)
    frames: int | None = None
    seconds: float | None = None
    warnings: tuple[str, ...] = ()
    problem: str = ""
    source_pictures: tuple[bytes, ...] = ()
    dreamed_pictures: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.seconds is not None and not math.isfinite(self.seconds):
            object.__setattr__(self, "seconds", None)

    @property
    def is_finished(self) -> bool:
        """Whether its result is there."""
        return self.state in _FINISHED

    @property
    def speed(self) -> float | None:
        """Frames per second, if known."""
        return self.frames / self.seconds if self.frames and self.seconds else None


@dataclass(frozen=True)
class BatchReport:
    """What became of a batch.

    Attributes:
        source: The folder that was read.
        target: The folder of the results.
        began: When this run began.
        written: When this report was written.
        items: All items, in their order.
        ended: Whether the run is over.
        version: framedream's version.
    """

    source: str
    target: str
    began: datetime
    written: datetime
    items: tuple[ReportItem, ...]
    ended: bool
    version: str

    def count(self, state: ItemState) -> int:
        """How many items are in a state."""
        return sum(item.state == state for item in self.items)

    @property
    def frames(self) -> int:
        """Frames of all finished results."""
        return sum(item.frames or 0 for item in self.items if item.is_finished)

    @property
    def seconds(self) -> float:
        """How long this run dreamed what it finished."""
        return sum(item.seconds or 0.0 for item in self.items if item.state == "done")

    @property
    def speed(self) -> float | None:
        """Frames per second of what this run finished, if known."""
        timed = [item for item in self.items if item.state == "done" and item.speed]
        seconds = sum(item.seconds or 0.0 for item in timed)
        return sum(item.frames or 0 for item in timed) / seconds if seconds else None
