"""Colors are read and written by the formulas of BT.601, BT.709 and BT.2020, and survive a film."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from av.video.reformatter import VideoReformatter
from media_clips import flat, write_video

from benchmarks.film_writer import open_film
from framedream.config.settings import OutputSettings
from framedream.media import ColorTags, FilmFormat, Frame, open_footage
from framedream.media.color_conversion import from_levels, to_levels

COLORS = list(itertools.product((0, 70, 128, 255), repeat=3))
LUMA = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}


def tags(matrix: int, full_range: bool = False) -> ColorTags:
    return ColorTags(matrix, full_range, 1, 1)


def yuv(rgb, matrix: int, full_range: bool, bits: int = 8) -> np.ndarray:
    """The formulas of the standards: Y, Cb and Cr codes of a color in levels."""
    red, _, blue = np.array(rgb) / 255
    kr, kb = LUMA[matrix]
    y = kr * red + (1 - kr - kb) * rgb[1] / 255 + kb * blue
    cb, cr = (blue - y) / (2 - 2 * kb), (red - y) / (2 - 2 * kr)
    if full_range:
        return np.array([y, cb, cr]) * (2**bits - 1) + np.array([0, 1, 1]) * 2 ** (bits - 1)
    return (np.array([219 * y, 224 * cb, 224 * cr]) + np.array([16, 128, 128])) * 2 ** (bits - 8)


def codes(frame) -> np.ndarray:
    width = np.uint8 if max(part.bits for part in frame.format.components) == 8 else np.uint16
    return np.array([np.frombuffer(plane, width)[0] for plane in frame.planes], float)


@pytest.mark.parametrize("matrix", LUMA)
@pytest.mark.parametrize(("pixel_format", "bits"), [("yuv420p", 8), ("yuv444p", 8), ("yuv420p10le", 10)])
def test_limited_range_is_written_by_the_formula(matrix, pixel_format, bits):
    for color in COLORS:
        frame = from_levels(flat(color, 16, 16), tags(matrix), pixel_format, VideoReformatter())
        assert np.abs(codes(frame) - yuv(color, matrix, False, bits)).max() < 0.8, color


@pytest.mark.parametrize("matrix", LUMA)
def test_full_range_is_written_by_the_formula(matrix):
    for color in COLORS:
        frame = from_levels(flat(color, 16, 16), tags(matrix, True), "yuv420p", VideoReformatter())
        assert np.abs(codes(frame) - yuv(color, matrix, True)).max() < 1.1, color


@pytest.mark.parametrize("matrix", LUMA)
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize(("pixel_format", "tolerance"), [("yuv420p", 2.01), ("yuv422p10le", 1), ("gbrp", 0.01)])
def test_levels_come_back(matrix, full_range, pixel_format, tolerance):
    for color in COLORS:
        there = from_levels(flat(color, 16, 16), tags(matrix, full_range), pixel_format, VideoReformatter())
        back = to_levels(there, tags(matrix, full_range), 16, 16, VideoReformatter())
        assert np.abs(back - color).max() <= tolerance, color


@pytest.mark.parametrize("matrix", [1, 6, 9])
@pytest.mark.parametrize("full_range", [False, True])
def test_a_tagged_video_is_read_by_its_tags(tmp_path, matrix, full_range):
    colors = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (30, 200, 90), (255, 255, 255), (0, 0, 0)]
    path = write_video(tmp_path / "a.mp4", [flat(color) for color in colors], matrix=matrix, full_range=full_range)
    footage = open_footage(path)
    assert (footage.format.color.matrix, footage.format.color.full_range) == (matrix, full_range)
    for frame, color in zip(footage.frames(), colors, strict=True):
        assert np.abs(frame.pixels - color).max() <= 4, color


@pytest.mark.parametrize(("size", "matrix"), [((64, 48), 6), ((1280, 64), 1), ((64, 720), 1)])
def test_an_untagged_video_is_read_by_its_size(tmp_path, size, matrix):
    color = (210, 60, 30)
    path = write_video(tmp_path / "a.mp4", [flat(color, *size)] * 2, matrix=matrix, tagged=False)
    footage = open_footage(path)
    assert footage.format.color.matrix == matrix
    assert np.abs(next(footage.frames()).pixels - color).max() <= 4


@pytest.mark.parametrize("matrix", [1, 6])
@pytest.mark.parametrize(
    ("name", "settings"),
    [("a.mp4", {}), ("a.webm", {}), ("a.mkv", {"pixel_format": "yuv444p"}), ("a.mp4", {"pixel_format": "yuvj420p"})],
)
def test_flat_colors_survive_a_film_within_two_levels(tmp_path, matrix, name, settings):
    colors = list(itertools.product((0, 128, 255), repeat=3))
    like = FilmFormat(64, 48, color=tags(matrix))
    with open_film(tmp_path / name, film_format=like, settings=OutputSettings(**settings)) as film:
        for index, color in enumerate(colors):
            film.write(Frame(flat(color), Fraction(index, 25)))
    footage = open_footage(tmp_path / name)
    assert footage.format.color.matrix == matrix
    for frame, color in zip(footage.frames(), colors, strict=True):
        assert np.abs(frame.pixels[8:-8, 8:-8].mean((0, 1)) - color).max() <= 2.05, color


@pytest.mark.parametrize("codec", ["ffv1", "libx265"])
def test_ten_bit_films_keep_fractions_of_a_level(tmp_path, codec):
    pixel_format = "yuv444p10le"
    path = tmp_path / "a.mkv"
    settings = OutputSettings(codec=codec, pixel_format=pixel_format)
    with open_film(path, film_format=FilmFormat(64, 48), settings=settings) as f:
        f.write(Frame(np.full((48, 64, 3), 100.5, np.float32), Fraction(0)))
    assert next(open_footage(path).frames()).pixels.mean() == pytest.approx(100.5, abs=0.3)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm"])
def test_a_film_carries_the_tags_of_its_footage(tmp_path, name):
    written = ColorTags(9, True, 9, 16)
    with open_film(tmp_path / name, film_format=FilmFormat(64, 48, color=written)) as film:
        film.write(Frame(flat(90), Fraction(0)))
    assert open_footage(tmp_path / name).format.color == written


def test_usual_tags_follow_the_size():
    assert ColorTags.default_for(1920, 1080) == ColorTags(1, False, 1, 1)
    assert ColorTags.default_for(720, 576) == ColorTags(6, False, 5, 6)
    assert ColorTags.default_for(640, 360) == ColorTags(6, False, 1, 6)
