"""Which reader a piece of footage needs."""

from __future__ import annotations

from pathlib import Path

from framedream.config.settings import FootageSettings
from framedream.errors import InputError
from framedream.media.frames import FootageReader
from framedream.media.read.animation_reader import AnimationReader
from framedream.media.read.footage import Footage
from framedream.media.read.frame_index import FrameIndex
from framedream.media.read.image_reader import READABLE, read_image_info
from framedream.media.read.image_sequence_reader import ImageSequenceReader, list_images
from framedream.media.read.video_reader import VideoReader


def open_footage(path: Path | str, settings: FootageSettings | None = None, seen: FrameIndex | None = None) -> Footage:
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


def is_image_footage(path: Path) -> bool:
    """Whether footage is images, whose rate is what they are given: a folder of them, or a single one.

    Raises:
        InputError: It is a damaged image.
    """
    return path.is_dir() or (path.suffix.lower() in READABLE and read_image_info(path).pictures == 1)


def _source(path: Path, settings: FootageSettings) -> FootageReader:
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder; check the name")
    if path.is_dir():
        return ImageSequenceReader(path, list_images(path), settings.fps)
    if path.suffix.lower() not in READABLE:
        return VideoReader(path)
    if read_image_info(path).pictures > 1:
        return AnimationReader(path)
    return ImageSequenceReader(path, [path], settings.fps)
