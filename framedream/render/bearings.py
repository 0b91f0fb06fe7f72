"""What a shot's dream is measured by: the strength that frames dreamed from nothing reach in it.

A frame of middling strength tells it for a stretch of some seconds; between stretches it
changes gradually. All segments of a shot see the same, whoever dreams them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from typing import Protocol

import numpy as np

from framedream.media.frames import Frame
from framedream.render.carried import MATURE, Carried
from framedream.render.color import kept_color
from framedream.render.level import Level, Reference
from framedream.render.state import State
from framedream.render.store import Store, judged
from framedream.render.windows import too_short
from framedream.settings import DreamSettings, MotionSettings

Read = Callable[[int], Generator[Frame]]
"""Gives the frames of the footage, in their order, from a number on."""

_STRETCH = 128
"""Frames for which one of them tells, at most; somewhat more in a shot that is hardly longer."""

_SLACK = 8

_CANDIDATES = 9
"""Frames of a stretch among which the typical one is looked for."""


def taken(read: Read, first: int, stop: int) -> Generator[Frame]:
    """Frames of the footage from one number on to another.

    Raises:
        InputError: There are fewer.
    """
    with closing(read(first)) as coming:
        for number in range(first, stop):
            frame = next(coming, None)
            if frame is None:
                raise too_short(number)
            yield frame


class Dream(Protocol):
    """A dreamed frame: its pixels, and the last objective at each octave."""

    @property
    def pixels(self) -> np.ndarray: ...  # noqa: D102
    @property
    def losses(self) -> tuple[float, ...]: ...  # noqa: D102


class Dreamer(Protocol):
    """What dreams a single frame and tells how strong a dream is; see `framedream.dream.dreamer`."""

    def dream(  # noqa: D102
        self,
        image: np.ndarray,
        *,
        steps: int | None = None,
        step_size: float | np.ndarray | None = None,
        ceilings: Sequence[float] | None = None,
    ) -> Dream: ...

    def strength(self, image: np.ndarray) -> float: ...  # noqa: D102


class Bearings:
    """What dreams from nothing reach along a shot.

    Args:
        shot: Its first frame, and the frame behind its last.
        read: Gives frames that are not at hand.
        dreamer: What dreams a single frame.
        dream: How a frame is dreamed from nothing.
        motion: Whether there is a pass backwards.
        store: Where what was found is kept.
    """

    def __init__(
        self,
        shot: tuple[int, int],
        read: Read,
        dreamer: Dreamer,
        dream: DreamSettings,
        motion: MotionSettings,
        store: Store,
    ) -> None:
        self._read, self._dreamer, self._dream, self._motion, self._store = read, dreamer, dream, motion, store
        self._stretches = _stretches(shot)
        self._centers = [(first + stop - 1) / 2 for first, stop in self._stretches]
        self._found: dict[int, dict[str, np.ndarray]] = {}
        self._frames: Mapping[int, np.ndarray] = {}

    def take(self, frames: Mapping[int, np.ndarray]) -> None:
        """Take frames that are at hand, by number, in place of those before them."""
        self._frames = frames

    def reference(self, number: int) -> Reference:
        """What is to be reached at a frame of the shot; what tells it is dreamed if it has not been."""
        at = float(np.interp(number, self._centers, range(len(self._centers))))
        here = State.reference_of(self._judged(int(at)))
        return here.mixed(State.reference_of(self._judged(int(at) + 1)), at % 1) if at % 1 else here

    def known(self) -> dict[int, Carried]:
        """The dreams from nothing that tell, of frames at hand, by number."""
        found = {}
        for index, (first, stop) in enumerate(self._stretches):
            if any(number in self._frames for number in range(first, stop)):
                stored = self._judged(index)
                typical = int(stored["typical"])
                if typical in self._frames:
                    found[typical] = Carried.unpacked(self._frames[typical], stored)
        return found

    def _judged(self, index: int) -> dict[str, np.ndarray]:
        """The typical frame of a stretch, dreamed from nothing, with what it reached."""
        if index not in self._found:
            first, stop = self._stretches[index]
            with self._store.alone_with(judged(first)):
                stored = self._store.load(judged(first)) or self._found_out(first, stop)
            self._found[index] = stored
        return self._found[index]

    def _found_out(self, first: int, stop: int) -> dict[str, np.ndarray]:
        typical, frame = self._typical(first, stop)
        dream = self._dreamer.dream(frame)
        carried = Carried.of(frame, kept_color(dream.pixels, frame, self._dream.color), MATURE)
        reference = Reference(self._dreamer.strength(carried.dream), dream.losses)
        stored = State(carried, Level(), reference).packed() | {"typical": np.array(typical)}
        self._store.save(judged(first), stored)
        return stored

    def _typical(self, first: int, stop: int) -> tuple[int, np.ndarray]:
        """The frame of middling strength; of few frames the one to start from, which saves a dream."""
        if stop - first <= 2 * self._dream.steps:
            candidates = [stop - 1 if self._motion.passes == 2 else first]
        else:
            candidates = np.unique(np.linspace(first, stop - 1, _CANDIDATES).astype(int)).tolist()
        pictures = self._pictures(candidates)
        if len(candidates) == 1:
            return candidates[0], pictures[candidates[0]]
        by_strength = sorted(candidates, key=lambda number: self._dreamer.strength(pictures[number]))
        typical = by_strength[len(by_strength) // 2]
        return typical, pictures[typical]

    def _pictures(self, wanted: Sequence[int]) -> Mapping[int, np.ndarray]:
        if all(number in self._frames for number in wanted):
            return self._frames
        with closing(taken(self._read, wanted[0], wanted[-1] + 1)) as coming:
            return {number: frame.pixels for number, frame in enumerate(coming, wanted[0]) if number in wanted}


def _stretches(shot: tuple[int, int]) -> list[tuple[int, int]]:
    start, end = shot
    count = max(1, -(-(end - start - _SLACK) // _STRETCH))
    bounds = [start + (end - start) * number // count for number in range(count + 1)]
    return list(itertools.pairwise(bounds))
