"""The course of a film's settings, with the sound that they follow."""

from __future__ import annotations

import contextlib
import functools
import logging
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from framedream.config.schedule import SettingsSchedule
from framedream.config.settings import FASTEST, SLOWEST, Settings
from framedream.config.timeline import SoundFollow, Timeline
from framedream.media import Sound, output_holds_sound, sound_of

log = logging.getLogger(__name__)

_KEPT = 4
"""Courses kept in memory, for all parts of a film have the same."""

_SPEEDS = (0.3, 2.0)
"""Powers of a zoom's speed in silence, and where the bass is loudest."""

_STEPS = (0.8, 3.0)
"""Multiples of the step size off the beat, and on it."""


def load_schedule(settings: Settings, length: Fraction | None = None) -> SettingsSchedule:
    """What becomes of settings in the course of a film.

    Args:
        settings: Those of the film.
        length: Its length in seconds, for one that may be a loop.

    Raises:
        SettingsError: There is no sound to follow, or a key of a loop lies beyond its end.
        InputError: The sound cannot be read.
    """
    return _course(settings, length, _stamp(settings))


def add_sound_follows(settings: Settings) -> Settings:
    """Settings of a zoom that follow its sound where nothing else is said: its speed the bass, its steps the beat."""
    if settings.change.sound is None or settings.change.timeline is not None:
        return settings
    speed, step = settings.zoom.zoom, settings.motion.follow_step_size
    follows = (
        SoundFollow("zoom", "bass", *(min(max(speed**power, SLOWEST), FASTEST) for power in _SPEEDS)),
        SoundFollow("follow_step_size", "beat", *(min(step * factor, 255.0) for factor in _STEPS)),
    )
    return replace(settings, change=replace(settings.change, timeline=Timeline(follows=follows, source="--sound")))


@functools.lru_cache(maxsize=_KEPT)
def _course(settings: Settings, length: Fraction | None, stamp: tuple[int, ...]) -> SettingsSchedule:
    timeline, sound = settings.change.timeline, settings.change.sound
    if timeline is None or not timeline.follows or sound is None:
        return SettingsSchedule(settings, length)
    # Here, not above: a sound that is not followed need not be analysed.
    from framedream.media.audio.loudness import Loudness

    return SettingsSchedule(settings, length, Loudness.of(sound).level)


def _stamp(settings: Settings) -> tuple[int, ...]:
    """Another one when the sound has changed."""
    with contextlib.suppress(OSError):
        if settings.change.sound is not None:
            facts = settings.change.sound.stat()
            return facts.st_size, facts.st_mtime_ns
    return ()


def sound_paths(settings: Settings) -> list[Path]:
    """The sound file that is named, if one is."""
    return [settings.change.sound] if settings.change.sound else []


def load_film_sound(settings: Settings, target: str, length: Fraction | None = None) -> Sound | None:
    """The sound of a film that is to have the one that is followed; a warning if its kind of file has none.

    Args:
        settings: All settings.
        target: Name of the film.
        length: Its length in seconds, where that is known.

    Raises:
        InputError: The sound is missing, cannot be read, or there is none in its file.
        SettingsError: No film has the target's suffix.
    """
    path = settings.change.sound
    if path is None:
        return None
    sound = sound_of(path, length)
    if output_holds_sound(target):
        return sound
    log.warning(
        "%s: has no sound, so that of %s is followed but not heard; write .mp4 for a film with it", target, path
    )
    return None
