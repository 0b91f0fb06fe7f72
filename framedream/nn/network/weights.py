"""Weights read from files that a person gives: arrays only, never code.

Files are read with h5py, zipfile and NumPy. The configuration of a saved model is never looked at, nothing is
unpickled, and links to other files are refused (CVE-2025-1550, CVE-2025-9905, CVE-2026-1669).
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from framedream.errors import WeightsError
from framedream.nn.runtime import keras

_CLASSES = 1000
"""Length of the bias that only the last layer of an ImageNet classifier has; files of Keras 3 lack the layer's name."""

_ARCHIVED = "model.weights.h5"
"""Member of a ``.keras`` file that holds the arrays."""

_LARGEST_RATIO = 20
"""How many times larger than the file its unpacked arrays may be; Keras itself does not compress them."""

_MOST_NAMES = 1_000_000
"""Names that an attribute of a file may list."""

FromNpz = Callable[[keras.Model, Mapping[str, np.ndarray]], None]
"""Fills a model with the arrays of a ``.npz`` file."""


def load_weights(model: keras.Model, file: Path, name: str, from_npz: FromNpz | None = None) -> None:
    """Fill a network from a weights file.

    Layers at the end of the file that the network lacks, such as its classifier, are left out.

    Args:
        model: The network.
        file: ``.weights.h5`` or ``.keras`` as Keras 3 saves them, or ``.h5`` as Keras publishes weights and saved
            whole models before; also ``.npz`` for a network that reads it.
        name: The network's name in messages.
        from_npz: Fills the network from a ``.npz`` file.

    Raises:
        WeightsError: The file is missing, of another kind, or does not fit the network.
    """
    if not file.is_file():
        raise WeightsError(f"{file}: no such weights file; check the path given with --weights")
    accepted = ".h5, .keras or .npz" if from_npz else ".h5 or .keras"
    try:
        if file.suffix == ".npz" and from_npz is not None:
            _load_npz(model, file, from_npz)
        elif file.suffix in (".h5", ".keras"):
            with _open(file) as stored:
                _load_hdf5(model, stored)
        else:
            raise WeightsError(f"{file}: cannot be used as weights of {name}; give a {accepted} file")
    except WeightsError:
        raise
    except Exception as error:  # The file can hold anything, so reading it can raise anything.
        reason = " ".join(str(error).split())[:160]
        raise WeightsError(f"{file}: does not fit {name} ({reason}); give weights made for {name}") from error


def has_classifier(file: Path) -> bool:
    """Whether a weights file also holds a classifier of ImageNet.

    Raises:
        WeightsError: The file links to other files.
    """
    if file.suffix not in (".h5", ".keras") or not file.is_file():
        return False
    try:
        with _open(file) as stored:
            # The visit ends at the first value returned.
            return bool(stored.visititems(lambda _, item: getattr(item, "shape", None) == (_CLASSES,) or None))
    except WeightsError:
        raise
    except Exception:  # The file can hold anything; loading it says what is wrong.
        return False


def _load_npz(model: keras.Model, file: Path, from_npz: FromNpz) -> None:
    with file.open("rb") as opened:
        arrays = np.load(opened, allow_pickle=False)
        if not isinstance(arrays, np.lib.npyio.NpzFile):
            raise ValueError("it holds a single array")
        from_npz(model, arrays)


@contextlib.contextmanager
def _open(file: Path) -> Generator[h5py.File]:
    """Open the HDF5 file that holds the arrays, which reaches into no other file.

    Raises:
        WeightsError: It links to other files.
    """
    with contextlib.ExitStack() as stack:
        source: Any = file
        if file.suffix == ".keras":
            source = stack.enter_context(tempfile.TemporaryFile())
            _unpack(file, source)
        stored = stack.enter_context(h5py.File(source, "r"))
        _check_links(stored, file, set())
        yield stored


def _unpack(file: Path, target: Any) -> None:
    with zipfile.ZipFile(file) as archive:
        if _ARCHIVED not in archive.namelist():
            raise ValueError(f"it holds no {_ARCHIVED}")
        if archive.getinfo(_ARCHIVED).file_size > _LARGEST_RATIO * file.stat().st_size:
            raise ValueError(f"its {_ARCHIVED} is far larger than the file")
        with archive.open(_ARCHIVED) as member:
            shutil.copyfileobj(member, target)


def _check_links(group: h5py.Group, file: Path, visited: set[int]) -> None:
    place = h5py.h5o.get_info(group.id).addr
    if place in visited:
        return
    visited.add(place)
    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise WeightsError(f"{file}: '{name}' links to another file, which is not read; save the weights again")
        item = group.get(name)
        if isinstance(item, h5py.Dataset) and (item.external or item.is_virtual):
            raise WeightsError(f"{file}: '{name}' is stored in another file, which is not read; save the weights again")
        if isinstance(item, h5py.Group) and isinstance(link, h5py.HardLink):
            _check_links(item, file, visited)


def _load_hdf5(model: keras.Model, stored: h5py.File) -> None:
    """Fill a model from whichever layout of Keras a file has."""
    legacy = stored.get("model_weights", stored)
    if names := _names(legacy, "layer_names"):
        _load_legacy(model, legacy, names)
        return
    layers = next((name for name in ("layers", "_layer_checkpoint_dependencies") if name in stored), None)
    if layers is None:
        raise ValueError("it holds no weights that Keras saved")
    for layer, path in _own_paths(model, layers, stored):
        variables: dict[str, Any] = {}
        layer.save_own_variables(variables)
        if not variables:
            continue
        group = stored.get(f"{path}/vars")
        if not isinstance(group, h5py.Group):
            raise ValueError(f"it has no numbers for {layer.name}")
        datasets = [group.get(key) for key in variables]
        arrays = _read(datasets, list(variables.values()), layer.name, str(group.attrs.get("name", path)), len(group))
        layer.load_own_variables(dict(zip(variables, arrays, strict=True)))


def _own_paths(model: keras.Model, layers: str, prefix: h5py.Group) -> Iterator[tuple[keras.layers.Layer, str]]:
    """The innermost layers of a model, each with its group in a file of Keras 3: classes are numbered in order."""
    used: Counter[str] = Counter()
    for layer in model.layers:
        kind = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", type(layer).__name__)
        kind = re.sub("([a-z])([A-Z])", r"\1_\2", kind).lower()
        number, used[kind] = used[kind], used[kind] + 1
        path = f"{layers}/{kind}_{number}" if number else f"{layers}/{kind}"
        if isinstance(layer, keras.Model):
            yield from _own_paths(layer, f"{path}/{layers.rpartition('/')[2]}", prefix)
        else:
            yield layer, path


def _load_legacy(model: keras.Model, stored: h5py.Group, names: Sequence[str]) -> None:
    """Fill a model from a file that lists its layers, in order: names that Keras gave differ from time to time."""
    kept = {name: keys for name in names if (keys := _names(stored[name], "weight_names"))}
    layers = [layer for layer in model.layers if layer.weights]
    if len(kept) < len(layers):
        raise ValueError(f"it holds {len(kept)} layers with weights and the network has {len(layers)}")
    for layer, (name, keys) in zip(layers, kept.items(), strict=False):
        variables = [*layer.trainable_weights, *layer.non_trainable_weights]
        arrays = _read([stored[name].get(key) for key in keys], variables, layer.name, name, len(keys))
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()


def _names(group: h5py.Group, attribute: str) -> list[str]:
    """Names that a group lists in an attribute, or in several that are numbered where one would be too long."""
    found: list[str] = []
    parts = [attribute] if attribute in group.attrs else [f"{attribute}{number}" for number in range(len(group.attrs))]
    for part in parts:
        if part in group.attrs:
            if np.prod(group.attrs.get_id(part).shape, dtype=float) > _MOST_NAMES:
                raise ValueError(f"its {attribute} are too many")
            found += [name.decode() if isinstance(name, bytes) else str(name) for name in group.attrs[part]]
    return found


def _read(datasets: Sequence[Any], variables: Sequence[Any], layer: str, stored: str, count: int) -> list[np.ndarray]:
    """The arrays of a layer, once they are known to have the shapes of its variables.

    Args:
        datasets: The arrays in the file; None for those that it lacks.
        variables: The variables that take them.
        layer: The layer's name in the network.
        stored: The layer's name in the file.
        count: Arrays that the file has for the layer.
    """
    if count != len(variables):
        raise ValueError(f"its layer '{stored}' has {count} arrays and the network's '{layer}' takes {len(variables)}")
    arrays = []
    for dataset, variable in zip(datasets, variables, strict=True):
        if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "fiu":
            raise ValueError(f"it has no numbers for {layer}")
        if dataset.shape != tuple(variable.shape):
            shapes = ["x".join(map(str, shape)) or "1" for shape in (dataset.shape, variable.shape)]
            raise ValueError(
                f"its layer '{stored}' has an array of {shapes[0]} and the network's '{layer}' takes {shapes[1]}"
            )
        array = dataset[()]
        if np.isnan(array).any():
            raise ValueError(f"its layer '{stored}' has values that are not numbers")
        arrays.append(array)
    return arrays
