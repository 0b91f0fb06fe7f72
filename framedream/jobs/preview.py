"""One frame in, many looks of it out: as one sheet, with the flags of each."""

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
"""Pictures of a strip that shows how a look moves."""


@dataclass(frozen=True, eq=False)
class PreviewCell:
    """One look of a preview.

    Attributes:
        number: Its number in the sheet, from 1.
        settings: Everything that makes it.
        flags: The words of a command line that give these settings.
        pixels: The dreamed frame, H×W×3 float32, in levels 0…255; None where the network's weights are not to be had.
        missing: Why they are not, in that case.
        moving: Frames of about a second, dreamed as a film; none unless they were asked for.
    """

    number: int
    settings: Settings
    flags: tuple[str, ...]
    pixels: np.ndarray | None = field(repr=False)
    missing: str = ""
    moving: tuple[np.ndarray, ...] = field(default=(), repr=False)


@dataclass(frozen=True, eq=False)
class Preview:
    """Looks of one frame; a notebook shows the drawing.

    Attributes:
        cells: The looks, in their order.
        is_still: Whether the source was a still.
        sheet: The drawing.
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
    """Dream one frame in many ways, and draw them as a sheet.

    Looks of one network share it, so that many take little longer than their gradient steps.

    Args:
        source: A video, a folder of images, an animated image or a still; or H×W×3 RGB in levels 0…255.
        target: Where to write the drawing, if anywhere; the suffix names the format.
        settings: Which looks, of which frame, and how they are drawn.
        preset: What all looks start from, where they are no presets themselves.
        values: Flat settings that all looks share, such as ``{"steps": 8}``. Weights belong to the network of the
            preset; with rows of presets or models to the only one that is not built in.
        progress: Called after each look, and after each frame of those that are shown moving.

    Raises:
        SettingsError: A setting cannot be used, such as a layer the model does not have.
        InputError: The source cannot be read, or weights are not to be had. With all presets, those that want such
            weights become cells that say so.
        OutputError: The drawing cannot be written.
    """
    settings = settings or PreviewSettings()
    wanted = preview_looks(settings, preset, values)  # What is misspelt is told before anything is read.
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
    asked = _numbers(settings, len(found), scene)
    frames = scene.around() if asked else []
    dreamers = SharedDreamers([look.settings for look in found], spare=ALL in settings.presets)
    moving = [number for number in asked if not dreamers.missing(found[number - 1].settings)]
    told = _Told(len(found) + len(moving) * len(frames), progress)
    cells = []
    for number, look in enumerate(found, 1):
        cells.append(_dreamed(number, look, dreamers, scene.frame))
        told.one_more()
    for number in moving:
        cells[number - 1] = _moved(cells[number - 1], dreamers, frames, told)
    sheet = _drawn(scene, cells, [cells[number - 1] for number in moving], frames, columns)
    if target is not None:
        sheet.save(target)
    return Preview(tuple(cells), scene.is_still, sheet)


def _numbers(settings: PreviewSettings, count: int, scene: PreviewScene) -> list[int]:
    """Numbers of the cells that are also shown moving."""
    if settings.best_of and scene.is_still:
        raise SettingsError(f"best_of: {scene.name} is a still; it needs a film, so give one or leave --best-of out")
    numbers = list(range(1, count + 1)) if settings.best_of == "all" else list(settings.best_of)
    for number in numbers:
        if not 1 <= number <= count:
            raise SettingsError(f"best_of: there are looks 1 to {count}; {number} is none of them")
    return numbers


@dataclass
class _Told:
    """Tells how far a preview is.

    Attributes:
        frames: Frames there are to dream.
        report: Takes what is told, if anybody does.
        done: Frames that are dreamed.
    """

    frames: int
    report: ProgressCallback | None
    done: int = 0

    def one_more(self) -> None:
        self.done += 1
        if self.report:
            self.report(Progress(self.done, self.frames, 0, 0))


def _dreamed(number: int, look: PreviewLook, dreamers: SharedDreamers, frame: np.ndarray) -> PreviewCell:
    settings, missing = look.settings, dreamers.missing(look.settings)
    if missing:
        return PreviewCell(number, settings, look.flags, None, missing)
    dream = dreamers.of(settings, *frame.shape[:2]).dream(frame, settings=settings.dream)
    return PreviewCell(number, settings, look.flags, match_color(dream.pixels, frame, settings.dream.color))


def _moved(cell: PreviewCell, dreamers: SharedDreamers, frames: Sequence[Frame], told: _Told) -> PreviewCell:
    """A cell with its film."""
    film = []
    for dream in dream_excerpt(frames, dreamers.alone(cell.settings), cell.settings):
        film.append(dream)
        told.one_more()
    return replace(cell, moving=tuple(film))


def _drawn(
    scene: PreviewScene,
    cells: Sequence[PreviewCell],
    moving: Sequence[PreviewCell],
    frames: Sequence[Frame],
    columns: int,
) -> Sheet:
    strips = [Strip("source", (), _some([frame.pixels for frame in frames]))] if frames else []
    strips += [Strip(str(cell.number), _words(cell), _some(cell.moving)) for cell in moving]
    drawn = [Cell(str(cell.number), _words(cell), cell.pixels, cell.missing) for cell in cells]
    return draw_contact_sheet(Cell("source", (), scene.frame), _about(scene), drawn, strips, columns)


def _words(cell: PreviewCell) -> list[str]:
    """What stands below a cell, as a shell takes it."""
    return [shlex.quote(word) for word in cell.flags] or ["no", "flags"]


def _some(film: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Moments of a film, from its first frame to its last."""
    places = np.linspace(0, len(film) - 1, min(_MOMENTS, len(film)))
    return [film[round(place)] for place in places]


def _about(scene: PreviewScene) -> str:
    """What stands beside the source."""
    height, width = scene.frame.shape[:2]
    kind, moment = "image", ""
    if not scene.is_still:
        kind, moment = "video", f", frame {scene.number}, at {float(scene.times[scene.number]):.2f} seconds"
    return (
        f"{scene.name}{moment}, dreamed at {width}x{height}. "
        f"Below each look stand its number and the flags that give it with the command {kind}."
    )
