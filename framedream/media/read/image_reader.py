"""Reads still images."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngImageFile

from framedream.errors import FramedreamError, InputError
from framedream.media.alpha import over_black, split_alpha
from framedream.media.frames import Pixels
from framedream.media.once_logger import OnceLogger
from framedream.media.plausibility import check_plausible

READABLE = frozenset(
    {".png", ".apng", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".ppm", ".pgm", ".jp2", ".avif"}
)
"""Suffixes that count as images in a folder."""

_EXIF_ORIENTATION = 0x0112
_TIFF_BITS = 258
_SIDEWAYS = (5, 6, 7, 8)


@dataclass(frozen=True)
class ImageInfo:
    """The facts in an image's header.

    Attributes:
        width: Width in pixels, upright.
        height: Height in pixels, upright.
        pictures: Number of pictures: more than 1 if animated.
        depth: Bits per channel: 8 or 16.
        has_alpha: Whether parts of it may be transparent.
    """

    width: int
    height: int
    pictures: int
    depth: int = 8
    has_alpha: bool = False


def read_image_info(path: Path) -> ImageInfo:
    """Read an image's header without its pixels.

    Raises:
        InputError: The file is missing or is not an image.
    """
    with image_errors_as_input_errors(path), open_image(path) as image:
        width, height = image.size
        if _orientation(image) in _SIDEWAYS and image.format != "TIFF":
            # Pillow already reports the upright size of a TIFF.
            width, height = height, width
        _check_white(path, image)
        depth = 16 if _is_deep(image) else 8
        return ImageInfo(width, height, getattr(image, "n_frames", 1), depth, image.has_transparency_data)


def read_image(path: Path | str, notes: OnceLogger | None = None) -> Pixels:
    """Read a still image composited over black; log a note if parts are transparent.

    Args:
        path: An image in any common format; 16-bit PNG and TIFF keep their fractions of a level.
        notes: Logs notes. Default: a logger for this image.

    Returns:
        float32 RGB, H×W×3, in levels 0…255.

    Raises:
        InputError: The file is missing, damaged or not an image.
    """
    return over_black(*read_image_with_alpha(path), notes or OnceLogger(Path(path)))


def read_image_with_alpha(path: Path | str) -> tuple[Pixels, NDArray[np.float32] | None]:
    """Read a still image, or the first picture of an animated one.

    Gray becomes RGB, an 8-bit image with a color profile is converted to sRGB, and the EXIF orientation is applied.

    Args:
        path: An image in any common format; 16-bit PNG and TIFF keep their fractions of a level.

    Returns:
        float32 RGB, H×W×3, and alpha, H×W or None, in levels 0…255.

    Raises:
        InputError: The file is missing, damaged or not an image.
    """
    path = Path(path)
    with image_errors_as_input_errors(path), open_image(path) as image:
        _check_white(path, image)
        rgba = _read_deep(path, _orientation(image)) if _is_deep(image) else _read_bytes(image)
    return split_alpha(rgba)


@contextmanager
def image_errors_as_input_errors(path: Path, kind: str = "image") -> Generator[None]:
    """Turn any error of an image library into an `InputError` about the image.

    Args:
        path: The image.
        kind: What the file should be, for messages.

    Raises:
        InputError: The image is damaged.
    """
    try:
        with warnings.catch_warnings():
            # Ignore Pillow's warnings: damaged metadata does not matter, and the size is checked elsewhere.
            warnings.simplefilter("ignore")
            yield
    except FramedreamError:
        raise
    except Exception as error:  # Decoders raise anything on damaged files.
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise InputError(f"{path}: the {kind} is damaged ({reason}); export or copy it again") from None


def open_image(path: Path) -> Image.Image:
    """Open an image with Pillow and read its header.

    Raises:
        InputError: The file is missing, not an image, or implausibly large.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder, not an image; name an image file")
    if not path.exists():
        raise InputError(f"{path}: there is no such file; check the name")
    try:
        image = Image.open(path)
    except UnidentifiedImageError:
        raise InputError(f"{path}: cannot be read as an image; convert it to PNG or JPEG") from None
    except Image.DecompressionBombError:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        raise InputError(
            f"{path}: says that it has more than {most} pixels, which is above the limit; make a smaller copy"
        ) from None
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); check the file and its permissions") from None
    try:
        check_plausible(path, *image.size)
    except InputError:
        image.close()
        raise
    return image


def _orientation(image: Image.Image) -> int:
    # PngImageFile.getexif decodes all pixels; the base class reads only the header.
    with suppress(Exception):  # Damaged EXIF data does not spoil a good picture.
        exif = image.getexif() if image.format == "TIFF" else Image.Image.getexif(image)
        return int(exif.get(_EXIF_ORIENTATION, 1))
    return 1


def _is_deep(image: Image.Image) -> bool:
    """Whether a channel has 16 bits, which Pillow would reduce to 8 in color images."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        return True
    if isinstance(image, PngImageFile):
        # Pillow stores the raw mode here, for example "RGB;16B".
        return any(";16" in str(tile[3]) for tile in image.tile)
    bits = getattr(image, "tag_v2", {}).get(_TIFF_BITS, (8,))
    return 16 in (bits if isinstance(bits, tuple) else (bits,))


def _check_white(path: Path, image: Image.Image) -> None:
    """Check that the white level is known.

    Raises:
        InputError: Channels have 32 bits, as in measurements; the picture would be all black or white.
    """
    if image.mode in ("I", "F") and not _is_deep(image):
        raise InputError(f"{path}: has 32 bits per channel without a defined white level; export it with 16 bits")


def _in_srgb(image: Image.Image) -> Image.Image:
    """Convert a picture from its color profile to sRGB; phones use Display P3."""
    profile = image.info.get("icc_profile")
    if not profile:
        return image
    try:
        own = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(own):
            return image
        alpha = image.getchannel("A") if image.mode in ("RGBA", "LA") else None
        plain = image.convert(image.mode[:-1]) if alpha else image
        shown = ImageCms.profileToProfile(plain, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image  # The profile is damaged, or does not fit the picture.
    if shown is None:
        return image
    if alpha:
        shown.putalpha(alpha)
    return shown


def _read_bytes(image: Image.Image) -> NDArray[np.float32]:
    upright = image
    with suppress(Exception):  # A damaged picture raises again below.
        upright = ImageOps.exif_transpose(image)
    upright = _in_srgb(upright)
    transparent = upright.has_transparency_data
    return np.asarray(upright.convert("RGBA" if transparent else "RGB"), np.float32)


def _read_deep(path: Path, orientation: int) -> NDArray[np.float32]:
    raw = np.fromfile(path, np.uint8)
    _check_chunks(raw)
    picture = cv2.imdecode(raw, cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise ValueError("it ends early or contains errors")
    if picture.ndim == 2:
        picture = picture[..., None]
    scale = np.float32(257 if picture.dtype == np.uint16 else 1)
    color, alpha = (picture[..., :-1], picture[..., -1:]) if picture.shape[2] in (2, 4) else (picture, picture[..., :0])
    rgb = np.repeat(color, 3, axis=2) if color.shape[2] == 1 else color[..., ::-1]
    return _upright(np.concatenate([rgb, alpha], axis=2).astype(np.float32) / scale, orientation)


def _check_chunks(raw: NDArray[np.uint8]) -> None:
    """Check that the chunks of a PNG lie within the file; OpenCV allocates whatever size they claim.

    Raises:
        ValueError: A chunk exceeds the file.
    """
    if raw[:4].tobytes() != b"\x89PNG":
        return
    at, kind = 8, b""
    while kind != b"IEND":
        length, kind = int.from_bytes(raw[at : at + 4].tobytes()), raw[at + 4 : at + 8].tobytes()
        at += 12 + length
        if at > len(raw):
            raise ValueError("it ends early or contains errors")


def _upright(picture: NDArray[np.float32], orientation: int) -> NDArray[np.float32]:
    """Undo an EXIF orientation (1…8): first mirror, then rotate."""
    if orientation in (2, 4, 5, 7):
        picture = picture[:, ::-1]
    turns = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(picture, turns))
