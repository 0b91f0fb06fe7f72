"""Which devices work: what is probes for, against a machine that is made up."""

from __future__ import annotations

import functools
import json
import logging
import pickle
import subprocess
import sys

import pytest

from framedream import RunSettings
from framedream.errors import SettingsError
from framedream.workers import devices, gpu_discovery
from framedream.workers.devices import Device, cpu_split, describe, select_devices
from framedream.workers.gpu_discovery import Gpu, probe_gpus

TWO = [{"name": "NVIDIA H200", "memory": 150_000_000_000}, {"name": "NVIDIA L4", "memory": None}]


@pytest.fixture(autouse=True)
def all_gpus_visible(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.fixture
def machine(monkeypatch):
    """Simulate a machine with these cores, bytes of memory and GPUs; None means no driver. Returns the probes."""

    def make(*, cores=8, memory=64e9, gpus=None, error=None):
        probes = []

        def probe():
            probes.append(True)
            if error is not None:
                raise error
            return gpus if isinstance(gpus, str) else json.dumps(gpus)

        find = functools.partial(gpu_discovery.find_gpus, has_driver=lambda: gpus is not None, probe=probe)
        monkeypatch.setattr(devices, "usable_cores", lambda: cores)
        monkeypatch.setattr(devices, "total_memory", lambda: memory)
        monkeypatch.setattr(devices, "find_gpus", find)
        return probes

    return make


def names(choice: str, units: int | None = None, **others) -> list[str]:
    return [device.name for device in select_devices(RunSettings(devices=choice, **others), units)]


def threads(choice: str, units: int | None = None, **others) -> list[int | None]:
    return [device.threads for device in select_devices(RunSettings(devices=choice, **others), units)]


# Discovery.


def test_gpus_are_found_once_with_name_and_memory(machine):
    probes = machine(gpus=TWO)
    assert devices.find_gpus() == devices.find_gpus() == [Gpu("NVIDIA H200", 150_000_000_000), Gpu("NVIDIA L4")]
    assert len(probes) == 1


def test_a_change_of_the_visible_gpus_is_noticed(machine, monkeypatch):
    probes = machine(gpus=TWO)
    devices.find_gpus()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    devices.find_gpus()
    assert len(probes) == 2


def test_without_a_driver_nothing_is_probed(machine, caplog):
    probes = machine()
    assert (devices.find_gpus(), probes, caplog.records) == ([], [], [])


@pytest.mark.parametrize("hidden", ["", "-1", " -1,0"])
def test_hidden_gpus_are_not_probed(machine, monkeypatch, hidden):
    probes = machine(gpus=TWO)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert (devices.find_gpus(), probes) == ([], [])


def test_one_warning_says_what_to_do_about_a_driver_without_gpus(machine, caplog):
    machine(gpus=[])
    with caplog.at_level(logging.WARNING, "framedream"):
        assert devices.find_gpus() == devices.find_gpus() == []
    (record,) = caplog.records
    assert 'pip install "framedream[cuda]"' in record.getMessage()


@pytest.mark.parametrize("answer", ["", "no JSON", "[{}]", "[3]", "7"])
def test_an_invalid_answer_gives_a_warning_and_no_gpu(machine, caplog, answer):
    machine(gpus=answer)
    assert devices.find_gpus() == []
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "cannot list the GPUs" in caplog.text


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (subprocess.CalledProcessError(1, "python", stderr="Traceback\nImportError: libcuda is broken\n"), "libcuda"),
        (subprocess.CalledProcessError(-9, "python", stderr=""), "exit code -9"),
        (subprocess.TimeoutExpired("python", 120), "120 seconds"),
        (FileNotFoundError("no python"), "no python"),
    ],
)
def test_a_failing_probe_gives_a_warning_with_its_last_line(machine, caplog, error, text):
    machine(gpus=[], error=error)
    assert devices.find_gpus() == []
    assert text in caplog.text


FAKE_TENSORFLOW = """
import os
from unittest.mock import MagicMock
config, get_logger = MagicMock(), MagicMock()
print("output of a library")
config.list_physical_devices.side_effect = lambda kind: ["a", "b"] if kind == "GPU" else []
details = {"a": {"device_name": os.environ["CUDA_DEVICE_ORDER"]}, "b": {}}
config.experimental.get_device_details.side_effect = details.get
"""


def test_the_probe_uses_the_import_path_and_the_gpu_order_of_the_workers(tmp_path, monkeypatch):
    """Modules on the path of this process replace TensorFlow and Keras."""
    (tmp_path / "tensorflow.py").write_text(FAKE_TENSORFLOW)
    (tmp_path / "keras.py").write_text("from unittest.mock import MagicMock\nconfig = MagicMock()\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = json.loads(probe_gpus())
    assert [gpu["name"] for gpu in found] == ["PCI_BUS_ID", "GPU"]
    assert all(gpu["memory"] is None or gpu["memory"] > 1e8 for gpu in found)


def test_the_selection_of_devices_does_not_import_tensorflow():
    script = """
import functools, sys
from framedream import RunSettings
from framedream.workers import devices
probe = lambda: '[{"name": "GPU", "memory": null}]'
devices.find_gpus = functools.partial(devices.find_gpus, has_driver=lambda: True, probe=probe)
assert devices.select_devices(RunSettings())[0].name == "gpu:0"
import framedream.workers.device_leases
print({"tensorflow", "keras"} & set(sys.modules))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"


# Selection.


def test_auto_selects_all_gpus_which_share_the_cores(machine):
    machine(cores=8, gpus=TWO)
    assert select_devices(RunSettings()) == [Device("gpu", 0, 4, "NVIDIA H200"), Device("gpu", 1, 4, "NVIDIA L4")]
    assert names("gpu") == ["gpu:0", "gpu:1"]


def test_gpus_keep_the_requested_order(machine):
    machine(cores=8, gpus=TWO)
    assert names("gpu:1,0") == ["gpu:1", "gpu:0"]
    assert threads("gpu:1") == [8]
    assert threads("gpu:1,0", threads=3) == [3, 3]


def test_a_missing_gpu_is_refused_and_the_error_lists_the_available_ones(machine):
    machine(gpus=TWO)
    with pytest.raises(
        SettingsError, match=r"gpu:3 does not exist; available: gpu:0 \(NVIDIA H200\), gpu:1 \(NVIDIA L4\)"
    ):
        names("gpu:0,3")


@pytest.mark.parametrize("choice", ["gpu", "gpu:0"])
def test_gpus_are_refused_on_a_machine_without_any(machine, choice):
    machine()
    with pytest.raises(SettingsError, match=r"finds no GPU.*--devices cpu"):
        names(choice)


def test_the_cpu_is_one_device_with_all_cores(machine):
    probes = machine(cores=8, gpus=TWO)
    assert select_devices(RunSettings(devices="cpu")) == [Device("cpu", 0, 8)]
    assert (names("cpu"), threads("cpu", threads=3)) == (["cpu"], [3])
    assert probes == []


@pytest.mark.parametrize(("choice", "each"), [("cpu:3", [2, 2, 2]), ("cpu:5", [1] * 5), ("cpu:9", [1] * 9)])
def test_workers_on_the_cpu_share_the_cores_evenly(machine, choice, each):
    machine(cores=8)
    assert threads(choice) == each
    assert names(choice) == [f"cpu:{index}" for index in range(len(each))]


def test_workers_on_the_cpu_use_the_requested_threads(machine):
    machine(cores=8)
    assert threads("cpu:2", threads=1) == [1, 1]


@pytest.mark.parametrize(
    ("cores", "units", "memory", "given", "workers", "each"),
    [
        (8, None, 64e9, None, 8, 1),
        (8, 100, 64e9, None, 8, 1),
        (8, 3, 64e9, None, 3, 2),
        (8, 1, 64e9, None, 1, 8),
        (8, 0, 64e9, None, 1, 8),
        (8, None, 11e9, None, 4, 2),
        (8, None, 1e9, None, 1, 8),
        (8, None, float("inf"), None, 8, 1),
        (8, None, 64e9, 3, 2, 3),
        (2, None, 64e9, 4, 1, 4),
        (1, None, 64e9, None, 1, 1),
    ],
)
def test_auto_splits_the_cpu_by_cores_parts_of_the_work_memory_and_threads(
    machine, cores, units, memory, given, workers, each
):
    machine(cores=cores, memory=memory)
    assert threads("auto", units, threads=given) == [each] * workers
    assert cpu_split(cores, units, memory=memory, threads=given) == (workers, each)


def test_devices_can_be_pickled():
    device = Device("gpu", 1, 2, "NVIDIA L4")
    assert pickle.loads(pickle.dumps(device)) == device


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("gpu", "gpu:0, gpu:1"),
        ("cpu", "1 worker on the CPU with 8 threads"),
        ("cpu:2", "2 workers on the CPU with 4 threads each"),
        ("cpu:8", "8 workers on the CPU with 1 thread each"),
    ],
)
def test_devices_are_described_in_words(machine, choice, words):
    machine(cores=8, gpus=TWO)
    assert describe(select_devices(RunSettings(devices=choice))) == words
