"""A still in, a dreamed still out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from framedream.errors import InputError
from framedream.jobs.video import check_apart
from framedream.media import check_image_name, check_pixels, read_image, resize, write_image
from framedream.render.color import kept_color
from framedream.settings import FootageSettings, Settings


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
        settings: Everything else; only ``dream``, ``run`` and the size of ``footage`` count here.
        save_octaves: Folder that also gets the dream at each size, as ``octave-1.png``, ….

    Returns:
        The dream, H×W×3 float32, in levels 0…255.

    Raises:
        SettingsError: A setting cannot be used, such as a layer the model does not have.
        InputError: The image cannot be read, or the weights are not to be had.
        OutputError: The dream cannot be written.
    """
    settings = settings or Settings()
    if target is not None:
        check_image_name(Path(target))
    image = _sized(_read(source, target), settings.footage)
    from framedream.dream.dreamer import Dreamer
    from framedream.dream.runtime import use_threads

    use_threads(settings.run.threads)
    dreamer = Dreamer(settings.dream)
    if save_octaves is None:
        dreamed = kept_color(dreamer.dream(image).pixels, image, settings.dream.color)
    else:
        octaves = [
            kept_color(octave, resize(image, *octave.shape[1::-1]), settings.dream.color)
            for octave in dreamer.octaves(image)
        ]
        for number, octave in enumerate(octaves, 1):
            write_image(Path(save_octaves) / f"octave-{number}.png", octave)
        dreamed = octaves[-1]
    if target is not None:
        write_image(Path(target), dreamed)
    return dreamed


def _read(source: np.ndarray | Path | str, target: Path | str | None) -> np.ndarray:
    if isinstance(source, np.ndarray):
        try:
            check_pixels(source)
        except ValueError as error:
            raise InputError(f"the image given as an array: {error}") from None
        return np.ascontiguousarray(source, dtype=np.float32)
    if target is not None:
        check_apart(Path(source), Path(target))
    return read_image(Path(source))


def _sized(image: np.ndarray, settings: FootageSettings) -> np.ndarray:
    height, width = image.shape[:2]
    if settings.size:
        return resize(image, *settings.size)
    if settings.scale:
        return resize(image, max(1, round(width * settings.scale)), max(1, round(height * settings.scale)))
    return image
