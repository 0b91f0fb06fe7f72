"""Pictures of an item for the report: footage and dream at the same moments."""

from __future__ import annotations

import itertools
from contextlib import closing
from pathlib import Path

from framedream.config.settings import FootageSettings, Settings
from framedream.media import open_footage
from framedream.reports.batch_report import report_picture


def thumbnails_of(source: Path, result: Path, settings: Settings) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """JPEGs of start, middle and end of the footage and of its dream; fewer where there are fewer frames.

    Raises:
        InputError: One of them cannot be read.
    """
    return _moments(source, settings.footage), _moments(result, FootageSettings())


def _moments(path: Path, settings: FootageSettings) -> tuple[bytes, ...]:
    footage = open_footage(path, settings)
    count = footage.frame_count or 1
    found = []
    for number in dict.fromkeys((0, count // 2, count - 1)):
        with closing(footage.frames(number)) as frames:
            found += [report_picture(frame.pixels) for frame in itertools.islice(frames, 1)]
    return tuple(found)
