"""What a shot's dream is measured by: the strength that frames dreamed from nothing reach in it.

A frame of middling strength tells it for a stretch of some seconds; between stretches it
changes gradually. All segments of a shot see the same, whoever dreams them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from typing import Protocol

import numpy as np

from framedream.config.settings import DreamSettings
from framedream.media.frames import Frame
from framedream.render.color_matching import match_color
from framedream.render.state_store import StateStore, calibration_name
from framedream.render.video.calibration_intervals import CalibrationInterval, SettingsAt, calibration_intervals
from framedream.render.video.frame_state import FULL_AGE, FrameState
from framedream.render.video.render_state import RenderState
from framedream.render.video.strength_control import StrengthController, StrengthReference
from framedream.render.video.windows import too_short_error

FrameReader = Callable[[int], Generator[Frame]]
"""Gives the frames of the footage, in their order, from a number on."""

_CANDIDATES = 9
"""Frames of a stretch among which the typical one is looked for."""


def slice_frames(read: FrameReader, first: int, stop: int) -> Generator[Frame]:
    """Frames of the footage from one number on to another.

    Raises:
        InputError: There are fewer.
    """
    with closing(read(first)) as coming:
        for number in range(first, stop):
            frame = next(coming, None)
            if frame is None:
                raise too_short_error(number)
            yield frame


class Dream(Protocol):
    """A dreamed frame: its pixels, and the last objective at each octave."""

    @property
    def pixels(self) -> np.ndarray: ...  # noqa: D102
    @property
    def losses(self) -> tuple[float, ...]: ...  # noqa: D102


class Dreamer(Protocol):
    """What dreams a single frame and tells how strong a dream is; see `framedream.nn.ascent.dreamer`."""

    def dream(  # noqa: D102
        self,
        image: np.ndarray,
        settings: DreamSettings | None = None,
        *,
        steps: int | None = None,
        step_size: float | np.ndarray | None = None,
        ceilings: Sequence[float] | None = None,
    ) -> Dream: ...

    def strength(self, image: np.ndarray, settings: DreamSettings | None = None) -> float: ...  # noqa: D102


class StrengthCalibrator:
    """What dreams from nothing reach along a shot.

    Args:
        shot: Its first frame, and the frame behind its last.
        read: Gives frames that are not at hand.
        dreamer: What dreams a single frame.
        look: How each frame is dreamed, and whether there is a pass backwards.
        store: Where what was found is kept.
    """

    def __init__(
        self, shot: tuple[int, int], read: FrameReader, dreamer: Dreamer, look: SettingsAt, store: StateStore
    ) -> None:
        self._read, self._dreamer, self._look, self._store = read, dreamer, look, store
        self._stretches = calibration_intervals(shot, look)
        self._knots = [(knot, index) for index, stretch in enumerate(self._stretches) for knot in stretch.knots]
        self._found: dict[int, dict[str, np.ndarray]] = {}
        self._frames: Mapping[int, np.ndarray] = {}

    def take(self, frames: Mapping[int, np.ndarray]) -> None:
        """Take frames that are at hand, by number, in place of those before them."""
        self._frames = frames

    def reference(self, number: int) -> StrengthReference:
        """What is to be reached at a frame of the shot; what tells it is dreamed if it has not been."""
        at = float(np.interp(number, [knot for knot, _ in self._knots], range(len(self._knots))))
        index = self._knots[int(at)][1]
        here = RenderState.reference_of(self._judged(index))
        coming = self._knots[int(at) + 1][1] if at % 1 else index
        return here.mixed(RenderState.reference_of(self._judged(coming)), at % 1) if coming != index else here

    def known(self) -> dict[int, FrameState]:
        """The dreams from nothing that tell, of frames at hand, by number."""
        found = {}
        for index, stretch in enumerate(self._stretches):
            if any(number in self._frames for number in range(stretch.first, stretch.stop)):
                stored = self._judged(index)
                typical = int(stored["typical"])
                if typical in self._frames:
                    found[typical] = FrameState.unpacked(self._frames[typical], stored)
        return found

    def _judged(self, index: int) -> dict[str, np.ndarray]:
        """The typical frame of a stretch, dreamed from nothing, with what it reached."""
        if index not in self._found:
            stretch = self._stretches[index]
            with self._store.alone_with(calibration_name(stretch.first)):
                stored = self._store.load(calibration_name(stretch.first)) or self._found_out(stretch)
            self._found[index] = stored
        return self._found[index]

    def _found_out(self, stretch: CalibrationInterval) -> dict[str, np.ndarray]:
        typical, frame = self._typical(stretch)
        look = self._look(typical).dream
        dream = self._dreamer.dream(frame, settings=look)
        carried = FrameState.of(frame, match_color(dream.pixels, frame, look.color), FULL_AGE)
        reference = StrengthReference(self._dreamer.strength(carried.dream, settings=look), dream.losses)
        stored = RenderState(carried, StrengthController(), reference).packed() | {"typical": np.array(typical)}
        self._store.save(calibration_name(stretch.first), stored)
        return stored

    def _typical(self, stretch: CalibrationInterval) -> tuple[int, np.ndarray]:
        """The frame of middling strength; of few frames the one to start from, which saves a dream."""
        first, stop, settings = stretch.first, stretch.stop, self._look(stretch.first)
        if not stretch.is_steady:
            # The only one that is dreamed as its place between the others says.
            candidates = [int(stretch.knots[0])]
        elif stop - first <= 2 * settings.dream.steps:
            candidates = [stop - 1 if settings.motion.passes == 2 else first]
        else:
            candidates = np.unique(np.linspace(first, stop - 1, _CANDIDATES).astype(int)).tolist()
        pictures = self._pictures(candidates)
        if len(candidates) == 1:
            return candidates[0], pictures[candidates[0]]
        by_strength = sorted(
            candidates, key=lambda number: self._dreamer.strength(pictures[number], settings=settings.dream)
        )
        typical = by_strength[len(by_strength) // 2]
        return typical, pictures[typical]

    def _pictures(self, wanted: Sequence[int]) -> Mapping[int, np.ndarray]:
        if all(number in self._frames for number in wanted):
            return self._frames
        with closing(slice_frames(self._read, wanted[0], wanted[-1] + 1)) as coming:
            return {number: frame.pixels for number, frame in enumerate(coming, wanted[0]) if number in wanted}
