"""Compositing of a film's frames: dreams seen through a mask, and beside their footage."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from framedream.config.settings import FootageSettings, Settings
from framedream.errors import SettingsError
from framedream.film.preflight import check_image_memory
from framedream.media import (
    FilmFormat,
    Footage,
    FootageProtocol,
    Frame,
    FrameIndex,
    OnceLogger,
    SyncedReader,
    open_footage,
)
from framedream.render.frame_compositing import Compose, apply_mask, comparison_of, mask_opacity

log = logging.getLogger(__name__)

DreamedFrames = Generator[Frame | None]

_ASPECT_TOLERANCE = 0.01
"""Relative difference of two aspect ratios that rounded sizes may cause."""


def mask_paths(settings: Settings) -> list[Path]:
    """The mask file of the settings, as a list of at most one path."""
    return [settings.footage.mask] if settings.footage.mask else []


def open_mask(
    settings: Settings, rate: Fraction | None = None, frame_index: FrameIndex | None = None
) -> Footage | None:
    """Open the mask as footage; None if the settings name none.

    Args:
        settings: The settings that name the mask.
        rate: Frames per second of a folder of images: the rate of the footage.
        frame_index: The index of the mask's frames, if an earlier pass made one.

    Raises:
        InputError: The mask is missing, cannot be read, or does not fit into memory.
    """
    path = settings.footage.mask
    if path is None:
        return None
    mask = open_footage(path, FootageSettings(fps=rate), frame_index)
    check_image_memory(str(path), mask.format.width, mask.format.height)
    return mask


def check_mask(settings: Settings, footage: FootageProtocol) -> None:
    """Check that the mask of a film can be read; log a note if it will be stretched.

    Raises:
        InputError: The mask is missing, cannot be read, or does not fit into memory.
    """
    mask = open_mask(settings, footage.source.format.rate)
    if mask is not None:
        _log_if_stretched(mask, footage.format.width * float(footage.format.sample_aspect), footage.format.height)


def check_masks(several: Iterable[Settings]) -> None:
    """Check that the masks of a batch can be read, each mask once.

    Raises:
        InputError: A mask is missing, cannot be read, or does not fit into memory.
    """
    for settings in {settings.footage.mask: settings for settings in several}.values():
        open_mask(settings)


def still_mask(settings: Settings, width: int, height: int) -> np.ndarray | None:
    """Read the mask of a still; of a moving mask, the first frame.

    Args:
        settings: The settings that name the mask.
        width: Width of the still in pixels.
        height: Height of the still in pixels.

    Returns:
        H×W×3 RGB in levels 0…255, at the mask's own size; None if the settings name no mask.

    Raises:
        InputError: The mask is missing, cannot be read, or does not fit into memory.
    """
    mask = open_mask(settings)
    if mask is None:
        return None
    _log_if_stretched(mask, width, height)
    with closing(mask.frames()) as frames:
        return next(frames).pixels


def frame_compositor(
    settings: Settings, footage: FootageProtocol, mask_index: FrameIndex | None = None
) -> Callable[[Callable[..., DreamedFrames]], DreamedFrames]:
    """Make the function that turns dreams of footage into the frames of its film.

    Args:
        settings: The settings that name the mask and the comparison.
        footage: The footage that is dreamed.
        mask_index: The index of the mask's frames, if an earlier pass made one.

    Returns:
        A function that takes a renderer of neighbouring frames, calls it with the compositing of one
        frame (``compose``, see `framedream.render.video.video_renderer.render_footage`), and yields the
        film's frames.

    Raises:
        InputError: The mask is missing, cannot be read, or does not fit into memory.
    """
    compare = comparison_of(settings.output.compare)
    mask = open_mask(settings, footage.source.format.rate, mask_index)
    if mask is None:
        return lambda render: render(compose=compare)
    notes = OnceLogger(mask.path)

    def render_masked(render: Callable[..., DreamedFrames]) -> DreamedFrames:
        with closing(SyncedReader(mask, notes)) as mask_frames:
            see_through_mask = _mask_frame(mask_frames, footage)
            yield from render(compose=lambda frame, dream: compare(frame, see_through_mask(frame, dream)))

    return render_masked


def film_format(settings: Settings, footage: FootageProtocol) -> FilmFormat:
    """Return the format of the film: that of the footage, twice as wide if both are shown side by side."""
    widened = 2 if settings.output.compare == "side" else 1
    return replace(footage.format, width=widened * footage.format.width)


def check_no_comparison(settings: Settings) -> None:
    """Check that no comparison is requested, for films that have no footage.

    Raises:
        SettingsError: A comparison is requested.
    """
    if settings.output.compare != "none":
        raise SettingsError("compare: a zoom has no footage to compare it with; leave --compare out")


def _mask_frame(mask_frames: SyncedReader, footage: FootageProtocol) -> Compose:
    latest: Frame | None = None
    opacity = np.zeros(0, np.float32)

    def apply(frame: Frame, dream: Frame) -> Frame:
        nonlocal latest, opacity
        mask = mask_frames.at(footage.footage_time(frame.time))
        if mask is not latest:
            latest, opacity = mask, mask_opacity(mask.pixels, *frame.pixels.shape[:2])
        return replace(dream, pixels=apply_mask(frame.pixels, dream.pixels, opacity))

    return apply


def _log_if_stretched(mask: Footage, width: float, height: float) -> None:
    aspect = mask.format.width * float(mask.format.sample_aspect) / mask.format.height
    if abs(aspect * height / width - 1) > _ASPECT_TOLERANCE:
        log.info(
            "%s: the mask, %dx%d, is stretched to the shape of the picture, %.0fx%.0f",
            *(mask.path, mask.format.width, mask.format.height, width, height),
        )
