"""A film of footage in the making, whoever does the work."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from framedream.config.settings import FootageSettings, Settings, setting_groups
from framedream.config.timeline import Timeline, flag_name
from framedream.errors import InputError
from framedream.film.compositing import check_mask, film_properties, mask_paths
from framedream.film.dreamers import guide_paths
from framedream.film.film_job import FilmJob, FilmPaths
from framedream.film.plan import Plan
from framedream.film.preflight import check_memory
from framedream.film.schedule_loading import load_film_sound, sound_paths
from framedream.film.survey import Survey, survey_from_record, survey_to_record
from framedream.media import FootageProtocol
from framedream.render.retimed_footage import open_retimed
from framedream.render.video.windows import window_length
from framedream.store.manifest import Manifest

log = logging.getLogger(__name__)


class FootageJob(FilmJob):
    """A film of footage in the making.

    Attributes:
        source: Name of the footage.
        footage: What is dreamed of.
    """

    def __init__(
        self,
        source: Path | str,
        target: Path | str,
        settings: Settings,
        *,
        work: Path | str | None = None,
        restart: bool = False,
    ) -> None:
        """Look at everything that can be known to fail before the first hour is spent.

        Raises:
            FramedreamError: See `framedream.jobs.dream_video.dream_video`.
        """
        self.source = Path(source)
        read = [self.source, *sound_paths(settings), *mask_paths(settings), *guide_paths(settings)]
        places = FilmPaths.of(read, target, work)
        self.footage = open_retimed(source, settings.footage)
        _tell_if_single(self.footage, settings.footage)
        if settings.change.sound:
            self.footage.sound = load_film_sound(settings, places.name)
        if settings.change.timeline:
            _tell_of_zooms(settings.change.timeline)
        try:
            check_memory(self.footage.frame_count or 1, self.footage.height, self.footage.width)
        except InputError as error:
            raise InputError(f"{source}: {error}") from None
        check_mask(settings, self.footage)
        manifest = Manifest.of([self.source], Path(places.name), settings)
        super().__init__(places, film_properties(settings, self.footage), settings, manifest, restart=restart)
        self.footage.keeps_alpha = self.film.keeps_alpha

    def surveyed(self, found: Survey) -> Plan:
        """Note what the footage is like.

        Raises:
            InputError: It has no frames.
            OutputError: There is no room for its film.
        """
        if not found.times:
            raise InputError(f"{self.source}: there is no frame in it; check that the file plays")
        tick = self.footage.time_base
        self.folder.note("survey", **survey_to_record(found, tick))
        return self._take(found)

    def _begin(self) -> None:
        super()._begin()
        known = self.folder.journal.find("survey")
        if known is not None:
            height, width = self.footage.height, self.footage.width
            self._take(survey_from_record(known, self.footage.time_base, height, width))

    def _take(self, survey: Survey) -> Plan:
        times, height, width = survey.times, survey.height, survey.width
        self.footage.seen = survey.seen or self.footage.seen
        in_flight = 2 * min(len(times), 2 * window_length(height, width))
        # Frames are counted as wide as the film's; dreams are stored as wide as the footage's.
        self._check_room(len(times), in_flight * width // self._like.width)
        sound = self.footage.sound
        if sound and self.settings.change.sound:
            last = len(times) - 1
            self.footage.sound = replace(sound, end=times[last] + self.film.shown_for(times, last, None))
        self._plan = Plan(survey, self.settings)
        return self._plan


def _tell_if_single(footage: FootageProtocol, settings: FootageSettings) -> None:
    """Say so if there is nothing that could be slower."""
    if footage.frame_count == 1 and settings.slow_motion != 1:
        log.info("%s: is a single picture, with nothing before or behind it; it is not made slower", footage.path)


def _tell_of_zooms(timeline: Timeline) -> None:
    """Warn of what a timeline changes and footage does not have."""
    homes = setting_groups()
    for name in timeline.names:
        if homes[name] == "zoom":
            log.warning("%s: %s is for the command zoom; nothing of it is seen here", timeline.source, flag_name(name))
