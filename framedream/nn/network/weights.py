"""Weights read from files the person gives, which are data and never code."""

from __future__ import annotations

import warnings
from pathlib import Path

import h5py
import numpy as np

from framedream.errors import WeightsError
from framedream.nn.network import squeezenet
from framedream.nn.runtime import keras

_ACCEPTED = "accepted are .weights.h5, Keras's own .h5 weights files, and .npz for squeezenet"

_CLASSES = 1000
"""Numbers that only the last layer of a classifier of ImageNet adds; files of Keras 3 do not have its name."""


def load_file(model: keras.Model, file: Path, name: str) -> None:
    """Fill a model from a weights file.

    Only arrays are read: pickled objects, whole saved models and HDF5 files that point to
    other files are refused (CVE-2025-1550, CVE-2025-9905, CVE-2026-1669).

    Args:
        model: A network without its classifier top, or squeezenet.
        file: ``.npz`` for squeezenet; ``.weights.h5`` as Keras 3 saves it; or ``.h5`` as
            Keras publishes it, with or without the classifier's top.
        name: The model's name in framedream.

    Raises:
        WeightsError: The file is missing, of another kind, or does not fit the model.
    """
    if not file.is_file():
        raise WeightsError(f"{file}: no such weights file; check the path given with --weights")
    try:
        if file.suffix == ".npz" and name == "squeezenet":
            _load_npz(model, file)
        elif file.suffix == ".h5":
            _load_hdf5(model, file)
        else:
            raise WeightsError(f"{file}: cannot be used as weights of {name}; {_ACCEPTED}")
    except WeightsError:
        raise
    except Exception as error:  # What is in the file is not known, and so is what reading it raises.
        reason = " ".join(str(error).split())[:160]
        raise WeightsError(f"{file}: does not fit {name} ({reason}); give the file made for this model") from error


def has_classifier_top(file: Path) -> bool:
    """Whether a weights file of Keras also holds the classifier.

    Raises:
        WeightsError: The file is more than arrays; see `load_file`.
    """
    if file.suffix != ".h5" or not file.is_file():
        return False
    try:
        with h5py.File(file, "r") as stored:
            _check_is_data_only(stored, file)
            # What is given back ends the visit.
            return bool(stored.visititems(lambda _, item: getattr(item, "shape", None) == (_CLASSES,) or None))
    except OSError:
        return False


def _load_npz(model: keras.Model, file: Path) -> None:
    with file.open("rb") as opened:
        stored = np.load(opened, allow_pickle=False)
        if not isinstance(stored, np.lib.npyio.NpzFile):
            raise ValueError("it holds a single array")
        squeezenet.fill(model, stored)


def _load_hdf5(model: keras.Model, file: Path) -> None:
    with h5py.File(file, "r") as stored:
        _check_is_data_only(stored, file)
    floats = [weight for weight in model.weights if weight.dtype.startswith("float")]
    for weight in floats:
        weight.assign(np.full(weight.shape, np.nan, np.float32))
    with warnings.catch_warnings():
        # Of some layers that are not in the file Keras only warns; they are still NaN then.
        warnings.simplefilter("ignore", UserWarning)
        model.load_weights(file)
    missing = next((weight.path for weight in floats if np.isnan(weight.numpy()).any()), None)
    if missing:
        raise ValueError(f"it has no numbers for {missing}")


def _check_is_data_only(stored: h5py.File, file: Path) -> None:
    if "model_config" in stored.attrs:
        raise WeightsError(f"{file}: is a whole saved model, which can hold code; save its weights alone instead")
    _check_group(stored, file, set())


def _check_group(group: h5py.Group, file: Path, seen: set[int]) -> None:
    place = h5py.h5o.get_info(group.id).addr
    if place in seen:
        return
    seen.add(place)
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
            _check_group(item, file, seen)
