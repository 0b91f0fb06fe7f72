"""What files say of themselves, as far as it can be believed.

A few damaged or forged bytes make a picture of gigapixels, or a million frames a second. What is refused or passed
over here is beyond what footage has, and beyond what a file of its length can hold.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from framedream.errors import InputError

_ANY_FILE = 8192 * 4320
"""Pixels of a picture that are believed of any file, however short."""

_PER_BYTE = 10_000
"""Pixels of a larger picture for each byte of its file, at most: of one color, they take as little."""

_ANY_ANIMATION, _PER_ANIMATED_BYTE = 3840 * 2160, 250
"""The same for one picture of an animated image, of which several are kept while it is decoded."""

_ALL_PICTURES = 2**28
"""Pixels of all pictures of an animated image that are believed however short it is; else `_PER_BYTE` holds."""

_SLOWEST, _FASTEST = Fraction(1, 24 * 3600), Fraction(10_000)
"""Frames per second."""

_NARROWEST, _WIDEST = Fraction(1, 16), Fraction(16)
"""Width of a pixel divided by its height."""


def max_pixels(path: Path) -> int:
    """Pixels that a picture of a file may have; FFmpeg's own limit is 2³¹ − 1."""
    return min(2**31 - 1, max(_ANY_FILE, _PER_BYTE * path.stat().st_size))


def check_plausible(path: Path, width: int, height: int) -> None:
    """See that a file may hold pictures as large as it says.

    Args:
        path: The file.
        width: Width in pixels that its header says.
        height: Height in pixels.

    Raises:
        InputError: Only a damaged or forged file says that.
    """
    if width * height > max_pixels(path):
        size = path.stat().st_size
        raise InputError(
            f"{path}: claims {width}x{height} pixels in {size} bytes; it is damaged: copy or export it again"
        )


def check_animation_plausible(path: Path, width: int, height: int, pictures: int) -> None:
    """See that an animated image may hold as much as it says.

    Args:
        path: The file.
        width: Width in pixels that its header says.
        height: Height in pixels.
        pictures: How many pictures.

    Raises:
        InputError: Only a damaged or forged file says that.
    """
    size, one = path.stat().st_size, width * height
    if one > max(_ANY_ANIMATION, _PER_ANIMATED_BYTE * size) or one * pictures > max(_ALL_PICTURES, _PER_BYTE * size):
        raise InputError(
            f"{path}: claims {pictures} pictures of {width}x{height} pixels in {size} bytes; "
            "it is damaged: copy or export it again"
        )


def plausible_rate(rate: Fraction | None) -> Fraction | None:
    """Frames per second as a file says, or None if that cannot be."""
    return rate if rate and _SLOWEST <= rate <= _FASTEST else None


def plausible_aspect(aspect: Fraction | None) -> Fraction:
    """Width of a pixel divided by its height as a file says, or 1 if that cannot be."""
    return aspect if aspect and _NARROWEST <= aspect <= _WIDEST else Fraction(1)


def plausible_count(path: Path, frames: int) -> int | None:
    """Number of frames as a file says, or None if it cannot hold as many: each takes a byte at least."""
    return frames if 0 < frames <= path.stat().st_size else None
