"""Footage looked through before it is dreamed: when its frames are shown, and where shots begin."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from fractions import Fraction

import numpy as np

from framedream.config.settings import Settings
from framedream.film.masks import open_mask
from framedream.film.plan import Survey
from framedream.media import Footage, FootageProtocol, FrameIndex, over_black
from framedream.motion.cut_detection import find_cuts
from framedream.render.prefetching import prefetch

_FRAMES_WAITING = 3

_BEHIND = Fraction(1)
"""Seconds behind the last moment of a film that are looked at of its mask, so that none is wanting there."""


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
