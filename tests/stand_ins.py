"""Stands for the dreamer where the network does not matter, for footage and for a store."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from framedream.config.settings import DreamSettings, MotionSettings, Settings
from framedream.media import Frame
from framedream.render.inputs import FrameReader, SettingsAt
from framedream.render.state_store import is_shared


@dataclass(frozen=True)
class Dreamed:
    """What a stand-in gives back, as a dreamer does."""

    pixels: np.ndarray
    losses: tuple[float, ...]


class Dreaming:
    """Adds a pattern where it dreams from nothing, nothing where it dreams on, and remembers what it was given.

    Its strengths are 0, which says nothing, so that steps stay as large as they were set.

    Attributes:
        full: The steps of the settings, which are taken if none are given.
        from_nothing: What each dream from nothing adds, by its number from 0.
        on: What a dream that is carried on adds, by image and step size.
    """

    def __init__(
        self,
        pattern: np.ndarray | float = 20.0,
        *,
        full: int = 12,
        from_nothing: Callable[[int], np.ndarray | float] | None = None,
        on: Callable[[np.ndarray, np.ndarray], np.ndarray | float] = lambda image, size: 0.0,
        strength: Callable[[np.ndarray], float] = lambda image: 0.0,
    ) -> None:
        self.full, self.on = full, on
        self.strength = lambda image, settings=None: strength(image)
        self.from_nothing = from_nothing or (lambda number: pattern)
        self.images: list[np.ndarray] = []
        self.looks: list[DreamSettings | None] = []
        self.steps: list[int] = []
        self.sizes: list[np.ndarray | None] = []
        self.ceilings: list[Sequence[float] | None] = []
        self.fresh = 0

    def dream(
        self,
        image: np.ndarray,
        settings: DreamSettings | None = None,
        *,
        steps: int | None = None,
        step_size: float | np.ndarray | None = None,
        ceilings: Sequence[float] | None = None,
    ) -> Dreamed:
        self.images.append(image)
        self.looks.append(settings)
        self.steps.append(self.full if steps is None else steps)
        self.sizes.append(None if step_size is None else np.broadcast_to(np.squeeze(step_size), image.shape[:2]))
        self.ceilings.append(ceilings)
        if step_size is None:
            change = self.from_nothing(self.fresh)
            self.fresh += 1
        else:
            change = self.on(image, np.atleast_3d(step_size))
        return Dreamed(np.clip(image + change, 0, 255).astype(np.float32), (1.0, 2.0))

    def drops_octaves(self, height: int, width: int, settings: DreamSettings) -> bool:
        return False


def unchanging(dream: DreamSettings, motion: MotionSettings | None = None) -> SettingsAt:
    """All frames are dreamed alike."""
    settings = Settings(dream=dream, motion=motion or MotionSettings())
    return lambda number: settings


def reader(frames: Sequence[Frame]) -> FrameReader:
    """Gives frames of footage that lies in a list, from a number on."""

    def read(first: int) -> Generator[Frame]:
        yield from frames[first:]

    return read


def points_to_try(count: int, *, every: bool) -> list[int]:
    """The points at which a run is stopped or resumed, from 1: every one, or the first, the middle and the last."""
    return list(range(1, count + 1)) if every else sorted({1, (count + 1) // 2, count})


class Box:
    """A store in memory that breaks down at its n-th save, before or after the arrays are safe.

    Attributes:
        kept: What is in it, by name.
        names: Of what was saved, in that order.
        made: What somebody else is making: one who waits for it finds it.
    """

    def __init__(self, fails_at: int | None = None, *, after: bool = False) -> None:
        self.kept: dict[str, dict[str, np.ndarray]] = {}
        self.made: dict[str, dict[str, np.ndarray]] = {}
        self.names: list[str] = []
        self.fails_at, self.after = fails_at, after
        self.alone: str | None = None

    def load(self, name: str) -> dict[str, np.ndarray] | None:
        return {key: array.copy() for key, array in self.kept[name].items()} if name in self.kept else None

    def save(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        assert self.alone == name or not is_shared(name)
        self.names.append(name)
        fails = len(self.names) == self.fails_at
        if not fails or self.after:
            assert name not in self.kept
            self.kept[name] = {key: array.copy() for key, array in arrays.items()}
        if fails:
            raise OSError("power cut")

    @contextmanager
    def alone_with(self, name: str) -> Generator[None]:
        assert self.alone is None
        self.alone = name
        if name in self.made:
            self.kept[name] = self.made[name]
        try:
            yield
        finally:
            self.alone = None
