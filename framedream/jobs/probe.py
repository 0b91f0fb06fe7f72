"""Describes footage and the film that framedream would make of it, without dreaming."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from framedream.config.settings import Settings
from framedream.errors import FramedreamError, InputError
from framedream.film.compositing import film_format
from framedream.film.plan import Plan
from framedream.film.survey import Survey, survey_footage
from framedream.media import FootageProtocol, PieceFactory, is_image_footage
from framedream.media.description import Row, describe_color, describe_file, describe_film
from framedream.media.read.image_reader import READABLE
from framedream.media.write.output_names import mirrored_name
from framedream.render.retimed_footage import open_retimed
from framedream.workers.log_capture import capture_log

_MOST_CUTS = 12
"""Most cuts that are listed."""

_INTERVAL_TOLERANCE = Fraction(1, 500)
"""Largest difference in seconds between frame intervals at a constant rate; containers round to milliseconds."""


@dataclass(frozen=True)
class Probe:
    """A description of footage.

    Attributes:
        path: The file or folder.
        times: Presentation time of each frame in seconds.
        cuts: Indices of the frames that start a new shot.
        rows: The description, as pairs of a label and text.
    """

    path: Path
    times: Sequence[Fraction]
    cuts: Sequence[int]
    rows: Sequence[Row]

    def __str__(self) -> str:
        return "\n".join([str(self.path), *(f"  {what:<10} {words}" for what, words in self.rows)])


def probe(source: Path | str, target: Path | str | None = None, settings: Settings | None = None) -> Probe:
    """Describe footage, frame by frame, and the film that framedream would make of it.

    Args:
        source: A video, an animated image, a still or a folder of images.
        target: The film it would become. Default: one of the same kind beside it.
        settings: Which part to read, and how it would be divided and written.

    Raises:
        SettingsError: A setting cannot be used.
        InputError: The footage cannot be read.
    """
    path, settings = Path(source), settings or Settings()
    name = str(target) if target is not None else _default_target(path)
    notes: list[str] = []
    with capture_log(notes, level=logging.INFO):
        footage = open_retimed(path, settings.footage)
        film = _describe_output(name, footage, settings)
        survey = survey_footage(footage, settings, lambda: None)
        if not survey.times:
            raise InputError(f"{path}: contains no frames; check that the file plays")
    rows = [
        *_describe_source(path, footage),
        *_describe_pictures(footage),
        ("times", _describe_times(survey.times, footage)),
        ("cuts", _describe_cuts(survey, settings)),
        *(("note", note.removeprefix(f"{path}: ")) for note in dict.fromkeys(notes)),
        ("would be", _describe_plan(survey, settings)),
        *film,
    ]
    return Probe(path, survey.times, survey.cuts, rows)


def _default_target(path: Path) -> str:
    named = path if path.name else path.resolve()  # As with "." and "..".
    wish = mirrored_name(named.name or "film", "images" if path.is_dir() else "video")
    return str(named.parent / f"{wish.stem}-dream{wish.suffix}")


def _describe_source(path: Path, footage: FootageProtocol) -> list[Row]:
    if path.is_dir():
        count = footage.source.frame_count
        return [("container", f"folder of {'1 image' if count == 1 else f'{count} images'}")]
    if is_image_footage(path):
        return [("container", f"{path.suffix[1:].upper()} image")]
    if path.suffix.lower() in READABLE:
        return [("container", f"animated {path.suffix[1:].upper()}")]
    return describe_file(path)


def _describe_pictures(footage: FootageProtocol) -> Iterator[Row]:
    aspect = footage.format.sample_aspect
    shape = "square pixels" if aspect == 1 else f"pixels of {aspect.numerator}:{aspect.denominator}"
    alpha = ", with alpha" if footage.format.has_alpha else ""
    yield (
        "pictures",
        f"{footage.format.width}x{footage.format.height}, upright, {shape}, {footage.format.depth} bits{alpha}",
    )
    if footage.path.suffix.lower() not in READABLE and not footage.path.is_dir():
        yield "color", describe_color(footage.format.color)


def _describe_times(times: Sequence[Fraction], footage: FootageProtocol) -> str:
    count = f"{len(times)} frame" + ("s" if len(times) != 1 else "")
    if len(times) == 1:
        return count
    words = f"{count} from {float(times[0]):.3f} to {float(times[-1]):.3f} seconds"
    steps = [later - earlier for earlier, later in itertools.pairwise(times)]
    mean = (times[-1] - times[0]) / len(steps)
    if max(steps) - min(steps) <= _INTERVAL_TOLERANCE:
        rate = footage.format.rate or 1 / mean
        exact = f" ({rate})" if rate.denominator > 1 else ""
        return f"{words}, {float(rate):.6g} a second{exact}, constant"
    apart = f"{float(min(steps)) * 1000:.1f} to {float(max(steps)) * 1000:.1f} ms apart"
    return f"{words}, {float(1 / mean):.6g} a second on average, varying: {apart}"


def _describe_cuts(survey: Survey, settings: Settings) -> str:
    if settings.motion.cuts == "none" or settings.motion.flow == "none":
        return "not looked for"
    if not survey.cuts:
        return "none"
    shown = [f"{cut}f ({float(survey.times[cut]):.2f})" for cut in survey.cuts[:_MOST_CUTS]]
    more = len(survey.cuts) - len(shown)
    return f"{len(survey.cuts)}, at {', '.join(shown)}" + (f" and {more} more" if more else "")


def _describe_plan(survey: Survey, settings: Settings) -> str:
    plan = Plan(survey, settings)
    segments = len({window.segment.first for part in plan.parts for window in part.windows})
    shots = "1 shot" if plan.shots == 1 else f"{plan.shots} shots"
    divided = "1 segment" if segments == 1 else f"{segments} segments"
    frames = "1 frame" if len(survey.times) == 1 else f"{len(survey.times)} frames"
    return f"dreamed as {frames} of {survey.width}x{survey.height}, {shots}, {divided}"


def _describe_output(name: str, footage: FootageProtocol, settings: Settings) -> list[Row]:
    """Describe the film; also set whether the footage keeps its alpha."""
    try:
        factory = PieceFactory(name, film_format(settings, footage), settings.output)
        factory.try_encoder()
        footage.keeps_alpha = factory.keeps_alpha
        return [("written", words) for words in describe_film(factory)]
    except FramedreamError as error:
        return [("refused", str(error))]
