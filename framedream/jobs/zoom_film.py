"""A still in, a film of an endless fall into it out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Sequence
from fractions import Fraction
from pathlib import Path

from framedream.config.settings import Settings
from framedream.errors import SettingsError
from framedream.film.compositing import check_no_comparison
from framedream.film.dreamers import dreamer_for, guide_paths
from framedream.film.film_job import FilmJob, FilmPaths
from framedream.film.local_runner import Film, LocalRunner
from framedream.film.plan import Plan
from framedream.film.progress import ProgressCallback
from framedream.film.schedule_loading import add_sound_follows, load_film_sound, load_schedule, sound_paths
from framedream.film.survey import Survey
from framedream.jobs.zoom_stills import NOISE, check_stills, film_size, find_still, is_noise
from framedream.media import FilmFormat, Frame, Loudness
from framedream.render.video.windows import Window
from framedream.render.zoom.camera_path import CameraPath
from framedream.render.zoom.zoom_renderer import render_zoom
from framedream.render.zoom.zoom_spec import ZoomSpec
from framedream.store.manifest import Manifest
from framedream.workers.worker_pool import become_worker

_USUAL_RATE = Fraction(25)

_PASSAGE = 10
"""Seconds from one still to the next, where no length is asked for."""

_IN_FLIGHT = 50
"""Frames that wait for being encoded, at most."""


def zoom(
    sources: Path | str | Sequence[Path | str],
    target: Path | str,
    settings: Settings | None = None,
    *,
    progress: ProgressCallback | None = None,
    work: Path | str | None = None,
    restart: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> Film:
    """Fall into a still, or from one into the next: every frame is dreamed on from the one before it.

    Dreamed frames are kept in a work folder, as by `framedream.dream_video`, and the same call goes on
    where another one ended. A zoom is one chain of frames: one device makes it, in this process.

    Args:
        sources: One or several of: an image; a video, an animated image or a folder of images, of which
            the frame at ``start`` is taken; "noise", where there is no file of that name.
        target: The film; its suffix names the container. A name without one, or with a
            slash at its end, is a folder of PNGs.
        settings: Everything else; see `Settings`.
        progress: Called after each frame, and after each that is dreamed beforehand.
        work: The work folder. Default: beside the film, with the suffix ``.framedream``.
        restart: Begin anew, whatever the work folder holds.
        stop: Asked after each frame; once it says True, the frame in hand is stored and the run ends.

    Returns:
        The finished film.

    Raises:
        SettingsError: A setting cannot be used, or the work folder was begun with others.
        InputError: A source or the sound cannot be read, or the weights are not to be had.
        OutputError: The film cannot be written.
        LockedError: Another run is making the film.
        DeviceError: The device failed, or other runs work on all.
        Stopped: ``stop`` said so.
    """
    began = time.monotonic()
    several = [sources] if isinstance(sources, str | os.PathLike) else list(sources)
    with ZoomJob(several, target, settings or Settings(), work=work, restart=restart) as job:
        if job.finished is None:
            become_worker(job.settings.run)
            LocalRunner(job, stop, progress).make(job.render, is_carried=True)
        assert job.finished is not None
        made = Film(job.path, *job.finished, time.monotonic() - began)
        job.folder.remove()
    return made


class ZoomJob(FilmJob):
    """A zoom in the making."""

    def __init__(
        self,
        sources: Sequence[Path | str],
        target: Path | str,
        settings: Settings,
        *,
        work: Path | str | None = None,
        restart: bool = False,
    ) -> None:
        """Look at everything that can be known to fail before the first hour is spent.

        Raises:
            FramedreamError: See `zoom`.
        """
        if settings.run.scheduler is not None:
            raise SettingsError("scheduler: a zoom is one chain of frames, which one device makes; leave it out")
        if settings.footage.mask is not None:
            raise SettingsError("mask: a zoom has no footage that could be seen through one; leave it out")
        check_no_comparison(settings)
        if not sources:
            raise SettingsError("a zoom needs something to fall into; name a still, or noise")
        files = [NOISE if is_noise(source) else Path(source) for source in sources]
        paths = [file for file in files if isinstance(file, Path)]
        places = FilmPaths.of([*paths, *sound_paths(settings), *guide_paths(settings)], target, work)
        self._stills = [find_still(file, settings) for file in files]
        width, height = film_size(self._stills, settings.footage)
        check_stills(self._stills, width, height)
        rate = settings.footage.fps or _USUAL_RATE
        self.frames = max(2, round(_length(len(files), settings) * rate))
        self.length = self.frames / rate
        sound = load_film_sound(settings, places.name, self.length)
        self._at = load_schedule(add_sound_follows(settings), self.length).at
        self.form = FilmFormat(width, height, rate, sound=sound)
        manifest = Manifest.of(files, Path(places.name), settings, kind="zoom")
        super().__init__(places, self.form, settings, manifest, restart=restart)

    def _begin(self) -> None:
        super()._begin()
        self._check_disk_space(self.frames, self._in_flight)
        times = [number / self.form.rate for number in range(self.frames)]
        self._plan = Plan(Survey(times, [], self.form.height, self.form.width), self.settings, is_chain=True)

    @property
    def _in_flight(self) -> int:
        """Frames that are stored at once, at most, besides those of what is turned into."""
        return min(self.frames, _IN_FLIGHT) + len(self._stills)

    def render(self, windows: Sequence[Window]) -> Generator[Frame | None]:
        """The dreamed frames of neighbouring windows; None for every frame that is dreamed beforehand."""
        width, height, rate = self.form.width, self.form.height, self.form.rate
        dreamer, at = dreamer_for(self.settings), self._at
        camera_path = CameraPath(lambda seconds: at(seconds).zoom, width, height, self.length)
        stills = [still.read(width, height) for still in self._stills]
        spec = ZoomSpec(stills, self.frames, rate, camera_path, self.settings.zoom.loop)
        longest = max(each.end - each.first if each else 0 for each in spec.padded_frame.transitions)
        self._check_disk_space(self.frames, self._in_flight + longest)
        return render_zoom(
            spec, windows[0].first, windows[-1].stop, dreamer, lambda number: at(number / rate), self.folder
        )


def _length(stills: int, settings: Settings) -> Fraction:
    """Seconds of a zoom, before it is brought to whole frames."""
    if settings.zoom.duration is not None:
        return settings.zoom.duration
    if settings.change.sound is not None:
        return Loudness.of(settings.change.sound).duration
    return Fraction(_PASSAGE * max(1, stills if settings.zoom.loop else stills - 1))
