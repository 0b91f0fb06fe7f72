"""Makes a film of an endless zoom into a still."""

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

_DEFAULT_RATE = Fraction(25)

_SECONDS_PER_STILL = 10
"""Seconds from one still to the next if no duration is given."""

_IN_FLIGHT = 50
"""Most frames that wait to be encoded."""


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
    """Zoom into a still, or from one still into the next; each frame continues the dream of the last.

    Dreamed frames are kept in a work folder, as by `framedream.dream_video`, and the same call resumes an
    interrupted run. Frames depend on each other, so one device makes the film in this process.

    Args:
        sources: One or several of: an image; a video, an animated image or a folder of images, whose
            frame at ``start`` is used; "noise", unless a file has that name.
        target: The film; its suffix names the container. A name without one, or with a
            slash at its end, is a folder of PNGs.
        settings: Everything else; see `Settings`.
        progress: Called after each frame, including frames of a transition that are dreamed in advance.
        work: The work folder. Default: beside the film, with the suffix ``.framedream``.
        restart: Discard the work folder and start over.
        stop: Called after each frame; once it returns True, the current frame is stored and the run ends.

    Returns:
        The finished film.

    Raises:
        SettingsError: A setting cannot be used, or the work folder belongs to a run with other settings.
        InputError: A source or the sound cannot be read, or the weights are not available.
        OutputError: The film cannot be written.
        LockedError: Another run is making the film.
        DeviceError: The device failed, or other runs use all devices.
        Stopped: ``stop`` returned True.
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
    """The job of making a zoom film."""

    def __init__(
        self,
        sources: Sequence[Path | str],
        target: Path | str,
        settings: Settings,
        *,
        work: Path | str | None = None,
        restart: bool = False,
    ) -> None:
        """Check everything that can fail before dreaming starts.

        Raises:
            FramedreamError: See `zoom`.
        """
        if settings.run.scheduler is not None:
            raise SettingsError(
                "scheduler: one device makes a zoom, because each frame depends on the last; leave --scheduler out"
            )
        if settings.footage.mask is not None:
            raise SettingsError("mask: a zoom has no footage to show through a mask; leave --mask out")
        check_no_comparison(settings)
        if not sources:
            raise SettingsError("zoom: no source is given; name a still, or noise")
        files = [NOISE if is_noise(source) else Path(source) for source in sources]
        paths = [file for file in files if isinstance(file, Path)]
        places = FilmPaths.of([*paths, *sound_paths(settings), *guide_paths(settings)], target, work)
        self._stills = [find_still(file, settings) for file in files]
        width, height = film_size(self._stills, settings.footage)
        check_stills(self._stills, width, height)
        rate = settings.footage.fps or _DEFAULT_RATE
        self.frames = max(2, round(_duration(len(files), settings) * rate))
        self.length = self.frames / rate
        sound = load_film_sound(settings, places.name, self.length)
        self._at = load_schedule(add_sound_follows(settings), self.length).at
        self._rate = rate
        manifest = Manifest.of(files, Path(places.name), settings, kind="zoom")
        film_format = FilmFormat(width, height, rate, sound=sound)
        super().__init__(places, film_format, settings, manifest, restart=restart)

    def _begin(self) -> None:
        super()._begin()
        self._check_disk_space(self.frames, self._in_flight)
        times = [number / self._rate for number in range(self.frames)]
        self._plan = Plan(Survey(times, [], self.format.height, self.format.width), self.settings, is_chain=True)

    @property
    def _in_flight(self) -> int:
        """Most frames stored at once, apart from those of transitions."""
        return min(self.frames, _IN_FLIGHT) + len(self._stills)

    def render(self, windows: Sequence[Window]) -> Generator[Frame | None]:
        """Render adjacent windows; yields None for each frame that is dreamed in advance."""
        width, height, rate = self.format.width, self.format.height, self._rate
        dreamer, at = dreamer_for(self.settings), self._at
        camera_path = CameraPath(lambda seconds: at(seconds).zoom, width, height, self.length)
        stills = [still.read(width, height) for still in self._stills]
        spec = ZoomSpec(stills, self.frames, rate, camera_path, self.settings.zoom.loop)
        longest = max(each.end - each.first if each else 0 for each in spec.padded_frame.transitions)
        self._check_disk_space(self.frames, self._in_flight + longest)
        return render_zoom(
            spec, windows[0].first, windows[-1].stop, dreamer, lambda number: at(number / rate), self.folder
        )


def _duration(stills: int, settings: Settings) -> Fraction:
    """Duration of a zoom in seconds, before rounding to whole frames."""
    if settings.zoom.duration is not None:
        return settings.zoom.duration
    if settings.change.sound is not None:
        return Loudness.of(settings.change.sound).duration
    return Fraction(_SECONDS_PER_STILL * max(1, stills if settings.zoom.loop else stills - 1))
