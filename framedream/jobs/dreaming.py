"""The network that a job dreams with, loaded once for all items that want the same."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from framedream.changing import layers_of
from framedream.settings import DreamSettings, Settings

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
    return _loaded(settings.dream, layers_of(settings), tile)


@functools.lru_cache(maxsize=_KEPT)
def _loaded(settings: DreamSettings, layers: tuple[str, ...], tile: int | None) -> Dreamer:
    from framedream.dream.dreamer import Dreamer

    return Dreamer(settings, tile, layers)
