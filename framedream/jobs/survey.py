"""Footage looked through before it is dreamed: when its frames are shown, and where shots begin."""

from __future__ import annotations

from collections.abc import Callable, Generator
from fractions import Fraction

import numpy as np

from framedream.jobs.plan import Survey
from framedream.media import Footage
from framedream.motion.cuts import find_cuts
from framedream.render.ahead import ahead
from framedream.settings import Settings

_FRAMES_WAITING = 3


def look_through(footage: Footage, settings: Settings, check: Callable[[], None]) -> Survey:
    """Read all of some footage.

    Args:
        footage: The footage.
        settings: Whether cuts are looked for.
        check: Called for each frame; what it raises ends the work.

    Raises:
        InputError: The footage cannot be read.
    """
    times: list[Fraction] = []
    motion = settings.motion
    if motion.cuts == "none" or motion.flow == "none":
        for moment in footage.times():
            times.append(moment)
            check()
        return Survey(times, [], footage.height, footage.width)

    def pictures() -> Generator[np.ndarray]:
        for frame in footage.frames():
            times.append(frame.time)
            check()
            yield frame.pixels

    cuts = find_cuts(ahead(pictures(), _FRAMES_WAITING))
    return Survey(times, cuts, footage.height, footage.width)
