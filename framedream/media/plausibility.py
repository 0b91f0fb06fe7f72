"""Limits on what file headers may claim.

A few damaged or forged bytes can claim gigapixels, or a million frames per second. The limits here exceed
what real footage has, or what a file of its length can hold.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from framedream.errors import InputError

_ANY_FILE = 8192 * 4320
"""Pixels of a picture that any file may have, however short."""

_PER_BYTE = 10_000
"""Most pixels of a larger picture per byte of its file; a picture of one color needs no more."""

_ANY_ANIMATION, _PER_ANIMATED_BYTE = 3840 * 2160, 250
"""The same for a picture of an animated image; several of them are kept while decoding."""

_ALL_PICTURES = 2**28
"""Pixels in all pictures of an animated image, however short the file; beyond that `_PER_BYTE` holds."""

_SLOWEST, _FASTEST = Fraction(1, 24 * 3600), Fraction(10_000)
"""Frames per second."""

_NARROWEST, _WIDEST = Fraction(1, 16), Fraction(16)
"""Width of a pixel divided by its height."""


def max_pixels(path: Path) -> int:
    """Return the largest plausible number of pixels in a picture of a file; FFmpeg's own limit is 2³¹ − 1."""
    return min(2**31 - 1, max(_ANY_FILE, _PER_BYTE * path.stat().st_size))


def check_plausible(path: Path, width: int, height: int) -> None:
    """Check that a file can hold pictures as large as its header claims.

    Args:
        path: The file.
        width: Width in pixels in its header.
        height: Height in pixels in its header.

    Raises:
        InputError: The size is not plausible; the file is damaged or forged.
    """
    if width * height > max_pixels(path):
        size = path.stat().st_size
        raise InputError(
            f"{path}: claims {width}x{height} pixels in {size} bytes; it is damaged: copy or export it again"
        )


def check_animation_plausible(path: Path, width: int, height: int, pictures: int) -> None:
    """Check that an animated image can hold as much as its header claims.

    Args:
        path: The file.
        width: Width in pixels in its header.
        height: Height in pixels in its header.
        pictures: Number of pictures.

    Raises:
        InputError: The size is not plausible; the file is damaged or forged.
    """
    size, one = path.stat().st_size, width * height
    if one > max(_ANY_ANIMATION, _PER_ANIMATED_BYTE * size) or one * pictures > max(_ALL_PICTURES, _PER_BYTE * size):
        raise InputError(
            f"{path}: claims {pictures} pictures of {width}x{height} pixels in {size} bytes; "
            "it is damaged: copy or export it again"
        )


def plausible_rate(rate: Fraction | None) -> Fraction | None:
    """Return a file's frames per second, or None if they are not plausible."""
    return rate if rate and _SLOWEST <= rate <= _FASTEST else None


def plausible_aspect(aspect: Fraction | None) -> Fraction:
    """Return a file's pixel width divided by pixel height, or 1 if it is not plausible."""
    return aspect if aspect and _NARROWEST <= aspect <= _WIDEST else Fraction(1)


def plausible_count(path: Path, frames: int) -> int | None:
    """Return a file's number of frames, or None if the file is too short: each frame takes at least a byte."""
    return frames if 0 < frames <= path.stat().st_size else None
