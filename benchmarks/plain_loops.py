"""Two plain ways to dream a film beside framedream's, timed: every frame alone, by a Python loop over its steps.

    pip install "framedream[benchmarks]"
    python -m benchmarks.plain_loops keras samples/bunny.mp4 [--frames 3] [--write FOLDER]

``keras`` is the loop of the Keras documentation's example, whose step is compiled; ``keras-eager`` the same without
that; ``torch`` that of pytorch-deepdream; ``framedream`` its own dream of a frame from nothing. Each has framedream's
network, layers, octave sizes and steps, and is a process of its own, with its library's own defaults and all cores.
A few frames are enough: every frame takes them as long as the next. Prints the seconds of each, the first left out.

With ``--steps N``, the gradient steps alone: N of them, at the size of the frame. With ``--on-demand`` a frame is
dreamed for each line that comes in, so that others can be measured in between.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from framedream.config.settings import DreamSettings, Settings
from framedream.media import open_footage, write_image
from framedream.nn.ascent.dreamer import Dreamer

Dream = Callable[[np.ndarray, Sequence[tuple[int, int]], int], np.ndarray]
"""Frame, octave sizes, steps → dream."""


def dreams_of(way: str, settings: DreamSettings) -> Dream:
    """One of the ways to dream a frame; its libraries are imported here."""
    if way == "torch":
        from benchmarks.plain_torch import TorchLoop

        return TorchLoop(settings).dream
    if way == "framedream":
        dreamer = Dreamer(settings)
        return lambda frame, _, steps: dreamer.dream(frame, steps=steps).pixels
    from benchmarks.plain_keras import KerasLoop

    return KerasLoop(settings, is_compiled=way == "keras").dream


WAYS = ("framedream", "keras", "keras-eager", "torch")


@contextmanager
def on_demand(way: str, clip: Path, *flags: str) -> Generator[Callable[[], float]]:
    """A process that dreams in one of the ways.

    Args:
        way: One of `WAYS`.
        clip: Of which it dreams the frames.
        flags: More flags of this module.

    Yields:
        What dreams a frame and gives the seconds that this took.
    """
    command = [sys.executable, "-m", "benchmarks.plain_loops", way, str(clip), "--on-demand", *flags]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        orders, answers = process.stdin, process.stdout

        def seconds() -> float:
            orders.write("\n")
            orders.flush()
            return float(answers.readline())

        seconds()  # The first has its traces to make.
        yield seconds
        orders.close()


def main() -> None:
    """Dream and print seconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--frames", type=int, default=3)
    parser.add_argument("--steps", type=int, help="these steps alone, at the size of the frame")
    parser.add_argument("--precision", default="auto", help="of framedream; the others compute in float32")
    parser.add_argument("--on-demand", action="store_true", help="a frame for each line that comes in")
    parser.add_argument("--write", type=Path, help="a folder for the dreams")
    arguments = parser.parse_args()
    octaves = 1 if arguments.steps else "auto"
    settings = Settings.of(octaves=octaves, precision=arguments.precision).dream
    frames = [frame.pixels for frame in itertools.islice(open_footage(arguments.clip).frames(), arguments.frames)]
    sizes = Dreamer(settings).sizes(*frames[0].shape[:2])
    dream, steps = dreams_of(arguments.way, settings), arguments.steps or settings.steps

    def timed(number: int) -> float:
        began = time.perf_counter()
        dreamed = dream(frames[number % len(frames)], sizes, steps)
        seconds = time.perf_counter() - began
        if arguments.write:
            write_image(arguments.write / f"{arguments.way}-{number}.png", dreamed)
        return seconds

    if arguments.on_demand:
        for number, _ in enumerate(sys.stdin):
            print(timed(number), flush=True)
    else:
        seconds = [timed(number) for number in range(len(frames) + 1)][1:]
        print(f"{arguments.way}: {', '.join(f'{each:.3f}' for each in seconds)} s a frame")


if __name__ == "__main__":
    main()
