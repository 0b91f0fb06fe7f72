"""The survey of footage before it is dreamed: times of all frames, and cuts; as JSON for the journal."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np

from framedream.config.settings import Settings
from framedream.film.compositing import open_mask
from framedream.media import Footage, FootageProtocol, FrameIndex, over_black
from framedream.motion.cut_detection import find_cuts
from framedream.render.prefetching import prefetch

_PREFETCHED_FRAMES = 3

_MASK_MARGIN = Fraction(1)
"""Seconds after the end of a film for which the frames of its mask are indexed too."""


@dataclass(frozen=True)
class Survey:
    """What the plan of a film must know about its footage.

    Attributes:
        times: Times of all frames of the film, in seconds.
        cuts: Numbers of the frames that start a shot, except the first.
        height: Height of a frame in pixels.
        width: Width of a frame in pixels.
        frame_index: The index of the frames of the footage's file, if it is a video.
        mask_index: The index of the frames of the mask's file, if it is a video.
    """

    times: Sequence[Fraction]
    cuts: Sequence[int]
    height: int
    width: int
    frame_index: FrameIndex | None = None
    mask_index: FrameIndex | None = None


def survey_footage(footage: FootageProtocol, settings: Settings, check: Callable[[], None]) -> Survey:
    """Read all of the footage once, at its own rate.

    Args:
        footage: The footage.
        settings: The settings; they say whether to look for cuts.
        check: Called for each frame; may raise to stop.

    Raises:
        InputError: The footage cannot be read.
    """
    times: list[Fraction] = []
    indexer = footage.record_index()

    def pictures() -> Generator[np.ndarray]:
        for frame in footage.source.frames():
            times.append(frame.time)
            check()
            yield over_black(frame.pixels, frame.alpha)

    cuts: Iterable[int] = ()
    if settings.motion.cuts == "none" or settings.motion.flow == "none":
        for moment in footage.source.times():
            times.append(moment)
            check()
    else:
        cuts = find_cuts(prefetch(pictures(), _PREFETCHED_FRAMES))
    film_times = list(footage.times_from(times))
    starts = {footage.first_frame_of(cut) for cut in cuts} & set(range(1, len(film_times)))
    mask, frame_index = open_mask(settings, footage.source.format.rate), footage.frame_index or indexer.index()
    mask_index = _index_mask(mask, footage.footage_time(film_times[-1]), check) if mask and film_times else None
    return Survey(film_times, sorted(starts), footage.format.height, footage.format.width, frame_index, mask_index)


def _index_mask(mask: Footage, last: Fraction, check: Callable[[], None]) -> FrameIndex | None:
    """Index the frames of a mask that is a video, until after the last time in seconds."""
    indexer = mask.record_index()
    with closing(mask.times()) as times:
        for time in times:
            check()
            if time > last + _MASK_MARGIN:
                break
    return indexer.index()


def survey_to_record(survey: Survey, tick: Fraction) -> dict[str, Any]:
    """Convert a survey to a JSON object.

    Args:
        survey: The survey.
        tick: Time base of the film: its times are whole multiples of it, in seconds.
    """
    record = {"ticks": [int(time / tick) for time in survey.times], "cuts": list(survey.cuts)}
    indexes = {"seen": survey.frame_index, "mask_seen": survey.mask_index}
    return record | {name: _index_to_record(index) for name, index in indexes.items() if index is not None}


def survey_from_record(record: Mapping[str, Any], tick: Fraction, height: int, width: int) -> Survey:
    """Convert a JSON object back to a survey; records of early versions contain no frame indexes.

    Args:
        record: A JSON object of `survey_to_record`.
        tick: Time base of the film, in seconds.
        height: Height of a frame in pixels.
        width: Width of a frame in pixels.
    """
    times = [ticks * tick for ticks in record["ticks"]]
    indexes = (_index_from_record(record[name]) if name in record else None for name in ("seen", "mask_seen"))
    return Survey(times, record["cuts"], height, width, *indexes)


def _index_to_record(index: FrameIndex) -> dict[str, Any]:
    times = [*index.times, *([] if index.end is None else [index.end])]
    # The coarsest tick of which all times are whole multiples.
    scale = lcm(*{time.denominator for time in times})
    return {
        "first": index.first,
        "scale": scale,
        "ticks": [int(time * scale) for time in index.times],
        "end": None if index.end is None else int(index.end * scale),
        "marks": list(index.checksums),
    }


def _index_from_record(record: Mapping[str, Any]) -> FrameIndex:
    tick, end = Fraction(1, record["scale"]), record["end"]
    times = [ticks * tick for ticks in record["ticks"]]
    return FrameIndex(record["first"], times, array("I", record["marks"]), None if end is None else end * tick)
