"""Writes still images."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from framedream.errors import OutputError, SettingsError, nearest
from framedream.media.alpha import over_black, split_alpha
from framedream.media.atomic_files import prepare_output, publish, temporary_path
from framedream.media.color_conversion import to_bytes
from framedream.media.frames import Pixels, check_pixels
from framedream.media.once_logger import OnceLogger

_SAVED: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".webp": ("WEBP", {"quality": 95, "method": 4}),
    ".tif": ("TIFF", {"compression": "tiff_lzw"}),
    ".tiff": ("TIFF", {"compression": "tiff_lzw"}),
    ".bmp": ("BMP", {}),
}

_WITH_ALPHA = (".png", ".webp", ".tif", ".tiff")
_DEEP = (".png", ".tif", ".tiff")
"""Suffixes of formats that can have alpha and 16 bits."""

WRITABLE = tuple(_SAVED)
"""Suffixes that `write_image` supports."""

_WORDS = np.float32(257)
"""16-bit units per level."""


def write_image(path: Path | str, pixels: NDArray[Any], *, alpha: NDArray[Any] | None = None, depth: int = 8) -> None:
    """Write a still image; it appears under its name only when it is complete.

    Args:
        path: The suffix decides the format: .png, .jpg (quality 95, 4:4:4), .webp, .tif or .bmp.
            Missing parent folders are made.
        pixels: RGB, H×W×3, in levels 0…255.
        alpha: Opacity, H×W, in levels 0…255; formats without alpha (.jpg, .bmp) are composited over black.
        depth: Bits per channel to keep: more than 8 become 16 in .png and .tif.

    Raises:
        SettingsError: The suffix is not supported.
        OutputError: The file cannot be written.
    """
    path = Path(path)
    check_image_name(path)
    check_pixels(pixels)
    prepare_output(path)
    part = temporary_path(path)
    suffix = path.suffix.lower()
    if alpha is not None and not keeps_alpha(path):
        pixels, alpha = (
            over_black(np.asarray(pixels, np.float32), np.asarray(alpha, np.float32), OnceLogger(path)),
            None,
        )
    try:
        if depth > 8 and suffix in _DEEP:
            part.write_bytes(_encoded(suffix, pixels, alpha, depth))
        else:
            save_image(part, pixels, suffix, alpha)
        publish(part, path)
    except (OSError, ValueError) as error:
        raise OutputError(f"{path}: cannot be written ({error}); check the disk and the name") from None
    finally:
        part.unlink(missing_ok=True)


def keeps_alpha(path: Path) -> bool:
    """Whether a still of this name keeps transparent parts."""
    return path.suffix.lower() in _WITH_ALPHA


def check_image_name(path: Path) -> None:
    """Check that `write_image` supports the suffix of a name.

    Raises:
        SettingsError: It does not; the message names the nearest suffix.
    """
    if path.suffix.lower() not in _SAVED:
        known = nearest(path.suffix, WRITABLE)
        raise SettingsError(f"{path}: framedream cannot write images with the suffix '{path.suffix}'{known}")


def save_image(file: Path | BinaryIO, pixels: NDArray[Any], suffix: str, alpha: NDArray[Any] | None = None) -> None:
    """Write an image directly to a file, in the format of a suffix, with 8 bits."""
    name, options = _SAVED[suffix.lower()]
    picture = to_bytes(pixels if alpha is None else np.dstack([pixels, alpha]))
    Image.fromarray(picture).save(file, format=name, **options)


def encode_png(pixels: NDArray[Any], alpha: NDArray[Any] | None = None, depth: int = 8) -> bytes:
    """Encode a picture as PNG.

    Args:
        pixels: RGB, H×W×3, in levels 0…255.
        alpha: Opacity, H×W, in levels 0…255, if it is kept.
        depth: Bits per channel to keep: more than 8 become 16.
    """
    return _encoded(".png", pixels, alpha, depth)


def decode_png(data: bytes) -> tuple[Pixels, NDArray[np.float32] | None]:
    """Return the pixels and alpha of a PNG by `encode_png`."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    levels = picture.astype(np.float32) / (_WORDS if picture.dtype == np.uint16 else np.float32(1))
    levels[..., :3] = levels[..., 2::-1]
    return split_alpha(levels)


def _encoded(suffix: str, pixels: NDArray[Any], alpha: NDArray[Any] | None, depth: int) -> bytes:
    picture = pixels[..., ::-1] if alpha is None else np.dstack([pixels[..., ::-1], alpha])
    if depth > 8:
        picture = np.rint(np.clip(picture, 0, 255).astype(np.float32) * _WORDS).astype(np.uint16)
    else:
        picture = to_bytes(picture)
    # Dreams hardly compress: higher levels take several times as long and save a few percent.
    encoded, data = cv2.imencode(suffix, picture, [cv2.IMWRITE_PNG_COMPRESSION, 3] if suffix == ".png" else [])
    if not encoded:
        raise ValueError(f"cannot encode it as {suffix}")
    return data.tobytes()
