"""What workers gain, and what their deaths cost.

    python -m benchmarks.workers speed      # a stand-in for the network, 8 workers against 1
    python -m benchmarks.workers real       # real dreams: 2 workers of 1 thread against 1 of 2, and of 1
    python -m benchmarks.workers kills      # 10 runs in each of which a worker is killed

The stand-in sleeps instead of dreaming: a fixed time for each step at each octave of a full
frame, less for smaller ones, so that it shows how well work is shared and nothing else. Its
workers are started before the clock, for here eight of them share few cores.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.film_writer import open_film
from benchmarks.workers_child import HEIGHT, WIDTH, take
from framedream import Settings
from framedream.batch.dream_folder import find_items
from framedream.batch.finished_items import FinishedItems
from framedream.batch.item_layout import BatchLayout
from framedream.batch.ledger import Ledger
from framedream.batch.scheduler import schedule_batch
from framedream.film.film_tasks import NetworkTask
from framedream.film.footage_job import FootageJob
from framedream.film.survey import survey_footage
from framedream.jobs.dream_video import make_with
from framedream.media import FilmFormat, Frame
from framedream.workers.devices import Device
from framedream.workers.local_workers import LocalWorkers


def workers_of(count: int) -> LocalWorkers:
    """Workers that are there already."""
    devices = [Device("cpu", index, 1, workers=count) for index in range(count)]
    workers = LocalWorkers([partial(take, device) for device in devices], [device.name for device in devices])
    for future in [workers.submit(slot, NetworkTask(Settings())) for slot in range(count)]:
        assert future.result().state == "done"
    return workers


def write_clip(path: Path, frames: int, seed: int) -> None:
    """A continuous shot: a texture that moves."""
    large = np.random.default_rng(seed).uniform(0, 255, (HEIGHT // 4 + 9, WIDTH // 4 + 9, 3)).astype(np.float32)
    large = np.kron(large, np.ones((4, 4, 1), np.float32))
    with open_film(path, film_format=FilmFormat(WIDTH, HEIGHT)) as film:
        for number in range(frames):
            at = round(16 + 15 * np.sin(number / 40))
            film.write(Frame(large[at : at + HEIGHT, at : at + WIDTH].copy(), Fraction(number, 25)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "real", "kills"])
    parser.add_argument("--clip", type=Path, default=Path("samples/bunny.mp4"))
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--runs", type=int, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.what == "speed":
            speed(Path(folder))
        elif given.what == "real":
            real(Path(folder), given.clip, given.pairs)
        else:
            kills(Path(folder), given.clip, given.runs)


def speed(place: Path) -> None:
    """Seconds of 1 and of 8 workers for a long shot, and for a folder of clips."""
    write_clip(place / "long.mp4", 600, 0)
    lengths = np.random.default_rng(1).integers(10, 121, 40).tolist()
    (place / "clips").mkdir()
    for number, length in enumerate(lengths):
        write_clip(place / "clips" / f"{number:02d}.mp4", length, number)
    for name, run in (("600 frames in one shot", dream_long), (f"40 clips of {sum(lengths)} frames", dream_clips)):
        seconds = {}
        for count in (8, 1):
            workers = workers_of(count)
            began = time.perf_counter()
            run(place, workers, count)
            seconds[count] = time.perf_counter() - began
            workers.close()
            print(f"{name}: {count} workers {seconds[count]:.1f} s", flush=True)
        print(f"{name}: 8 workers are {seconds[1] / seconds[8]:.2f} times as fast as 1", flush=True)


def dream_long(place: Path, workers: LocalWorkers, count: int) -> None:
    """Make a film of the long shot."""
    with FootageJob(place / "long.mp4", place / f"long-{count}.mp4", Settings()) as job:
        job.surveyed(survey_footage(job.footage, job.settings, lambda: None))
        make_with(workers, job, lambda: False, None)
        job.folder.remove()


def dream_clips(place: Path, workers: LocalWorkers, count: int) -> None:
    """Make films of all clips."""
    target = place / f"dreamed-{count}"
    items = find_items(place / "clips", target, (), {})
    with FinishedItems(target) as records:
        ledger = Ledger(place / "clips", target, items, records, restart=False)
        schedule_batch(ledger, BatchLayout(target, None, False), workers, lambda: False, lambda _: None)
    assert {item.state for item in ledger.told} == {"done"}


def real(place: Path, clip: Path, pairs: int) -> None:
    """Seconds of whole runs with real dreams, in turn, as ratios."""
    ways = {"cpu:2 --threads 1": [], "cpu --threads 2": [], "cpu --threads 1": []}  # type: dict[str, list[float]]
    films = {}
    for turn in range(pairs):
        for way, seconds in ways.items():
            film = place / f"{turn}.mp4"
            began = time.perf_counter()
            command(clip, film, "--devices", *way.split(), "--segment", "25")
            seconds.append(time.perf_counter() - began)
            films[way] = hashlib.sha256(film.read_bytes()).hexdigest()[:12]
            film.unlink()
            print(f"{way:20} {seconds[-1]:6.1f} s  {films[way]}", flush=True)
    best = ways["cpu:2 --threads 1"]
    for way, seconds in ways.items():
        ratio = statistics.median(other / own for own, other in zip(best, seconds, strict=True))
        print(f"{way:20} {ratio:.2f} times as long as 2 workers of 1 thread")


def kills(place: Path, clip: Path, runs: int) -> None:
    """Kill a worker at a random moment, and see that the film is what it was to be."""
    flags = ("--devices", "cpu:2", "--threads", "1", "--segment", "25", "--scale", "0.35")
    began = time.perf_counter()
    command(clip, place / "whole.mp4", *flags)
    seconds = time.perf_counter() - began
    whole = (place / "whole.mp4").read_bytes()
    random.seed(1)
    same = 0
    for run in range(runs):
        film, saved = place / f"{run}.mp4", dict[str, set[int]]()
        code = None
        while code is None:
            saved.clear()
            film.unlink(missing_ok=True)
            code = _killed_run([str(clip), str(film), "--quiet", *flags], saved, random.uniform(0.3, 0.8) * seconds)
        equal = film.exists() and film.read_bytes() == whole
        again = sorted(name for name, files in saved.items() if len(files) > 1)
        same += equal and not again
        print(
            f"{run + 1:3} exit {code} {'identical' if equal else 'DIFFERENT'}; "
            f"of {len(saved)} frames stored, stored again: {again or 'none'}",
            flush=True,
        )
    print(f"{same} of {runs} films identical, with no frame that was stored dreamed again")


def _killed_run(words: list[str], saved: dict[str, set[int]], delay: float) -> int | None:
    """Exit code of a run one of whose workers was killed after so many seconds; None if there was none any more."""
    process = subprocess.Popen([sys.executable, "-m", "framedream", "video", *words])
    watch = threading.Thread(
        target=_watch, args=(process, Path(f"{words[1]}.framedream") / "frames", saved), daemon=True
    )
    watch.start()
    time.sleep(delay)
    victims = workers_under(process.pid)
    if victims:
        os.kill(random.choice(victims), signal.SIGKILL)
    code = process.wait()
    watch.join()
    return code if victims else None


def _watch(process: subprocess.Popen[bytes], frames: Path, saved: dict[str, set[int]]) -> None:
    """Note the files that each frame was ever stored as: by their times, for a frame dreamed again is a new file."""
    while process.poll() is None:
        for path in [*frames.glob("frame-*.npz"), *frames.glob("back-*.npz")]:
            try:
                saved.setdefault(path.name, set()).add(path.stat().st_mtime_ns)
            except OSError:
                continue
        time.sleep(0.02)


def workers_under(parent: int) -> Sequence[int]:
    """Worker processes of a run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text().rpartition(")")[2].split()
            line = (path.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(words[1]) == parent and b"popen_loky" in line:
            found.append(int(path.parent.name))
    return found


def command(clip: Path, film: Path, *flags: str) -> None:
    """A whole run of the command."""
    words = [sys.executable, "-m", "framedream", "video", str(clip), str(film), "--quiet", *flags]
    subprocess.run(words, check=True)


if __name__ == "__main__":
    main()
