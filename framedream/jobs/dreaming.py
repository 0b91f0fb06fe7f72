"""The network that a job dreams with, loaded once for all items that want the same."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from framedream.changing import layers_of
from framedream.errors import SettingsError
from framedream.settings import DreamSettings, Settings
from framedream.timeline import moment

if TYPE_CHECKING:
    from framedream.dream.dreamer import Dreamer

_KEPT = 4
"""Networks kept in memory: a batch rarely changes between more."""


def dreamer_for(settings: Settings, tile: int | None = None) -> Dreamer:
    """What dreams a single frame with these settings, and with all that they become in the course of a film.

    Args:
        settings: The settings.
        tile: Side of tiles, see `framedream.dream.dreamer.Dreamer`.

    Raises:
        SettingsError: A layer does not exist.
        WeightsError: The weights cannot be had.
    """
    # Here, not above: TensorFlow takes seconds to import, and bad input is answered before that.
    from framedream.dream.runtime import use_threads

    use_threads(settings.run.threads)
    try:
        return _loaded(settings.dream, layers_of(settings), tile)
    except SettingsError as error:
        raise SettingsError(f"{_named_by(settings, str(error))}{error}") from None


def _named_by(settings: Settings, message: str) -> str:
    """The key of a timeline that names a layer of which a message tells, as the beginning of that message."""
    timeline, own = settings.change.timeline, dict(settings.dream.layers)
    if timeline is not None:
        for key in timeline.keys:
            if any(name not in own and f"'{name}'" in message for name, _ in dict(key.values).get("layers", ())):
                return f"{timeline.source}, key at {moment(key.at)}: "
    return ""


@functools.lru_cache(maxsize=_KEPT)
def _loaded(settings: DreamSettings, layers: tuple[str, ...], tile: int | None) -> Dreamer:
    from framedream.dream.dreamer import Dreamer

    return Dreamer(settings, tile, layers)
