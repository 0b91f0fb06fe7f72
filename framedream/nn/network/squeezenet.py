"""SqueezeNet 1.1 (Iandola et al. 2016, arXiv:1602.07360), whose ImageNet weights come with framedream."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import numpy as np

from framedream.config.model_registry import ModelEntry
from framedream.config.terms import CLASSES
from framedream.nn.network.weights import load_weights
from framedream.nn.runtime import keras, tf

# Squeeze and expand channels of each fire module; a pool follows conv1, fire3 and fire5.
_FIRES = {2: (16, 64), 3: (16, 64), 4: (32, 128), 5: (32, 128), 6: (48, 192), 7: (48, 192), 8: (64, 256), 9: (64, 256)}
_POOLED = (3, 5)


class SqueezeNet:
    """The built-in network; see `framedream.nn.network.trained_network.NetworkDefinition`.

    Its layers are called `conv1`, `pool1`, `fire2_squeeze1x1`, `fire2_expand1x1`, `fire2_expand3x3`, `fire2`, ….
    The spatial mean of the last one, `conv10`, gives the class logits, cut off below zero.
    """

    def __init__(self, entry: ModelEntry) -> None:
        self._name = entry.name

    def build(self) -> keras.Model:
        """The network with random weights: N×H×W×3 (BGR, ImageNet mean subtracted) to the N×h×w×1000 of `conv10`."""
        inputs = keras.Input((None, None, 3), name="image")
        x = _convolution(64, 3, "conv1", strides=2)(inputs)
        x = keras.layers.MaxPooling2D(3, 2, name="pool1")(x)
        for number, (squeeze, expand) in _FIRES.items():
            x = _fire(x, f"fire{number}", squeeze, expand)
            if number in _POOLED:
                x = keras.layers.MaxPooling2D(3, 2, name=f"pool{number}")(x)
        return keras.Model(inputs, _convolution(1000, 1, "conv10")(x), name="squeezenet")

    def load(self, file: Path | None) -> keras.Model:
        """The network with the packaged weights, or with those of a file.

        Raises:
            WeightsError: The file is missing, or does not fit.
        """
        model = self.build()
        if file is None:
            packaged = resources.files("framedream.nn.network").joinpath("pretrained/squeezenet_v1.1.npz")
            with packaged.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
                _set_weights(model, arrays)
        else:
            load_weights(model, file, self._name, from_npz=_set_weights)
        return model

    def load_with_classifier(self, file: Path | None) -> keras.Model:
        """The same with one more output, `CLASSES`: the map of the classifier before its ReLU."""
        model = self.load(file)
        conv10 = model.get_layer("conv10")
        linear = keras.layers.Conv2D(conv10.filters, 1, name=CLASSES)
        whole = keras.Model(model.input, [model.output, linear(conv10.input)])
        linear.set_weights(conv10.get_weights())
        return whole

    def preprocess(self, images: tf.Tensor) -> tf.Tensor:
        """Turn RGB levels 0…255, N×H×W×3, into BGR with the mean of ImageNet subtracted, as Caffe does."""
        return keras.applications.imagenet_utils.preprocess_input(images, mode="caffe")


def _set_weights(model: keras.Model, arrays: Mapping[str, np.ndarray]) -> None:
    """Fill a model with arrays called `fire2/expand3x3/kernel`, `conv1/bias` and so on."""
    for layer in model.layers:
        if layer.weights:
            path = layer.name.replace("_", "/")
            layer.set_weights([arrays[f"{path}/{part}"].astype(np.float32) for part in ("kernel", "bias")])


def _fire(x: keras.KerasTensor, name: str, squeeze: int, expand: int) -> keras.KerasTensor:
    x = _convolution(squeeze, 1, f"{name}_squeeze1x1")(x)
    branches = [_convolution(expand, size, f"{name}_expand{size}x{size}")(x) for size in (1, 3)]
    return keras.layers.Concatenate(name=name)(branches)


def _convolution(channels: int, size: int, name: str, strides: int = 1) -> keras.layers.Conv2D:
    return keras.layers.Conv2D(channels, size, strides, padding="same", activation="relu", name=name)
