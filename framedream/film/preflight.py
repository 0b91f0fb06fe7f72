"""What can be known to fail before the first hour is spent."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from framedream.config.machine import total_memory
from framedream.errors import InputError, OutputError
from framedream.media import is_folder_output
from framedream.render.video.windows import window_length

log = logging.getLogger(__name__)

_STORED = 10
"""Bytes a pixel of a stored frame takes: a dream in 16 bits a channel, its maturity, what it was changed by."""

_ENCODED, _PNG = 0.2, 2.5
"""Bytes a pixel of an encoded frame takes, about: in a film, in a PNG."""

_SURE = 0.5
"""Share of the estimate for encoded frames without which a run is not begun."""


_SEEN, _DREAMED, _KEPT, _READ = 19, 200, 12, 40
"""Bytes of memory a pixel takes, about: in each frame that is looked at, in the one that is dreamed, in a still
that is kept, in an image while it is read and brought to another size."""


def check_memory(frames: int, height: int, width: int, *, kept: int = 0) -> None:
    """See that frames fit the memory, even if they are dreamed in tiles.

    Args:
        frames: Number of frames.
        height: Height of a frame in pixels.
        width: Width of a frame in pixels.
        kept: Number of stills that are kept besides.

    Raises:
        InputError: They do not; says how much is needed.
    """
    need = height * width * (min(frames, window_length(height, width) + 9) * _SEEN + _DREAMED + kept * _KEPT)
    if need > total_memory():
        raise InputError(
            f"frames of {width}x{height} need about {_size(need)} of memory, and this machine has "
            f"{_size(total_memory())}; dream them smaller with --scale or --size"
        )


def check_image_memory(name: str, width: int, height: int) -> None:
    """See that an image fits the memory while it is read.

    Args:
        name: What messages call it.
        width: Its width in pixels.
        height: Its height in pixels.

    Raises:
        InputError: It does not; says how much is needed.
    """
    need = height * width * _READ
    if need > total_memory():
        raise InputError(
            f"{name}: an image of {width}x{height} needs about {_size(need)} of memory to be read, and this machine "
            f"has {_size(total_memory())}; make a smaller copy of it"
        )


def check_disk_space(work: Path, target: Path, frames: int, height: int, width: int, in_flight: int) -> None:
    """See that there is room for a film on the disks of its work folder and its output.

    Counted are the frames in flight, the encoded pieces and the film that is put together of them.

    Args:
        work: The work folder; what it holds counts as room.
        target: The output.
        frames: Number of frames.
        height: Height of a frame in pixels.
        width: Width of a frame in pixels.
        in_flight: Frames that are stored at once until they are encoded, at most.

    Raises:
        OutputError: There is far too little room; says how much is needed.
    """
    pixels = height * width
    encoded = estimate_film_bytes(target, frames, height, width)
    held = sum(item.stat().st_size for item in work.rglob("*") if item.is_file())
    one_disk = work.stat().st_dev == target.parent.stat().st_dev
    _check_free(target, work, in_flight * pixels * _STORED - held, encoded * (2 if one_disk else 1))
    if not one_disk:
        _check_free(target, target.parent, 0, encoded)


def estimate_film_bytes(target: Path, frames: int, height: int, width: int) -> float:
    """Bytes that a film will have, about."""
    return frames * height * width * (_PNG if is_folder_output(str(target)) else _ENCODED)


def warn_if_disk_is_short(place: Path, need: float) -> None:
    """Say beforehand if a batch will probably not find room for all of its films.

    Args:
        place: Where they go.
        need: Bytes that they will have, about.
    """
    free = shutil.disk_usage(place).free
    if free < need:
        log.warning(
            "%s: all films need about %s, and %s are free; make room meanwhile, or what finds none will fail",
            *(place, _size(need), _size(free)),
        )


def _check_free(target: Path, place: Path, sure: float, guessed: float) -> None:
    free = shutil.disk_usage(place).free
    if free < sure + _SURE * guessed:
        raise OutputError(
            f"{target}: needs about {_size(sure + guessed)} on the disk of {place}, and {_size(free)} are free; "
            "make room, or give --work a place on another disk"
        )


def _size(amount: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
