"""Networks are built by name, see pictures as they were trained to, and are cut at the deepest layer used."""

from __future__ import annotations

import urllib.error

import numpy as np
import pytest
from keras_files import save_weights
from pictures import noise

from framedream.config.model_registry import MODELS
from framedream.errors import SettingsError, WeightsError
from framedream.media import read_image, resize
from framedream.nn.network.layers import describe_layers, layer_names
from framedream.nn.network.loading import load_network
from framedream.nn.network.trained_network import find_definition
from framedream.nn.runtime import keras

STUPA, CASTLES = 832, {497, 538, 663, 668, 698, 832}
"""ImageNet classes: a stupa; church, dome, monastery, mosque, palace and stupa."""


@pytest.fixture
def random_weights(monkeypatch):
    """Networks of Keras are left as they are initialised, for tests of the plumbing alone."""
    for name in ("MobileNetV3Small", "ConvNeXtTiny", "NASNetMobile"):
        build = getattr(keras.applications, name)
        monkeypatch.setattr(
            keras.applications, name, lambda build=build, **options: build(**options | {"weights": None})
        )


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No network, and a cache of Keras's that is empty; gives the cache."""
    from keras.src.utils import file_utils

    def unreachable(*_):
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(file_utils, "urlretrieve", unreachable)
    monkeypatch.setattr(file_utils.config, "keras_home", lambda: str(tmp_path / "keras"))
    return tmp_path / "keras"


def test_the_built_in_network_knows_what_it_sees(samples):
    """A photograph of a Chinese temple: the weights, the preprocessing and the layers are the right ones."""
    picture = resize(read_image(samples / "china.jpg")[:, 106:-107], 227, 227)
    logits = load_network("squeezenet", ["conv10"]).activations(picture[None])[0].numpy().mean((0, 1, 2))
    best = logits.argsort()[::-1]
    assert best[0] == STUPA
    assert set(best[:3].tolist()) <= CASTLES
    assert (np.exp(logits) / np.exp(logits).sum())[STUPA] > 0.5


def test_activations_come_in_the_order_of_the_layers():
    first, second = load_network("squeezenet", ["fire7", "fire3"]).activations(noise(64, 80)[None])
    assert (first.shape, second.shape) == ((1, 3, 4, 384), (1, 15, 19, 128))


def test_layers_behind_the_deepest_one_used_are_cut_off():
    model = load_network("squeezenet", ["fire3", "fire5"]).model
    assert model.layers[-1].name == "fire5"


def test_a_network_says_how_small_a_picture_it_takes():
    network = load_network("squeezenet", ["fire7"])
    assert network.activations(noise(network.minimum_size, network.minimum_size)[None])[0].shape[1:3] == (1, 1)
    assert load_network("squeezenet", ["conv1"]).minimum_size < network.minimum_size


def test_an_unknown_layer_is_answered_with_the_nearest():
    with pytest.raises(SettingsError, match="squeezenet has no layer 'fire55'; did you mean 'fire5'"):
        load_network("squeezenet", ["fire7", "fire55"])


def test_the_image_itself_is_not_a_layer():
    with pytest.raises(SettingsError, match="has no layer 'image'"):
        load_network("squeezenet", ["image"])


@pytest.mark.parametrize(
    ("name", "white", "black"),
    [
        ("squeezenet", [151.061, 138.221, 131.32], [-103.939, -116.779, -123.68]),
        ("vgg16", [151.061, 138.221, 131.32], [-103.939, -116.779, -123.68]),
        ("inception_v3", [1, 1, 1], [-1, -1, -1]),
        ("efficientnet_b0", [255, 255, 255], [0, 0, 0]),
        ("densenet121", [2.249, 2.429, 2.64], [-2.118, -2.036, -1.804]),
    ],
)
def test_each_network_sees_levels_in_its_own_units(name, white, black):
    for level, expected in ((255.0, white), (0.0, black)):
        found = find_definition(name).preprocess(np.full((1, 1, 1, 3), level, np.float32))
        assert np.allclose(np.asarray(found)[0, 0, 0], expected, atol=1e-3)


@pytest.mark.parametrize(
    "name",
    [
        "mobilenet_v3_small",
        pytest.param("convnext_tiny", marks=pytest.mark.full),
        pytest.param("nasnet_mobile", marks=pytest.mark.full),
    ],
)
def test_random_weights_run_through_unusual_networks_at_odd_sizes(random_weights, name):
    """Squeeze-and-excite, layer scale, and a network that takes only multiples of 32 pixels."""
    network = load_network(name, [MODELS[name].default_layers])
    activations = network.activations(noise(101, 83)[None])
    assert len(activations) == 1
    assert np.isfinite(activations[0]).all()
    assert np.asarray(activations[0]).std() > 0


def test_a_network_is_called_the_same_however_many_were_built_before():
    for _ in range(9):
        keras.layers.Conv2D(1, 1)
    assert {"conv2d", "conv2d_3"} <= {layer.name for layer in find_definition("xception").build().layers}


def test_layers_are_described_with_resolution_and_channels():
    layers = {layer.name: layer for layer in describe_layers("squeezenet")}
    fire7 = layers["fire7"]
    assert (fire7.index, fire7.stride, fire7.channels, fire7.is_default) == (28, 16, 384, True)
    assert (layers["conv1"].kind, layers["conv1"].stride, layers["conv1"].is_default) == ("Conv2D", 2, False)
    assert "image" not in layers


def test_layers_without_a_map_are_not_described():
    """A squeeze to one cell is that of no place, however large the image."""
    named = [layer.name for layer in describe_layers("mobilenet_v3_small")]
    assert "expanded_conv_squeeze_excite_mul" in named
    assert "expanded_conv_squeeze_excite_conv" not in named


def test_a_layer_without_a_map_is_refused(random_weights):
    with pytest.raises(SettingsError, match=r"'expanded_conv_squeeze_excite_conv' .* is not a map over the image; see"):
        load_network("mobilenet_v3_small", ["expanded_conv_squeeze_excite_conv"])


def test_an_index_is_a_place_in_the_list_of_layers_that_keras_has():
    assert layer_names("VGG16", ["6", "block1_pool"]) == ("block2_pool", "block1_pool")
    layers = describe_layers("squeezenet")
    assert layer_names("squeezenet", [str(layer.index) for layer in layers]) == tuple(layer.name for layer in layers)


def test_a_layer_named_twice_is_one():
    assert layer_names("vgg16", ["block2_pool", "6", "block2_pool"]) == ("block2_pool",)


@pytest.mark.parametrize(("index", "message"), [("0", "0 is the image itself"), ("19", "19 does not exist")])
def test_an_index_of_no_layer_is_answered_with_those_there_are(index, message):
    with pytest.raises(SettingsError, match=rf"vgg16 has layers 1 to 18; {message} \(see: layers vgg16\)"):
        layer_names("vgg16", ["block1_conv1", index])


def test_offline_without_weights_both_ways_out_are_named(offline):
    with pytest.raises(WeightsError, match=r"mobilenet: .*connect once to the internet, or .* --weights FILE"):
        load_network("mobilenet", ["conv_pw_8_relu"])


def test_weights_in_the_cache_of_keras_need_no_network(offline):
    """Random weights, in the place and the layout in which Keras keeps a download."""
    model = find_definition("mobilenet").build()
    save_weights(model, offline / "models" / "mobilenet_1_0_224_tf_no_top.h5")
    network = load_network("mobilenet", ["conv1"])
    assert np.array_equal(network.model.get_layer("conv1").get_weights()[0], model.get_layer("conv1").get_weights()[0])
