"""What a film shows of its dreams: all of them, what a mask lets through, or both beside their footage."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from framedream.config.settings import FootageSettings, Settings
from framedream.errors import SettingsError
from framedream.film.preflight import check_image_memory
from framedream.media import (
    ColorTags,
    FilmProperties,
    Footage,
    FootageProtocol,
    Frame,
    FrameIndex,
    OnceLogger,
    Sound,
    SyncedReader,
    TimeRange,
    open_footage,
)
from framedream.render.frame_compositing import Compose, apply_mask, comparison_of, mask_opacity

log = logging.getLogger(__name__)

DreamedFrames = Generator[Frame | None]

_ALIKE = 0.01
"""Difference of two aspect ratios, as a share, that is that of rounded sizes."""


def mask_paths(settings: Settings) -> list[Path]:
    """The mask that is named, if one is."""
    return [settings.footage.mask] if settings.footage.mask else []


def open_mask(settings: Settings, rate: Fraction | None = None, seen: FrameIndex | None = None) -> Footage | None:
    """The mask as footage, if one is named.

    Args:
        settings: What names it.
        rate: Frames per second of a folder of images: those of the footage.
        seen: What was seen of it before.

    Raises:
        InputError: It is missing, cannot be read, or does not fit the memory.
    """
    path = settings.footage.mask
    if path is None:
        return None
    mask = open_footage(path, FootageSettings(fps=rate), seen)
    check_image_memory(str(path), mask.width, mask.height)
    return mask


def check_mask(settings: Settings, footage: FootageProtocol) -> None:
    """See that the mask of a film can be read; say so if it is stretched.

    Raises:
        InputError: It is missing, cannot be read, or does not fit the memory.
    """
    mask = open_mask(settings, footage.source.rate)
    if mask is not None:
        _tell_if_stretched(mask, footage.width * float(footage.sample_aspect), footage.height)


def check_masks(several: Iterable[Settings]) -> None:
    """See that the masks of a batch can be read.

    Raises:
        InputError: One is missing, cannot be read, or does not fit the memory.
    """
    for settings in {settings.footage.mask: settings for settings in several}.values():
        open_mask(settings)


def still_mask(settings: Settings, width: int, height: int) -> np.ndarray | None:
    """The mask of a still, of a film its first frame: H×W×3 RGB in levels 0…255, of its own size.

    Args:
        settings: What names it.
        width: Width of the still in pixels.
        height: Height of the still in pixels.

    Raises:
        InputError: It is missing, cannot be read, or does not fit the memory.
    """
    mask = open_mask(settings)
    if mask is None:
        return None
    _tell_if_stretched(mask, width, height)
    with closing(mask.frames()) as frames:
        return next(frames).pixels


def masked_composer(
    mask: Footage | None, footage: FootageProtocol, show: Compose
) -> Callable[[Callable[..., DreamedFrames]], DreamedFrames]:
    """What shows dreams of footage through a mask.

    Args:
        mask: The mask, in step with the whole footage; None shows dreams as they are.
        footage: What is dreamed of.
        show: What is shown of a frame and of what is seen of its dream through the mask.

    Returns:
        Takes what dreams neighbouring frames, given what is to be shown of them (``compose``, see
        `framedream.render.video.video_renderer.render_footage`), and gives the frames that are shown.
    """
    if mask is None:
        return lambda dream: dream(compose=show)
    notes = OnceLogger(mask.path)

    def shown(dream: Callable[..., DreamedFrames]) -> DreamedFrames:
        with closing(SyncedReader(mask, notes)) as pictures:
            through_mask = _showing(pictures, footage)
            yield from dream(compose=lambda frame, dreamed: show(frame, through_mask(frame, dreamed)))

    return shown


def _showing(pictures: SyncedReader, footage: FootageProtocol) -> Compose:
    known: Frame | None = None
    strength = np.zeros(0, np.float32)

    def show(frame: Frame, dream: Frame) -> Frame:
        nonlocal known, strength
        picture = pictures.at(footage.moment(frame.time))
        if picture is not known:
            known, strength = picture, mask_opacity(picture.pixels, *frame.pixels.shape[:2])
        return replace(dream, pixels=apply_mask(frame.pixels, dream.pixels, strength))

    return show


def _tell_if_stretched(mask: Footage, width: float, height: float) -> None:
    own = mask.width * float(mask.sample_aspect) / mask.height
    if abs(own * height / width - 1) > _ALIKE:
        log.info(
            "%s: the mask, %dx%d, is stretched to the shape of the picture, %.0fx%.0f",
            *(mask.path, mask.width, mask.height, width, height),
        )


def composed_frames(
    settings: Settings, footage: FootageProtocol, mask_seen: FrameIndex | None = None
) -> Callable[[Callable[..., DreamedFrames]], DreamedFrames]:
    """What makes of footage's dreams the frames of the film.

    Args:
        settings: What names the mask, and how both are compared.
        footage: What is dreamed of.
        mask_seen: What was seen of the mask before.

    Returns:
        See `framedream.film.compositing.masked_composer`.
    """
    return masked_composer(
        open_mask(settings, footage.source.rate, mask_seen), footage, comparison_of(settings.output.compare)
    )


def film_properties(settings: Settings, footage: FootageProtocol) -> FilmProperties:
    """The form of footage's film: that of the footage, or twice as wide where both are seen side by side.

    Args:
        settings: How they are compared.
        footage: What is dreamed of; what becomes of its sound later holds for the film too.
    """
    return _TwiceAsWide(footage) if settings.output.compare == "side" else footage


def check_no_comparison(settings: Settings) -> None:
    """See that nothing is to be compared with footage where there is none.

    Raises:
        SettingsError: Something is.
    """
    if settings.output.compare != "none":
        raise SettingsError("compare: a zoom has no footage that it could be compared with; leave it out")


@dataclass(frozen=True)
class _TwiceAsWide:
    footage: FootageProtocol

    @property
    def width(self) -> int:
        return 2 * self.footage.width

    @property
    def height(self) -> int:
        return self.footage.height

    @property
    def rate(self) -> Fraction | None:
        return self.footage.rate

    @property
    def time_base(self) -> Fraction:
        return self.footage.time_base

    @property
    def sample_aspect(self) -> Fraction:
        return self.footage.sample_aspect

    @property
    def color(self) -> ColorTags:
        return self.footage.color

    @property
    def depth(self) -> int:
        return self.footage.depth

    @property
    def has_alpha(self) -> bool:
        return self.footage.has_alpha

    @property
    def extras(self) -> TimeRange | None:
        return self.footage.extras

    @property
    def sound(self) -> Sound | None:
        return self.footage.sound

    @property
    def last_duration(self) -> Fraction | None:
        return self.footage.last_duration
