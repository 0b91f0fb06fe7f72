"""Damaged files through the reader: each is read or refused in one line, whatever it says of itself.

    python -m benchmarks.fuzz [--files 2000] [--seed 0] [--only 17] [--keep FOLDER]

Small files of every kind are damaged at random and read by a worker process, which has ten seconds and a gigabyte
of memory for each. A fault is any other error, a crash, more time or memory than that, or that another file in the
folder is opened: some of the seeds point to what lies beside them. Needs Linux.
"""

from __future__ import annotations

import argparse
import ctypes
import multiprocessing
import os
import random
import struct
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from benchmarks.fuzz_child import OUTPUT, peak, serve
from benchmarks.fuzz_mutations import mutated
from benchmarks.fuzz_seeds import TEXTS, write_canaries, write_seeds

SECONDS, MEGABYTES = 10, 1000
"""What a file may take."""


@dataclass(frozen=True)
class Outcome:
    """What became of a file.

    Attributes:
        name: Its number and the seed it was made of.
        said: What was read of it, or why it was refused, step by step.
        fault: What went wrong, if something did.
        seconds: How long it took.
        megabytes: Most memory that was held.
    """

    name: str
    said: tuple[str, ...]
    fault: str
    seconds: float
    megabytes: float

    @property
    def kind(self) -> str:
        """One word for it."""
        if self.fault:
            return f"FAULT {self.fault.split(':')[0]}"
        return "refused" if self.said[0].startswith("refused") else "read"


def main() -> None:
    """Damage, read, count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, action="append", default=[], help="only the file of this number")
    parser.add_argument("--keep", type=Path, help="where files with faults are kept")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        outcomes = []
        for outcome, data in run(Path(name), arguments.only or range(arguments.files), arguments.seed):
            outcomes.append(outcome)
            if outcome.fault or arguments.only:
                _tell(outcome)
                if arguments.keep:
                    arguments.keep.mkdir(parents=True, exist_ok=True)
                    (arguments.keep / outcome.name).write_bytes(data)
        _tell_all(outcomes)


def run(folder: Path, numbers: list[int] | range, seed: int) -> Iterator[tuple[Outcome, bytes]]:
    """Damage and read files.

    Args:
        folder: An empty one.
        numbers: Which.
        seed: What they are damaged by.

    Yields:
        What became of each, and its bytes.
    """
    seeds = write_seeds(folder)
    canaries = set(write_canaries(folder, seeds))
    (folder / OUTPUT).mkdir()
    # Films and images twice as often as texts.
    names = [*seeds, *(name for name in seeds if name not in TEXTS)]
    reader, watch = Reader(), Watch(folder)
    try:
        for number in numbers:
            chance = random.Random(f"{seed}:{number}")
            name = names[number % len(names)]
            # The first of each kind comes as it is.
            data = seeds[name] if number < len(seeds) else mutated(seeds[name], seeds[chance.choice(names)], chance)
            path = folder / name
            path.write_bytes(data)
            watch.opened()
            seconds, megabytes, said, fault = reader.read(path)
            path.unlink()
            if others := watch.opened() & canaries:
                fault = f"opened: {', '.join(sorted(others))}"
            yield Outcome(f"{number}-{name}", tuple(said), fault, seconds, megabytes), data
    finally:
        reader.end()


class Reader:
    """A worker process that reads files, replaced when it dies or takes too long."""

    def __init__(self) -> None:
        self._process: BaseProcess | None = None

    def read(self, path: Path) -> tuple[float, float, list[str], str]:
        """Seconds, megabytes, what was read and what went wrong."""
        if self._process is None:
            self._begin()
        began, fault = time.monotonic(), ""
        self._orders.send(str(path))
        most = 0.0
        while not self._orders.poll(0.05):
            most = max(most, self._memory())
            if time.monotonic() - began > SECONDS:
                fault = f"hang: more than {SECONDS} seconds"
            elif most > 3 * MEGABYTES:
                fault = f"memory: {most:.0f} MB"
            if fault:
                self.end()
                return time.monotonic() - began, most, [], fault
        seconds = time.monotonic() - began
        try:
            most, said, fault = self._orders.recv()
        except EOFError:
            assert self._process is not None
            self._process.join()
            fault, self._process = f"crash: exit code {self._process.exitcode}", None
            return seconds, most, [], fault
        if not fault and most > MEGABYTES:
            fault = f"memory: {most:.0f} MB"
        return seconds, most, said, fault

    def end(self) -> None:
        """End the worker."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None

    def _begin(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._orders, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self._orders.send("")
        self._orders.recv()

    def _memory(self) -> float:
        try:
            return peak(self._process.pid or 0) if self._process else 0.0
        except OSError:
            return 0.0


class Watch:
    """Tells which files of a folder are opened, by Linux's inotify.

    Raises:
        OSError: The system has none.
    """

    _OPENED = 0x20

    def __init__(self, folder: Path) -> None:
        library = ctypes.CDLL(None, use_errno=True)
        self._file = library.inotify_init1(os.O_NONBLOCK)
        if self._file < 0 or library.inotify_add_watch(self._file, os.fsencode(folder), self._OPENED) < 0:
            raise OSError(ctypes.get_errno(), "inotify")

    def opened(self) -> set[str]:
        """Names of files that were opened since this was asked last."""
        found = set()
        while True:
            try:
                events = os.read(self._file, 65536)
            except BlockingIOError:
                return found
            at = 0
            while at < len(events):
                length = struct.unpack_from("iIII", events, at)[3]
                name = events[at + 16 : at + 16 + length].rstrip(b"\0")
                if name:
                    found.add(os.fsdecode(name))
                at += 16 + length


def _tell(outcome: Outcome) -> None:
    print(f"{outcome.name}: {outcome.kind}, {outcome.seconds:.1f} s, {outcome.megabytes:.0f} MB")
    for said in (*outcome.said, outcome.fault):
        print("   ", said[:200], flush=True)


def _tell_all(outcomes: list[Outcome]) -> None:
    slowest = max(outcomes, key=lambda outcome: outcome.seconds)
    largest = max(outcomes, key=lambda outcome: outcome.megabytes)
    counts = Counter(outcome.kind for outcome in outcomes)
    print(f"{len(outcomes)} files: " + ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
    print(f"slowest: {slowest.name}, {slowest.seconds:.1f} s; most memory: {largest.name}, {largest.megabytes:.0f} MB")


if __name__ == "__main__":
    main()
