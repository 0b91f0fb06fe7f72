"""The data of a batch report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

ItemState = Literal["waiting", "running", "done", "kept", "failed", "stopped"]
"""State of an item; an earlier run finished those that are ``kept``."""

STATES: tuple[ItemState, ...] = get_args(ItemState)

_FINISHED = ("done", "kept")


@dataclass(frozen=True)
class ReportItem:
    """One item of a batch and its result.

    Attributes:
        name: Its name; bytes that are not UTF-8 are lone surrogates.
        kind: Its kind: video, animation, still or images.
        preset: Its preset.
        state: Its state.
        target: Path of the result, relative to the folder of the report.
        settings: Settings that differ from the defaults, by flat name.
        frames: Number of dreamed frames, if known.
        seconds: Seconds that took, if known.
        warnings: Warnings of the run.
        problem: Why it failed, as ``cause; cure``; empty if it did not.
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
        """Whether its result exists."""
        return self.state in _FINISHED

    @property
    def speed(self) -> float | None:
        """Frames per second, if known."""
        return self.frames / self.seconds if self.frames and self.seconds else None


@dataclass(frozen=True)
class BatchReport:
    """A batch and its results.

    Attributes:
        source: The source folder.
        target: The folder of results.
        began: Start time of this run.
        written: Time of this report.
        items: All items, in order.
        ended: Whether the run has ended.
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
        """Number of items in a state."""
        return sum(item.state == state for item in self.items)

    @property
    def frames(self) -> int:
        """Frames of all finished results."""
        return sum(item.frames or 0 for item in self.items if item.is_finished)

    @property
    def seconds(self) -> float:
        """Seconds that this run spent on items it finished."""
        return sum(item.seconds or 0.0 for item in self.items if item.state == "done")

    @property
    def speed(self) -> float | None:
        """Frames per second of items that this run finished, if known."""
        timed = [item for item in self.items if item.state == "done" and item.speed]
        seconds = sum(item.seconds or 0.0 for item in timed)
        return sum(item.frames or 0 for item in timed) / seconds if seconds else None
