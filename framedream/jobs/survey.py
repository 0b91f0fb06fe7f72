"""Footage looked through before it is dreamed: when its frames are shown, and where shots begin."""

from __future__ import annotations

from collections.abc import Callable, Generator
from fractions import Fraction

import numpy as np

from framedream.jobs.plan import Survey
from framedream.media import FootageLike, over_black
from framedream.motion.cuts import find_cuts
from framedream.render.ahead import ahead
from framedream.settings import Settings

_FRAMES_WAITING = 3


def look_through(footage: FootageLike, settings: Settings, check: Callable[[], None]) -> Survey:
    """Read all of some footage, as it is; what is made between its frames is not needed for that.

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
        for moment in footage.source.times():
            times.append(moment)
            check()
        return Survey(list(footage.times_by(times)), [], footage.height, footage.width)

    def pictures() -> Generator[np.ndarray]:
        for frame in footage.source.frames():
            times.append(frame.time)
            check()
            yield over_black(frame.pixels, frame.alpha)

    cuts = find_cuts(ahead(pictures(), _FRAMES_WAITING))
    film_times = list(footage.times_by(times))
    begun = {footage.first_of(cut) for cut in cuts}
    return Survey(film_times, sorted(begun & set(range(1, len(film_times)))), footage.height, footage.width)
