"""Stills, folders of images and animations give the pictures a viewer would show."""

from __future__ import annotations

import logging
import struct
from fractions import Fraction

import cv2
import numpy as np
import pytest
from media_clips import flat, number_of, numbered, quadrants
from PIL import Image, ImageOps

from framedream.config.settings import FootageSettings
from framedream.errors import InputError, OutputError, SettingsError
from framedream.media import open_footage, read_image, write_image
from framedream.media.read.image_reader import _upright
from framedream.media.write.image_writer import WRITABLE


def save(path, picture, **options):
    Image.fromarray(picture).save(path, **options)
    return path


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("suffix", WRITABLE)
def test_what_is_written_is_read(tmp_path, suffix):
    picture = quadrants().astype(np.float32)
    write_image(tmp_path / f"new/a{suffix}", picture)
    back = read_image(tmp_path / f"new/a{suffix}")
    assert back.dtype == np.float32
    assert np.abs(back - picture).mean() < 2.5
    assert [item.name for item in (tmp_path / "new").iterdir()] == [f"a{suffix}"]


def test_levels_are_rounded_and_clipped(tmp_path):
    write_image(tmp_path / "a.png", np.array([[[-3, 99.6, 300]]], np.float32))
    assert read_image(tmp_path / "a.png").tolist() == [[[0, 100, 255]]]


def test_a_jpeg_keeps_its_colors_at_full_size(tmp_path):
    stripes = np.zeros((32, 32, 3), np.float32)
    stripes[:, ::2] = (255, 0, 0)
    stripes[:, 1::2] = (0, 0, 255)
    write_image(tmp_path / "a.jpg", stripes)
    assert np.abs(read_image(tmp_path / "a.jpg") - stripes).mean() < 8


def test_a_failed_write_keeps_the_old_image(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", quadrants())
    before = path.read_bytes()

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OutputError, match="No space"):
        write_image(path, flat(3))
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_unknown_image_suffixes_name_the_nearest(tmp_path):
    with pytest.raises(SettingsError, match=r"did you mean '\.png'"):
        write_image(tmp_path / "a.pgn", flat(3))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_exif_turns_are_applied(tmp_path, orientation, suffix):
    path = save(tmp_path / f"a{suffix}", quadrants(), exif=turned(orientation))
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"), np.float32)
    assert np.array_equal(read_image(path), expected)
    footage = open_footage(path)
    assert (footage.format.height, footage.format.width) == expected.shape[:2]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_exif_turns_are_applied_to_deep_images(tmp_path, orientation, suffix):
    small = save(tmp_path / f"small{suffix}", quadrants(), exif=turned(orientation))
    assert cv2.imwrite(str(tmp_path / "deep.tif"), quadrants()[..., ::-1].astype(np.uint16) * 257)
    assert np.array_equal(_upright(read_image(tmp_path / "deep.tif"), orientation), read_image(small))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_keep_their_fraction(tmp_path, suffix, channels):
    deep = np.full((8, 8, channels), 25_829, np.uint16)  # 100.5 levels and a little
    deep[..., -1] = 65_535 if channels == 4 else deep[..., -1]
    assert cv2.imwrite(str(tmp_path / f"a{suffix}"), deep)
    picture = read_image(tmp_path / f"a{suffix}")
    assert picture.shape == (8, 8, 3)
    assert picture.mean() == pytest.approx(25_829 / 257, abs=1e-3)


def test_channels_of_deep_images_are_in_order(tmp_path):
    deep = quadrants()[..., ::-1].astype(np.uint16) * 257
    assert cv2.imwrite(str(tmp_path / "a.png"), deep)
    assert np.allclose(read_image(tmp_path / "a.png"), quadrants())


@pytest.mark.parametrize("mode", ["L", "P", "1", "LA", "RGBA", "CMYK"])
def test_every_kind_of_image_becomes_rgb(tmp_path, mode):
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.fromarray(flat(255)).convert(mode).save(path)
    assert np.array_equal(read_image(path), np.full((48, 64, 3), 255, np.float32))


def swapped_profile() -> bytes:
    """An ICC profile with the primaries of sRGB, but whose red is green and whose green is red."""
    points = {b"rXYZ": (0.3851, 0.7169, 0.0971), b"gXYZ": (0.4361, 0.2225, 0.0139), b"bXYZ": (0.1431, 0.0606, 0.7141)}
    points[b"wtpt"] = (0.9642, 1.0, 0.8249)
    tags = {
        name: b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in point)
        for name, point in points.items()
    }
    tags |= {name: struct.pack(">4s4xIH2x", b"curv", 1, round(2.2 * 256)) for name in (b"rTRC", b"gTRC", b"bTRC")}
    tags |= {name: b"desc\0\0\0\0" + struct.pack(">I", 5) + b"Swap\0" + bytes(79) for name in (b"desc", b"cprt")}
    table, body, start = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data
    size = start + len(body)
    head = struct.pack(">I4x4s4s4s4s", size, b"\x02\x10\0\0", b"mntr", b"RGB ", b"XYZ ").ljust(36, b"\0") + b"acsp"
    white = b"".join(struct.pack(">i", round(value * 65536)) for value in points[b"wtpt"])
    return (head.ljust(68, b"\0") + white).ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_colors_of_a_profile_become_those_of_srgb(tmp_path, suffix, mode):
    if (suffix, mode) == (".jpg", "RGBA"):
        pytest.skip("JPEG has no alpha")
    path = tmp_path / f"a{suffix}"
    Image.fromarray(flat((200, 40, 60))).convert(mode).save(path, icc_profile=swapped_profile())
    assert np.abs(read_image(path) - (40, 200, 60)).max() < 9


def test_a_damaged_profile_costs_no_picture(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(flat((200, 40, 60))).save(path, icc_profile=swapped_profile()[:200])
    assert np.abs(read_image(path) - (200, 40, 60)).max() == 0


def test_transparent_parts_are_black_and_noted(tmp_path, caplog):
    picture = np.dstack([flat(200), np.full((48, 64), 128, np.uint8)])
    picture[:10, :, 3] = 0
    with caplog.at_level(logging.INFO, "framedream"):
        pixels = read_image(save(tmp_path / "a.png", picture))
    assert pixels[:10].max() == 0
    assert pixels[20, 20] == pytest.approx(200 * 128 / 255)
    assert "over black" in caplog.text


@pytest.mark.parametrize("content", [None, b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_image_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "a.png"
    if content is not None:
        path.write_bytes(content)
    for read in (read_image, open_footage):
        with pytest.raises(InputError, match=r"a\.png") as caught:
            read(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("deep", [False, True])
def test_a_damaged_image_is_named(tmp_path, deep):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint16 if deep else np.uint8)
    cv2.imwrite(str(tmp_path / "whole.png"), noise)
    data = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "a.png").write_bytes(data[: len(data) // 2])
    (tmp_path / "whole.png").unlink()
    with pytest.raises(InputError, match=r"a\.png.*damaged"):
        read_image(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png.*damaged"):
        list(open_footage(tmp_path).frames())


def test_a_folder_is_read_in_natural_order(tmp_path):
    for index in range(12):
        save(tmp_path / f"Shot{index}.png", numbered(12)[index])
    (tmp_path / "notes.txt").write_text("no image")
    save(tmp_path / ".hidden.png", flat(0))
    footage = open_footage(tmp_path, FootageSettings(fps="30000/1001"))
    frames = list(footage.frames())
    assert [number_of(frame.pixels) for frame in frames] == list(range(12))
    assert [frame.time for frame in frames] == [index * Fraction(1001, 30_000) for index in range(12)]
    assert (footage.frame_count, footage.format.rate, footage.format.sound) == (12, Fraction(30_000, 1001), None)


def test_a_folder_plays_at_25_frames_a_second_and_can_be_cut(tmp_path):
    for index in range(10):
        save(tmp_path / f"{index}.png", numbered(10)[index])
    assert open_footage(tmp_path).format.rate == 25
    part = open_footage(tmp_path, FootageSettings(start="0.08", end="5f", scale=0.5))
    assert [number_of(frame.pixels) for frame in part.frames()] == [2, 3, 4]
    assert next(part.frames()).pixels.shape == (24, 32, 3)


def test_images_of_different_sizes_are_refused_by_name(tmp_path):
    save(tmp_path / "1.png", flat(0))
    save(tmp_path / "2.png", flat(0, 48, 64), exif=turned(6))
    save(tmp_path / "3.png", flat(0, 48, 64))
    with pytest.raises(InputError, match=r"3\.png is 48x64 but .*1\.png is 64x48"):
        open_footage(tmp_path)


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(InputError, match="no images"):
        open_footage(tmp_path)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_animations_keep_each_pictures_duration(tmp_path, suffix):
    pictures = [Image.fromarray(picture) for picture in numbered(5)]
    durations = [40, 250, 20, 1000, 130]
    options = {"lossless": True} if suffix == ".webp" else {}
    pictures[0].save(
        tmp_path / f"a{suffix}", save_all=True, append_images=pictures[1:], duration=durations, loop=0, **options
    )
    footage = open_footage(tmp_path / f"a{suffix}")
    frames = list(footage.frames())
    assert [number_of(frame.pixels) for frame in frames] == list(range(5))
    assert [frame.duration * 1000 for frame in frames] == durations
    assert [frame.time * 1000 for frame in frames] == [0, 40, 290, 310, 1310]
    assert footage.format.last_duration == Fraction(13, 100)
    assert footage.frame_count == 5
    assert [number_of(frame.pixels) for frame in footage._source.frames(2, 4)] == [2, 3]


def test_an_animation_without_durations_plays_as_viewers_show_it(tmp_path):
    pictures = [Image.fromarray(picture) for picture in numbered(3)]
    pictures[0].save(tmp_path / "a.gif", save_all=True, append_images=pictures[1:], duration=0)
    assert open_footage(tmp_path / "a.gif").format.rate == 10


def test_parts_of_an_animation_are_put_together(tmp_path):
    """Only a corner changes from picture to picture: each frame must still be whole."""
    pictures = []
    for index in range(3):
        picture = quadrants()
        picture[:8, : 8 * (index + 1)] = (250, 250, 10)
        pictures.append(Image.fromarray(picture))
    pictures[0].save(tmp_path / "a.png", save_all=True, append_images=pictures[1:], duration=40)
    for frame, picture in zip(open_footage(tmp_path / "a.png").frames(), pictures, strict=True):
        assert np.array_equal(frame.pixels, np.asarray(picture, np.float32))


def test_a_transparent_animation_is_noted_once(tmp_path, caplog):
    pictures = [Image.fromarray(np.dstack([picture, picture[..., 0]])) for picture in numbered(4)]
    pictures[0].save(tmp_path / "a.webp", save_all=True, append_images=pictures[1:], duration=40, lossless=True)
    footage = open_footage(tmp_path / "a.webp")
    with caplog.at_level(logging.INFO, "framedream"):
        assert len(list(footage.frames())) == len(list(footage.frames())) == 4
    assert caplog.text.count("over black") == 1


def test_a_damaged_animation_is_refused(tmp_path):
    generator = np.random.default_rng(0)
    pictures = [Image.fromarray(generator.integers(0, 256, (48, 64, 3), np.uint8)) for _ in range(4)]
    pictures[0].save(tmp_path / "a.webp", save_all=True, append_images=pictures[1:], duration=40)
    data = (tmp_path / "a.webp").read_bytes()
    (tmp_path / "a.webp").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"a\.webp"):
        list(open_footage(tmp_path / "a.webp").frames())


@pytest.mark.parametrize("suffix", [".png", ".gif", ".jpg"])
def test_a_still_is_footage_of_one_frame(tmp_path, suffix):
    footage = open_footage(save(tmp_path / f"a{suffix}", quadrants()))
    frames = list(footage.frames())
    assert len(frames) == footage.frame_count == 1
    assert frames[0].time == 0


def test_a_large_image_is_no_cause_for_alarm(tmp_path, monkeypatch):
    """Pillow warns of it, and a warning fails a test."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2500)
    assert read_image(save(tmp_path / "a.png", np.zeros((50, 60, 3), np.uint8))).shape == (50, 60, 3)


@pytest.mark.parametrize(("kind", "name"), [(np.int32, "a.tif"), (np.float32, "a.tiff")])
def test_images_of_which_nothing_says_what_is_white_are_refused(tmp_path, kind, name):
    """Measurements, of 32 bits: they would become black or white as a whole."""
    Image.fromarray(np.full((16, 24), 30_000, kind)).save(tmp_path / name)
    for reader in (read_image, open_footage):
        with pytest.raises(InputError, match="has 32 bits per channel"):
            reader(tmp_path / name)


def test_gray_maps_of_16_bits_are_read(tmp_path):
    levels = np.linspace(0, 65535, 24, dtype=np.uint16)
    (tmp_path / "a.pgm").write_bytes(b"P5 24 16 65535\n" + np.tile(levels, (16, 1)).astype(">u2").tobytes())
    assert open_footage(tmp_path / "a.pgm").format.depth == 16
    assert np.allclose(read_image(tmp_path / "a.pgm")[8, :, 1], levels / 257)
