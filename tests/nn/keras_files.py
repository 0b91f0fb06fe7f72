"""Weights files as Keras writes and publishes them."""

from __future__ import annotations

import warnings
from pathlib import Path

import h5py
from keras.src.legacy.saving import legacy_h5_format

from framedream.nn.runtime import keras


def save_weights(model: keras.Model, path: Path) -> Path:
    """Save as Keras 3 does (``.weights.h5``), or in the layout in which Keras publishes its weights (``.h5``)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # Keras 3.15 copies variables to NumPy 2 in a way that NumPy deprecates.
        warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy", DeprecationWarning)
        if path.name.endswith(".weights.h5"):
            model.save_weights(path)
        else:
            with h5py.File(path, "w") as file:
                legacy_h5_format.save_weights_to_hdf5_group(file, model)
    return path
