"""SqueezeNet 1.1 (Iandola et al. 2016, arXiv:1602.07360), the network that is built in."""

from __future__ import annotations

from importlib import resources

import numpy as np

from framedream.nn.runtime import keras

# Squeeze and expand channels of each fire module; a pool follows conv1, fire3 and fire5.
_FIRES = {2: (16, 64), 3: (16, 64), 4: (32, 128), 5: (32, 128), 6: (48, 192), 7: (48, 192), 8: (64, 256), 9: (64, 256)}
_POOLED = (3, 5)


def build() -> keras.Model:
    """SqueezeNet 1.1 with its ImageNet classifier, weights not yet loaded.

    Returns:
        A model from N×H×W×3 (BGR, ImageNet mean subtracted) to the N×h×w×1000 map of
        `conv10`, whose spatial mean gives the class logits. Layers are called `conv1`,
        `pool1`, `fire2_squeeze1x1`, `fire2_expand1x1`, `fire2_expand3x3`, `fire2`, ….
    """
    inputs = keras.Input((None, None, 3), name="image")
    x = _convolution(64, 3, "conv1", strides=2)(inputs)
    x = keras.layers.MaxPooling2D(3, 2, name="pool1")(x)
    for number, (squeeze, expand) in _FIRES.items():
        x = _fire(x, f"fire{number}", squeeze, expand)
        if number in _POOLED:
            x = keras.layers.MaxPooling2D(3, 2, name=f"pool{number}")(x)
    return keras.Model(inputs, _convolution(1000, 1, "conv10")(x), name="squeezenet")


def load_weights(model: keras.Model) -> None:
    """Fill a model of `build` with the packaged ImageNet weights."""
    with (
        resources.files("framedream.nn.network").joinpath("pretrained/squeezenet_v1.1.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as stored,
    ):
        fill(model, stored)


def fill(model: keras.Model, stored: np.lib.npyio.NpzFile) -> None:
    """Fill a model with arrays called `fire2/expand3x3/kernel`, `conv1/bias` and so on.

    Raises:
        KeyError: An array is missing.
        ValueError: An array has another shape than its layer.
    """
    for layer in model.layers:
        if layer.weights:
            path = layer.name.replace("_", "/")
            layer.set_weights([stored[f"{path}/{part}"].astype(np.float32) for part in ("kernel", "bias")])


def _fire(x: keras.KerasTensor, name: str, squeeze: int, expand: int) -> keras.KerasTensor:
    x = _convolution(squeeze, 1, f"{name}_squeeze1x1")(x)
    branches = [_convolution(expand, size, f"{name}_expand{size}x{size}")(x) for size in (1, 3)]
    return keras.layers.Concatenate(name=name)(branches)


def _convolution(channels: int, size: int, name: str, strides: int = 1) -> keras.layers.Conv2D:
    return keras.layers.Conv2D(channels, size, strides, padding="same", activation="relu", name=name)
