"""What is found by a look through footage, as the journal has it."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from fractions import Fraction
from math import lcm
from typing import Any

from framedream.film.plan import Survey
from framedream.media import FrameIndex


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
