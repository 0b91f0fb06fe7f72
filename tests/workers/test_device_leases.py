"""Pinning and leasing of devices, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

START = """
import os, sys, types, json
from framedream.workers.devices import Device
from framedream.workers.device_leases import lease_device, pin_device
gpus = [Device("gpu", index, 2) for index in range(3)]
cpus = [Device("cpu", index, 1, workers=2) for index in range(2)]
name = lambda device: device and device.name
"""
NAMES = (
    "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "TF_FORCE_GPU_ALLOW_GROWTH", "OMP_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS",
)  # fmt: skip


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    """An environment without settings of devices and threads, with a lock folder for this test."""
    return {name: value for name, value in os.environ.items() if name not in NAMES} | {"TMPDIR": str(tmp_path)}


def run(script: str, environment: dict[str, str], **others: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", START + script], env=environment | others, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@contextmanager
def running(script: str, environment: dict[str, str], **others: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that has printed one line and waits."""
    words = [sys.executable, "-c", START + script + "\nsys.stdout.flush(); sys.stdin.read()"]
    with subprocess.Popen(
        words, env=environment | others, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


PRINT_ENVIRONMENT = f"print([os.environ.get(name) for name in {NAMES}]); import cv2; print(cv2.getNumThreads())"


def test_a_gpu_is_pinned_with_its_threads(environment):
    output = run(f"pin_device(gpus[1]); {PRINT_ENVIRONMENT}", environment)
    assert output == "['1', 'PCI_BUS_ID', 'true', '2', '2', '2']\n2"


def test_a_cpu_is_pinned_without_gpus(environment):
    output = run(f"pin_device(cpus[1]); {PRINT_ENVIRONMENT}", environment, CUDA_VISIBLE_DEVICES="0,1")
    assert output == "['-1', 'PCI_BUS_ID', 'true', '1', '1', '1']\n1"


def test_a_device_without_threads_keeps_the_defaults(environment):
    output = run(f"pin_device(Device('gpu', 0, None)); {PRINT_ENVIRONMENT}", environment, OMP_NUM_THREADS="7")
    assert output.startswith("['0', 'PCI_BUS_ID', 'true', '7', None, None]")


def test_the_index_of_a_gpu_counts_the_visible_ones(environment):
    output = run(f"pin_device(gpus[1]); {PRINT_ENVIRONMENT}", environment, CUDA_VISIBLE_DEVICES="7, GPU-8932f937-d72c")
    assert output.startswith("['GPU-8932f937-d72c', ")


def test_a_gpu_that_is_not_visible_cannot_be_pinned(environment):
    script = """
from framedream.errors import DeviceError
try:
    pin_device(gpus[1])
except DeviceError as error:
    print(error, os.environ["CUDA_VISIBLE_DEVICES"])
"""
    output = run(script, environment, CUDA_VISIBLE_DEVICES="5")
    assert output == "gpu:1 is not in CUDA_VISIBLE_DEVICES=5; choose another device, or change the variable 5"


def test_pinning_fails_after_the_import_of_tensorflow(environment):
    script = """
sys.modules["tensorflow"] = types.ModuleType("tensorflow")
try:
    pin_device(gpus[1])
except RuntimeError as error:
    print(error, os.environ.get("CUDA_VISIBLE_DEVICES"))
"""
    assert run(script, environment) == "gpu:1 must be pinned before TensorFlow is imported in this process None"


def test_after_the_import_of_tensorflow_only_the_same_device_can_be_pinned(environment):
    script = """
pin_device(gpus[1])
sys.modules["tensorflow"] = types.ModuleType("tensorflow")
pin_device(Device("gpu", 1, 2))
try:
    pin_device(gpus[0])
except RuntimeError:
    print(os.environ["CUDA_VISIBLE_DEVICES"])
"""
    assert run(script, environment, CUDA_VISIBLE_DEVICES="4,5") == "5"


def test_before_the_import_of_tensorflow_another_device_can_be_pinned(environment):
    script = 'pin_device(gpus[1]); pin_device(gpus[0]); print(os.environ["CUDA_VISIBLE_DEVICES"])'
    assert run(script, environment, CUDA_VISIBLE_DEVICES="4,5") == "4"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="this system does not list threads")
def test_tensorflow_uses_the_pinned_number_of_threads(environment):
    """The intra-op threads are counted in the system: TensorFlow's functions return only what they set."""
    script = """
from framedream.nn.runtime import tf
(tf.zeros((64, 64)) @ tf.zeros((64, 64))).numpy()
names = [open(f"/proc/self/task/{task}/comm").read().strip() for task in os.listdir("/proc/self/task")]
print(names.count("tf_Compute"))
"""
    assert run(f"pin_device(Device('cpu', 0, 3)); {script}", environment) == "3"


def test_processes_lease_different_gpus_and_the_last_gets_none(environment):
    script = "print(name(lease_device(gpus[:2])))"
    with running(script, environment) as (_, first), running(script, environment) as (_, second):
        assert (first, second) == ("gpu:0", "gpu:1")
        assert run(script, environment) == "None"


def test_a_lease_ends_with_its_process_even_if_that_is_killed(environment):
    script = "print(name(lease_device(gpus[:1])))"
    with running(script, environment) as (holder, first):
        assert (first, run(script, environment)) == ("gpu:0", "None")
        holder.kill()
        holder.wait()
        assert run(script, environment) == "gpu:0"
    assert run(script, environment) == "gpu:0"


def test_a_lease_outlives_the_thread_that_acquired_it(environment):
    script = """
import threading
thread = threading.Thread(target=lambda: print(name(lease_device(gpus[:1]))))
thread.start(); thread.join()
"""
    with running(script, environment) as (_, first):
        assert (first, run("print(name(lease_device(gpus[:1])))", environment)) == ("gpu:0", "None")


def test_a_process_gets_only_its_own_device_again(environment):
    script = """
print(name(lease_device(gpus[1:])))
pin_device(gpus[1])
first, own = lease_device(gpus), lease_device([Device("gpu", 1, 9)])
print(name(first), own.threads, name(lease_device([gpus[0], gpus[2], *cpus])))
"""
    assert run(script, environment, CUDA_VISIBLE_DEVICES="4,5,6").splitlines() == ["gpu:1", "gpu:1 9 None"]


def test_a_process_pinned_to_a_gpu_leases_only_that_one(environment):
    with running("pin_device(gpus[2]); print(name(lease_device(gpus)))", environment) as (_, first):
        assert first == "gpu:2"
        assert run("print(name(lease_device(gpus[2:])))", environment) == "None"


def test_any_number_of_processes_can_use_the_cpu(environment):
    script = "print(name(lease_device(cpus)), name(lease_device(cpus[1:])))"
    with running(script, environment) as (_, first):
        assert (first, run(script, environment)) == ("cpu:0 cpu:1", "cpu:0 cpu:1")


def test_the_cpu_is_used_if_all_gpus_are_in_use(environment):
    script = "print(name(lease_device([gpus[0], cpus[0]])))"
    with running(script, environment):
        assert run(script, environment) == "cpu:0"


def test_a_process_pinned_to_the_cpu_leases_no_gpu(environment):
    script = "pin_device(cpus[0]); print(name(lease_device(gpus)), name(lease_device([gpus[0], cpus[1]])))"
    assert run(script, environment) == "None cpu:1"


def test_a_lease_holds_the_physical_gpu_whatever_its_index(environment):
    script = "print(name(lease_device(gpus[:1])))"
    with running("print(name(lease_device(gpus[2:])))", environment) as (_, first):
        assert first == "gpu:2"
        assert run(script, environment, CUDA_VISIBLE_DEVICES="2") == "None"
        assert run(script, environment, CUDA_VISIBLE_DEVICES="3") == "gpu:0"
        assert run(script, environment, CUDA_VISIBLE_DEVICES="GPU-89/../x") == "gpu:0"


def test_a_forked_process_does_not_own_its_parents_lease(environment):
    if not hasattr(os, "fork"):
        pytest.skip("this system does not fork")
    script = """
pin_device(lease_device(gpus[:1]))
if not os.fork():
    print(name(lease_device(gpus[:1])), name(lease_device(gpus)), flush=True)
    os._exit(0)
os.wait()
"""
    assert run(script, environment, CUDA_VISIBLE_DEVICES="4,5,6") == "None gpu:1"


def test_only_the_user_can_write_to_the_lock_folder(environment, tmp_path):
    run("lease_device(gpus[:1])", environment)
    (folder,) = tmp_path.glob("framedream-*")
    assert folder.stat().st_mode & 0o777 == 0o700


FAILING = """
from framedream.errors import DeviceError
try:
    lease_device(gpus[:1])
except DeviceError as error:
    print(error)
"""


def test_a_lock_folder_that_is_a_symlink_is_refused(environment, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"framedream-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    assert "belongs to another user; remove it, or set TMPDIR" in run(FAILING, environment)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_where_no_lock_can_be_made_the_cure_is_output(environment, tmp_path):
    (tmp_path / f"framedream-{os.getuid()}").write_text("in the way")
    assert "set TMPDIR to a writable folder" in run(FAILING, environment)
    (tmp_path / f"framedream-{os.getuid()}").unlink()
    (tmp_path / f"framedream-{os.getuid()}" / "gpu-0.lock").mkdir(parents=True)
    assert "gpu-0.lock: cannot be locked" in run(FAILING, environment)
