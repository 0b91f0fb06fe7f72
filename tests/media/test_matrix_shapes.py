"""Turned and mirrored recordings, pixels of any shape, pictures of any size."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from matrix import corners, expected, frames, picture, through, write

from framedream.config.settings import OutputSettings
from framedream.errors import FramedreamError

TURNS = "turned and mirrored"
PIXELS = "shapes of pixels"
SIZES = "sizes"


def upright(pixels: np.ndarray, degrees: int, hflip: bool, vflip: bool) -> np.ndarray:
    """What a display matrix asks for: turned counterclockwise, then mirrored."""
    turned = np.rot90(pixels, degrees // 90)
    turned = turned[:, ::-1] if hflip else turned
    return turned[::-1] if vflip else turned


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize(
    ("degrees", "hflip", "vflip"), list(itertools.product((0, 90, 180, 270), (False, True), (False, True)))
)
def test_a_recording_is_set_upright(tmp_path, cell, suffix, degrees, hflip, vflip):
    def turn(container, stream):
        stream.set_display_rotation(degrees, hflip=hflip, vflip=vflip)

    source = write(
        tmp_path / f"a{suffix}", "libx264", "yuv444p", pictures=[picture(number, 48, 32) for number in range(3)],
        prepare=turn,
    )  # fmt: skip
    if suffix == ".mkv" and (hflip != vflip):
        # Matroska has room for turns only; its muxer leaves a mirroring out.
        cell(TURNS, "no such file", "Matroska says turns only")
        pytest.skip("Matroska says turns only")
    footage, film = through(source, tmp_path / f"b{suffix}")
    wanted = corners(upright(picture(2, 48, 32) / 257, degrees, hflip, vflip))
    for kind in (footage, film):
        assert (kind.format.width, kind.format.height) == ((32, 48) if degrees % 180 else (48, 32))
        assert np.abs(corners(frames(kind)[2].pixels) - wanted).max() < 8
    cell(TURNS)


@pytest.mark.parametrize("aspect", [Fraction(4, 3), Fraction(16, 11), Fraction(1, 2), Fraction(59, 54)])
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".avi", ".ts"])
def test_pixels_keep_their_shape(tmp_path, cell, suffix, aspect):
    def shape(container, stream):
        stream.codec_context.sample_aspect_ratio = aspect

    source = write(tmp_path / f"a{suffix}", "libx264", "yuv420p", prepare=shape)
    footage, film = through(source, tmp_path / f"b{'.mp4' if suffix == '.avi' else suffix}")
    assert footage.format.sample_aspect == film.format.sample_aspect == aspect
    _, square = through(source, tmp_path / "c.mp4", size="120x64")
    assert (square.format.width, square.format.height, square.format.sample_aspect) == (120, 64, 1)
    cell(PIXELS)


@pytest.mark.parametrize(
    "size", [(1, 1), (2, 2), (3, 5), (16, 2), (63, 47), (97, 64), (64, 97), (4096, 16), (18, 2304)]
)
@pytest.mark.parametrize("name", ["b.mp4", "b.mov", "b.mkv", "b.webm", "b.ts", "b.gif", "b.webp", "b.png", "frames"])
def test_pictures_of_any_size_come_back(tmp_path, cell, size, name):
    width, height = size
    # FFmpeg knows a transport stream by some twenty packets.
    count = 30 if name == "b.ts" else 3
    source = write(tmp_path / "a.mkv", "ffv1", "bgr0", pictures=[picture(number, *size) for number in range(count)])
    _, film = through(source, tmp_path / name)
    # Where colors have half the size, an odd edge is repeated.
    padded = (width + width % 2, height + height % 2)
    assert (film.format.width, film.format.height) in (size, padded)
    assert (film.format.width, film.format.height) == size or name in ("b.mp4", "b.mov", "b.mkv", "b.ts")
    if min(size) > 8:
        for number, frame in enumerate(frames(film)):
            assert np.abs(corners(frame.pixels) - expected(number)).max() < (30 if name == "b.gif" else 12)
    # A WebP of pictures that are all the same is a still.
    assert len(frames(film)) == (1 if name == "b.webp" and size == (1, 1) else count)
    cell(SIZES)


@pytest.mark.parametrize("codec", ["hevc", "av1", "prores", "dnxhr", "ffv1", "vp9"])
@pytest.mark.parametrize("size", [(2, 2), (63, 47), (4096, 16), (258, 130)])
def test_codecs_take_a_size_or_say_so(tmp_path, cell, codec, size):
    source = write(tmp_path / "a.mkv", "ffv1", "bgr0", pictures=[picture(number, *size) for number in range(2)])
    target = tmp_path / ("b.mov" if codec in ("prores", "dnxhr") else "b.mkv")
    try:
        _, film = through(source, target, OutputSettings(codec=codec))
    except FramedreamError as error:
        assert "choose another --codec or --size" in str(error)
        assert not target.exists()
        cell(SIZES, "refused", str(error).split(": ", 1)[1])
    else:
        assert len(frames(film)) == 2
        cell(SIZES)
