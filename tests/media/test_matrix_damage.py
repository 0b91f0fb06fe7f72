"""Files that break off, are damaged in the middle, or interlaced: what can be read is dreamed, and the rest is told."""

from __future__ import annotations

import itertools
from fractions import Fraction

import av
import numpy as np
import pytest
from matrix import frames, picture, through, write

from framedream.errors import FramedreamError, InputError
from framedream.media import open_footage

DAMAGE = "cut short or damaged"
INTERLACED = "interlaced"
KINDS = [
    (".mp4", "libx264"), (".mp4", "libx265"), (".mov", "prores_ks"), (".mov", "mjpeg"), (".mkv", "libx264"),
    (".mkv", "ffv1"), (".webm", "libvpx-vp9"), (".mkv", "libsvtav1"), (".avi", "mpeg4"), (".avi", "mjpeg"),
    (".ts", "libx264"), (".ts", "mpeg2video"),
]  # fmt: skip
COUNT = 24


def grainy(count: int) -> list[np.ndarray]:
    """Pictures that take some room."""
    generator = np.random.default_rng(0)
    return [generator.integers(0, 65536, (64, 64, 3), np.uint16) for _ in range(count)]


def whole(tmp_path, suffix: str, codec: str):
    formats = {"prores_ks": "yuv422p10le", "mjpeg": "yuvj420p", "ffv1": "bgr0"}
    muxer = {"movflags": "+faststart"} if suffix in (".mp4", ".mov") else {}
    return write(
        tmp_path / f"a{suffix}", codec, formats.get(codec, "yuv420p"), pictures=grainy(COUNT), muxer=muxer,
        options={} if codec in ("prores_ks", "mjpeg", "ffv1", "libsvtav1", "libvpx-vp9") else {"g": "6"},
    )  # fmt: skip


def assert_told(source, tmp_path, cell, caplog, *, fewer: bool) -> None:
    """Either frames and a warning, or one line that names the file."""
    try:
        footage, film = through(source, tmp_path / "b.mkv")
    except FramedreamError as error:
        assert isinstance(error, InputError)
        assert str(source) in str(error)
        assert "\n" not in str(error)
        cell(DAMAGE, "refused", str(error).split(": ", 1)[1])
        return
    count = len(frames(footage))
    assert 1 <= count < COUNT if fewer else count <= COUNT
    assert len(frames(film)) == count
    # A transport stream does not say how long it is.
    assert source.suffix == ".ts" or "the file is damaged or cut short" in caplog.text
    cell(DAMAGE)


@pytest.mark.parametrize("share", [0.35, 0.9])
@pytest.mark.parametrize(("suffix", "codec"), KINDS)
def test_a_file_that_breaks_off_gives_what_there_is(tmp_path, cell, caplog, suffix, codec, share):
    source = whole(tmp_path, suffix, codec)
    source.write_bytes(source.read_bytes()[: int(source.stat().st_size * share)])
    assert_told(source, tmp_path, cell, caplog, fewer=True)


@pytest.mark.parametrize(("suffix", "codec"), [kind for kind in KINDS if kind[1] != "prores_ks"])
def test_damage_in_the_middle_costs_few_frames(tmp_path, cell, caplog, suffix, codec):
    source = whole(tmp_path, suffix, codec)
    data = bytearray(source.read_bytes())
    middle = len(data) // 2
    data[middle : middle + len(data) // 12] = np.random.default_rng(1).bytes(len(data) // 12)
    source.write_bytes(data)
    try:
        assert_told(source, tmp_path, cell, caplog, fewer=False)
    except AssertionError:
        # Wavelets and pictures of JPEG show any bytes as some picture.
        assert codec in ("mjpeg", "libvpx-vp9", "libsvtav1")
        assert len(frames(open_footage(source))) == COUNT
        cell(DAMAGE)


def test_a_quicktime_file_without_its_end_is_refused(tmp_path, cell):
    """Its index is behind the pictures, and was never written."""
    source = write(tmp_path / "a.mp4", "libx264", "yuv420p", pictures=grainy(COUNT))
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    with pytest.raises(InputError, match=r"a\.mp4: cannot be read as a video") as refused:
        open_footage(source)
    cell(DAMAGE, "refused", str(refused.value).split(": ", 1)[1])


def fields(number: int) -> np.ndarray:
    """A bar that moves on by four pixels a frame; the lower field shows it half a frame earlier."""
    whole = np.zeros((64, 96, 3), np.uint16)
    for field, x in ((1, 4 * number), (0, 4 * number + 2)):
        whole[field::2, 8 + x : 24 + x] = 50_000
    return whole


def combing(pixels: np.ndarray) -> float:
    """How much neighbouring lines differ more than every second one."""
    luma = pixels.mean(2)
    return float(np.abs(np.diff(luma, axis=0)).mean() - np.abs(luma[2:] - luma[:-2]).mean())


@pytest.mark.parametrize(
    ("suffix", "codec", "pixel_format"),
    [(".mp4", "libx264", "yuv420p"), (".mkv", "libx264", "yuv422p10le"), (".ts", "mpeg2video", "yuv420p"),
     (".mov", "prores_ks", "yuv422p10le"), (".avi", "mpeg4", "yuv420p")],
)  # fmt: skip
def test_interlaced_footage_is_made_whole(tmp_path, cell, caplog, suffix, codec, pixel_format):
    caplog.set_level("INFO", "framedream")
    options = {"flags": "+ilme+ildct"} | ({"x264-params": "tff=1"} if codec == "libx264" else {})
    source = write(
        tmp_path / f"a{suffix}", codec, pixel_format, pictures=[fields(number) for number in range(12)], options=options
    )
    with av.open(str(source)) as container:
        coded = [frame.interlaced_frame for frame in container.decode(video=0)]
    assert all(coded)
    footage, film = through(source, tmp_path / "b.mp4")
    assert caplog.text.count("is interlaced; framedream deinterlaces each frame") == 1
    assert [frame.time for frame in frames(footage)] == [Fraction(number, 25) for number in range(12)]
    assert combing(fields(5) / 257) > 5
    for kind in (footage, film):
        shown = frames(kind)
        assert len(shown) == 12
        assert all(combing(frame.pixels) < 1 for frame in shown)
        bars = [np.flatnonzero(frame.pixels[32].mean(1) > 100).mean() for frame in shown]
        assert all(3 < later - earlier < 5 for earlier, later in itertools.pairwise(bars))
    cell(INTERLACED)


def test_a_film_that_becomes_interlaced_on_the_way_loses_no_frame(tmp_path, cell):
    """Progressive pictures pass through the filter as they are."""
    parts = [
        write(tmp_path / "a.ts", "mpeg2video", "yuv420p", pictures=[picture(n, 96, 64) for n in range(8)]),
        write(
            tmp_path / "b.ts", "mpeg2video", "yuv420p", pictures=[fields(n) for n in range(8)],
            ticks=range(8, 16), options={"flags": "+ilme+ildct"},
        ),
    ]  # fmt: skip
    whole = tmp_path / "c.ts"
    whole.write_bytes(b"".join(part.read_bytes() for part in parts))
    footage = open_footage(whole)
    shown = frames(footage)
    assert len(shown) == 16
    assert all(combing(frame.pixels) < 1 for frame in shown[8:])
    cell(INTERLACED)
