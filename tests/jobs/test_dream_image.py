"""A still in, a dreamed still out; arrays and files alike."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from pictures import noise, scene
from PIL import Image

from framedream import Settings, dream_image, load_image
from framedream.errors import InputError, OutputError, SettingsError
from framedream.media import read_image, write_image

FEW = Settings.of(steps=2, octaves=3)


@pytest.fixture
def still(tmp_path):
    write_image(tmp_path / "still.png", scene(96, 128))
    return tmp_path / "still.png"


def test_a_file_is_dreamed_into_a_file(still, tmp_path, dreamer):
    dreamed = dream_image(still, tmp_path / "dream.png", FEW)
    assert np.abs(read_image(tmp_path / "dream.png") - dreamed).max() <= 0.5
    assert dreamer.strength(dreamed) > 1.5 * dreamer.strength(read_image(still))


def test_an_array_is_dreamed_into_an_array_and_left_as_it_is():
    picture = scene(96, 128)
    before = picture.copy()
    dreamed = dream_image(picture, settings=FEW)
    assert (dreamed.shape, dreamed.dtype) == ((96, 128, 3), np.float32)
    assert np.array_equal(picture, before)
    assert np.abs(dreamed - picture).mean() > 1


@pytest.mark.parametrize("dtype", [np.uint8, np.float64, np.int32])
def test_arrays_of_any_number_type_are_taken(dtype):
    picture = np.rint(scene(64, 80)).astype(dtype)
    assert np.abs(dream_image(picture, settings=Settings.of(steps=0)) - picture).max() < 1e-2


@pytest.mark.parametrize("shape", [(96, 128), (96, 128, 4), (1, 96, 128, 3)])
def test_what_is_no_picture_is_refused(shape):
    with pytest.raises((InputError, ValueError), match="H×W×3"):
        dream_image(np.zeros(shape, np.uint8), settings=FEW)


def test_file_and_array_give_the_same_dream(still):
    assert np.array_equal(dream_image(still, settings=FEW), dream_image(read_image(still), settings=FEW))


def test_the_dream_at_each_size_can_be_saved(still, tmp_path):
    dreamed = dream_image(still, tmp_path / "dream.png", FEW, save_octaves=tmp_path / "octaves")
    names = sorted(item.name for item in (tmp_path / "octaves").iterdir())
    assert names == ["octave-1.png", "octave-2.png", "octave-3.png"]
    octaves = [read_image(tmp_path / "octaves" / name) for name in names]
    assert [octave.shape[:2] for octave in octaves] == [(49, 65), (69, 91), (96, 128)]
    assert np.abs(octaves[-1] - dreamed).max() <= 0.5


@pytest.mark.parametrize(("settings", "shape"), [({"size": "64x40"}, (40, 64, 3)), ({"scale": 0.5}, (48, 64, 3))])
def test_a_still_is_dreamed_at_the_size_asked_for(still, settings, shape):
    assert dream_image(still, settings=Settings.of(steps=1, **settings)).shape == shape


def test_the_input_is_never_written_over(still):
    before = still.read_bytes()
    with pytest.raises(OutputError, match="is the input itself"):
        dream_image(still, still, FEW)
    assert still.read_bytes() == before


def test_a_still_that_is_not_there_is_named(tmp_path):
    for target in (None, tmp_path / "dream.png"):
        with pytest.raises(InputError, match=r"gone\.png"):
            dream_image(tmp_path / "gone.png", target)


def test_a_suffix_that_cannot_be_written_is_refused_before_the_dream(still, tmp_path, monkeypatch):
    from framedream.nn.ascent.dreamer import Dreamer

    monkeypatch.setattr(Dreamer, "__init__", lambda *_: pytest.fail("it dreamed first"))
    with pytest.raises(SettingsError, match=r"\.xyz"):
        dream_image(still, tmp_path / "dream.xyz", FEW)


def test_a_still_that_is_too_small_is_refused_with_the_cure():
    with pytest.raises(InputError, match=r"too small .*--scale"):
        dream_image(noise(10, 10), settings=FEW)


def test_a_still_keeps_its_mean_color_unless_it_is_left_free():
    picture = scene(96, 128)
    shifts = {}
    for color in ("keep", "free"):
        dreamed = dream_image(picture, settings=Settings.of(steps=6, octaves=1, color=color))
        shifts[color] = np.abs((dreamed - picture).mean((0, 1))).max()
    assert shifts["keep"] < 0.05
    assert shifts["free"] > 0.3


def test_in_luma_a_still_keeps_the_color_of_every_pixel():
    picture = scene(96, 128) / 2 + 64
    change = dream_image(picture, settings=Settings.of(steps=4, octaves=1, color="luma")) - picture
    assert change.std() > 2
    assert np.abs(change - change.mean(-1, keepdims=True)).max() < 1e-2


def test_octaves_that_are_saved_keep_their_color_too(still, tmp_path):
    dreamed = dream_image(still, None, Settings.of(steps=6, octaves=2), save_octaves=tmp_path)
    plain = dream_image(still, None, Settings.of(steps=6, octaves=2))
    assert np.array_equal(dreamed, plain)
    small = read_image(tmp_path / "octave-1.png")
    assert np.abs(small.mean((0, 1)) - read_image(still).mean((0, 1))).max() < 0.3


def test_a_still_is_loaded_at_the_size_asked_for(tmp_path):
    write_image(tmp_path / "a.png", np.full((20, 30, 3), 9, np.float32))
    assert load_image(tmp_path / "a.png").shape == (20, 30, 3)
    assert load_image(tmp_path / "a.png", size="15x10").shape == (10, 15, 3)
    assert load_image(tmp_path / "a.png", size=(15, 12)).shape == (12, 15, 3)
    assert load_image(tmp_path / "a.png", scale=2).shape == (40, 60, 3)
    with pytest.raises(InputError, match=r"gone\.png"):
        load_image(tmp_path / "gone.png")


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".jpg"])
def test_transparent_parts_stay_so_where_the_format_can(tmp_path, suffix):
    picture = np.dstack([scene(48, 64), np.full((48, 64), 255.0)])
    picture[:, 32:, 3] = 90
    Image.fromarray(picture.astype(np.uint8)).save(tmp_path / "still.png")
    dream_image(tmp_path / "still.png", tmp_path / f"dream{suffix}", Settings.of(steps=1, octaves=1))
    with Image.open(tmp_path / f"dream{suffix}") as made:
        if suffix == ".jpg":
            assert made.mode == "RGB"
            assert np.asarray(made)[:, 40:].mean() < 0.5 * np.asarray(made)[:, :24].mean()
        else:
            alpha = np.asarray(made)[..., 3]
            assert (alpha[:, :32] == 255).all()
            assert (alpha[:, 32:] == 90).all()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_deep_stills_become_deep_stills(tmp_path, suffix):
    deep = (scene(48, 64) * 256).astype(np.uint16)
    assert cv2.imwrite(str(tmp_path / "still.png"), deep[..., ::-1])
    dream_image(tmp_path / "still.png", tmp_path / f"dream{suffix}", Settings.of(steps=0, octaves=1))
    made = cv2.imread(str(tmp_path / f"dream{suffix}"), cv2.IMREAD_UNCHANGED)
    assert made.dtype == np.uint16
    assert np.abs(made[..., ::-1].astype(float) - deep).max() <= 1
