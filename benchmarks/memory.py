"""Peak memory of the command: of short and long films, and of large frames.

    pip install "framedream[benchmarks]"
    python -m benchmarks.memory COMMAND …     # of any command

Counted is what all processes of a command hold at once, looked at fifty times a second.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import psutil

from benchmarks.clips import SAMPLES
from benchmarks.figures import Figure
from benchmarks.films import to_and_fro

_SIZE = 160, 90
"""Width and height of the long film's frames, which are many."""

_SHORT, _LONG = 100, 2000
_LARGE = 3840, 2160


def figures(_: int, clip: Path) -> Iterator[Figure]:
    """Peaks of a short film, a long one and a large still, each once: memory is no matter of chance."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        films = {frames: to_and_fro(clip, frames, folder / f"{frames}.mp4", _SIZE) for frames in (_SHORT, _LONG)}
        peaks = {frames: _film_peak(film) for frames, film in films.items()}
        for frames, peak in peaks.items():
            yield Figure(f"peak memory of a film of {frames} frames", [peak], unit="MB")
        yield Figure("growth from the one to the other", [peaks[_LONG] - peaks[_SHORT]], "≤ 50 MB", "MB")
        still = cv2.resize(cv2.imread(str(SAMPLES / "hubble.jpg")), _LARGE, interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / "large.png"), still)
        peak = peak_of(_command("image", folder / "large.png", folder / "dream.png"))
        yield Figure("peak memory of a still of {}×{}".format(*_LARGE), [peak], "≤ 3000 MB", "MB")


def peak_of(command: Sequence[str]) -> float:
    """Megabytes that a command and all that it starts hold at once, at most."""
    most = 0.0
    with subprocess.Popen(command) as process:
        root = psutil.Process(process.pid)
        while process.poll() is None:
            most = max(most, _held(root))
            time.sleep(0.02)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return most / 1e6


def _held(root: psutil.Process) -> float:
    held = 0.0
    try:
        for each in (root, *root.children(recursive=True)):
            held += each.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return held


def _film_peak(film: Path) -> float:
    # By one process: a long film may be divided among several, a short one is not.
    return peak_of([*_command("video", film, film.with_name(f"dream-{film.name}")), "--devices", "cpu"])


def _command(name: str, source: Path, target: Path) -> list[str]:
    return [sys.executable, "-m", "framedream", name, str(source), str(target), "--quiet"]


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    print(f"{peak_of(sys.argv[1:]):.0f} MB")
