"""Dreams a still image."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from framedream.config.parsing import Size
from framedream.config.settings import FootageSettings, Settings
from framedream.errors import InputError
from framedream.film.compositing import mask_paths, still_mask
from framedream.film.dreamers import dreamer_for, guide_paths
from framedream.film.film_job import check_output_path
from framedream.film.preflight import check_image_memory, check_memory
from framedream.media import (
    OnceLogger,
    check_image_name,
    check_pixels,
    keeps_alpha,
    over_black,
    read_image_info,
    read_image_with_alpha,
    resize,
    resize_with_alpha,
    write_image,
)
from framedream.render.color_matching import match_color
from framedream.render.frame_compositing import apply_mask, compare_frames, mask_opacity


def dream_image(
    source: np.ndarray | Path | str,
    target: Path | str | None = None,
    settings: Settings | None = None,
    *,
    save_octaves: Path | str | None = None,
) -> np.ndarray:
    """Dream a still image.

    Args:
        source: A file, or H×W×3 RGB in levels 0…255 of any number type.
        target: Where to write the dream, if anywhere; the suffix names the format.
        settings: Everything else. Only ``dream``, ``run``, the size and mask of ``footage``, and ``compare`` of
            ``output`` apply here.
        save_octaves: Folder that also gets the dream at each size, as ``octave-1.png``, ….

    Returns:
        The dream, H×W×3 float32, in levels 0…255.

    Raises:
        SettingsError: A setting cannot be used, such as a layer the model does not have.
        InputError: The image, its mask or the guide cannot be read, or the weights are not available.
        OutputError: The dream cannot be written.
    """
    settings = settings or Settings()
    if target is not None:
        check_image_name(Path(target))
        for file in [*mask_paths(settings), *guide_paths(settings)]:
            check_output_path(file, Path(target))
    image, alpha, depth = _read_with_alpha(source, [target], settings.footage)
    if alpha is not None and not (target is not None and keeps_alpha(Path(target))):
        image, alpha = over_black(image, alpha, _once_logger(source)), None
    mask = still_mask(settings, image.shape[1], image.shape[0])
    dreamer = dreamer_for(settings)

    def finish(dream: np.ndarray, still: np.ndarray) -> np.ndarray:
        kept = match_color(dream, still, settings.dream.color)
        return kept if mask is None else apply_mask(still, kept, mask_opacity(mask, *still.shape[:2]))

    if save_octaves is None:
        dreamed = finish(dreamer.dream(image).pixels, image)
    else:
        octaves = [finish(octave, resize(image, *octave.shape[1::-1])) for octave in dreamer.octaves(image)]
        for number, octave in enumerate(octaves, 1):
            write_image(Path(save_octaves) / f"octave-{number}.png", octave)
        dreamed = octaves[-1]
    if target is not None:
        comparison = settings.output.compare
        if alpha is not None and comparison == "side":
            alpha = np.concatenate([alpha, alpha], axis=1)
        write_image(Path(target), compare_frames(image, dreamed, comparison, Fraction(0)), alpha=alpha, depth=depth)
    return dreamed


def load_image(source: Path | str, *, size: str | Size | None = None, scale: float | None = None) -> np.ndarray:
    """Read a still image.

    Args:
        source: A file. Transparent parts become black; EXIF orientation is applied.
        size: Width and height in pixels to resize it to, as in ``"320x213"`` or ``(320, 213)``.
        scale: Factor to resize it by.

    Returns:
        H×W×3 float32, RGB, in levels 0…255.

    Raises:
        SettingsError: Size or scale is invalid.
        InputError: The file cannot be read, or does not fit in memory.
    """
    return read_at_size(source, [], FootageSettings(size=size, scale=scale))  # type: ignore[arg-type]


def read_at_size(
    source: np.ndarray | Path | str, targets: Sequence[Path | str | None], settings: FootageSettings
) -> np.ndarray:
    """Read a still image at the size of the settings.

    Args:
        source: A file, or H×W×3 RGB in levels 0…255 of any number type.
        targets: Files that will be written; None where nothing is. None of them may be the source.
        settings: The size or scale.

    Returns:
        H×W×3 float32, RGB, in levels 0…255.

    Raises:
        InputError: The file cannot be read, or does not fit in memory.
        OutputError: A target is the source itself.
    """
    image, alpha, _ = _read_with_alpha(source, targets, settings)
    return over_black(image, alpha, _once_logger(source))


def _check_memory(path: Path, settings: FootageSettings) -> None:
    """Check that the image fits in memory before its pixels are read."""
    info = read_image_info(path)
    height, width = _size(info.height, info.width, settings)
    check_image_memory(str(path), info.width, info.height)
    try:
        check_memory(1, height, width)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _read_with_alpha(
    source: np.ndarray | Path | str, targets: Sequence[Path | str | None], settings: FootageSettings
) -> tuple[np.ndarray, np.ndarray | None, int]:
    """Read a still with its alpha (None if it is opaque) and its bits per channel."""
    if isinstance(source, np.ndarray):
        try:
            check_pixels(source)
        except ValueError as error:
            raise InputError(f"the image given as an array: {error}") from None
        image, alpha, depth = np.ascontiguousarray(source, dtype=np.float32), None, 8
    else:
        for target in targets:
            if target is not None:
                check_output_path(Path(source), Path(target))
        _check_memory(Path(source), settings)
        depth = read_image_info(Path(source)).depth
        image, alpha = read_image_with_alpha(Path(source))
        alpha = None if alpha is None or alpha.min() == 255 else alpha
    height, width = _size(image.shape[0], image.shape[1], settings)
    return *resize_with_alpha(image, alpha, width, height), depth


def _once_logger(source: np.ndarray | Path | str) -> OnceLogger | None:
    return None if isinstance(source, np.ndarray) else OnceLogger(Path(source))


def _size(height: int, width: int, settings: FootageSettings) -> tuple[int, int]:
    """Height and width at which an image is dreamed."""
    if settings.size:
        return settings.size[1], settings.size[0]
    scale = settings.scale or 1
    return max(1, round(height * scale)), max(1, round(width * scale))
