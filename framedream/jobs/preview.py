"""Dreams one frame with many settings and draws them on one sheet."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from framedream.config.presets import DEFAULT
from framedream.config.preview_settings import PreviewSettings
from framedream.config.settings import Settings
from framedream.errors import SettingsError
from framedream.film.dreamers import SharedDreamers
from framedream.film.film_job import check_output_path
from framedream.film.progress import Progress, ProgressCallback
from framedream.jobs.preview_looks import ALL, PreviewLook, default_columns, preview_looks
from framedream.jobs.preview_scene import PreviewScene, dream_excerpt
from framedream.media import Frame, check_image_name
from framedream.media.atomic_files import prepare_output
from framedream.render.color_matching import match_color
from framedream.reports.contact_sheet import Cell, Strip, check_fits, draw_contact_sheet
from framedream.reports.sheet import Sheet

_MOMENTS = 6
"""Frames in a strip of a moving look."""


@dataclass(frozen=True, eq=False)
class PreviewCell:
    """One look of a preview.

    Attributes:
        number: Its number in the sheet, from 1.
        settings: All its settings.
        flags: The command-line arguments that give these settings.
        pixels: The dreamed frame, H×W×3 float32, in levels 0…255; None where weights are missing.
        missing: Why the weights are missing, if they are.
        moving: About a second of frames, dreamed as a film; empty unless requested.
    """

    number: int
    settings: Settings
    flags: tuple[str, ...]
    pixels: np.ndarray | None = field(repr=False)
    missing: str = ""
    moving: tuple[np.ndarray, ...] = field(default=(), repr=False)


@dataclass(frozen=True, eq=False)
class Preview:
    """Looks of one frame; a notebook shows the sheet.

    Attributes:
        cells: The looks, in order.
        is_still: Whether the source was a still.
        sheet: The drawn sheet.
    """

    cells: tuple[PreviewCell, ...]
    is_still: bool
    sheet: Sheet

    def _repr_png_(self) -> bytes:
        return self.sheet._repr_png_()


def preview(
    source: np.ndarray | Path | str,
    target: Path | str | None = None,
    settings: PreviewSettings | None = None,
    preset: str = DEFAULT,
    values: Mapping[str, Any] | None = None,
    *,
    progress: ProgressCallback | None = None,
) -> Preview:
    """Dream one frame with many settings and draw the results on a sheet.

    Looks with the same network share it.

    Args:
        source: A video, a folder of images, an animated image or a still; or H×W×3 RGB in levels 0…255.
        target: Where to write the sheet, if anywhere; the suffix names the format.
        settings: Which looks of which frame, and how the sheet is drawn.
        preset: The preset that all looks start from, unless rows are presets.
        values: Flat settings that all looks share, such as ``{"steps": 8}``. ``weights`` applies to the network of
            the preset, or with rows of presets or models to the only network that is not built in.
        progress: Called after each look and each frame of moving looks.

    Raises:
        SettingsError: A setting cannot be used, such as a layer the model does not have.
        InputError: The source cannot be read, or weights are not available. With all presets, those without
            weights become cells that say so.
        OutputError: The sheet cannot be written.
    """
    settings = settings or PreviewSettings()
    wanted = preview_looks(settings, preset, values)  # Fails on misspelled names before anything is read.
    if target is not None:
        check_image_name(Path(target))
        for guide in {look.settings.dream.guide for look in wanted}:
            if guide is not None:
                check_output_path(guide, Path(target))
    scene = PreviewScene.of(source, target, settings.width, settings.start)
    found = preview_looks(settings, preset, values, is_still=scene.is_still)
    columns, (height, width) = settings.columns or default_columns(settings), scene.frame.shape[:2]
    check_fits(width, height, len(found), columns)
    if target is not None:
        prepare_output(Path(target))
    asked = _moving_numbers(settings, len(found), scene)
    frames = scene.around() if asked else []
    dreamers = SharedDreamers([look.settings for look in found], spare=ALL in settings.presets)
    moving = [number for number in asked if not dreamers.missing(found[number - 1].settings)]
    reporter = _ProgressReporter(len(found) + len(moving) * len(frames), progress)
    cells = []
    for number, look in enumerate(found, 1):
        cells.append(_dream_look(number, look, dreamers, scene.frame))
        reporter.advance()
    for number in moving:
        cells[number - 1] = _animate_cell(cells[number - 1], dreamers, frames, reporter)
    sheet = _draw_sheet(scene, cells, [cells[number - 1] for number in moving], frames, columns)
    if target is not None:
        sheet.save(target)
    return Preview(tuple(cells), scene.is_still, sheet)


def _moving_numbers(settings: PreviewSettings, count: int, scene: PreviewScene) -> list[int]:
    """Numbers of the cells to show moving."""
    if settings.best_of and scene.is_still:
        raise SettingsError(f"best_of: {scene.name} is a still image; give a video, or leave --best-of out")
    numbers = list(range(1, count + 1)) if settings.best_of == "all" else list(settings.best_of)
    for number in numbers:
        if not 1 <= number <= count:
            raise SettingsError(f"best_of: look {number} does not exist; choose from 1 to {count}")
    return numbers


@dataclass
class _ProgressReporter:
    """Reports the progress of a preview.

    Attributes:
        frames: Frames to dream in all.
        report: Called with the progress, if given.
        done: Frames dreamed.
    """

    frames: int
    report: ProgressCallback | None
    done: int = 0

    def advance(self) -> None:
        self.done += 1
        if self.report:
            self.report(Progress(self.done, self.frames, 0, 0))


def _dream_look(number: int, look: PreviewLook, dreamers: SharedDreamers, frame: np.ndarray) -> PreviewCell:
    settings, missing = look.settings, dreamers.missing(look.settings)
    if missing:
        return PreviewCell(number, settings, look.flags, None, missing)
    dream = dreamers.of(settings, *frame.shape[:2]).dream(frame, settings=settings.dream)
    return PreviewCell(number, settings, look.flags, match_color(dream.pixels, frame, settings.dream.color))


def _animate_cell(
    cell: PreviewCell, dreamers: SharedDreamers, frames: Sequence[Frame], reporter: _ProgressReporter
) -> PreviewCell:
    """Add the moving frames to a cell."""
    film = []
    for dream in dream_excerpt(frames, dreamers.alone(cell.settings), cell.settings):
        film.append(dream)
        reporter.advance()
    return replace(cell, moving=tuple(film))


def _draw_sheet(
    scene: PreviewScene,
    cells: Sequence[PreviewCell],
    moving: Sequence[PreviewCell],
    frames: Sequence[Frame],
    columns: int,
) -> Sheet:
    strips = [Strip("source", (), _sample_frames([frame.pixels for frame in frames]))] if frames else []
    strips += [Strip(str(cell.number), _caption(cell), _sample_frames(cell.moving)) for cell in moving]
    drawn = [Cell(str(cell.number), _caption(cell), cell.pixels, cell.missing) for cell in cells]
    return draw_contact_sheet(Cell("source", (), scene.frame), _describe_scene(scene), drawn, strips, columns)


def _caption(cell: PreviewCell) -> list[str]:
    """The caption of a cell, quoted for a shell."""
    return [shlex.quote(word) for word in cell.flags] or ["no", "flags"]


def _sample_frames(film: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Evenly spaced frames, the first and last included."""
    places = np.linspace(0, len(film) - 1, min(_MOMENTS, len(film)))
    return [film[round(place)] for place in places]


def _describe_scene(scene: PreviewScene) -> str:
    """The text beside the source."""
    height, width = scene.frame.shape[:2]
    kind, moment = "image", ""
    if not scene.is_still:
        kind, moment = "video", f", frame {scene.number}, at {float(scene.times[scene.number]):.2f} seconds"
    return (
        f"{scene.name}{moment}, dreamed at {width}x{height}. "
        f"Each look has its number and its flags for framedream {kind} below it."
    )
