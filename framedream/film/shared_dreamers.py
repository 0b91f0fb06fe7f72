"""Looks that share networks: each network is loaded once, whatever of it the looks excite."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from framedream.config.settings import DreamSettings, Settings
from framedream.config.terms import parse_term
from framedream.errors import WeightsError
from framedream.film.dreamers import dreamer_for

if TYPE_CHECKING:
    from framedream.nn.ascent.dreamer import Dreamer

log = logging.getLogger(__name__)


class Dreamers:
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
        return self.alone(settings) if shared.leaves_out(height, width, settings.dream) else shared

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
