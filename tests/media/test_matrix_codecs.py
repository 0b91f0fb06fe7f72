"""Every container with every codec, chroma and depth: same frames, same times, same colors, same depth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matrix import CannotExist, corners, expected, frames, through, times, write

FORMATS = {
    "libx264": "yuv420p yuv422p yuv444p gray yuv420p10le yuv422p10le yuv444p10le gray10le",
    "libx265": "yuv420p yuv422p yuv444p gbrp gray yuv420p10le yuv422p10le yuv444p10le gbrp10le gray10le "
    "yuv420p12le yuv422p12le yuv444p12le gbrp12le gray12le",
    "libvpx-vp9": "yuv420p yuv422p yuv444p gbrp",
    "libsvtav1": "yuv420p yuv420p10le",
    "prores_ks": "yuv422p10le yuv444p10le",
    "mjpeg": "yuvj420p yuvj422p yuvj444p",
    "ffv1": "yuv420p yuv422p yuv444p bgr0 gray yuv420p10le yuv422p10le yuv444p10le gbrp10le gray10le "
    "yuv420p12le yuv422p12le yuv444p12le gbrp12le gray12le gbrp16le",
}
CONTAINERS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".ts")
KINDS = [
    (suffix, codec, pixel_format)
    for suffix in CONTAINERS
    for codec, formats in FORMATS.items()
    for pixel_format in formats.split()
]


def depth_of(codec: str, pixel_format: str) -> int:
    """Bits of a channel as decoded: FFmpeg gives ProRes 4444 in twelve."""
    if (codec, pixel_format) == ("prores_ks", "yuv444p10le"):
        return 12
    return next((bits for bits in (10, 12, 16) if str(bits) in pixel_format.removeprefix("yuv4")), 8)


def _read_as(suffix: str, codec: str, pixel_format: str) -> dict[str, Any]:
    """Colors as players take them where a file cannot say them: JPEG is BT.601, and so is small FFV1 in AVI."""
    if codec == "mjpeg" or (suffix, codec) == (".avi", "ffv1"):
        return {"matrix": 6, "full_range": pixel_format.startswith("gray")}
    return {}


@pytest.mark.parametrize(("suffix", "codec", "pixel_format"), KINDS)
def test_a_film_of_any_kind_comes_back_as_it_was(tmp_path, cell, suffix, codec, pixel_format):
    try:
        source = write(tmp_path / f"a{suffix}", codec, pixel_format, **_read_as(suffix, codec, pixel_format))
    except CannotExist as error:
        cell("containers, codecs, chroma, depth", "no such file", str(error))
        pytest.skip(str(error))
    target = tmp_path / f"b{'.mp4' if suffix == '.avi' else suffix}"
    footage, film = through(source, target)
    assert footage.format.depth == depth_of(codec, pixel_format)
    assert film.format.depth == min(footage.format.depth, 10 if suffix == ".webm" else 12)
    assert times(footage) == [number / footage.format.rate for number in range(6)]
    assert len(times(film)) == 6
    assert all(abs(a - b) <= 1 / 1000 for a, b in zip(times(film), times(footage), strict=True))
    for kind, close in ((footage, 5), (film, 8)):
        for number, frame in enumerate(frames(kind)):
            wanted = expected(number)
            if pixel_format.startswith("gray"):
                wanted = np.repeat((wanted @ (0.2126, 0.7152, 0.0722))[:, None], 3, 1)
            error = float(np.abs(corners(frame.pixels) - wanted).max())
            assert error < close, (number, kind.path)
    cell("containers, codecs, chroma, depth")
