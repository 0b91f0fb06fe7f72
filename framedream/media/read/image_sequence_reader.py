"""Reads a folder of images as footage: one frame per image, in the order of the numbers in their names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path, PurePath

from framedream.errors import InputError
from framedream.media.frames import FilmFormat, Frame
from framedream.media.read.frame_index import FrameIndex, FrameIndexer
from framedream.media.read.image_reader import READABLE, ImageInfo, read_image_info, read_image_with_alpha

DEFAULT_RATE = Fraction(25)
"""Frames per second of a folder of images by default."""


class ImageSequenceReader:
    """Reads images of one size one by one.

    Args:
        path: The folder, for messages.
        images: The image files, in order.
        rate: Frames per second.

    Raises:
        InputError: There is no image, one is damaged, or their sizes differ.
    """

    def __init__(self, path: Path, images: list[Path], rate: Fraction | None = None) -> None:
        self.path = path
        self.frame_index: FrameIndex | None = None
        self.indexer: FrameIndexer | None = None
        self.frame_count = len(images)
        self._images = images
        infos = _read_same_size_infos(images)
        rate = rate or DEFAULT_RATE
        self.format = FilmFormat(
            infos[0].width,
            infos[0].height,
            rate,
            last_duration=1 / rate,
            depth=max(info.depth for info in infos),
            has_alpha=any(info.has_alpha for info in infos),
        )

    def times(self) -> Iterator[Fraction]:
        """Yield the times of all frames, in seconds, rising."""
        return (index * self.format.time_base for index in range(len(self._images)))

    def frames(self, first: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Start a new pass over the frames from index ``first`` up to, not including, ``stop``."""
        for image, time in islice(zip(self._images, self.times(), strict=True), first, stop):
            pixels, alpha = read_image_with_alpha(image)
            if pixels.shape[:2] != (self.format.height, self.format.width):
                raise InputError(f"{image}: its size changed during the run; run the same command again")
            yield Frame(pixels, time, self.format.time_base, alpha)


def list_images(folder: Path) -> list[Path]:
    """Return the images of a folder in natural order: 2 before 10.

    Raises:
        InputError: There is none, or the folder cannot be read.
    """
    try:
        names = [item for item in folder.iterdir() if item.suffix.lower() in READABLE and item.name[0] != "."]
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror}); check its permissions") from None
    images = sorted((item for item in names if item.is_file()), key=natural_key)
    if not images:
        raise InputError(f"{folder}: this folder has no images; put PNG or JPEG files there, or name another folder")
    return images


def natural_key(path: PurePath) -> tuple[list[tuple[int, int, str]], str]:
    """Return a sort key for a file name that puts 2 before 10; it is unique to the name."""
    parts = re.split(r"(\d+)", path.name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part], path.name


def _read_same_size_infos(images: list[Path]) -> list[ImageInfo]:
    infos = [read_image_info(image) for image in images]
    expected = infos[0]
    for image, info in zip(images, infos, strict=True):
        if (info.width, info.height) != (expected.width, expected.height):
            raise InputError(
                f"{image} is {info.width}x{info.height} but {images[0]} is {expected.width}x{expected.height}; "
                "scale all images of the folder to one size"
            )
    return infos
