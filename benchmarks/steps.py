"""An ascent step as a fraction of what a matrix product reaches.

The operations of the forward convolutions up to the deepest chosen layer, times two, over the time of a whole step
(shift, gradient, blur, normalising and all), over the rate of a 2048³ matrix product in the same precision, process and
threads. Weights are random where they are not built in, which makes no difference to the time.
"""

from __future__ import annotations

import math
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, Timed, in_alternation
from benchmarks.hardware import MatrixProduct, precisions
from framedream.config.model_registry import find_model
from framedream.config.parsing import parse_layers
from framedream.config.settings import DreamSettings
from framedream.nn.ascent.dreamer import Dreamer
from framedream.nn.network.layers import layer_shapes
from framedream.nn.network.trained_network import find_definition
from framedream.nn.runtime import keras

WIDTH, HEIGHT = 640, 360
_STEPS = 5
"""Steps of a call."""

_GOALS = {
    ("vgg16", "float32"): "≥ 0.95", ("vgg16", "bfloat16"): "≥ 0.90",
    ("inception_v3", "float32"): "≥ 0.85", ("inception_v3", "bfloat16"): "≥ 0.75",
    ("squeezenet", "float32"): "≥ 0.65", ("squeezenet", "bfloat16"): "≥ 0.50",
}  # fmt: skip


def figures(pairs: int) -> Iterator[Figure]:
    """A row for each network in each precision that the machine and framedream have."""
    with tempfile.TemporaryDirectory() as folder:
        for model in ("vgg16", "inception_v3", "squeezenet"):
            weights, operations = random_weights(model, Path(folder)), step_operations(model, HEIGHT, WIDTH)
            for precision in precisions():
                settings = DreamSettings(model=model, weights=weights, octaves=1, precision=precision)
                product = MatrixProduct(precision)
                times = in_alternation([product, _steps(settings)], pairs)
                scale = operations * _STEPS / product.operations
                values = [scale * rate / step for rate, step in times]
                what = f"ascent step of {model}, {precision}, over the matrix product's rate"
                yield Figure(what, values, _GOALS.get((model, precision), ""))


def random_weights(model: str, folder: Path) -> Path | None:
    """A file of random weights for a network; None for the one that is built in, which has its own."""
    entry = find_model(model)
    if entry.is_built_in:
        return None
    keras.utils.set_random_seed(0)
    file = folder / f"{model}.weights.h5"
    with warnings.catch_warnings():
        # Keras 3.15 copies variables to NumPy 2 in a way that NumPy deprecates.
        warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy", DeprecationWarning)
        find_definition(entry.name).build().save_weights(file)
    return file


def step_operations(model: str, height: int, width: int) -> float:
    """Floating-point operations of a gradient with respect to the image, as they are counted here."""
    entry = find_model(model)
    whole = find_definition(entry.name).build()
    cut = keras.Model(whole.input, [whole.get_layer(name).output for name, _ in parse_layers(entry.default_layers)])
    products = sum(
        math.prod(shape[1:3]) * math.prod(layer.kernel.shape)
        for layer, shape in zip(cut.layers, layer_shapes(cut, height, width), strict=True)
        if isinstance(layer, keras.layers.Conv2D)
    )
    return 2.0 * 2.0 * products


def _steps(settings: DreamSettings) -> Timed:
    dreamer = Dreamer(settings)
    noise = np.random.default_rng(0).uniform(0, 255, (HEIGHT, WIDTH, 3)).astype(np.float32)

    def seconds() -> float:
        began = time.perf_counter()
        dreamer.dream(noise, steps=_STEPS)
        return time.perf_counter() - began

    return seconds
