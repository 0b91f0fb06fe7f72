"""Runs killed with SIGKILL at random moments of every stage, each resumed by the same command.

    python -m benchmarks.kills [--runs 30] [--clip samples/bunny.mp4]

Prints for each run where it was killed, whether the film is byte for byte that of a run that
was never stopped, and how many frames were dreamed again.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

STAGES = ("reading", "dreaming", "storing", "encoding", "publishing")

FLAGS = ("--end", "30f", "--scale", "0.35", "--quiet")


def main() -> None:
    """Kill, resume, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--clip", type=Path, default=Path("samples/bunny.mp4"))
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    with tempfile.TemporaryDirectory() as place:
        _run_all(arguments.clip, Path(place), arguments.runs)


def _run_all(clip: Path, place: Path, runs: int) -> None:
    whole, calls = place / "whole.mp4", place / "calls"
    _command(clip, whole, place / "log", "count", str(calls))
    dreams = len((place / "log").read_text().splitlines())
    counts = dict(line.split() for line in calls.read_text().splitlines())
    print(f"uninterrupted: {dreams} dreams; calls: {counts}")
    same = 0
    most = 0
    for run in range(runs):
        stage = STAGES[run % len(STAGES)]
        at, delay = random.randint(1, int(counts[stage])), random.uniform(0, 0.05)
        film, log = place / f"film-{run}.mp4", place / f"log-{run}"
        code = _command(clip, film, log, stage, f"{at} {delay}")
        before = len(log.read_text().splitlines()) if log.exists() else 0
        resumed = _command(clip, film, log, "none", "") if code else 0
        again = len(log.read_text().splitlines()) - dreams
        equal = film.exists() and film.read_bytes() == whole.read_bytes()
        left = [item.name for item in place.iterdir() if "framedream" in item.name or "part" in item.name]
        same, most = same + equal, max(most, again)
        print(
            f"{run + 1:3} {stage:10} call {at:3} of {counts[stage]:3} (exit {code:3}, {before:2} dreams) "
            f"resumed: exit {resumed}, {again} dreamed again, {'identical' if equal else 'DIFFERENT'} {left or ''}",
            flush=True,
        )
        film.unlink(missing_ok=True)
    print(f"{same} of {runs} films identical; at most {most} frame dreamed again")


def _command(clip: Path, film: Path, log: Path, stage: str, at: str) -> int:
    words = [sys.executable, "-m", "benchmarks.kills_child", str(log), stage, at, "video", str(clip), str(film), *FLAGS]
    return subprocess.run(words, check=False).returncode


class Trap:
    """Kills its own process some time after the n-th call of a stage, or counts the calls."""

    def __init__(self, stage: str, at: str) -> None:
        self._stage, self._at = stage, at
        self.calls = dict.fromkeys(STAGES, 0)

    def watch(self, stage: str, owner: Any, name: str) -> None:
        """Count the calls of a function for a stage."""
        action: Callable[..., Any] = getattr(owner, name)

        def watched(*arguments: Any, **options: Any) -> Any:
            self._called(stage)
            return action(*arguments, **options)

        setattr(owner, name, watched)

    def write(self) -> None:
        """Write the numbers of calls, if they were only to be counted."""
        if self._stage == "count":
            Path(self._at).write_text("".join(f"{stage} {count}\n" for stage, count in self.calls.items()))

    def _called(self, stage: str) -> None:
        self.calls[stage] += 1
        if stage != self._stage:
            return
        at, delay = self._at.split()
        if self.calls[stage] == int(at):
            threading.Thread(target=_kill, args=(float(delay),), daemon=True).start()
            with contextlib.suppress(KeyboardInterrupt):
                time.sleep(random.uniform(0, 0.001))


def _kill(delay: float) -> None:
    time.sleep(delay)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
