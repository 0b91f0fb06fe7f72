"""A new network needs an entry in the registry and a class that builds it, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from keras_files import save_model
from pictures import noise, scene

from framedream.config.model_registry import MODELS, ModelEntry
from framedream.config.preview_settings import PreviewSettings
from framedream.config.settings import DreamSettings
from framedream.config.terms import CLASSES
from framedream.errors import WeightsError
from framedream.jobs.preview_looks import preview_looks
from framedream.nn.ascent.dreamer import Dreamer
from framedream.nn.network.layers import describe_layers
from framedream.nn.network.loading import load_network
from framedream.nn.network.weights import load_weights
from framedream.nn.runtime import keras, tf


class Tiny:
    """A network of two convolutions with random weights that are always the same."""

    def __init__(self, entry: ModelEntry) -> None:
        self.name = entry.name

    def build(self) -> keras.Model:
        image = keras.Input((None, None, 3), name="image")
        x = keras.layers.Conv2D(8, 5, 4, activation="relu", name="edges")(image)
        return keras.Model(image, keras.layers.Conv2D(16, 3, 2, activation="relu", name="corners")(x))

    def load(self, file: Path | None) -> keras.Model:
        model, random = self.build(), np.random.default_rng(0)
        model.set_weights([random.normal(0, 0.1, weight.shape) for weight in model.weights])
        if file is not None:
            load_weights(model, file, self.name)
        return model

    def load_with_classifier(self, file: Path | None) -> keras.Model:
        model = self.load(file)
        classes = keras.layers.Conv2D(
            1000, 1, kernel_initializer=keras.initializers.RandomNormal(seed=1), name=CLASSES
        )(model.output)
        return keras.Model(model.input, [model.output, classes])

    def preprocess(self, images: tf.Tensor) -> tf.Tensor:
        return images / 127.5 - 1


@pytest.fixture(autouse=True)
def tiny(monkeypatch) -> ModelEntry:
    entry = ModelEntry(
        name="tiny",
        definition=f"{__name__}:Tiny",
        default_layers="corners",
        parameters=0.002,
        size_multiple=32,
        contrasting_layers=("edges",),
        is_built_in=True,
        is_small=True,
    )
    monkeypatch.setitem(MODELS, "tiny", entry)
    return entry


def test_it_dreams_by_its_name_and_default_layers():
    dreamer = Dreamer(DreamSettings(model="Tiny", octaves=2, steps=3))
    picture = scene(96, 80)
    dreamed = dreamer.dream(picture)
    assert dreamer.network.layers == ("corners",)
    assert dreamer.strength(dreamed.pixels) > 1.2 * dreamer.strength(picture)


def test_its_layers_are_listed():
    assert [(layer.name, layer.is_default) for layer in describe_layers("tiny")] == [
        ("edges", False),
        ("corners", True),
    ]


def test_it_dreams_of_a_class():
    dreamer = Dreamer(DreamSettings(model="tiny", layers="class:espresso", octaves=1, steps=6))
    picture = scene(64, 80)
    assert dreamer.strength(dreamer.dream(picture).pixels) > dreamer.strength(picture)


def test_an_image_is_mirrored_to_a_multiple_of_its_size():
    picture = noise(60, 50)
    mirrored = np.pad(picture, ((0, 4), (0, 14), (0, 0)), "symmetric")
    network = load_network("tiny", ["corners"], exact=True)
    found, expected = (network.activations(tf.constant(image[None]))[0] for image in (picture, mirrored))
    assert np.array_equal(found, expected)


def test_it_reads_a_weights_file_and_refuses_one_of_another_network(tmp_path, tiny):
    model = Tiny(tiny).build()
    network = load_network("tiny", ["corners"], save_model(model, tmp_path / "own.keras"), exact=True)
    assert np.array_equal(network.model.get_layer("edges").get_weights()[0], model.get_layer("edges").get_weights()[0])
    inputs = keras.Input((None, None, 3))
    other = keras.Model(inputs, keras.layers.Conv2D(4, 3)(inputs))
    with pytest.raises(WeightsError, match=r"does not fit tiny \(.* has an array of 3x3x3x4 .*'edges' takes 5x5x3x8"):
        load_network("tiny", ["corners"], save_model(other, tmp_path / "other.keras"))


def test_a_preview_shows_its_contrasting_layers():
    looks = preview_looks(PreviewSettings(strengths=(1.0,)), values={"model": "tiny"})
    assert [look.settings.dream.layers for look in looks] == [(("corners", 1.0),), (("edges", 1.0),)]
