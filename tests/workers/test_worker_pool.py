"""Who works at a job, by what is asked for and what there is."""

from __future__ import annotations

import logging
import os
import sys

import pytest

from framedream.config.settings import RunSettings, Settings
from framedream.errors import DeviceError
from framedream.workers import worker_pool as crews
from framedream.workers.devices import Gpu
from framedream.workers.worker_pool import become_worker, hide_gpus, reserve_core, runs_in_process, worker_pool


@pytest.fixture
def gpus(monkeypatch):
    for place in ("framedream.workers.worker_pool.find_gpus", "framedream.workers.devices.find_gpus"):
        monkeypatch.setattr(place, lambda: [Gpu("A"), Gpu("B")])


@pytest.mark.parametrize(
    ("devices", "units", "here"), [("cpu", None, True), ("cpu:2", None, False), ("auto", 1, True), ("auto", 2, False)]
)
def test_only_one_device_that_is_the_processor_is_this_process(monkeypatch, devices, units, here, tmp_path):
    monkeypatch.setattr("framedream.workers.devices.usable_cores", lambda: 4)
    run = RunSettings(devices=devices)
    assert runs_in_process(run, units) == here
    with worker_pool(run, tmp_path, units) as workers:
        assert (workers is None) == here


def test_a_gpu_has_a_process_of_its_own_also_if_it_is_the_only_one(gpus, tmp_path):
    for devices, names in (("gpu:1", ("gpu:1",)), ("auto", ("gpu:0", "gpu:1"))):
        assert not runs_in_process(RunSettings(devices=devices))
        with worker_pool(RunSettings(devices=devices), tmp_path) as workers:
            assert workers.names == names


def test_work_on_the_processor_leaves_the_gpus_alone(gpus, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setitem(sys.modules, "tensorflow", object())
    hide_gpus()
    assert "CUDA_VISIBLE_DEVICES" not in os.environ  # It would come too late.
    monkeypatch.delitem(sys.modules, "tensorflow")
    hide_gpus()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "-1"
    monkeypatch.setattr(crews, "find_gpus", list)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    hide_gpus()
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


@pytest.mark.parametrize(("cores", "threads"), [(1, "1"), (2, "1"), (16, "15")])
def test_a_film_made_here_leaves_a_core_to_what_goes_on_beside_its_gradients(monkeypatch, cores, threads):
    monkeypatch.setattr(crews, "usable_cores", lambda: cores)
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "")
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS")
    monkeypatch.setitem(sys.modules, "tensorflow", object())
    reserve_core(Settings())
    assert "TF_NUM_INTRAOP_THREADS" not in os.environ  # It would come too late.
    monkeypatch.delitem(sys.modules, "tensorflow")
    for other in ({"threads": 2}, {"flow": "none"}, {"model": "inception_v3"}):
        reserve_core(Settings.of(**other))
        assert "TF_NUM_INTRAOP_THREADS" not in os.environ
    reserve_core(Settings())
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == threads
    monkeypatch.setattr(crews, "usable_cores", lambda: 64)
    reserve_core(Settings())
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == threads, "what the person set stays"


@pytest.fixture
def alone(monkeypatch):
    """A process that has not imported TensorFlow; gives the devices that are pinned, and all that are leased."""
    taken = []
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setattr(crews, "usable_cores", lambda: 8)
    monkeypatch.setattr(
        crews, "lease_device", lambda devices: next((each for each in devices if each.name not in taken), None)
    )
    monkeypatch.setattr(crews, "pin_device", lambda device: taken.append((device.name, device.threads)))
    return taken


@pytest.mark.parametrize(
    ("run", "pinned"),
    [
        (RunSettings(), ("gpu:0", 8)),
        (RunSettings(devices="gpu:1"), ("gpu:1", 8)),
        (RunSettings(devices="gpu:1,0", threads=2), ("gpu:1", 2)),
    ],
)
def test_work_that_cannot_be_divided_takes_one_gpu_and_all_threads(gpus, alone, run, pinned, caplog):
    with caplog.at_level(logging.INFO, "framedream"):
        become_worker(run)
    assert alone == [pinned]
    assert ("one device makes" in caplog.text) == ("," in run.devices)


def test_a_gpu_that_is_taken_is_left_for_the_next(gpus, alone):
    alone.append("gpu:0")
    become_worker(RunSettings(devices="gpu"))
    assert alone == ["gpu:0", ("gpu:1", 8)]


def test_where_all_gpus_are_taken_it_says_so(gpus, alone, monkeypatch):
    monkeypatch.setattr(crews, "_PATIENCE", 0)
    alone += ["gpu:0", "gpu:1"]
    with pytest.raises(DeviceError, match="gpu:0, gpu:1: another run works on it; wait for that one"):
        become_worker(RunSettings(devices="gpu"))


@pytest.mark.parametrize("devices", ["cpu", "cpu:3"])
def test_work_alone_on_the_processor_leaves_the_gpus_and_says_if_more_was_asked_for(
    gpus, alone, monkeypatch, devices, caplog
):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with caplog.at_level(logging.INFO, "framedream"):
        become_worker(RunSettings(devices=devices))
    assert alone == []
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "-1"
    assert ("one device makes" in caplog.text) == (devices == "cpu:3")


def test_once_tensorflow_is_imported_work_goes_on_with_what_it_has(gpus, alone, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", object())
    become_worker(RunSettings(devices="gpu"))
    assert alone == []
