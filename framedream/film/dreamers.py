"""The network that a job dreams with, loaded once for all items that want the same."""

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
    check_image_memory(str(path), info.width, info.height)


def _guide_of(path: Path) -> np.ndarray:
    """The guide, of a size at which networks know things."""
    _check_guide(path)
    image = read_image(path)
    scale = min(_GUIDE_SIDE / min(image.shape[:2]), _GUIDE_LONGEST / max(image.shape[:2]))
    return resize(image, *(max(1, round(side * scale)) for side in image.shape[1::-1]))


class SharedDreamers:
    """What dreams each of some looks."""

    def __init__(self, found: Sequence[Settings], *, spare: bool) -> None:
        """Load all networks, each with all layers that any look of it excites.

        Args:
            found: The looks.
            spare: Whether a network without weights is noted instead of raised.

        Raises:
            SettingsError: A layer does not exist.
            WeightsError: The weights of a network are not to be had.
        """
        self._dreamers: dict[DreamSettings, Dreamer] = {}
        self._missing: dict[DreamSettings, str] = {}
        for network in dict.fromkeys(map(_network_of, found)):
            looks = [one.dream.layers for one in found if _network_of(one) == network]
            # One term may be written in two ways.
            names = {parse_term(name): name for layers in looks for name, _ in layers}
            try:
                self._dreamers[network] = _dreamer(network, names.values())
            except WeightsError as error:
                if not spare:
                    raise
                log.info("left out: %s", error)
                self._missing[network] = str(error)

    def missing(self, settings: Settings) -> str:
        """Why a look cannot be dreamed; empty where it can."""
        return self._missing.get(_network_of(settings), "")

    def of(self, settings: Settings, height: int, width: int) -> Dreamer:
        """What dreams a look, which is to be given to it for each frame.

        Args:
            settings: The look.
            height: Height of the frames in pixels.
            width: Their width.

        Raises:
            KeyError: Its network is missing.
        """
        shared = self._dreamers[_network_of(settings)]
        # Another look's deep layers must not cost this one its small octaves.
        return self.alone(settings) if shared.drops_octaves(height, width, settings.dream) else shared

    def alone(self, settings: Settings) -> Dreamer:
        """What dreams one look and no other: a film is held at its level in places of its own layers' size."""
        return _dreamer(_network_of(settings), [name for name, _ in settings.dream.layers])


def _dreamer(network: DreamSettings, names: Iterable[str]) -> Dreamer:
    return dreamer_for(Settings(dream=replace(network, layers=tuple((name, 1.0) for name in names))))


def _network_of(settings: Settings) -> DreamSettings:
    """The settings of a dream without those that may differ from dream to dream of one network."""
    dream = settings.dream
    return DreamSettings(
        model=dream.model, weights=dream.weights, guide=dream.guide, algorithm=dream.algorithm,
        gradient=dream.gradient, random_seed=dream.random_seed, precision=dream.precision,
    )  # fmt: skip
