"""The frame that a preview dreams, and the second of footage around it."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from framedream.config.parsing import Moment
from framedream.config.settings import FootageSettings, Settings
from framedream.errors import InputError
from framedream.film.film_job import check_output_path
from framedream.film.preflight import check_image_memory
from framedream.jobs.dream_image import read_at_size
from framedream.media import Footage, Frame, has_reached, open_footage, read_image_info
from framedream.motion.cut_detection import find_cuts
from framedream.render.video.segments import divide_into_segments
from framedream.render.video.video_renderer import render_footage
from framedream.render.video.windows import divide_into_windows

if TYPE_CHECKING:
    from framedream.nn.ascent.dreamer import Dreamer

_EXCERPT = Fraction(1)


@dataclass(frozen=True)
class PreviewScene:
    """A still image or a frame of footage.

    Attributes:
        name: Name of the footage.
        frame: The frame, H×W×3 float32, RGB, 0…255, at the dreamed size.
        times: Presentation time of each frame of the footage, in seconds.
        number: Index of the frame.
        footage: The footage at the same size; None for an array.
        is_still: Whether the source is a still image; False for a video of one frame.
    """

    name: str
    frame: np.ndarray
    times: Sequence[Fraction] = (Fraction(0),)
    number: int = 0
    footage: Footage | None = None
    is_still: bool = True

    @classmethod
    def of(
        cls, source: np.ndarray | Path | str, target: Path | str | None, width: int, start: Moment | None = None
    ) -> PreviewScene:
        """Find and read a frame.

        Args:
            source: Footage or a still, or H×W×3 RGB in levels 0…255 of any number type.
            target: The file that will be written, if any; it may not be the source.
            width: Maximum width in pixels.
            start: Which frame. Default: the middle one.

        Raises:
            InputError: It cannot be read, or ends before that frame.
            OutputError: The target is the source itself.
        """
        if isinstance(source, np.ndarray):
            whole = read_at_size(source, (), FootageSettings())
            size = _size(whole.shape[1], whole.shape[0], width)
            return cls("the picture", read_at_size(whole, (), FootageSettings(size=size)))
        if target is not None:
            check_output_path(Path(source), Path(target))
        footage = open_footage(source)
        check_image_memory(str(source), footage.format.width, footage.format.height)
        indexer = footage.record_index()
        times = list(footage.times())
        if not times:
            raise InputError(f"{source}: contains no frames; check that the file plays")
        number = _frame_at(Path(source), start, times) if len(times) > 1 else 0
        size = _size(round(footage.format.width * footage.format.sample_aspect), footage.format.height, width)
        footage = open_footage(source, FootageSettings(size=size), indexer.index())
        (seen,) = _read_frames(footage, number, number + 1)
        is_still = len(times) == 1 and _is_image(Path(source))
        return cls(Path(source).name, seen.pixels, times, number, footage, is_still)

    def around(self) -> list[Frame]:
        """Read the frames of the second around it that belong to the same shot.

        Raises:
            InputError: A frame cannot be read.
        """
        assert self.footage is not None
        times, last = self.times, self.times[-1]
        begin = max(min(times[self.number] - _EXCERPT / 2, last - _EXCERPT), times[0])
        near = [number for number, time in enumerate(times) if begin <= time <= begin + _EXCERPT]
        frames = _read_frames(self.footage, near[0], near[-1] + 1)
        bounds = [0, *find_cuts(frame.pixels for frame in frames), len(frames)]
        at = self.number - near[0]
        first, stop = next((first, stop) for first, stop in itertools.pairwise(bounds) if at < stop)
        return [replace(frame, time=frame.time - frames[first].time) for frame in frames[first:stop]]


def dream_excerpt(frames: Sequence[Frame], dreamer: Dreamer, settings: Settings) -> Generator[np.ndarray]:
    """Dream frames of one shot as a film.

    Args:
        frames: The frames.
        dreamer: Dreams a single frame.
        settings: How frames are dreamed.

    Yields:
        The dream of each.
    """

    def read(first: int) -> Generator[Frame]:
        yield from frames[first:]

    divided = divide_into_windows(divide_into_segments(len(frames), (), "none"), *frames[0].pixels.shape[:2])
    with closing(render_footage(read, divided, dreamer, lambda _: settings)) as dreams:
        yield from (dream.pixels for dream in dreams if dream is not None)


def _read_frames(footage: Footage, first: int, stop: int) -> list[Frame]:
    with closing(footage.frames(first)) as reader:
        found = list(itertools.islice(reader, stop - first))
    if len(found) < stop - first:
        raise InputError(f"{footage.path}: frame {first + len(found)} cannot be read; give another --start")
    return found


def _is_image(path: Path) -> bool:
    try:
        read_image_info(path)
    except InputError:
        return False
    return True


def _frame_at(source: Path, start: Moment | None, times: Sequence[Fraction]) -> int:
    if start is None:
        return len(times) // 2
    number = next((number for number, time in enumerate(times) if has_reached(start, number, time)), None)
    if number is None:
        open_footage(source, FootageSettings(start=start))  # Raises a more specific error.
        raise InputError(f"{source}: no frame lies at start {start}; give an earlier --start")
    return number


def _size(width: int, height: int, wanted: int) -> tuple[int, int]:
    """Width and height, scaled down to a maximum width."""
    scale = min(1.0, wanted / width)
    return max(1, round(width * scale)), max(1, round(height * scale))
