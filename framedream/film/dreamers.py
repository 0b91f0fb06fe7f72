"""The network that a job dreams with, loaded once for all items that want the same."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from framedream.config.machine import keep_freed_memory
from framedream.config.schedule import layers_of
from framedream.config.settings import DreamSettings, Settings
from framedream.config.terms import parse_term
from framedream.config.timeline import format_moment
from framedream.errors import InputError, SettingsError
from framedream.film.preflight import check_readable
from framedream.media import read_image, read_image_info, resize

if TYPE_CHECKING:
    from framedream.nn.ascent.dreamer import Dreamer

_KEPT = 4
"""Networks kept in memory: a batch rarely changes between more."""

_GUIDE_SIDE, _GUIDE_LONGEST = 224, 1792
"""Smaller side in pixels that a guide is brought to, and the most that the longer one may have."""


def guide_paths(settings: Settings) -> list[Path]:
    """The guide that is named, if one is."""
    return [settings.dream.guide] if settings.dream.guide else []


def check_guides(several: Iterable[Settings]) -> None:
    """See that all guides that are named can be read, each once.

    Raises:
        InputError: One cannot.
    """
    for guide in dict.fromkeys(guide for settings in several for guide in guide_paths(settings)):
        _check_guide(guide)


def dreamer_for(settings: Settings, tile: int | None = None) -> Dreamer:
    """What dreams a single frame with these settings, and with all that they become in the course of a film.

    Args:
        settings: The settings.
        tile: Side of tiles, see `framedream.nn.ascent.dreamer.Dreamer`; that of the settings if not given.

    Raises:
        SettingsError: A layer does not exist.
        InputError: The guide cannot be read, or the weights cannot be had.
    """
    # Here, not above: TensorFlow takes seconds to import, and bad input is answered before that.
    from framedream.nn.runtime import use_threads

    keep_freed_memory()
    use_threads(settings.run.threads)
    guide = settings.dream.guide
    if tile is None and settings.run.tile != "auto":
        tile = settings.run.tile
    try:
        return _loaded(settings.dream, layers_of(settings), tile, _state_of(guide) if guide else None)
    except SettingsError as error:
        raise SettingsError(f"{_named_by(settings, str(error))}{error}") from None


def _named_by(settings: Settings, message: str) -> str:
    """The key of a timeline that names a layer of which a message tells, as the beginning of that message."""
    timeline, own = settings.change.timeline, dict(settings.dream.layers)
    told = message.partition(";")[0]  # Behind it stands what was meant, which another key may name.
    if timeline is not None:
        for key in timeline.keys:
            names = [name for name, _ in dict(key.values).get("layers", ()) if name not in own]
            if any(f"'{name}'" in told or f"'{parse_term(name).layer}'" in told for name in names):
                return f"{timeline.source}, key at {format_moment(key.at)}: "
    return ""


@functools.lru_cache(maxsize=_KEPT)
def _loaded(
    settings: DreamSettings, layers: tuple[str, ...], tile: int | None, _guide: tuple[int, int] | None
) -> Dreamer:
    from framedream.nn.ascent.dreamer import Dreamer

    return Dreamer(settings, tile, layers, _guide_of(settings.guide) if settings.guide else None)


def _state_of(guide: Path) -> tuple[int, int]:
    """What changes when another image is put in the place of one."""
    try:
        facts = guide.stat()
    except OSError as error:
        raise InputError(f"{guide}: cannot be read ({error.strerror}); check the path given with --guide") from None
    return facts.st_size, facts.st_mtime_ns


def _check_guide(path: Path) -> None:
    info = read_image_info(path)
    check_readable(str(path), info.width, info.height)


def _guide_of(path: Path) -> np.ndarray:
    """The guide, of a size at which networks know things."""
    _check_guide(path)
    image = read_image(path)
    scale = min(_GUIDE_SIDE / min(image.shape[:2]), _GUIDE_LONGEST / max(image.shape[:2]))
    return resize(image, *(max(1, round(side * scale)) for side in image.shape[1::-1]))
