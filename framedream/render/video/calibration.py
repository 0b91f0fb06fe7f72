"""Calibrates the strength of a shot's dream: what frames dreamed from scratch reach in it.

One frame of median strength stands for an interval of some seconds; between intervals the reference is interpolated.
All segments of a shot use the same references, whichever process dreams them.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from framedream.render.color_matching import match_color
from framedream.render.inputs import FrameReader, SettingsAt, read_frames
from framedream.render.state_store import StateStore, calibration_name
from framedream.render.video.frame_state import FULL_AGE, FrameState, RenderState, load_reference
from framedream.render.video.strength_control import StrengthController, StrengthReference

if TYPE_CHECKING:
    from framedream.nn.ascent.dreamer import Dreamer

_CANDIDATES = 9
"""Number of frames of an interval among which the median one is chosen."""

_LONGEST_INTERVAL, _SLACK = 128, 8
"""The most frames of an interval; a shot that is longer by no more than the slack is not divided."""

_LONGEST_CHANGING = 24
"""The most frames of an interval while the settings change; as many frames with equal settings are not changing."""


@dataclass(frozen=True)
class CalibrationInterval:
    """Neighbouring frames of a shot.

    Attributes:
        first: The first frame.
        stop: The frame after the last one.
        points: Frame positions at which the interval's reference holds exactly; between them it is interpolated.
        is_steady: Whether all frames have the same dream settings, so that any of them can be the calibration frame.
    """

    first: int
    stop: int
    points: tuple[float, ...]
    is_steady: bool = True


def calibration_intervals(shot: tuple[int, int], settings_at: SettingsAt) -> list[CalibrationInterval]:
    """Divide a shot into calibration intervals.

    Args:
        shot: Its first frame, and the frame after its last.
        settings_at: Returns the settings of each frame.
    """
    intervals: list[CalibrationInterval] = []
    for first, stop, is_steady in _settings_runs(shot, settings_at):
        count = max(
            1,
            -(-(stop - first - _SLACK) // _LONGEST_INTERVAL) if is_steady else -(-(stop - first) // _LONGEST_CHANGING),
        )
        bounds = [first + (stop - first) * number // count for number in range(count + 1)]
        for start, end in itertools.pairwise(bounds):
            center = (start + end - 1) / 2 if is_steady else float((start + end - 1) // 2)
            # The reference of steady frames holds up to a change of settings, on both sides.
            head = (float(start),) if is_steady and start == first > shot[0] else ()
            tail = (float(end - 1),) if is_steady and end == stop < shot[1] else ()
            points = tuple(sorted({*head, center, *tail}))
            intervals.append(CalibrationInterval(start, end, points, is_steady))
    return intervals


def _settings_runs(shot: tuple[int, int], settings_at: SettingsAt) -> list[tuple[int, int, bool]]:
    """Divide a shot where its settings change: first frame, frame after the last, whether the settings are steady."""
    starts = [shot[0]]
    for number in range(shot[0] + 1, shot[1]):
        if settings_at(number).dream != settings_at(number - 1).dream:
            starts.append(number)
    runs = list(itertools.pairwise([*starts, shot[1]]))
    found = []
    for is_long, group in itertools.groupby(runs, lambda run: run[1] - run[0] >= _LONGEST_CHANGING):
        members = list(group)
        if is_long or len(members) == 1:
            found += [(first, stop, True) for first, stop in members]
        else:
            found.append((members[0][0], members[-1][1], False))
    return found


class StrengthCalibrator:
    """Finds what dreams from scratch reach along a shot.

    Args:
        shot: Its first frame, and the frame after its last.
        read: Reads frames that are not in memory.
        dreamer: Dreams a single frame.
        settings_at: Returns the settings of each frame.
        store: Where results are stored.
    """

    def __init__(
        self, shot: tuple[int, int], read: FrameReader, dreamer: Dreamer, settings_at: SettingsAt, store: StateStore
    ) -> None:
        self._read, self._dreamer, self._settings_at, self._store = read, dreamer, settings_at, store
        self._intervals = calibration_intervals(shot, settings_at)
        self._points = [(point, index) for index, each in enumerate(self._intervals) for point in each.points]
        self._calibrations: dict[int, dict[str, np.ndarray]] = {}
        self._frames: Mapping[int, np.ndarray] = {}

    def set_frames(self, frames: Mapping[int, np.ndarray]) -> None:
        """Set the frames in memory, by number; they replace earlier ones."""
        self._frames = frames

    def reference(self, number: int) -> StrengthReference:
        """Return the reference of a frame of the shot; dreams the calibration frames that it needs."""
        position = float(np.interp(number, [point for point, _ in self._points], range(len(self._points))))
        index = self._points[int(position)][1]
        reference = load_reference(self._calibration(index))
        following = self._points[int(position) + 1][1] if position % 1 else index
        if following == index:
            return reference
        return reference.interpolate(load_reference(self._calibration(following)), position % 1)

    def calibration_dreams(self) -> dict[int, FrameState]:
        """Return the dreams of the calibration frames in memory, by number."""
        found = {}
        for index, interval in enumerate(self._intervals):
            if any(number in self._frames for number in range(interval.first, interval.stop)):
                stored = self._calibration(index)
                number = int(stored["typical"])
                if number in self._frames:
                    found[number] = FrameState.from_arrays(self._frames[number], stored)
        return found

    def _calibration(self, index: int) -> dict[str, np.ndarray]:
        """The calibration frame of an interval, dreamed from scratch, and its reference."""
        if index not in self._calibrations:
            interval = self._intervals[index]
            with self._store.alone_with(calibration_name(interval.first)):
                stored = self._store.load(calibration_name(interval.first)) or self._calibrate(interval)
            self._calibrations[index] = stored
        return self._calibrations[index]

    def _calibrate(self, interval: CalibrationInterval) -> dict[str, np.ndarray]:
        number, frame = self._median_frame(interval)
        settings = self._settings_at(number).dream
        dream = self._dreamer.dream(frame, settings=settings)
        frame_state = FrameState.from_dream(frame, match_color(dream.pixels, frame, settings.color), FULL_AGE)
        reference = StrengthReference(self._dreamer.strength(frame_state.dream, settings=settings), dream.losses)
        state = RenderState(frame_state, StrengthController(), reference)
        stored = state.to_arrays() | {"typical": np.array(number)}
        self._store.save(calibration_name(interval.first), stored)
        return stored

    def _median_frame(self, interval: CalibrationInterval) -> tuple[int, np.ndarray]:
        """The frame of median strength; of a short interval the frame that is dreamed first, which saves a dream."""
        first, stop, settings = interval.first, interval.stop, self._settings_at(interval.first)
        if not interval.is_steady:
            # The only frame whose settings are those of the interval's interpolation point.
            candidates = [int(interval.points[0])]
        elif stop - first <= 2 * settings.dream.steps:
            candidates = [stop - 1 if settings.motion.passes == 2 else first]
        else:
            candidates = np.unique(np.linspace(first, stop - 1, _CANDIDATES).astype(int)).tolist()
        frames = self._load_frames(candidates)
        if len(candidates) == 1:
            return candidates[0], frames[candidates[0]]
        by_strength = sorted(
            candidates, key=lambda number: self._dreamer.strength(frames[number], settings=settings.dream)
        )
        median = by_strength[len(by_strength) // 2]
        return median, frames[median]

    def _load_frames(self, numbers: Sequence[int]) -> Mapping[int, np.ndarray]:
        if all(number in self._frames for number in numbers):
            return self._frames
        with closing(read_frames(self._read, numbers[0], numbers[-1] + 1)) as frames:
            return {number: frame.pixels for number, frame in enumerate(frames, numbers[0]) if number in numbers}
