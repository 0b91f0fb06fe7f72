"""Pictures of an item for the report: footage and dream at the same moments."""

from __future__ import annotations

import itertools
import logging
from contextlib import closing
from pathlib import Path

from framedream.errors import FramedreamError
from framedream.gallery.report import picture
from framedream.media import open_footage
from framedream.settings import FootageSettings, Settings

log = logging.getLogger("framedream")


def pictures_of(source: Path, result: Path, settings: Settings) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """JPEGs of start, middle and end of the footage and of its dream; fewer where there are fewer frames."""
    return _moments(source, settings.footage), _moments(result, FootageSettings())


def _moments(path: Path, settings: FootageSettings) -> tuple[bytes, ...]:
    try:
        footage = open_footage(path, settings)
        count = footage.frame_count or 1
        found = []
        for number in dict.fromkeys((0, count // 2, count - 1)):
            with closing(footage.frames(number)) as frames:
                found += [picture(frame.pixels) for frame in itertools.islice(frames, 1)]
        return tuple(found)
    except FramedreamError as error:
        # The film itself is finished; a report without pictures is no reason to call it failed.
        log.info("no pictures for the report: %s", error)
        return ()
