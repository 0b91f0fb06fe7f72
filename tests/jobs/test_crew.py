"""Who works at a job, by what is asked for and what there is."""

from __future__ import annotations

import os
import sys

import pytest

from framedream.jobs import crew as crews
from framedream.jobs.crew import crew, leave_gpus, works_here
from framedream.jobs.devices import Gpu
from framedream.settings import RunSettings


@pytest.fixture
def gpus(monkeypatch):
    for place in ("framedream.jobs.crew.find_gpus", "framedream.jobs.devices.find_gpus"):
        monkeypatch.setattr(place, lambda: [Gpu("A"), Gpu("B")])


@pytest.mark.parametrize(
    ("devices", "units", "here"), [("cpu", None, True), ("cpu:2", None, False), ("auto", 1, True), ("auto", 2, False)]
)
def test_only_one_device_that_is_the_processor_is_this_process(monkeypatch, devices, units, here, tmp_path):
    monkeypatch.setattr("framedream.jobs.devices.usable_cores", lambda: 4)
    run = RunSettings(devices=devices)
    assert works_here(run, units) == here
    with crew(run, tmp_path, units) as workers:
        assert (workers is None) == here


def test_a_gpu_has_a_process_of_its_own_also_if_it_is_the_only_one(gpus, tmp_path):
    for devices, names in (("gpu:1", ("gpu:1",)), ("auto", ("gpu:0", "gpu:1"))):
        assert not works_here(RunSettings(devices=devices))
        with crew(RunSettings(devices=devices), tmp_path) as workers:
            assert workers.names == names


def test_work_on_the_processor_leaves_the_gpus_alone(gpus, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setitem(sys.modules, "tensorflow", object())
    leave_gpus()
    assert "CUDA_VISIBLE_DEVICES" not in os.environ  # It would come too late.
    monkeypatch.delitem(sys.modules, "tensorflow")
    leave_gpus()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "-1"
    monkeypatch.setattr(crews, "find_gpus", list)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    leave_gpus()
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
