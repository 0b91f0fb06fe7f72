"""The film of some footage in progress: checks before the work, then the survey and the plan."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from framedream.config.settings import FootageSettings, Settings, setting_groups
from framedream.config.timeline import Timeline, flag_name
from framedream.errors import InputError
from framedream.film.compositing import check_mask, film_format, mask_paths
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
    """The film of some footage in progress.

    Attributes:
        source: The file or folder of the footage.
        footage: The footage that is dreamed.
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
        """Check everything that can be checked before the work starts.

        Args:
            source: The file or folder of the footage.
            target: Name of the film.
            settings: How the film is dreamed.
            work: The work folder. Default: beside the film.
            restart: Discard what an existing work folder holds.

        Raises:
            FramedreamError: See `framedream.jobs.dream_video.dream_video`.
        """
        self.source = Path(source)
        sources = [self.source, *sound_paths(settings), *mask_paths(settings), *guide_paths(settings)]
        paths = FilmPaths.of(sources, target, work)
        self.footage = open_retimed(source, settings.footage)
        _log_if_single(self.footage, settings.footage)
        if settings.change.sound:
            self.footage.format = replace(self.footage.format, sound=load_film_sound(settings, paths.name))
        if settings.change.timeline:
            _warn_of_zoom_settings(settings.change.timeline)
        try:
            check_memory(self.footage.frame_count or 1, self.footage.format.height, self.footage.format.width)
        except InputError as error:
            raise InputError(f"{source}: {error}") from None
        check_mask(settings, self.footage)
        manifest = Manifest.of([self.source], Path(paths.name), settings)
        super().__init__(paths, film_format(settings, self.footage), settings, manifest, restart=restart)
        self.footage.keeps_alpha = self.film.keeps_alpha

    def surveyed(self, survey: Survey) -> Plan:
        """Store the survey of the footage and plan the work.

        Args:
            survey: The survey.

        Raises:
            InputError: The footage has no frames.
            OutputError: The disk has no room for the film.
        """
        if not survey.times:
            raise InputError(f"{self.source}: contains no frames; check that it plays")
        self.folder.note("survey", **survey_to_record(survey, self.footage.format.time_base))
        return self._use_survey(survey)

    def _begin(self) -> None:
        super()._begin()
        record = self.folder.journal.find("survey")
        if record is not None:
            height, width = self.footage.format.height, self.footage.format.width
            self._use_survey(survey_from_record(record, self.footage.format.time_base, height, width))

    def _use_survey(self, survey: Survey) -> Plan:
        times, height, width = survey.times, survey.height, survey.width
        self.footage.frame_index = survey.frame_index or self.footage.frame_index
        in_flight = 2 * min(len(times), 2 * window_length(height, width))
        # Frames are counted as wide as the film's; dreams are stored as wide as the footage's.
        self._check_disk_space(len(times), in_flight * width // self.format.width)
        sound = self.format.sound
        if sound and self.settings.change.sound:
            last = len(times) - 1
            self.film.set_sound(replace(sound, end=times[last] + self.film.frame_duration(times, last, None)))
        self._plan = Plan(survey, self.settings)
        return self._plan


def _log_if_single(footage: FootageProtocol, settings: FootageSettings) -> None:
    """Log that slow motion has no effect on a single picture."""
    if footage.frame_count == 1 and settings.slow_motion != 1:
        log.info("%s: is a single picture, which slow motion does not change", footage.path)


def _warn_of_zoom_settings(timeline: Timeline) -> None:
    """Warn about settings of a timeline that only zooms use."""
    homes = setting_groups()
    for name in timeline.names:
        if homes[name] == "zoom":
            log.warning("%s: %s has no effect here; only the command zoom uses it", timeline.source, flag_name(name))
