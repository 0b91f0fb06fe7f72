"""How soon the first dreamed frame is there.

    python -m benchmarks.start samples/bunny.mp4

What this prints are the seconds from the beginning of a run to its first dreamed frame, for a clip and for the same
clip a second time in the same process, as in a batch. For the first, the start of Python counts too where it is
measured from outside.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure
from framedream import Progress, dream_video


def figures(pairs: int, clip: Path) -> Iterator[Figure]:
    """The first frame of a run, and that of a second clip."""
    times = [_from_outside(clip) for _ in range(pairs + 1)][1:]  # The first run reads files that the others find read.
    yield Figure("first dreamed frame of a 640×360 clip", [first for first, _ in times], "≤ 8 s", "s")
    yield Figure("that of a second clip in the same process", [second for _, second in times], unit="s")


def _from_outside(clip: Path) -> tuple[float, float]:
    """Seconds to the first frame since Python was started, and to that of a second clip since it was asked for."""
    command = [sys.executable, "-m", "benchmarks.start", str(clip)]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        first = time.perf_counter() - began
        return first, float(process.stdout.readline())


class _Begun(Exception):
    """The first frame is there."""


def _first_frame(clip: Path) -> float:
    """Seconds to the first dreamed frame; the run ends there."""

    def told(_: Progress) -> None:
        raise _Begun

    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        try:
            dream_video(clip, Path(folder) / "film.mp4", progress=told)
        except _Begun:
            return time.perf_counter() - began
    raise AssertionError("a film of no frames")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for _ in range(2):
        print(_first_frame(Path(sys.argv[1])), flush=True)
