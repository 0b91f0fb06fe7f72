"""A real Dask cluster on this machine, and waiting for what happens elsewhere."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent


class Cluster:
    """A scheduler, and workers on demand."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self.start("dask_scheduler", "--host", self.address, "--no-dashboard", "--no-jupyter", **env)
        eventually(lambda: "Scheduler at" in self.said(0))

    def start(self, module: str, *arguments: str, shadow: Path | None = None, **env: str) -> subprocess.Popen[bytes]:
        path = [str(each) for each in (shadow, HERE.parent, HERE) if each]
        number = len(self.processes)
        with (self.folder / f"log{number}").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{module}", *arguments],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path), "OMP_NUM_THREADS": "1", **env},
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def worker(self, *arguments: str, shadow: Path | None = None) -> subprocess.Popen[bytes]:
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(self.folder))
        return self.start("dask_worker", self.address, *options, *arguments, shadow=shadow)

    def workers(self, count: int, *arguments: str) -> list[subprocess.Popen[bytes]]:
        started = [self.worker(*arguments) for _ in range(count)]
        self.wait_for(len(self.processes) - 1)
        return started

    def wait_for(self, count: int) -> None:
        eventually(lambda: self.said(0).count("Register worker") >= count)

    def said(self, number: int) -> str:
        return (self.folder / f"log{number}").read_text()

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def eventually(condition: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
