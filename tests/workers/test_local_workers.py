"""Worker processes on this machine: every task has an outcome, and a process that dies affects no other."""

from __future__ import annotations

import functools
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stand_in_tasks import Fails, Grow, Hang, Pin, Raise, Say, Unpicklable, Warn, Write

from framedream import errors
from framedream.workers.local_workers import LocalWorkers
from framedream.workers.tasks import Outcome, outcome_error, run_task

HERE = Path(__file__).parents[1]


@pytest.fixture
def workers() -> Iterator[LocalWorkers]:
    pool = LocalWorkers([Pin("a"), Pin("b")], ["A", "B"], env={"STAND_IN": "yes"})
    yield pool
    pool.close()


def eventually(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it did not happen in {seconds} s"
        time.sleep(0.02)


def runs(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    ("kind", "state", "code", "raised"),
    [
        ("Stopped", "stopped", 130, errors.Stopped),
        ("SettingsError", "failed", 2, errors.SettingsError),
        ("WeightsError", "failed", 4, errors.InputError),
        ("OutputError", "failed", 5, errors.OutputError),
        ("LockedError", "failed", 6, errors.LockedError),
        ("DeviceError", "failed", 7, errors.DeviceError),
        ("OutOfMemory", "out_of_memory", 7, errors.OutOfMemory),
        ("MemoryError", "out_of_memory", 7, errors.OutOfMemory),
        ("SystemExit", "failed", 1, RuntimeError),
        ("ZeroDivisionError", "failed", 1, RuntimeError),
    ],
)
def test_an_error_becomes_an_outcome_and_the_outcome_the_same_error(kind, state, code, raised):
    outcome = run_task(Raise(kind, "a\nb" if code == 1 else "it went wrong; try again"), None)
    assert (outcome.state, outcome.exit_code) == (state, code)
    assert "\n" not in outcome.problem and "stand_in_tasks.py" in outcome.trace
    error = outcome_error(outcome)
    assert type(error) is raised and str(error) == outcome.problem
    assert outcome.trace in str(error.__cause__)
    if code == 1:
        assert kind in outcome.problem
    else:
        assert outcome.problem == "it went wrong; try again"


def test_a_task_that_is_done_has_no_error():
    with pytest.raises(ValueError, match="no error"):
        outcome_error(Outcome("done"))


def test_equal_initializers_run_once_in_a_process(tmp_path):
    log = tmp_path / "log"
    for name in ("a", "a", "b", "a"):
        assert run_task(Say(), Pin(name, log)).state == "done"
        assert run_task(Say(), functools.partial(note, log, name)).state == "done"
    assert [line.split()[0] for line in log.read_text().splitlines()] == ["a", "partial-a", "b", "partial-b"]


def note(log: Path, name: str) -> None:
    with log.open("a") as file:
        file.write(f"partial-{name}\n")


def test_an_initializer_that_fails_gives_an_outcome_and_is_tried_again():
    for _ in range(2):
        outcome = run_task(Say(), Fails())
        assert (outcome.state, outcome.exit_code) == ("failed", 7)
        assert "no such device" in outcome.problem


def test_an_outcome_carries_the_warnings_which_are_not_shown_in_the_worker(caplog):
    outcome = run_task(Warn(), None)
    assert (outcome.value, outcome.warnings) == ("warned", ("3 frames are missing",))
    assert not caplog.records
    logging.getLogger("framedream").warning("shown after the task")
    assert caplog.messages == ["shown after the task"]


def test_each_slot_has_its_own_initialized_process_that_ignores_signals(workers):
    said = [workers.submit(slot, Say()).result(30).value for slot in (0, 1, 0, 1)]
    assert said[:2] == said[2:]
    assert len({said[0]["pid"], said[1]["pid"], os.getpid()}) == 3
    assert [each["prepared"] for each in said[:2]] == [["a"], ["b"]]
    for each in said:
        assert each["sigint"] and each["sigterm"] and not each["blocked"]
        assert not each["tensorflow"]
        assert each["env"] == "yes"


def test_a_worker_that_dies_loses_only_its_own_task(workers, tmp_path):
    long = workers.submit(1, Write(tmp_path / "long", seconds=30, until=tmp_path / "go"))
    eventually(lambda: (tmp_path / "long").exists())
    outcome = workers.submit(0, Write(tmp_path / "dies", dies=1)).result(30)
    assert (outcome.state, outcome.exit_code) == ("lost", 7)
    assert "SIGKILL" in outcome.problem and "\n" not in outcome.problem
    assert workers.submit(0, Say()).result(30).value["prepared"] == ["a"]
    (tmp_path / "go").touch()
    assert long.result(30).state == "done"


def test_a_worker_that_died_while_idle_is_replaced(workers):
    pid = workers.submit(0, Say()).result(30).value["pid"]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not exists(pid))
    time.sleep(0.3)
    assert workers.submit(0, Say()).result(30).value["pid"] != pid


@pytest.mark.parametrize("where", ["here", "there", "result"])
def test_a_task_or_result_that_cannot_be_pickled_fails_and_the_worker_lives_on(workers, where):
    pid = workers.submit(0, Say()).result(30).value["pid"]
    outcome = workers.submit(0, Unpicklable(where)).result(30)
    assert (outcome.state, outcome.exit_code) == ("failed", 1)
    assert outcome.problem
    assert workers.submit(0, Say()).result(30).value["pid"] == pid


def test_replacing_a_slot_ends_its_process_and_starts_a_new_one(workers):
    first = workers.submit(0, Say()).result(30).value["pid"]
    other = workers.submit(1, Say()).result(30).value["pid"]
    workers.replace(0)
    eventually(lambda: not exists(first))
    assert workers.submit(0, Say()).result(30).value["pid"] not in (first, other)
    assert workers.submit(1, Say()).result(30).value["pid"] == other


def test_closing_ends_hanging_processes_at_once_and_leaves_no_zombies(workers, tmp_path):
    idle = workers.submit(1, Say()).result(30).value["pid"]
    hung = workers.submit(0, Hang(tmp_path / "pid"))
    eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    began = time.monotonic()
    workers.close()
    assert time.monotonic() - began < 3
    assert not exists(idle) and not exists(int((tmp_path / "pid").read_text()))
    assert hung.result(5).state == "lost"
    with pytest.raises(errors.DeviceError, match="closed"):
        workers.submit(0, Say())


def test_a_worker_whose_memory_grows_is_replaced_between_tasks(tmp_path):
    workers = LocalWorkers([Pin("a", tmp_path / "log")], ["A"])
    try:
        pids = [workers.submit(0, Grow(0)).result(30).value]
        for _ in range(2):
            time.sleep(1.05)
            pids += [workers.submit(0, Grow(320)).result(30).value, workers.submit(0, Grow(0)).result(30).value]
    finally:
        workers.close()
    assert len(set(pids)) > 1
    prepared = [int(line.split()[1]) for line in (tmp_path / "log").read_text().splitlines()]
    assert prepared == list(dict.fromkeys(pids))


PARENT = """
import sys, time
from pathlib import Path
from stand_in_tasks import Say, Write
from framedream.workers.local_workers import LocalWorkers
workers = LocalWorkers([None, None], ["A", "B"])
idle = workers.submit(0, Say()).result().value["pid"]
future = workers.submit(1, Write(Path(sys.argv[1]), seconds=60))
while not (Path(sys.argv[1]).exists() and Path(sys.argv[1]).read_text()):
    time.sleep(0.02)
print(idle, Path(sys.argv[1]).read_text().strip(), flush=True)
if sys.argv[2] == "close":
    workers.close()
else:
    time.sleep(60)
"""


@pytest.fixture
def parent(tmp_path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Start a process with an idle and a busy worker."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)]), "PYTHONWARNINGS": "default"}
    started = []

    def start(what: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PARENT, str(tmp_path / "file"), what]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, env=env, stdout=pipe, stderr=pipe, text=True, start_new_session=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_idle_and_busy_workers_end_when_their_parent_is_killed(parent):
    process = parent("wait")
    pids = [int(pid) for pid in process.stdout.readline().split()]
    assert len(pids) == 2 and all(map(runs, pids))
    process.kill()
    eventually(lambda: not any(map(runs, pids)), seconds=5)


def test_ctrl_c_does_not_end_the_workers(parent):
    process = parent("wait")
    pids = [int(pid) for pid in process.stdout.readline().split()]
    for pid in pids:
        os.kill(pid, signal.SIGINT)
    time.sleep(0.5)
    assert all(map(runs, pids))


def test_closing_leaks_no_process_and_prints_nothing(parent):
    process = parent("close")
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert err == ""
    assert len(out.split()) == 2 and not any(runs(int(pid)) for pid in out.split())
