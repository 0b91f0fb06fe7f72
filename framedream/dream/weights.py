"""Weights read from files the person gives, which are data and never code."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from framedream.dream import squeezenet
from framedream.dream.runtime import keras
from framedream.errors import WeightsError

_ACCEPTED = "accepted are .weights.h5, Keras's own .h5 weights files, and .npz for squeezenet"


def load_file(model: keras.Model, file: Path) -> None:
    """Fill a model from a weights file.

    Only arrays are read: pickled objects, whole saved models and HDF5 files that point to
    other files are refused (CVE-2025-1550, CVE-2025-9905, CVE-2026-1669).

    Args:
        model: A network without its classifier top, or squeezenet.
        file: ``.npz`` for squeezenet; ``.weights.h5`` as Keras 3 saves it; or ``.h5`` as
            Keras publishes it, with or without the classifier's top.

    Raises:
        WeightsError: The file is missing, of another kind, or does not fit the model.
    """
    if not file.is_file():
        raise WeightsError(f"{file}: no such weights file; check the path given with --weights")
    try:
        if file.suffix == ".npz" and model.name == "squeezenet":
            with np.load(file, allow_pickle=False) as stored:
                squeezenet.fill(model, stored)
        elif file.suffix == ".h5":
            _check_is_data_only(file)
            model.load_weights(file)
        else:
            raise WeightsError(f"{file}: cannot be used as weights of {model.name}; {_ACCEPTED}")
    except (OSError, ValueError, KeyError, EOFError) as error:
        reason = " ".join(str(error).split())[:160]
        raise WeightsError(
            f"{file}: does not fit {model.name} ({reason}); give the file made for this model"
        ) from error


def has_classifier_top(file: Path) -> bool:
    """Whether a Keras ``.h5`` weights file also holds the classifier (``predictions`` or ``fc…``)."""
    if file.suffix != ".h5" or not file.is_file():
        return False
    try:
        with h5py.File(file, "r") as stored:
            group = stored.get("layers", stored.get("model_weights", stored))
            return "predictions" in group
    except OSError:
        return False


def _check_is_data_only(file: Path) -> None:
    with h5py.File(file, "r") as stored:
        if "model_config" in stored.attrs:
            raise WeightsError(f"{file}: is a whole saved model, which can hold code; save its weights alone instead")
        _check_group(stored, file)


def _check_group(group: h5py.Group, file: Path) -> None:
    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise WeightsError(
                f"{file}: '{name}' points to another file, which is not followed; save the weights again"
            )
        item = group.get(name)
        if isinstance(item, h5py.Dataset) and (item.external or item.is_virtual):
            raise WeightsError(f"{file}: '{name}' is kept in another file, which is not read; save the weights again")
        if isinstance(item, h5py.Group) and isinstance(link, h5py.HardLink):
            _check_group(item, file)
