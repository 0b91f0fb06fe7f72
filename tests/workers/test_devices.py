"""Which devices work: what is asked for, against a machine that is made up."""

from __future__ import annotations

import json
import logging
import pickle
import subprocess
import sys

import pytest

from framedream import RunSettings
from framedream.errors import SettingsError
from framedream.workers import devices
from framedream.workers.devices import Device, Gpu, cpu_split, describe, find_gpus, select_devices

TWO = [{"name": "NVIDIA H200", "memory": 150_000_000_000}, {"name": "NVIDIA L4", "memory": None}]


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    devices._gpus.cache_clear()
    yield
    devices._gpus.cache_clear()


@pytest.fixture
def machine(monkeypatch):
    """Makes a machine with this many cores and bytes of memory, and these GPUs; None is no driver."""
    asked = []

    def make(*, cores=8, memory=64e9, gpus=None):
        def probe():
            asked.append(True)
            return gpus if isinstance(gpus, str) else json.dumps(gpus)

        monkeypatch.setattr(devices, "usable_cores", lambda: cores)
        monkeypatch.setattr(devices, "total_memory", lambda: memory)
        monkeypatch.setattr(devices, "_driver_is_here", lambda: gpus is not None)
        monkeypatch.setattr(devices, "_probe", probe)
        return asked

    return make


def names(choice: str, units: int | None = None, **others) -> list[str]:
    return [device.name for device in select_devices(RunSettings(devices=choice, **others), units)]


def threads(choice: str, units: int | None = None, **others) -> list[int | None]:
    return [device.threads for device in select_devices(RunSettings(devices=choice, **others), units)]


# What is found.


def test_gpus_are_found_once_with_name_and_memory(machine):
    asked = machine(gpus=TWO)
    assert find_gpus() == find_gpus() == [Gpu("NVIDIA H200", 150_000_000_000), Gpu("NVIDIA L4")]
    assert len(asked) == 1


def test_other_visible_gpus_are_asked_for_anew(machine, monkeypatch):
    asked = machine(gpus=TWO)
    find_gpus()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    find_gpus()
    assert len(asked) == 2


def test_nobody_is_asked_without_a_driver(machine, caplog):
    asked = machine()
    assert (find_gpus(), asked, caplog.records) == ([], [], [])


@pytest.mark.parametrize("hidden", ["", "-1", " -1,0"])
def test_nobody_is_asked_where_all_gpus_are_hidden(machine, monkeypatch, hidden):
    asked = machine(gpus=TWO)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert (find_gpus(), asked) == ([], [])


def test_a_driver_without_gpus_is_warned_of_once_with_the_cure(machine, caplog):
    machine(gpus=[])
    with caplog.at_level(logging.WARNING, "framedream"):
        assert find_gpus() == find_gpus() == []
    (record,) = caplog.records
    assert 'pip install "framedream[cuda]"' in record.getMessage()


@pytest.mark.parametrize("answer", ["", "no JSON", "[{}]", "[3]", "7"])
def test_an_answer_that_makes_no_sense_is_a_warning_and_no_gpu(machine, caplog, answer):
    machine(gpus=answer)
    assert find_gpus() == []
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "could not be asked" in caplog.text


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (subprocess.CalledProcessError(1, "python", stderr="Traceback\nImportError: libcuda is broken\n"), "libcuda"),
        (subprocess.CalledProcessError(-9, "python", stderr=""), "exit code -9"),
        (subprocess.TimeoutExpired("python", 120), "120 seconds"),
        (FileNotFoundError("no python"), "no python"),
    ],
)
def test_a_tensorflow_that_cannot_be_asked_is_a_warning_with_its_last_words(
    machine, monkeypatch, caplog, failure, told
):
    def fail():
        raise failure

    machine(gpus=[])
    monkeypatch.setattr(devices, "_probe", fail)
    assert find_gpus() == []
    assert told in caplog.text


FAKE_TENSORFLOW = """
import os
from unittest.mock import MagicMock
config, get_logger = MagicMock(), MagicMock()
print("a library that talks")
config.list_physical_devices.side_effect = lambda kind: ["a", "b"] if kind == "GPU" else []
details = {"a": {"device_name": os.environ["CUDA_DEVICE_ORDER"]}, "b": {}}
config.experimental.get_device_details.side_effect = details.get
"""


def test_the_process_that_asks_has_our_modules_and_counts_gpus_as_workers_do(tmp_path, monkeypatch):
    """With modules that stand for TensorFlow and Keras, and are found where this process finds them."""
    (tmp_path / "tensorflow.py").write_text(FAKE_TENSORFLOW)
    (tmp_path / "keras.py").write_text("from unittest.mock import MagicMock\nconfig = MagicMock()\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = json.loads(devices._probe())
    assert [gpu["name"] for gpu in found] == ["PCI_BUS_ID", "GPU"]
    assert all(gpu["memory"] is None or gpu["memory"] > 1e8 for gpu in found)


def test_asking_imports_no_tensorflow_here():
    script = """
import sys
from framedream import RunSettings
from framedream.workers import devices
devices._driver_is_here = lambda: True
devices._probe = lambda: '[{"name": "GPU", "memory": null}]'
assert devices.select_devices(RunSettings())[0].name == "gpu:0"
import framedream.workers.device_leases
print({"tensorflow", "keras"} & set(sys.modules))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"


# What is taken.


def test_auto_takes_all_gpus_and_they_share_the_cores(machine):
    machine(cores=8, gpus=TWO)
    assert select_devices(RunSettings()) == [Device("gpu", 0, 4, "NVIDIA H200"), Device("gpu", 1, 4, "NVIDIA L4")]
    assert names("gpu") == ["gpu:0", "gpu:1"]


def test_gpus_are_taken_in_the_order_asked_for(machine):
    machine(cores=8, gpus=TWO)
    assert names("gpu:1,0") == ["gpu:1", "gpu:0"]
    assert threads("gpu:1") == [8]
    assert threads("gpu:1,0", threads=3) == [3, 3]


def test_a_gpu_that_is_not_there_is_refused_with_those_that_are(machine):
    machine(gpus=TWO)
    with pytest.raises(
        SettingsError, match=r"gpu:3 does not exist; available: gpu:0 \(NVIDIA H200\), gpu:1 \(NVIDIA L4\)"
    ):
        names("gpu:0,3")


@pytest.mark.parametrize("choice", ["gpu", "gpu:0"])
def test_gpus_are_refused_where_there_are_none(machine, choice):
    machine()
    with pytest.raises(SettingsError, match=r"sees no GPU.*--devices cpu"):
        names(choice)


def test_the_cpu_is_one_device_with_all_cores(machine):
    asked = machine(cores=8, gpus=TWO)
    assert select_devices(RunSettings(devices="cpu")) == [Device("cpu", 0, 8)]
    assert (names("cpu"), threads("cpu", threads=3)) == (["cpu"], [3])
    assert asked == []


@pytest.mark.parametrize(("choice", "each"), [("cpu:3", [2, 2, 2]), ("cpu:5", [1] * 5), ("cpu:9", [1] * 9)])
def test_the_cpu_in_parts_has_an_even_share_of_the_cores_each(machine, choice, each):
    machine(cores=8)
    assert threads(choice) == each
    assert names(choice) == [f"cpu:{index}" for index in range(len(each))]


def test_a_part_of_the_cpu_has_the_threads_asked_for(machine):
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


def test_devices_travel_to_other_processes():
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
def test_devices_are_told_in_words(machine, choice, words):
    machine(cores=8, gpus=TWO)
    assert describe(select_devices(RunSettings(devices=choice))) == words
