"""Loading of the networks that jobs dream with; items that need the same network share it."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from framedream.config.machine import keep_freed_memory
from framedream.config.schedule import layers_of
from framedream.config.settings import DreamSettings, Settings
from framedream.config.terms import parse_term
from framedream.config.timeline import format_moment
from framedream.errors import InputError, SettingsError, WeightsError
from framedream.film.preflight import check_image_memory
from framedream.media import read_image, read_image_info, resize

if TYPE_CHECKING:
    from framedream.nn.ascent.dreamer import Dreamer

log = logging.getLogger(__name__)

_CACHED_DREAMERS = 4
"""Networks kept in memory: a batch rarely alternates between more."""

_GUIDE_SHORT_SIDE, _GUIDE_LONG_SIDE = 224, 1792
"""A guide is scaled to this short side in pixels, unless its long side would exceed the second number."""


def guide_paths(settings: Settings) -> list[Path]:
    """The guide image of the settings, as a list of at most one path."""
    return [settings.dream.guide] if settings.dream.guide else []


def check_guides(several: Iterable[Settings]) -> None:
    """Check that the guides of a batch can be read, each guide once.

    Raises:
        InputError: A guide cannot be read.
    """
    for guide in dict.fromkeys(guide for settings in several for guide in guide_paths(settings)):
        _check_guide(guide)


def dreamer_for(settings: Settings, tile: int | None = None) -> Dreamer:
    """Load the dreamer of single frames for these settings and all values they take during the film.

    Args:
        settings: The settings.
        tile: Side of tiles in pixels, see `framedream.nn.ascent.dreamer.Dreamer`. Default: the setting.

    Raises:
        SettingsError: A layer does not exist.
        InputError: The guide cannot be read, or the weights are not available.
    """
    # Imported late: TensorFlow takes seconds to import, and bad input is reported before that.
    from framedream.nn.runtime import use_threads

    keep_freed_memory()
    use_threads(settings.run.threads)
    guide = settings.dream.guide
    if tile is None and settings.run.tile != "auto":
        tile = settings.run.tile
    try:
        return _cached_dreamer(settings.dream, layers_of(settings), tile, _file_version(guide) if guide else None)
    except SettingsError as error:
        raise SettingsError(f"{_timeline_key_of(settings, str(error))}{error}") from None


class SharedDreamers:
    """The dreamers of several looks; looks of the same network share one dreamer."""

    def __init__(self, looks: Sequence[Settings], *, spare: bool) -> None:
        """Load all networks, each with all layers that any of its looks excites.

        Args:
            looks: The settings of each look.
            spare: Whether to skip a network without weights instead of raising.

        Raises:
            SettingsError: A layer does not exist.
            WeightsError: The weights of a network are not available.
        """
        self._dreamers: dict[DreamSettings, Dreamer] = {}
        self._missing: dict[DreamSettings, str] = {}
        for network in dict.fromkeys(map(_network_settings, looks)):
            layers = [look.dream.layers for look in looks if _network_settings(look) == network]
            # The same term may be written in two ways.
            names = {parse_term(name): name for weighted in layers for name, _ in weighted}
            try:
                self._dreamers[network] = _dreamer_of_layers(network, names.values())
            except WeightsError as error:
                if not spare:
                    raise
                log.info("skipped: %s", error)
                self._missing[network] = str(error)

    def missing(self, settings: Settings) -> str:
        """The reason why a look cannot be dreamed; empty if it can."""
        return self._missing.get(_network_settings(settings), "")

    def of(self, settings: Settings, height: int, width: int) -> Dreamer:
        """Find the dreamer of a look; pass the look to it with each frame.

        Args:
            settings: The look.
            height: Height of the frames in pixels.
            width: Width of the frames in pixels.

        Raises:
            KeyError: The network is missing.
        """
        shared = self._dreamers[_network_settings(settings)]
        # The deep layers of another look must not cost this one its small octaves.
        return self.alone(settings) if shared.drops_octaves(height, width, settings.dream) else shared

    def alone(self, settings: Settings) -> Dreamer:
        """Load a dreamer for one look only, as a film has: its strength is measured at the look's own layers."""
        return _dreamer_of_layers(_network_settings(settings), [name for name, _ in settings.dream.layers])


def _dreamer_of_layers(network: DreamSettings, names: Iterable[str]) -> Dreamer:
    return dreamer_for(Settings(dream=replace(network, layers=tuple((name, 1.0) for name in names))))


def _network_settings(settings: Settings) -> DreamSettings:
    """Only those dream settings that all dreams of one loaded network have in common."""
    dream = settings.dream
    return DreamSettings(
        model=dream.model, weights=dream.weights, guide=dream.guide, algorithm=dream.algorithm,
        gradient=dream.gradient, random_seed=dream.random_seed, precision=dream.precision,
    )  # fmt: skip


def _timeline_key_of(settings: Settings, message: str) -> str:
    """The timeline key that names the layer of an error message, as a prefix for that message; "" if none does."""
    timeline, own = settings.change.timeline, dict(settings.dream.layers)
    cause = message.partition(";")[0]  # The rest suggests another name, which another key may use.
    if timeline is not None:
        for key in timeline.keys:
            names = [name for name, _ in dict(key.values).get("layers", ()) if name not in own]
            if any(f"'{name}'" in cause or f"'{parse_term(name).layer}'" in cause for name in names):
                return f"{timeline.source}, key at {format_moment(key.at)}: "
    return ""


@functools.lru_cache(maxsize=_CACHED_DREAMERS)
def _cached_dreamer(
    settings: DreamSettings, layers: tuple[str, ...], tile: int | None, _guide_version: tuple[int, int] | None
) -> Dreamer:
    from framedream.nn.ascent.dreamer import Dreamer

    return Dreamer(settings, tile, layers, read_guide(settings.guide) if settings.guide else None)


def _file_version(guide: Path) -> tuple[int, int]:
    """Size and modification time, which change if another image replaces the guide."""
    try:
        facts = guide.stat()
    except OSError as error:
        raise InputError(f"{guide}: cannot be read ({error.strerror}); check the path given with --guide") from None
    return facts.st_size, facts.st_mtime_ns


def _check_guide(path: Path) -> None:
    info = read_image_info(path)
    check_image_memory(str(path), info.width, info.height)


def read_guide(path: Path) -> np.ndarray:
    """Read a guide image at a size at which networks recognize things.

    Args:
        path: The image.

    Returns:
        H×W×3 RGB in levels 0…255; the shorter side has 224 pixels unless the longer one would exceed 1792.

    Raises:
        InputError: The guide cannot be read, or does not fit into memory.
    """
    _check_guide(path)
    image = read_image(path)
    scale = min(_GUIDE_SHORT_SIDE / min(image.shape[:2]), _GUIDE_LONG_SIDE / max(image.shape[:2]))
    return resize(image, *(max(1, round(side * scale)) for side in image.shape[1::-1]))
