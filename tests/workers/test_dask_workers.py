"""Workers of a Dask cluster: a real scheduler and real worker processes on this machine."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dask
import pytest
from clusters import Cluster, eventually, free_port
from distributed import Client
from stand_in_tasks import Pin, Raise, Say, Write

from framedream.errors import DeviceError, OutputError
from framedream.workers.dask_checks import versions
from framedream.workers.dask_workers import DaskWorkers


@pytest.fixture
def cluster(tmp_path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    made.end()


@pytest.fixture
def connect(tmp_path) -> Iterator[Callable[..., DaskWorkers]]:
    made: list[DaskWorkers] = []

    def make(cluster: Cluster, initializer=None, folder: Path = tmp_path, **options) -> DaskWorkers:
        made.append(DaskWorkers(cluster.address, folder, initializer, **options))
        return made[-1]

    yield make
    for workers in made:
        workers.close()


def test_each_slot_runs_its_tasks_in_its_own_worker_and_nothing_is_printed(cluster, connect, capfd, tmp_path):
    pids = {process.pid for process in cluster.workers(2)}
    before = sorted(path.name for path in tmp_path.iterdir())
    level = logging.getLogger("distributed.client").level
    workers = connect(cluster, Pin("a"))
    assert {int(name.rpartition(":")[2]) for name in workers.names} == pids
    for _ in range(2):
        said = [future.result(60).value for future in [workers.submit(slot, Say()) for slot in (0, 1)]]
        assert [each["pid"] for each in said] == [int(name.rpartition(":")[2]) for name in workers.names]
        assert all(each["prepared"] == ["a"] and not each["tensorflow"] for each in said)
    failed = workers.submit(0, Raise("InputError")).result(60)
    assert (failed.state, failed.exit_code, failed.problem) == ("failed", 4, "it went wrong; try again")
    workers.close()
    with Client(cluster.address, set_as_default=False) as client:
        assert len(client.nthreads()) == 2
    assert capfd.readouterr() == ("", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert logging.getLogger("distributed.client").level == level


def test_a_single_gpu_worker_with_one_thread_runs_the_task_instead_of_this_process(cluster, connect):
    (process,) = cluster.workers(1, "--resources", "GPU=1")
    assert connect(cluster).submit(0, Say()).result(60).value["pid"] == process.pid


def test_another_worker_takes_over_the_task_of_a_killed_one(cluster, connect, tmp_path):
    cluster.workers(2)
    workers = connect(cluster)
    future = workers.submit(0, Write(tmp_path / "pids", seconds=30, until=tmp_path / "go"))
    eventually(lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text())
    first = int((tmp_path / "pids").read_text())
    os.kill(first, signal.SIGKILL)
    eventually(lambda: len((tmp_path / "pids").read_text().split()) == 2)
    (tmp_path / "go").touch()
    outcome = future.result(60)
    second = int((tmp_path / "pids").read_text().split()[1])
    assert (outcome.state, outcome.value) == ("done", second) and second != first
    # The slot of the dead worker uses the remaining one.
    for slot in (0, 1):
        assert workers.submit(slot, Say()).result(60).value["pid"] == second


def test_a_task_is_lost_after_the_deaths_that_the_scheduler_allows(tmp_path, connect):
    cluster = Cluster(tmp_path, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")
    try:
        cluster.workers(2)
        workers = connect(cluster)
        outcome = workers.submit(0, Write(tmp_path / "pids", dies=9)).result(60)
        assert (outcome.state, outcome.exit_code) == ("lost", 7)
        assert "died" in outcome.problem and "\n" not in outcome.problem
        assert workers.submit(1, Say()).result(60).state == "done"
    finally:
        cluster.end()


def test_tasks_fail_soon_when_the_workers_or_the_scheduler_have_gone(cluster, connect, tmp_path, capfd):
    (process,) = cluster.workers(1)
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        workers = connect(cluster, check_interval=0.1, no_worker_timeout=0.5, connect_timeout=2)
        patient = connect(cluster, check_interval=0.1, no_worker_timeout=60, connect_timeout=2)
        future = workers.submit(0, Write(tmp_path / "pids", seconds=30))
        eventually((tmp_path / "pids").exists)
        process.kill()
        outcome = future.result(20)
        assert (outcome.state, outcome.exit_code) == ("failed", 7)
        assert "no workers left" in outcome.problem and "dask worker tcp://" in outcome.problem
        future = patient.submit(0, Say())
        cluster.processes[0].kill()
        outcome = future.result(20)
        assert (outcome.state, outcome.exit_code) == ("failed", 7)
        assert f"scheduler at {cluster.address} has gone" in outcome.problem
        assert patient.submit(0, Say()).result(20).state == "failed"
        workers.close()
        patient.close()
    assert capfd.readouterr().err == ""


def test_closing_cancels_queued_tasks_and_leaves_the_cluster_running(cluster, connect, tmp_path):
    cluster.workers(1)
    workers = connect(cluster)
    running = workers.submit(0, Write(tmp_path / "runs", seconds=30, until=tmp_path / "go"))
    eventually((tmp_path / "runs").exists)
    queued = workers.submit(0, Write(tmp_path / "queued"))
    time.sleep(0.5)
    began = time.monotonic()
    workers.close()
    assert time.monotonic() - began < 5
    assert running.result(5).state == queued.result(5).state == "lost"
    (tmp_path / "go").touch()
    assert connect(cluster).submit(0, Say()).result(60).state == "done"
    assert not (tmp_path / "queued").exists()


def shadowing(folder: Path, package: str, version: str) -> Path:
    """A folder for the start of a worker's path, with another version of a package."""
    info = folder / "shadow" / f"{package.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    return info.parent


def test_each_fault_of_a_cluster_gives_a_one_line_error(cluster, connect, tmp_path, monkeypatch):
    def refused(kind=DeviceError, **options) -> str:
        with pytest.raises(kind) as caught:
            connect(cluster, **options)
        assert "\n" not in str(caught.value) and "; " in str(caught.value)
        return str(caught.value)

    said = refused()
    assert "no workers" in said and f"dask worker {cluster.address}" in said

    good = cluster.workers(1)[0]
    assert connect(cluster).names[0].endswith(f":{good.pid}")
    assert "missing" in refused(OutputError, folder=tmp_path / "missing")
    # This path means another folder in the workers, whose working directory differs.
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    said = refused(folder=Path("/proc/self/cwd"))
    assert f":{good.pid} cannot see /proc/self/cwd" in said

    other = cluster.worker(shadow=shadowing(tmp_path, "opencv-python-headless", "4.10.0.1"))
    cluster.wait_for(2)
    said = refused()
    assert (
        f":{other.pid} has opencv-python-headless 4.10.0.1, but this machine has {versions()['opencv-python-headless']}"
        in said
    )
    other.kill()

    (tmp_path / "empty" / "framedream").mkdir(parents=True)
    # The worker behaves as if framedream were not installed.
    missing = "raise ModuleNotFoundError('No module named framedream')"
    (tmp_path / "empty" / "framedream" / "__init__.py").write_text(missing)
    eventually(lambda: "Remove worker" in cluster.said(0))
    cluster.worker(shadow=tmp_path / "empty")
    cluster.wait_for(3)
    assert "cannot import framedream" in refused()


def test_a_missing_scheduler_or_a_missing_dask_gives_a_one_line_error(tmp_path, monkeypatch):
    address = f"tcp://127.0.0.1:{free_port()}"
    began = time.monotonic()
    with pytest.raises(DeviceError, match=f"no Dask scheduler answers at {address}; .*dask scheduler"):
        DaskWorkers(address, tmp_path, None, connect_timeout=1)
    assert time.monotonic() - began < 5
    with pytest.raises(DeviceError, match="no Dask scheduler answers at what is this"):
        DaskWorkers("what is this", tmp_path, None, connect_timeout=1)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(DeviceError, match=r'not installed; pip install "framedream\[dask\]"'):
        DaskWorkers(address, tmp_path, None)
