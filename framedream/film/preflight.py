"""Checks of memory and disk space before a job starts."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from framedream.config.machine import total_memory
from framedream.errors import InputError, OutputError
from framedream.media import is_folder_output
from framedream.render.video.windows import window_length

log = logging.getLogger(__name__)

_STORED_BYTES = 10
"""Bytes per pixel of a stored frame: the dream in 16 bits a channel, its age, and its last change."""

_ENCODED_BYTES, _PNG_BYTES = 0.2, 2.5
"""Approximate bytes per pixel of an encoded frame: in a film, in a PNG."""

_REQUIRED_SHARE = 0.5
"""Share of the estimate for encoded frames that must be free for a run to start."""

_WINDOW_BYTES, _DREAM_BYTES, _STILL_BYTES, _IMAGE_BYTES = 19, 200, 12, 40
"""Approximate bytes of memory per pixel: of each frame in a window, of the frame that is dreamed, of a still that
is kept, and of an image while it is read and resized."""


def check_memory(frames: int, height: int, width: int, *, kept: int = 0) -> None:
    """Check that frames fit into memory, even if they are dreamed in tiles.

    Args:
        frames: Number of frames.
        height: Height of a frame in pixels.
        width: Width of a frame in pixels.
        kept: Number of stills that are kept in memory as well.

    Raises:
        InputError: They do not fit; the message says how much memory they need.
    """
    need = (
        height
        * width
        * (min(frames, window_length(height, width) + 9) * _WINDOW_BYTES + _DREAM_BYTES + kept * _STILL_BYTES)
    )
    if need > total_memory():
        raise InputError(
            f"frames of {width}x{height} need about {_size(need)} of memory, but this machine has "
            f"{_size(total_memory())}; dream them smaller with --scale or --size"
        )


def check_image_memory(name: str, width: int, height: int) -> None:
    """Check that an image fits into memory while it is read.

    Args:
        name: Name of the image in messages.
        width: Width in pixels.
        height: Height in pixels.

    Raises:
        InputError: It does not fit; the message says how much memory it needs.
    """
    need = height * width * _IMAGE_BYTES
    if need > total_memory():
        raise InputError(
            f"{name}: an image of {width}x{height} needs about {_size(need)} of memory to be read, but this machine "
            f"has {_size(total_memory())}; make a smaller copy of it"
        )


def check_disk_space(work: Path, target: Path, frames: int, height: int, width: int, in_flight: int) -> None:
    """Check that the disks of the work folder and the output have room for a film.

    The estimate covers the frames in flight, the encoded pieces and the assembled film.

    Args:
        work: The work folder; the files it holds already count as free space.
        target: The output.
        frames: Number of frames.
        height: Height of a frame in pixels.
        width: Width of a frame in pixels.
        in_flight: The most frames that are stored at once before they are encoded.

    Raises:
        OutputError: There is far too little room; the message says how much is needed.
    """
    pixels = height * width
    encoded = estimate_film_bytes(target, frames, height, width)
    held = sum(item.stat().st_size for item in work.rglob("*") if item.is_file())
    one_disk = work.stat().st_dev == target.parent.stat().st_dev
    _check_free(target, work, in_flight * pixels * _STORED_BYTES - held, encoded * (2 if one_disk else 1))
    if not one_disk:
        _check_free(target, target.parent, 0, encoded)


def estimate_film_bytes(target: Path, frames: int, height: int, width: int) -> float:
    """Estimate the size of a film in bytes.

    Args:
        target: The film; its name says whether it is a folder of PNGs.
        frames: Number of frames.
        height: Height of a frame in pixels.
        width: Width of a frame in pixels.
    """
    return frames * height * width * (_PNG_BYTES if is_folder_output(str(target)) else _ENCODED_BYTES)


def warn_if_disk_is_short(folder: Path, need: float) -> None:
    """Warn if the disk probably has too little room for all films of a batch.

    Args:
        folder: The folder of the films.
        need: Estimated size of all films in bytes.
    """
    free = shutil.disk_usage(folder).free
    if free < need:
        log.warning(
            "%s: all films together need about %s, but only %s are free; free some space, or the last films will fail",
            *(folder, _size(need), _size(free)),
        )


def _check_free(target: Path, folder: Path, exact: float, estimated: float) -> None:
    free = shutil.disk_usage(folder).free
    if free < exact + _REQUIRED_SHARE * estimated:
        raise OutputError(
            f"{target}: needs about {_size(exact + estimated)} on the disk of {folder}, "
            f"but only {_size(free)} are free; free some space, or give --work a folder on another disk"
        )


def _size(amount: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
