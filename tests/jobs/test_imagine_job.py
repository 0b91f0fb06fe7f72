"""Nothing in, pictures out: one, or a sheet of several, each by its name."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from framedream import ImagineSettings, imagine
from framedream.errors import InputError, OutOfMemory, OutputError, SettingsError, WeightsError
from framedream.media import read_image
from framedream.nn.runtime import tf

QUICK = {"size": "48x40", "steps": 4, "octaves": 1}


def test_one_picture_is_written_as_it_is(tmp_path):
    found = imagine(tmp_path / "a.png", ImagineSettings(layers="fire5", channels=3, **QUICK))
    assert list(found.pictures) == list(found.values) == ["fire5:3"]
    assert found.pictures["fire5:3"].shape == (40, 48, 3)
    assert np.array_equal(read_image(tmp_path / "a.png"), found.sheet.pixels)
    assert np.abs(found.sheet.pixels - found.pictures["fire5:3"]).max() <= 0.5
    assert found._repr_png_().startswith(b"\x89PNG")


def test_several_channels_layers_and_classes_make_a_sheet():
    settings = ImagineSettings(layers="fire2,fire3", channels="0-1", classes=["espresso", "258"], columns=4, **QUICK)
    found = imagine(None, settings)
    names = ["fire2:0", "fire2:1", "fire3:0", "fire3:1", "class:espresso", "class:Samoyed"]
    assert list(found.pictures) == names
    height, width = found.sheet.pixels.shape[:2]
    assert width > 4 * 48
    assert 2 * 40 < height < 5 * 40
    assert len({picture.tobytes() for picture in found.pictures.values()}) == 6


def test_without_a_word_it_is_the_layer_that_dreams_start_with_as_a_whole():
    assert list(imagine(None, ImagineSettings(**QUICK)).pictures) == ["fire7"]


def test_a_layer_may_be_given_by_its_index():
    assert list(imagine(None, ImagineSettings(layers=1, **QUICK)).pictures) == ["conv1"]


def test_progress_is_told_step_by_step_to_the_end():
    told = []
    settings = ImagineSettings(layers="fire2", channels="0-1", size="64x64", steps=20, octaves=2)
    imagine(None, settings, progress=lambda done, of: told.append((done, of)))
    assert {of for _, of in told} == {80}
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (80, 80)


def test_octaves_begin_near_128_pixels(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "framedream.nn.visualization.visualizers.FeatureVisualizer.visualize",
        lambda self, channel, sizes, *_: seen.append(sizes),
    )
    with pytest.raises(AttributeError):
        imagine(None, ImagineSettings(size="360x256"))
    assert seen == [[(131, 184), (183, 257), (256, 360)]]


def test_the_plain_way_takes_its_epochs():
    found = imagine(None, ImagineSettings(layers="fire2", channels=0, plain=True, epochs=7, size="48x40"))
    assert len(found.values["fire2:0"]) == 7


@pytest.mark.parametrize("plain", [False, True])
def test_what_nothing_excites_is_told(plain, caplog):
    caplog.set_level(logging.INFO, "framedream")
    # This channel of SqueezeNet died in its training.
    settings = ImagineSettings(layers="fire5", channels=9, plain=plain, **QUICK)
    imagine(None, settings)
    assert "fire5:9: no picture excites it" in caplog.text


def test_vgg16_with_weights_that_know_pictures(vgg16_weights):
    settings = ImagineSettings(
        model="vgg16", weights=vgg16_weights, layers="6", channels="0,1", **QUICK | {"steps": 16}
    )
    found = imagine(None, settings)
    assert list(found.pictures) == ["block2_pool:0", "block2_pool:1"]
    assert all(values[-4:].mean() > values[:4].mean() for values in found.values.values())


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        ({"layers": "fire77"}, SettingsError, "did you mean 'fire7'"),
        (
            {"layers": "fire5", "channels": 256},
            SettingsError,
            "fire5 of squeezenet has channels 0 to 255; channel 256 does not exist",
        ),
        ({"layers": "fire9", "size": "20x200"}, InputError, "20x200 is too small for fire9"),
        ({"layers": "999"}, SettingsError, "999 does not exist"),
        ({"size": "100000x10"}, SettingsError, "size"),
        ({"weights": "gone.npz"}, WeightsError, "gone.npz: no such weights file"),
    ],
)
def test_what_cannot_be_imagined_is_said(settings, kind, words):
    with pytest.raises(kind, match=words):
        imagine(None, ImagineSettings(**settings))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"classes": "expresso"}, "did you mean 'espresso'"),
        ({"classes": "tench", "channels": "1"}, "name a layer with --layer"),
        ({"layers": "fire5", "neuron": "0.5,0.5"}, "--layer and --channel"),
        ({"layers": "fire5", "channels": "1", "neuron": "2,0"}, "0,0 to 1,1"),
        ({"channels": "all"}, "too many pictures"),
        ({"steps": 0}, "1 to 100000"),
        ({"epochs": 0}, "1 to 100000"),
        ({"octaves": 0}, "auto, or 1 to 32"),
        ({"octave_scale": 1}, "1.05 to 4"),
        ({"learning_rate": -1}, "above 0, up to 10"),
        ({"epsilon": 0}, "above 0, up to 1"),
        ({"columns": 0}, "1 to 32"),
        ({"random_seed": -1}, "0 to 2147483647"),
        ({"model": "vgg"}, "did you mean"),
        ({"layers": "fire7:3"}, "is a layer with channels; write --layer fire7 --channels 3"),
        ({"layers": "class:espresso"}, "is a class; imagine takes it as --class espresso"),
        ({"layers": "class", "channels": 5000}, "such as --class espresso"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_with_what_can(settings, words):
    with pytest.raises(SettingsError, match=words):
        ImagineSettings(**{"layers": "fire5"} | settings if "classes" not in settings else settings)


def test_none_is_as_good_as_nothing():
    nothing = ImagineSettings(layers=None, channels=None, classes=None)
    assert nothing == ImagineSettings()


def test_a_sheet_too_large_is_refused_before_anything_is_imagined(monkeypatch):
    monkeypatch.setattr(
        "framedream.nn.visualization.visualizers.FeatureVisualizer.visualize", lambda *_: pytest.fail("it began")
    )
    settings = ImagineSettings(layers="fire2", channels="0-39", columns=1, size="48x400")
    with pytest.raises(SettingsError, match="40 pictures in rows of 1 make a sheet of 76x17298 pixels"):
        imagine(None, settings)


def test_where_nothing_can_be_written_nothing_is_imagined(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "framedream.nn.visualization.visualizers.FeatureVisualizer.visualize", lambda *_: pytest.fail("it began")
    )
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        imagine(tmp_path / "file" / "a.png", ImagineSettings(**QUICK))


def test_what_does_not_fit_the_memory_is_refused_with_the_cure(monkeypatch):
    """The image, and conv1 as a map of 64 channels at half its size."""
    need = 4 * (40 * 48 * 3 + 64 * 20 * 24)
    monkeypatch.setattr("framedream.nn.network.memory.total_memory", lambda: need)
    imagine(None, ImagineSettings(layers="conv1", **QUICK))
    monkeypatch.setattr("framedream.nn.network.memory.total_memory", lambda: need - 1)
    with pytest.raises(InputError, match=r"squeezenet needs about .* for an image of 48x40, .* --size"):
        imagine(None, ImagineSettings(layers="conv1", **QUICK))


@pytest.mark.parametrize("plain", [False, True])
def test_a_device_that_is_full_is_told_with_the_cure(plain, monkeypatch):
    def full(*_):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    maker = (
        "framedream.nn.visualization.visualizers.PlainVisualizer"
        if plain
        else "framedream.nn.visualization.visualizers.FeatureVisualizer"
    )
    monkeypatch.setattr(f"{maker}.visualize", full)
    with pytest.raises(OutOfMemory, match=r"an image of 48x40 does not fit the device's memory; .* --size"):
        imagine(None, ImagineSettings(layers="conv1", plain=plain, **QUICK))


def test_a_class_needs_a_network_whose_file_has_its_classifier(vgg16_weights):
    with pytest.raises(
        WeightsError, match="has no classifier, which a class needs; give weights of vgg16 that include it"
    ):
        imagine(None, ImagineSettings(model="vgg16", weights=vgg16_weights, classes="espresso"))
