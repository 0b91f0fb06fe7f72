"""Which reader a piece of footage needs."""

from __future__ import annotations

from pathlib import Path

from framedream.errors import InputError
from framedream.media.animation import AnimationSource
from framedream.media.folder import ImagesSource, images_in
from framedream.media.footage import Footage
from framedream.media.frames import Source
from framedream.media.seen import Seen
from framedream.media.stills import READABLE, look_at_image
from framedream.media.video import VideoSource
from framedream.settings import FootageSettings


def open_footage(path: Path | str, settings: FootageSettings | None = None, seen: Seen | None = None) -> Footage:
    """Open a video, an animated image, a still image or a folder of images.

    Args:
        path: The file or folder.
        settings: Which part of it is taken, and at what size. Default: all, as it is.
        seen: What footage of the same part has seen of it, so that it need not be looked through again.

    Raises:
        InputError: It is missing, empty, damaged beyond reading, or no footage.
    """
    path, settings = Path(path), settings or FootageSettings()
    return Footage(_source(path, settings), settings, seen)


def is_images(path: Path) -> bool:
    """Whether footage is images, whose rate is what they are given: a folder of them, or a single one.

    Raises:
        InputError: It is a damaged image.
    """
    return path.is_dir() or (path.suffix.lower() in READABLE and look_at_image(path).pictures == 1)


def _source(path: Path, settings: FootageSettings) -> Source:
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder; check the name")
    if path.is_dir():
        return ImagesSource(path, images_in(path), settings.fps)
    if path.suffix.lower() not in READABLE:
        return VideoSource(path)
    if look_at_image(path).pictures > 1:
        return AnimationSource(path)
    return ImagesSource(path, [path], settings.fps)
