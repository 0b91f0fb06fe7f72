"""A sound that settings follow, and that becomes the film's."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path

from framedream.config.settings import Settings
from framedream.media import Sound, output_holds_sound, sound_of

log = logging.getLogger(__name__)


def sound_paths(settings: Settings) -> list[Path]:
    """The sound file that is named, if one is."""
    return [settings.change.sound] if settings.change.sound else []


def film_sound(settings: Settings, target: str, length: Fraction | None = None) -> Sound | None:
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
