"""The settings at each time of a film, as its timeline changes them."""

from __future__ import annotations

import bisect
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from framedream.config.parsing import Layers
from framedream.config.settings import Settings
from framedream.config.terms import parse_term
from framedream.config.timeline import Easing, SoundFollow, flag_name, format_moment
from framedream.errors import SettingsError

LoudnessAt = Callable[[str, float], float]
"""Loudness of a band of a sound at a time in seconds, 0…1."""

_KEPT = 512
"""Number of cached settings: each frame of a window is read several times."""

_GEOMETRIC = ("zoom",)
"""Settings that change by equal factors in equal times (geometric interpolation)."""


class SettingsSchedule:
    """The settings of a film at each time.

    Attributes:
        layers: Names of all layers that are excited at some moment.
        is_constant: Whether nothing ever changes.
    """

    def __init__(self, settings: Settings, length: Fraction | None = None, loudness: LoudnessAt | None = None) -> None:
        """Take settings with their timeline.

        Args:
            settings: Those of the film.
            length: Its length in seconds. Where it is given and the settings say ``loop``, the last key
                leads into the first one.
            loudness: That of the sound, which is followed.

        Raises:
            SettingsError: The sound to follow is missing, or a key frame is after the end of a loop.
        """
        timeline = settings.change.timeline
        self.layers = layers_of(settings)
        self.is_constant = timeline is None
        self._settings, self._loudness = settings, loudness
        self._tracks: list[_SettingTrack] = []
        self._follows: Sequence[SoundFollow] = ()
        self._known: OrderedDict[tuple[Any, ...], Settings] = OrderedDict()
        if timeline is None:
            return
        check_sound(settings, is_there=loudness is not None)
        period = length if settings.zoom.loop else None
        late = [key.at for key in timeline.keys if period is not None and key.at >= period]
        if late and period is not None:
            raise SettingsError(
                f"{timeline.source}, key at {format_moment(late[0])}: is not before the end of the loop, at "
                f"{format_moment(period)}; move it to an earlier time, or give a longer --duration"
            )
        self._follows = timeline.follows
        followed = {follow.setting for follow in self._follows}
        stops: dict[str, list[_Stop]] = {}
        for key in timeline.keys:
            for name, value in key.values:
                if name not in followed:
                    stops.setdefault(name, []).append(_Stop(key.at, value, key.easing))
        self._tracks = [_SettingTrack(name, tuple(found), period) for name, found in stops.items()]
        self._base = replace(settings, change=replace(settings.change, timeline=None))

    def at(self, seconds: float | Fraction) -> Settings:
        """Return the settings at a time; the same object if nothing changes.

        Args:
            seconds: The moment, in the film's time.
        """
        if self.is_constant:
            return self._settings
        values = {track.name: track.at(seconds) for track in self._tracks}
        for follow in self._follows:
            assert self._loudness is not None
            share = min(max(self._loudness(follow.band, float(seconds)), 0.0), 1.0)
            values[follow.setting] = interpolate(follow.setting, follow.low, follow.high, share)
        named = tuple(values.values())
        found = self._known.get(named)
        if found is None:
            found = self._known[named] = self._base.override(values)
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return found


def layers_of(settings: Settings) -> tuple[str, ...]:
    """Names of all layers that a film excites, those of its initial settings first."""
    found = [name for name, _ in settings.dream.layers]
    for key in settings.change.timeline.keys if settings.change.timeline else ():
        found += [name for setting, value in key.values if setting == "layers" for name, _ in value]
    return tuple(dict.fromkeys(found))


def check_sound(settings: Settings, *, is_there: bool) -> None:
    """Check that there is a sound if a setting follows one.

    Raises:
        SettingsError: There is none.
    """
    timeline = settings.change.timeline
    if timeline and timeline.follows and not is_there:
        name = flag_name(timeline.follows[0].setting)
        raise SettingsError(f"{timeline.source}, follow of {name}: no sound is given to follow; give one with --sound")


def easing_curve(share: float, easing: Easing) -> float:
    """Return the share of a change that is complete after a share of its time.

    Args:
        share: 0…1.
        easing: How the change begins and ends.
    """
    if easing == "smooth":
        return share * share * (3 - 2 * share)
    if easing == "in":
        return share * share
    if easing == "out":
        return 1 - (1 - share) * (1 - share)
    return float(share >= 1) if easing == "hold" else share


def interpolate(name: str, one: Any, other: Any, share: float) -> Any:
    """Interpolate between two values of a setting; values that are not numbers jump at the end.

    Args:
        name: The setting's name.
        one: The value at 0.
        other: The value at 1.
        share: How far it is from one to the other, 0…1.
    """
    if share <= 0 or one == other:
        return one
    if share >= 1:
        return other
    if name == "layers":
        return _faded(one, other, share)
    if isinstance(one, tuple):
        return tuple(interpolate("", mine, its, share) for mine, its in zip(one, other, strict=True))
    if not all(isinstance(value, int | float) for value in (one, other)):
        return one
    if name in _GEOMETRIC:
        return one * math.pow(other / one, share)
    mixed = one + (other - one) * share
    # Half of the way is the middle of a step: up goes what is to be rounded there, always.
    return math.floor(mixed + 0.5) if isinstance(one, int) and isinstance(other, int) else mixed


def _faded(one: Layers, other: Layers, share: float) -> Layers:
    """Cross-fade two lists of layers; a missing layer has weight 0."""
    # Terms, not names: class:espresso and class:967 are one.
    names = {parse_term(name): name for name, _ in (*one, *other)}
    mine, its = ({parse_term(name): weight for name, weight in layers} for layers in (one, other))
    return tuple(
        (name, mine.get(term, 0.0) + share * (its.get(term, 0.0) - mine.get(term, 0.0))) for term, name in names.items()
    )


@dataclass(frozen=True)
class _Stop:
    """The value of one setting at a key frame."""

    at: Fraction
    value: Any
    easing: Easing


@dataclass(frozen=True)
class _SettingTrack:
    """One setting over the film.

    Attributes:
        name: The setting's name.
        stops: Its keys, in their order.
        period: After how many seconds it all comes again, or None for never.
    """

    name: str
    stops: tuple[_Stop, ...]
    period: Fraction | None

    def at(self, seconds: float | Fraction) -> Any:
        """The value at a time; constant before the first key frame and after the last."""
        stops = self.stops
        if self.period is not None:
            seconds = seconds % self.period
            last, first = stops[-1], stops[0]
            stops = (replace(last, at=last.at - self.period), *stops, replace(first, at=first.at + self.period))
        index = bisect.bisect_right(stops, seconds, key=lambda stop: stop.at)
        if index == 0:
            return stops[0].value
        if index == len(stops):
            return stops[-1].value
        before, coming = stops[index - 1], stops[index]
        share = float((seconds - before.at) / (coming.at - before.at))
        return interpolate(self.name, before.value, coming.value, easing_curve(share, coming.easing))
