"""Colors as a player shows them: matrix, range, primaries and transfer are read, used and written; alpha too."""

from __future__ import annotations

import itertools
from fractions import Fraction

import av
import numpy as np
import pytest
from matrix import corners, expected, frames, picture, through, write

from framedream.config.settings import OutputSettings
from framedream.errors import InputError
from framedream.media import ColorTags, open_footage

TAGS = "matrix, range, primaries, transfer"
HDR = "high dynamic range"
ALPHA = "alpha"


@pytest.mark.parametrize("target", ["b.mp4", "b.mov", "b.mkv", "b.webm", "b.gif", "b.webp", "b.png", "frames"])
@pytest.mark.parametrize(("matrix", "full_range"), list(itertools.product((1, 6, 9), (False, True))))
@pytest.mark.parametrize(("suffix", "pixel_format"), [(".mp4", "yuv420p"), (".mkv", "yuv444p10le")])
def test_colors_are_those_that_the_tags_mean(tmp_path, cell, suffix, pixel_format, matrix, full_range, target):
    tags = {"matrix": matrix, "full_range": full_range, "primaries": {1: 1, 6: 6, 9: 9}[matrix], "transfer": 1}
    source = write(tmp_path / f"a{suffix}", "libx264", pixel_format, **tags)
    footage, film = through(source, tmp_path / target)
    assert footage.format.color == ColorTags(matrix, full_range, tags["primaries"], 1)
    if target in ("b.mp4", "b.mov", "b.mkv", "b.webm"):
        assert film.format.color == footage.format.color
    for number, frame in enumerate(frames(film)):
        error = float(np.abs(corners(frame.pixels) - expected(number)).max())
        assert error < (16 if target == "b.gif" else 8)
    cell(TAGS)


@pytest.mark.parametrize("width", [64, 1280])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_untagged_footage_is_taken_as_players_take_it(tmp_path, cell, suffix, width):
    """What is small is BT.601, what is large BT.709."""

    def untagged(frame: av.VideoFrame) -> av.VideoFrame:
        frame.colorspace = 2
        return frame

    pictures = [picture(number, width, 64) for number in range(2)]
    own = {"matrix": 1 if width == 1280 else 6, "primaries": 2, "transfer": 2}
    best = {"qmin": "1", "qmax": "2"}
    source = write(
        tmp_path / f"a{suffix}", "mpeg4", "yuv420p", pictures=pictures, shaped=untagged, options=best,
        prepare=lambda container, stream: setattr(stream.codec_context, "colorspace", 2), **own,
    )  # fmt: skip
    footage, film = through(source, tmp_path / "b.mp4")
    for kind in (footage, film):
        assert kind.format.color.matrix == own["matrix"]
        assert np.abs(corners(frames(kind)[1].pixels) - expected(1)).max() < 8
    cell(TAGS)


@pytest.mark.parametrize("height", [64, 480, 576])
def test_films_of_images_have_the_primaries_of_images(tmp_path, cell, height):
    """Whatever standard of broadcast has as many lines."""
    source = write(tmp_path / "a.apng", "apng", "rgb24", pictures=[picture(number, 64, height) for number in range(2)])
    footage, film = through(source, tmp_path / "b.mp4")
    assert (footage.format.color.primaries, film.format.color.primaries) == (1, 1)
    assert np.abs(corners(frames(film)[1].pixels) - expected(1)).max() < 8
    cell(TAGS)


def test_colors_that_cannot_be_computed_are_refused(tmp_path, cell):
    source = write(tmp_path / "a.mkv", "libx264", "yuv444p", options={"x264-params": "colormatrix=YCgCo"})
    with pytest.raises(InputError, match="colors use an unknown YUV matrix") as refused:
        open_footage(source)
    cell(TAGS, "refused", str(refused.value).split(": ", 1)[1])


LIGHT = (
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400:"
    "log-level=none"
)


@pytest.mark.parametrize("target", ["b.mp4", "b.mov", "b.mkv", "b.webm", "b.ts"])
@pytest.mark.parametrize("transfer", [16, 18])
@pytest.mark.parametrize("codec", ["libx265", "libsvtav1", "ffv1"])
def test_high_dynamic_range_is_kept_in_ten_bits(tmp_path, cell, codec, transfer, target):
    pixel_format = "gbrp10le" if codec == "ffv1" else "yuv420p10le"
    options = {"x265-params": LIGHT} if codec == "libx265" else {}
    source = write(tmp_path / "a.mkv", codec, pixel_format, matrix=9, primaries=9, transfer=transfer, options=options)
    footage, film = through(source, tmp_path / target)
    assert footage.format.color.hdr == {16: "PQ", 18: "HLG"}[transfer]
    assert (film.format.color.hdr, film.format.color.primaries) == (footage.format.color.hdr, 9)
    assert film.format.depth == footage.format.depth == 10
    if codec == "libx265":
        assert footage.format.color.hdr_metadata is not None
        assert film.format.color.hdr_metadata.content == (1000, 400)
        for own, kept in zip(
            footage.format.color.hdr_metadata.screen, film.format.color.hdr_metadata.screen, strict=True
        ):
            assert [float(value) for value in kept] == pytest.approx([float(value) for value in own], rel=0.03)
    for before, after in zip(frames(footage), frames(film), strict=True):
        assert np.abs(corners(before.pixels) - corners(after.pixels)).max() < 5
    cell(HDR)


def test_what_an_encoder_cannot_say_of_the_light_is_told(tmp_path, cell, caplog):
    caplog.set_level("INFO", "framedream")
    source = write(
        tmp_path / "a.mkv", "libx265", "yuv420p10le", matrix=9, primaries=9, transfer=16,
        options={"x265-params": LIGHT},
    )  # fmt: skip
    through(source, tmp_path / "b.mkv", OutputSettings(codec="archive"))
    assert "ffv1 does not store HDR mastering metadata" in caplog.text
    cell(HDR)


@pytest.mark.parametrize(
    ("target", "settings"),
    [("b.gif", {}), ("b.webp", {}), ("b.png", {}), ("frames", {}), ("b.mp4", {"codec": "web"}),
     ("b.mp4", {"pixel_format": "yuv420p"}), ("b.webm", {"codec": "vp9"})],
)  # fmt: skip
def test_high_dynamic_range_is_refused_where_it_would_be_lost(tmp_path, cell, target, settings):
    source = write(tmp_path / "a.mkv", "libx265", "yuv420p10le", matrix=9, primaries=9, transfer=16)
    with pytest.raises(InputError, match="tonemap") as refused:
        through(source, tmp_path / target, OutputSettings(**settings))
    assert [item.name for item in tmp_path.iterdir()] == ["a.mkv"]
    cell(HDR, "refused", str(refused.value).split(": ", 1)[1])


def test_wide_colors_are_not_put_into_an_animation_silently(tmp_path, cell, caplog):
    source = write(tmp_path / "a.mkv", "libx265", "yuv420p10le", matrix=9, primaries=9, transfer=1)
    through(source, tmp_path / "b.webp")
    assert "colors are BT.2020, which .webp files cannot say" in caplog.text
    cell(TAGS)


def see_through(number: int) -> np.ndarray:
    """A frame whose right half is half seen, and whose lower left quarter is not seen at all."""
    whole = np.dstack([picture(number), np.full((64, 64), 65535, np.uint16)])
    whole[:, 32:, 3] = 128 * 257
    whole[32:, :32, 3] = 0
    return whole


TRANSPARENT = {
    "a.mov": [("prores_ks", "yuva444p10le"), ("qtrle", "argb"), ("png", "rgba"), ("png", "rgba64be")],
    "a.mkv": [("ffv1", "bgra"), ("ffv1", "gbrap12le"), ("ffv1", "yuva420p"), ("ffv1", "yuva444p10le")],
    "a.webm": [("libvpx-vp9", "yuva420p")],
    "a.avi": [("png", "rgba"), ("ffv1", "bgra"), ("utvideo", "gbrap")],
    "a.apng": [("apng", "rgba")],
    "a.webp": [("libwebp_anim", "yuva420p")],
}
KEPT = {"b.mov": 0, "b.mkv": 0, "b.webm": 6, "b.webp": 4, "b.png": 0, "frames": 0}
"""Films with alpha, and by how many levels it may be off."""


@pytest.mark.parametrize("target", [*KEPT, "b.gif", "b.mp4", "b.m4v"])
@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"), [(name, *kind) for name, kinds in TRANSPARENT.items() for kind in kinds]
)
def test_alpha_is_kept_or_laid_over_black_with_a_note(tmp_path, cell, caplog, name, codec, pixel_format, target):
    caplog.set_level("INFO", "framedream")
    source = write(
        tmp_path / name, codec, pixel_format, pictures=[see_through(number) for number in range(3)],
        matrix=6 if codec in ("ffv1", "libwebp_anim") else 1,
    )  # fmt: skip
    footage, film = through(source, tmp_path / target)
    assert footage.format.has_alpha
    lost = 3 if "420" in pixel_format else 1
    for number, (before, after) in enumerate(zip(frames(footage), frames(film), strict=True)):
        seen = corners(before.alpha[..., None])[:, 0]
        assert seen == pytest.approx([255, 128, 0, 128], abs=lost)
        if target in KEPT:
            assert film.format.has_alpha
            kept = corners(after.alpha[..., None])[:, 0]
            assert kept == pytest.approx(seen, abs=KEPT[target] + lost)
            visible = np.abs(corners(after.pixels) - expected(number))[[0, 1, 3]]
            assert visible.max() < (14 if "vpx" in codec or target in ("b.webm", "b.webp") else 9)
        elif target == "b.gif":
            # A color of a GIF is seen or not.
            assert (corners(after.alpha[..., None])[:, 0] > 0).tolist() == [True, True, False, True]
        else:
            assert not film.format.has_alpha
            composed = expected(number) * np.array([1, 128 / 255, 0, 128 / 255])[:, None]
            assert np.abs(corners(after.pixels) - composed).max() < 8
    assert ("transparent parts are shown over black" in caplog.text) == (target in ("b.mp4", "b.m4v"))
    cell(ALPHA)


def test_a_transparent_gif_stays_so(tmp_path, cell):
    source = write(tmp_path / "a.apng", "apng", "rgba", pictures=[see_through(number) for number in range(3)])
    _, first = through(source, tmp_path / "b.gif")
    _, second = through(first.path, tmp_path / "c.gif")
    for frame in frames(second):
        assert (corners(frame.alpha[..., None])[:, 0] > 0).tolist() == [True, True, False, True]
    cell(ALPHA)


def test_scaling_lets_nothing_unseen_bleed_into_what_is_seen(tmp_path, cell):
    """Bright colors below an alpha of zero stay there."""
    whole = np.zeros((64, 64, 4), np.uint16)
    whole[:, :32] = (0, 0, 0, 65535)
    whole[:, 32:] = (65535, 65535, 65535, 0)
    source = write(tmp_path / "a.mkv", "ffv1", "bgra", pictures=[whole])
    footage = open_footage(source)
    footage.keeps_alpha = True
    _, film = through(source, tmp_path / "b.mkv", size="32x32")
    _, large = through(source, tmp_path / "c.mkv", size="96x96")
    for kind in (film, large):
        (frame,) = frames(kind)
        assert (frame.pixels.max(2) * (frame.alpha > 8)).max() < 3
    assert frames(film)[0].time == Fraction(0)
    cell(ALPHA)
