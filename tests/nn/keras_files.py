"""Weights files and whole models as Keras writes and publishes them."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Generator
from pathlib import Path

import h5py
from keras.src.legacy.saving import legacy_h5_format

from framedream.nn.runtime import keras


@contextlib.contextmanager
def _quiet(path: Path) -> Generator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # Keras 3.15 copies variables to NumPy 2 in a way that NumPy deprecates.
        warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy", DeprecationWarning)
        logging.disable(logging.WARNING)  # Keras advises against the legacy format.
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def save_weights(model: keras.Model, path: Path) -> Path:
    """Save as Keras 3 does (``.weights.h5``), or in the layout in which Keras publishes its weights (``.h5``)."""
    with _quiet(path):
        if path.name.endswith(".weights.h5"):
            model.save_weights(path)
        else:
            with h5py.File(path, "w") as file:
                legacy_h5_format.save_weights_to_hdf5_group(file, model)
    return path


def save_model(model: keras.Model, path: Path) -> Path:
    """Save a whole model: ``.keras``, or the legacy ``.h5``."""
    with _quiet(path):
        model.save(path)
    return path
