"""An image in, feature maps out: as arrays, as a drawing, as files."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import noise, scene

from framedream import FeatureSettings, feature_maps
from framedream.errors import InputError, OutputError, SettingsError
from framedream.media import read_image, write_image


@pytest.fixture
def still(tmp_path):
    write_image(tmp_path / "still.png", scene(64, 96))
    return tmp_path / "still.png"


def test_the_exercise_four_maps_of_the_seventh_layer_of_vgg16(samples, tmp_path, vgg16_weights):
    settings = FeatureSettings(
        model="vgg16", weights=vgg16_weights, layers="6", channels="0-3", size="160x106", columns=None
    )
    maps = feature_maps(samples / "china.jpg", tmp_path / "maps.png", settings)
    assert maps.arrays["block2_pool"].shape == (26, 40, 128)
    assert maps.channels == {"block2_pool": (0, 1, 2, 3)}
    assert np.array_equal(read_image(tmp_path / "maps.png"), maps.sheet.pixels)
    assert maps.sheet.pixels.shape[1] > 4 * maps.sheet.pixels.shape[0]


def test_without_a_word_it_is_the_strongest_of_the_layers_that_dreams_start_with(still):
    maps = feature_maps(still)
    assert list(maps.channels) == ["fire7"]
    strength = (maps.arrays["fire7"].astype(float) ** 2).mean((0, 1))
    drawn = strength[list(maps.channels["fire7"])]
    assert len(drawn) == 16
    assert (np.diff(drawn) <= 0).all()
    assert drawn.min() >= np.sort(strength)[-16]


def test_a_channel_that_is_strongly_negative_is_strong(monkeypatch, still):
    values = np.zeros((4, 4, 3), np.float32)
    values[..., 1], values[..., 2] = -5, 3
    monkeypatch.setattr("framedream.nn.visualization.feature_activations.compute_activations", lambda *_: {"a": values})
    assert feature_maps(still, None, FeatureSettings(top=2)).channels == {"a": (1, 2)}


@pytest.mark.parametrize(
    ("settings", "drawn"),
    [
        ({"channels": "9,2-4,2"}, (9, 2, 3, 4)),
        ({"channels": [5, 1]}, (5, 1)),
        ({"channels": 7}, (7,)),
        ({"channels": "all"}, tuple(range(64))),
    ],
)
def test_channels_are_drawn_in_the_order_asked_for(still, settings, drawn):
    assert feature_maps(still, None, FeatureSettings(layers="conv1", **settings)).channels == {"conv1": drawn}


def test_the_strongest_of_some_channels(still):
    some = feature_maps(still, None, FeatureSettings(layers="conv1", channels="10-19", top=3)).channels["conv1"]
    ranking = feature_maps(still, None, FeatureSettings(layers="conv1", channels="all", top=64)).channels["conv1"]
    assert list(some) == [channel for channel in ranking if 10 <= channel < 20][:3]


def test_of_a_layer_with_fewer_channels_all_are_drawn(still):
    maps = feature_maps(still, None, FeatureSettings(layers=["fire2_squeeze1x1", "conv1"], top=20))
    assert [len(channels) for channels in maps.channels.values()] == [16, 20]


def test_a_channel_that_does_not_exist_is_answered_with_how_many_there_are(still):
    with pytest.raises(SettingsError, match="conv1 of squeezenet has channels 0 to 63; channel 64 does not exist"):
        feature_maps(still, None, FeatureSettings(layers="conv1", channels="60-64"))


def test_all_channels_are_kept_as_arrays(still, tmp_path):
    settings = FeatureSettings(layers="fire2,fire3", channels="0")
    maps = feature_maps(still, tmp_path / "maps.jpg", settings, npz=tmp_path / "deep" / "maps.npz")
    with np.load(tmp_path / "deep" / "maps.npz") as stored:
        assert set(stored) == {"fire2", "fire3"}
        for name, array in maps.arrays.items():
            assert stored[name].dtype == np.float32
            assert np.array_equal(stored[name], array)
    assert [item.name for item in (tmp_path / "deep").iterdir()] == ["maps.npz"]


def test_in_a_notebook_the_maps_show_themselves_and_no_numbers(still):
    maps = feature_maps(still, None, FeatureSettings(channels="3"))
    assert maps._repr_png_() == maps.sheet._repr_png_()
    assert repr(maps).startswith("FeatureMaps(channels={'fire7': (3,)}, sheet=Sheet(")


def test_file_and_array_give_the_same_maps(still):
    one, other = feature_maps(still), feature_maps(read_image(still).astype(np.uint8))
    assert np.array_equal(one.arrays["fire7"], other.arrays["fire7"])
    assert np.array_equal(one.sheet.pixels, other.sheet.pixels)


@pytest.mark.parametrize(("settings", "shape"), [({"size": "80x48"}, (24, 40)), ({"scale": 0.5}, (16, 24))])
def test_the_network_sees_the_image_at_the_size_asked_for(still, settings, shape):
    assert feature_maps(still, None, FeatureSettings(layers="conv1", **settings)).arrays["conv1"].shape[:2] == shape


@pytest.mark.parametrize(
    ("target", "npz", "error", "message"),
    [
        ("maps.xyz", None, SettingsError, r"\.xyz"),
        ("maps.png", "maps.txt", SettingsError, r"maps\.txt does not end in \.npz; give it that suffix"),
        ("still.png", None, OutputError, "is the input itself"),
        (None, "other.npz", OutputError, "is the input itself"),
    ],
)
def test_names_are_looked_at_before_the_network_is(still, tmp_path, monkeypatch, target, npz, error, message):
    monkeypatch.setattr(
        "framedream.nn.visualization.feature_activations.compute_activations", lambda *_: pytest.fail("it looked first")
    )
    (tmp_path / "other.npz").hardlink_to(still)
    before = still.read_bytes()
    with pytest.raises(error, match=message):
        feature_maps(still, target and tmp_path / target, npz=npz and tmp_path / npz)
    assert still.read_bytes() == before


def test_arrays_are_not_written_over_the_weights(still, tmp_path):
    (tmp_path / "own.npz").write_bytes(b"weights")
    with pytest.raises(OutputError, match=r"own\.npz: is the input itself"):
        feature_maps(still, None, FeatureSettings(weights=tmp_path / "own.npz"), npz=tmp_path / "own.npz")
    assert (tmp_path / "own.npz").read_bytes() == b"weights"


def test_colors_are_looked_at_before_the_network_is(still, monkeypatch):
    monkeypatch.setattr(
        "framedream.nn.visualization.feature_activations.compute_activations", lambda *_: pytest.fail("it looked first")
    )
    with pytest.raises(SettingsError, match="did you mean 'magma'"):
        feature_maps(still, None, FeatureSettings(colormap="magmaa"))


def test_what_is_no_picture_is_refused():
    with pytest.raises(InputError, match="H×W×3"):
        feature_maps(noise(64, 64)[..., 0])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"channels": "3-1"}, "'3-1' is not a channel; write 0-3, or 1,5,9, or all"),
        ({"channels": "-1"}, "'-1' is not a channel"),
        ({"channels": []}, "the list is empty"),
        ({"top": 0}, "accepted: 1 and more"),
        ({"columns": 33}, "accepted: 1 to 32"),
        ({"model": "vgg61"}, "did you mean 'vgg1"),
        ({"layers": "fire7:0-3"}, "is a layer with channels; write --layer fire7 --channels 0-3"),
        ({"layers": "class:967"}, "is a class; imagine takes it as --class 967"),
        ({"size": "8x8", "scale": 2}, "size and scale cannot be combined"),
    ],
)
def test_settings_check_themselves(values, message):
    with pytest.raises(SettingsError, match=message):
        FeatureSettings(**values)


def test_layers_are_read_as_people_write_them():
    for layers in ("a,6,b", ["a", 6, "b"], ("a,6", "b"), "a, 6 ,b,a"):
        assert FeatureSettings(layers=layers).layers == ("a", "6", "b")
    assert FeatureSettings(layers=6).layers == ("6",)
    assert FeatureSettings(model="VGG16").layers == ("block4_conv1", "block5_conv2")
