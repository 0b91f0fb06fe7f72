"""What files say of themselves is believed within limits, and nothing that they point to is opened."""

from __future__ import annotations

import struct
import zlib
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from media_clips import HEIGHT, WIDTH, decoded_sound, flat, number_of, numbered, quadrants, write_video
from PIL import Image

from benchmarks.film_writer import open_film
from framedream.errors import InputError
from framedream.media import FilmFormat, Frame, open_footage, read_image
from framedream.media.audio.audio_samples import read_mono
from framedream.media.frames import Sound
from framedream.media.plausibility import (
    check_animation_plausible,
    check_plausible,
    plausible_aspect,
    plausible_count,
    plausible_rate,
)
from framedream.media.read.animation_reader import to_ticks


def sized(path: Path, size: int) -> Path:
    path.write_bytes(bytes(size))
    return path


# Sizes.


@pytest.mark.parametrize(
    ("width", "height", "size"), [(8192, 4320, 500), (12_000, 9000, 20_000), (32_767, 3000, 10_000)]
)
def test_sizes_that_footage_has_are_believed(tmp_path, width, height, size):
    check_plausible(sized(tmp_path / "a", size), width, height)


def test_gigapixels_in_a_few_bytes_are_not_believed(tmp_path):
    with pytest.raises(InputError, match="claims 32768x32768 pixels in 500 bytes; it is damaged: copy"):
        check_plausible(sized(tmp_path / "a", 500), 32_768, 32_768)


@pytest.mark.parametrize("side", [13_000, 30_000])
def test_an_image_that_says_it_is_huge_is_refused_before_it_is_decoded(tmp_path, side):
    path = tmp_path / "a.png"
    Image.fromarray(quadrants()).save(path)
    data = bytearray(path.read_bytes())
    struct.pack_into(">II", data, 16, side, side)
    struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    path.write_bytes(data)
    for read in (read_image, open_footage):
        with pytest.raises(InputError, match=r"a\.png: (claims|says that it has)"):
            read(path)


@pytest.mark.parametrize(("side", "pictures", "said"), [(4, 900, True), (1900, 300, False), (8000, 2, False)])
def test_animations_are_believed_to_hold_what_animations_hold(tmp_path, side, pictures, said):
    path = sized(tmp_path / "a.gif", 10_000)
    with nullcontext() if said else pytest.raises(InputError, match=f"claims {pictures} pictures of {side}x"):
        check_animation_plausible(path, side, side, pictures)
    check_animation_plausible(sized(tmp_path / "b.gif", 10_000_000), side, side, pictures)


def test_a_film_that_says_it_is_huge_is_refused(tmp_path):
    """The size of an AVI's uncompressed pictures is what its header says."""
    path = write_video(tmp_path / "a.avi", numbered(2), codec="rawvideo")
    data = bytearray(path.read_bytes())
    struct.pack_into("<ii", data, data.index(b"strf") + 12, 15_000, 15_000)
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"a\.avi"):
        open_footage(path)


def test_a_png_whose_chunks_lie_outside_of_it_is_damaged(tmp_path):
    """OpenCV would take the four gigabytes that are asked for."""
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((40, 50), np.uint16)).save(path)
    data = bytearray(path.read_bytes())
    struct.pack_into(">I", data, data.index(b"IDAT") - 4, 0xFFFFFFF0)
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"a\.png: the image is damaged"):
        read_image(path)


def test_an_animation_with_a_picture_outside_of_its_frame_is_damaged(tmp_path):
    path = tmp_path / "a.gif"
    pictures = [Image.fromarray(picture) for picture in numbered(3)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=40)
    data = bytearray(path.read_bytes())
    struct.pack_into("<H", data, data.rindex(b"\x2c\0\0\0\0") + 1, 40_000)
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"a\.gif: the animation is damaged .*is outside"):
        open_footage(path)


def test_a_picture_is_read_though_what_its_camera_noted_is_damaged(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "a.jpg"
    Image.fromarray(quadrants()).save(path, exif=exif, quality=95, subsampling=0)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"Exif\0\0MM\0*", b"Exif\0\0MM\xff*"))
    assert np.abs(read_image(path) - quadrants()).mean() < 3
    assert open_footage(path).format.width == WIDTH


# Times and counts.


def test_rates_aspects_and_counts_are_believed_within_limits(tmp_path):
    assert [plausible_rate(rate) for rate in (None, Fraction(0), Fraction(10**9), Fraction(1, 10**6))] == [None] * 4
    assert plausible_rate(Fraction(24_000, 1001)) == Fraction(24_000, 1001)
    assert [plausible_aspect(aspect) for aspect in (None, Fraction(1, 65_535), Fraction(999), Fraction(4, 3))] == [
        *(1, 1, 1),
        Fraction(4, 3),
    ]
    path = sized(tmp_path / "a", 500)
    assert [plausible_count(path, count) for count in (-3, 0, 12, 2**31)] == [None, None, 12, None]


def test_a_frame_years_later_is_shown_next(tmp_path, caplog):
    path = write_video(tmp_path / "a.mkv", numbered(5), ticks=[0, 1, 2, 10**9, 10**9 + 1])
    frames = list(open_footage(path).frames())
    assert [number_of(frame.pixels) for frame in frames] == [0, 1, 2, 3, 4]
    assert frames[-1].time < 60
    assert caplog.text.count("no plausible timestamp") == 1


def test_durations_with_no_common_tick_are_rounded_to_the_finest(tmp_path):
    durations, tick = to_ticks([Fraction(1, 65_521), Fraction(1, 65_519), Fraction(3)])
    assert tick == Fraction(1, 1_000_000)
    assert durations == [15 * tick, 15 * tick, Fraction(3)]
    assert to_ticks([Fraction(1, 25), Fraction(1, 30)]) == ([Fraction(1, 25), Fraction(1, 30)], Fraction(1, 150))


# Sound.


def _gray_film(path: Path, sound, seconds: float) -> Path:
    with open_film(path, film_format=FilmFormat(WIDTH, HEIGHT, sound=sound)) as film:
        for number in range(round(25 * seconds)):
            film.write(Frame(flat(99).astype(np.float32), Fraction(number, 25)))
    return path


def test_sound_that_a_container_refuses_is_encoded_anew(tmp_path, caplog):
    """A packet of AC-3 that begins with zeros, at which the writer of MP4 gives up."""
    path = write_video(tmp_path / "a.mkv", numbered(10), sound="ac3")
    with av.open(str(path)) as container:
        third = [bytes(packet) for packet in container.demux(audio=0) if packet.size][2]
    path.write_bytes(path.read_bytes().replace(third[:40], bytes(8) + third[8:40]))
    film = _gray_film(tmp_path / "film.mp4", open_footage(path).format.sound, 0.4)
    assert f"{path}: the sound is damaged and cannot be copied; framedream encodes it again" in caplog.text
    assert np.abs(decoded_sound(film)[1]).max() > 0.1


def test_damaged_sound_costs_neither_titles_nor_a_false_word_about_subtitles(tmp_path, caplog):
    path = write_video(tmp_path / "a.mkv", numbered(10), sound="ac3", metadata={"title": "My film"})
    with av.open(str(path)) as container:
        third = [bytes(packet) for packet in container.demux(audio=0) if packet.size][2]
    path.write_bytes(path.read_bytes().replace(third[:40], bytes(8) + third[8:40]))
    footage = open_footage(path)
    with open_film(tmp_path / "film.mp4", film_format=footage.format) as film:
        for frame in footage.frames():
            film.write(frame)
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        f"{path}: the sound is damaged and cannot be copied; framedream encodes it again"
    ]
    with av.open(str(tmp_path / "film.mp4")) as container:
        assert container.metadata["title"] == "My film"
        assert container.streams.audio[0].codec_context.name == "aac"


def test_sound_may_change_its_form_on_the_way(tmp_path):
    """As in broadcasts: two channels at 48 kHz, then one at 32 kHz."""
    path = tmp_path / "a.ts"
    parts = []
    for start, layout, rate in ((0, "stereo", 48_000), (1, "mono", 32_000)):
        with av.open(str(path), "w") as output:
            track = output.add_stream("mp2", rate=rate)
            track.layout = layout
            wave = 0.3 * np.sin(np.arange(rate) * 0.06)
            planes = np.stack([wave] * (2 if layout == "stereo" else 1)).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = rate, start * rate
            output.mux([*track.encode(frame), *track.encode(None)])
        parts.append(path.read_bytes())
    path.write_bytes(b"".join(parts))
    samples = np.concatenate(list(read_mono(path, 8000)))
    assert len(samples) > 1.9 * 8000
    assert np.abs(samples[-2000:-500]).max() > 0.1
    film = _gray_film(tmp_path / "film.webm", Sound(path), 2)  # Which cannot hold MP2.
    heard = decoded_sound(film)[1]
    assert heard.shape[1] > 1.9 * 48_000
    assert np.abs(heard[:, -24_000:-10_000]).max() > 0.1
