"""The workers of a job, by the request and the machine."""

from __future__ import annotations

import logging
import os
import sys

import pytest

from framedream.config.settings import RunSettings, Settings
from framedream.errors import DeviceError
from framedream.workers import worker_pool as pools
from framedream.workers.gpu_discovery import Gpu
from framedream.workers.worker_pool import become_worker, hide_gpus, reserve_core, runs_in_process, worker_pool


@pytest.fixture
def gpus(monkeypatch):
    for place in ("framedream.workers.worker_pool.find_gpus", "framedream.workers.devices.find_gpus"):
        monkeypatch.setattr(place, lambda: [Gpu("A"), Gpu("B")])


@pytest.mark.parametrize(
    ("devices", "units", "here"), [("cpu", None, True), ("cpu:2", None, False), ("auto", 1, True), ("auto", 2, False)]
)
def test_this_process_does_the_work_only_if_the_cpu_is_the_single_device(monkeypatch, devices, units, here, tmp_path):
    monkeypatch.setattr("framedream.workers.devices.usable_cores", lambda: 4)
    run = RunSettings(devices=devices)
    assert runs_in_process(run, units) == here
    with worker_pool(run, tmp_path, units) as workers:
        assert (workers is None) == here


def test_a_gpu_gets_its_own_process_even_if_it_is_the_only_device(gpus, tmp_path):
    for devices, names in (("gpu:1", ("gpu:1",)), ("auto", ("gpu:0", "gpu:1"))):
        assert not runs_in_process(RunSettings(devices=devices))
        with worker_pool(RunSettings(devices=devices), tmp_path) as workers:
            assert workers.names == names


def test_work_on_the_cpu_hides_the_gpus(gpus, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setitem(sys.modules, "tensorflow", object())
    hide_gpus()
    assert "CUDA_VISIBLE_DEVICES" not in os.environ  # It would have no effect.
    monkeypatch.delitem(sys.modules, "tensorflow")
    hide_gpus()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "-1"
    monkeypatch.setattr(pools, "find_gpus", list)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    hide_gpus()
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


@pytest.mark.parametrize(("cores", "threads"), [(1, "1"), (2, "1"), (16, "15")])
def test_a_film_in_this_process_leaves_a_core_to_flow_and_encoder(monkeypatch, cores, threads):
    monkeypatch.setattr(pools, "usable_cores", lambda: cores)
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "")
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS")
    monkeypatch.setitem(sys.modules, "tensorflow", object())
    reserve_core(Settings())
    assert "TF_NUM_INTRAOP_THREADS" not in os.environ  # It would have no effect.
    monkeypatch.delitem(sys.modules, "tensorflow")
    for other in ({"threads": 2}, {"flow": "none"}, {"model": "inception_v3"}):
        reserve_core(Settings.of(**other))
        assert "TF_NUM_INTRAOP_THREADS" not in os.environ
    reserve_core(Settings())
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == threads
    monkeypatch.setattr(pools, "usable_cores", lambda: 64)
    reserve_core(Settings())
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == threads, "the value of the user stays"


@pytest.fixture
def used_devices(monkeypatch):
    """A process that has not imported TensorFlow; returns the pinned and leased devices."""
    used = []
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setattr(pools, "usable_cores", lambda: 8)
    monkeypatch.setattr(
        pools, "lease_device", lambda devices: next((each for each in devices if each.name not in used), None)
    )
    monkeypatch.setattr(pools, "pin_device", lambda device: used.append((device.name, device.threads)))
    return used


@pytest.mark.parametrize(
    ("run", "pinned"),
    [
        (RunSettings(), ("gpu:0", 8)),
        (RunSettings(devices="gpu:1"), ("gpu:1", 8)),
        (RunSettings(devices="gpu:1,0", threads=2), ("gpu:1", 2)),
    ],
)
def test_indivisible_work_uses_one_gpu_and_all_threads(gpus, used_devices, run, pinned, caplog):
    with caplog.at_level(logging.INFO, "framedream"):
        become_worker(run)
    assert used_devices == [pinned]
    assert ("one device makes" in caplog.text) == ("," in run.devices)


def test_a_gpu_in_use_is_skipped(gpus, used_devices):
    used_devices.append("gpu:0")
    become_worker(RunSettings(devices="gpu"))
    assert used_devices == ["gpu:0", ("gpu:1", 8)]


def test_an_error_says_that_all_gpus_are_in_use(gpus, used_devices):
    used_devices += ["gpu:0", "gpu:1"]
    with pytest.raises(DeviceError, match="gpu:0, gpu:1: in use by another run; wait until it ends"):
        become_worker(RunSettings(devices="gpu"), lease_timeout=0)


@pytest.mark.parametrize("devices", ["cpu", "cpu:3"])
def test_indivisible_work_on_the_cpu_hides_the_gpus_and_mentions_unused_devices(
    gpus, used_devices, monkeypatch, devices, caplog
):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with caplog.at_level(logging.INFO, "framedream"):
        become_worker(RunSettings(devices=devices))
    assert used_devices == []
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "-1"
    assert ("one device makes" in caplog.text) == (devices == "cpu:3")


def test_the_devices_stay_as_they_are_once_tensorflow_is_imported(gpus, used_devices, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", object())
    become_worker(RunSettings(devices="gpu"))
    assert used_devices == []
