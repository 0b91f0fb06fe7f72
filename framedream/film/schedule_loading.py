"""Loads the schedule of a film's settings, and the sound that they follow."""

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
from framedream.media import Sound, load_sound, output_holds_sound

log = logging.getLogger(__name__)

_CACHED_SCHEDULES = 4
"""Schedules kept in memory, since all parts of a film have the same one."""

_SPEED_POWERS = (0.3, 2.0)
"""Powers of a zoom's speed in silence, and where the bass is loudest."""

_STEP_FACTORS = (0.8, 3.0)
"""Multiples of the step size off the beat, and on it."""


def load_schedule(settings: Settings, length: Fraction | None = None) -> SettingsSchedule:
    """Load how the settings of a film change over its time.

    Args:
        settings: The settings of the film.
        length: Length of the film in seconds, if it may be a loop.

    Raises:
        SettingsError: The sound to follow is missing, or a key frame is after the end of a loop.
        InputError: The sound cannot be read.
    """
    return _cached_schedule(settings, length, _sound_version(settings))


def add_sound_follows(settings: Settings) -> Settings:
    """Let a zoom follow its sound unless it has a timeline: the speed follows the bass, the step size the beat."""
    if settings.change.sound is None or settings.change.timeline is not None:
        return settings
    speed, step = settings.zoom.zoom, settings.motion.follow_step_size
    follows = (
        SoundFollow("zoom", "bass", *(min(max(speed**power, SLOWEST), FASTEST) for power in _SPEED_POWERS)),
        SoundFollow("follow_step_size", "beat", *(min(step * factor, 255.0) for factor in _STEP_FACTORS)),
    )
    return replace(settings, change=replace(settings.change, timeline=Timeline(follows=follows, source="--sound")))


@functools.lru_cache(maxsize=_CACHED_SCHEDULES)
def _cached_schedule(settings: Settings, length: Fraction | None, _version: tuple[int, ...]) -> SettingsSchedule:
    timeline, sound = settings.change.timeline, settings.change.sound
    if timeline is None or not timeline.follows or sound is None:
        return SettingsSchedule(settings, length)
    # Imported late: only sound that is followed is analysed.
    from framedream.media.audio.loudness import Loudness

    return SettingsSchedule(settings, length, Loudness.of(sound).level)


def _sound_version(settings: Settings) -> tuple[int, ...]:
    """Size and modification time of the sound file."""
    with contextlib.suppress(OSError):
        if settings.change.sound is not None:
            facts = settings.change.sound.stat()
            return facts.st_size, facts.st_mtime_ns
    return ()


def sound_paths(settings: Settings) -> list[Path]:
    """The sound file of the settings, as a list of at most one path."""
    return [settings.change.sound] if settings.change.sound else []


def load_film_sound(settings: Settings, target: str, length: Fraction | None = None) -> Sound | None:
    """Find the sound given with ``--sound``, which becomes the film's; warn if such a film cannot hold sound.

    Args:
        settings: All settings.
        target: Name of the film.
        length: Length of the film in seconds, if known.

    Returns:
        The sound; None if none is given or the film cannot hold any.

    Raises:
        InputError: The sound file is missing, cannot be read, or contains no sound.
        SettingsError: The suffix of the target is not that of a film.
    """
    path = settings.change.sound
    if path is None:
        return None
    sound = load_sound(path, length)
    if output_holds_sound(target):
        return sound
    log.warning(
        "%s: cannot hold sound, so the film follows %s silently; write .mp4 for a film with sound", target, path
    )
    return None
