"""Footage looked through before it is dreamed: when its frames are shown, and where shots begin."""

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

_FRAMES_WAITING = 3

_BEHIND = Fraction(1)
"""Seconds behind the last moment of a film that are looked at of its mask, so that none is wanting there."""


@dataclass(frozen=True)
class Survey:
    """What has to be known of footage before it is divided.

    Attributes:
        times: When each frame is shown, in seconds.
        cuts: The frames that begin a later shot.
        height: Height of a frame in pixels.
        width: Width of a frame in pixels.
        seen: The frames of the footage's own file, where it is a video.
        mask_seen: Those of the mask's.
    """

    times: Sequence[Fraction]
    cuts: Sequence[int]
    height: int
    width: int
    seen: FrameIndex | None = None
    mask_seen: FrameIndex | None = None


def survey_footage(footage: FootageProtocol, settings: Settings, check: Callable[[], None]) -> Survey:
    """Read all of some footage, as it is; what is made between its frames is not needed for that.

    Args:
        footage: The footage.
        settings: Whether cuts are looked for.
        check: Called for each frame; what it raises ends the work.

    Raises:
        InputError: The footage cannot be read.
    """
    times: list[Fraction] = []
    watch = footage.watch()

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
        cuts = find_cuts(prefetch(pictures(), _FRAMES_WAITING))
    film_times = list(footage.times_by(times))
    begun = {footage.first_of(cut) for cut in cuts} & set(range(1, len(film_times)))
    mask, seen = open_mask(settings, footage.source.rate), footage.seen or watch.seen()
    mask_seen = _look_at(mask, footage.moment(film_times[-1]), check) if mask and film_times else None
    return Survey(film_times, sorted(begun), footage.height, footage.width, seen, mask_seen)


def _look_at(mask: Footage, last: Fraction, check: Callable[[], None]) -> FrameIndex | None:
    """What is seen of a mask that is a video, up to a frame behind the last moment, in seconds."""
    watch = mask.watch()
    with closing(mask.times()) as times:
        for time in times:
            check()
            if time > last + _BEHIND:
                break
    return watch.seen()


def survey_to_record(survey: Survey, tick: Fraction) -> dict[str, Any]:
    """A survey as JSON can hold it.

    Args:
        survey: What was found.
        tick: Seconds of which the film's times are whole numbers.
    """
    noted = {"ticks": [int(time / tick) for time in survey.times], "cuts": list(survey.cuts)}
    seen = {"seen": survey.seen, "mask_seen": survey.mask_seen}
    return noted | {name: _seen_noted(each) for name, each in seen.items() if each is not None}


def survey_from_record(record: Mapping[str, Any], tick: Fraction, height: int, width: int) -> Survey:
    """What was noted, or as much of it as an earlier version did.

    Args:
        record: What `survey_to_record` gave.
        tick: Seconds of which the film's times are whole numbers.
        height: Height of a frame in pixels.
        width: Width of a frame in pixels.
    """
    times = [ticks * tick for ticks in record["ticks"]]
    seen = (_seen_of(record[name]) if name in record else None for name in ("seen", "mask_seen"))
    return Survey(times, record["cuts"], height, width, *seen)


def _seen_noted(seen: FrameIndex) -> dict[str, Any]:
    times = [*seen.times, *([] if seen.end is None else [seen.end])]
    # The coarsest tick of which all of them are whole numbers.
    scale = lcm(*{time.denominator for time in times})
    return {
        "first": seen.first,
        "scale": scale,
        "ticks": [int(time * scale) for time in seen.times],
        "end": None if seen.end is None else int(seen.end * scale),
        "marks": list(seen.marks),
    }


def _seen_of(record: Mapping[str, Any]) -> FrameIndex:
    tick, end = Fraction(1, record["scale"]), record["end"]
    times = [ticks * tick for ticks in record["ticks"]]
    return FrameIndex(record["first"], times, array("I", record["marks"]), None if end is None else end * tick)
