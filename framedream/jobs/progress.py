"""What a job says while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """Where a job stands, told after each frame of each pass.

    Attributes:
        frame: Frames finished.
        frames: Frames there are, or None if that is not known.
        shot: Number of the shot being dreamed, from 1.
        shots: Shots there are.
        backwards: Frames of the passes backwards finished.
    """

    frame: int
    frames: int | None
    shot: int
    shots: int
    backwards: int = 0


Report = Callable[[Progress], None]
"""Takes each `Progress`, for instance to move a bar."""
