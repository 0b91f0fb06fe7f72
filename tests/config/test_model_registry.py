"""The registry knows every network of keras.applications, without TensorFlow."""

from __future__ import annotations

import pytest

from framedream.config.model_registry import MODELS, find_model
from framedream.errors import SettingsError

KERAS_MODELS = [entry for entry in MODELS.values() if entry.constructor]
LARGER = ["inception_v3", "densenet121", "convnext_tiny", "resnet50_v2"]
SMALL = ["squeezenet", "vgg16", "mobilenet", "mobilenet_v3_small", "efficientnet_b0"]


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("InceptionV3", "inception_v3"),
        ("inception-v3", "inception_v3"),
        ("INCEPTION V3", "inception_v3"),
        ("VGG16", "vgg16"),
        ("EfficientNetV2B0", "efficientnet_v2_b0"),
        ("MobileNetV3Small", "mobilenet_v3_small"),
        ("SqueezeNet", "squeezenet"),
    ],
)
def test_names_are_found_whatever_their_spelling(spelling, name):
    assert find_model(spelling).name == name


def test_a_constructor_of_keras_is_a_name():
    assert all(find_model(entry.constructor) is entry for entry in KERAS_MODELS)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(SettingsError, match="no network is called 'squeeze_net_2'; did you mean 'squeezenet'"):
        find_model("squeeze_net_2")


def test_the_built_in_network_comes_first_and_some_are_recommended():
    assert next(iter(MODELS)) == "squeezenet"
    assert {entry.name for entry in MODELS.values() if entry.is_recommended} >= {"squeezenet", "inception_v3", "vgg16"}


def test_every_network_of_keras_applications_is_in_the_registry_and_no_other():
    from framedream.nn.runtime import keras

    builders = {name for name in dir(keras.applications) if name[0].isupper()}
    assert {entry.constructor for entry in KERAS_MODELS} == builders


def test_every_network_has_its_own_preprocessing():
    from framedream.nn.runtime import keras

    for entry in KERAS_MODELS:
        module = getattr(keras.applications, entry.preprocessing)
        home = getattr(keras.applications, entry.constructor).__module__.rpartition(".")[2]
        assert callable(module.preprocess_input)
        assert entry.preprocessing == home, entry.name


@pytest.mark.parametrize("name", [*SMALL, *(pytest.param(name, marks=pytest.mark.full) for name in LARGER)])
def test_the_first_layers_exist_and_the_size_is_as_said(name):
    from framedream.config.parsing import parse_layers
    from framedream.nn.network.trained_network import find_definition

    entry = MODELS[name]
    model = find_definition(name).build()
    assert {layer for layer, _ in parse_layers(entry.default_layers)} <= {layer.name for layer in model.layers}
    assert model.count_params() / 1e6 == pytest.approx(entry.parameters, abs=0.06)
