"""What the tests of films share: worker processes that make one film after another, and a shot in short windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import pytest
from pictures import pan, write_clip
from stand_in_cli import Restless
from stand_in_workers import Orders, stand_in

from framedream.config.settings import RunSettings
from framedream.film.plan import Plan, PlanLimits
from framedream.jobs import dream_video as video
from framedream.workers.devices import select_devices
from framedream.workers.tasks import Outcome, Task, WorkerSlots
from framedream.workers.worker_pool import runs_in_process, worker_pool


class KeptWorkers:
    """Some slots of workers that outlive a film: starting a process takes longer than most films here.

    Closing kills only processes that are still at work, as closing the workers themselves would.
    """

    def __init__(self, workers: WorkerSlots, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._workers = workers
        self._latest: dict[int, Future[Outcome]] = {}

    def submit(self, slot: int, task: Task) -> Future[Outcome]:
        self._latest[slot] = self._workers.submit(slot, task)
        return self._latest[slot]

    def replace(self, slot: int) -> None:
        self._workers.replace(slot)

    def close(self) -> None:
        for slot, outcome in self._latest.items():
            if not outcome.done():
                self._workers.replace(slot)


@pytest.fixture(scope="session")
def shared_workers(tmp_path_factory) -> Iterator[tuple[Path, WorkerSlots]]:
    """The folder of orders of three worker processes with a stand-in for the network, and the workers."""
    folder = tmp_path_factory.mktemp("orders")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("framedream.workers.devices.usable_cores", lambda: 3)
        stand_in(patch, folder)
        pool = worker_pool(RunSettings(devices="cpu:3"), folder)
        workers = pool.__enter__()
    assert workers is not None
    yield folder, workers
    workers.close()


@pytest.fixture
def kept_workers(shared_workers, monkeypatch) -> Orders:
    """Films are made by worker processes that are kept from test to test; gives their orders."""
    folder, workers = shared_workers
    for path in folder.iterdir():
        path.unlink()

    @contextmanager
    def pool(run: RunSettings, work: Path, units: int | None = None) -> Iterator[WorkerSlots | None]:
        if run.scheduler is not None or runs_in_process(run, units):
            with worker_pool(run, work, units) as found:
                yield found
            return
        kept = KeptWorkers(workers, [device.name for device in select_devices(run, units)])
        try:
            yield kept
        finally:
            kept.close()

    orders = stand_in(monkeypatch, folder)
    monkeypatch.setattr(video, "worker_pool", pool)
    return orders


@pytest.fixture(scope="session")
def short_limits() -> PlanLimits:
    """Windows of six frames and pieces of five, so that a short clip has several of both."""
    return PlanLimits(piece_frames=5, longest_window=6, shortest_window=6)


@pytest.fixture
def short(monkeypatch, short_limits) -> None:
    """Films are divided into short windows and pieces."""
    monkeypatch.setattr(Plan, "limits", short_limits)


@pytest.fixture(scope="session")
def shot(tmp_path_factory) -> Path:
    """A shot of 26 frames, 80×64."""
    return write_clip(tmp_path_factory.mktemp("shot") / "clip.mp4", pan(26, 64, 80, step=(1.3, 0.4)))


@pytest.fixture
def shot_in_windows(shot, short, tmp_path) -> Path:
    """A shot of 26 frames, 80×64, in windows of six frames and pieces of five; a folder of its own around it."""
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(shot.read_bytes())
    return clip


@pytest.fixture
def dreamed_of_all(monkeypatch) -> Restless:
    """Stands for the network in films, batches and stills of a test."""
    dreaming = Restless()
    for module in ("jobs.dream_video", "jobs.dream_image", "batch.dream_folder"):
        monkeypatch.setattr(f"framedream.{module}.dreamer_for", lambda _: dreaming)
    return dreaming
