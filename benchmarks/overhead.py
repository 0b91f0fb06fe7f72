"""What a whole run costs beside its gradient steps.

    python -m benchmarks.overhead samples/bunny.mp4 [--pairs 5]

Times the command ``video`` as a process of its own, start of Python and TensorFlow
included, against the same ascent steps on the same sizes in a bare loop, in alternation,
and prints the median ratio.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.figures import PAIRS, Figure, in_alternation, ratios
from benchmarks.steps import random_weights
from framedream.config.settings import Settings
from framedream.config.terms import parse_term
from framedream.media import open_footage
from framedream.nn.ascent.dreamer import Dreamer
from framedream.nn.ascent.gradient_ascent import GradientAscent, gaussian_taps
from framedream.nn.ascent.objective import Objective
from framedream.nn.runtime import tf, traced_graph
from framedream.render.video.step_schedule import schedule_steps

_FILMS = (("squeezenet", "auto", "≤ 1.10"), ("squeezenet", "float32", "≤ 1.10"), ("inception_v3", "auto", "≤ 1.03"))


def time_command(clip: Path, *flags: str) -> float:
    """Seconds of a whole ``video`` run, with some flags."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        command = [sys.executable, "-m", "framedream", "video", str(clip), f"{folder}/out.mp4", "--quiet", *flags]
        subprocess.run(command, check=True)
        return time.perf_counter() - began


class Loop:
    """The ascent steps of a clip of one shot, and nothing else."""

    def __init__(self, settings: Settings, height: int, width: int, frames: int) -> None:
        """Trace the steps for each size."""
        dreamer = Dreamer(settings.dream)
        dream = settings.dream
        terms, weights = [parse_term(name) for name, _ in dream.layers], [weight for _, weight in dream.layers]
        objective = Objective(dreamer.network, terms, tf.constant(weights))
        taps, jitter = tf.constant(gaussian_taps(dream.smoothing)), tf.constant(dream.jitter)
        ascent = GradientAscent(objective.with_places, dream.gradient, taps, jitter, dream.random_seed)
        any_size, scalar, whole = tf.TensorSpec([None, None, 3]), tf.TensorSpec([]), tf.TensorSpec([], tf.int32)
        per_pixel = tf.TensorSpec([None, None, 1])
        self._climb = traced_graph(ascent.climb, [any_size, whole, per_pixel, scalar, scalar, whole])
        noise = np.random.default_rng(0)
        sizes = dreamer.sizes(height, width)
        self._images = [tf.constant(noise.uniform(0, 255, (*size, 3)).astype(np.float32)) for size in sizes]
        motion, following = settings.motion, range(frames - 1)
        passes = [False, True][: motion.passes]
        taken = [
            sum(schedule_steps(motion.follow_steps, each, backwards=back).steps for back in passes)
            for each in following
        ]
        self._steps = [dream.steps, *taken]
        for image in self._images:
            self._run(image, 1, 0)

    def time(self) -> float:
        """Seconds of all steps."""
        began = time.perf_counter()
        for steps in self._steps:
            for octave, image in enumerate(self._images):
                self._run(image, steps, octave)
        return time.perf_counter() - began

    def _run(self, image: tf.Tensor, steps: int, octave: int) -> None:
        self._climb(image, steps, tf.ones([1, 1, 1]), float("inf"), 1e9, octave)[0].numpy()


def figures(pairs: int, clip: Path) -> Iterator[Figure]:
    """The overhead of the built-in network, and of InceptionV3 with random weights."""
    footage = open_footage(clip)
    frames = sum(1 for _ in footage.frames())
    with tempfile.TemporaryDirectory() as folder:
        for model, precision, goal in _FILMS:
            weights = random_weights(model, Path(folder))
            flags = ["--precision", precision, "--model", model, *(["--weights", str(weights)] if weights else [])]
            settings = Settings.of(model=model, weights=weights, precision=precision)
            loop = Loop(settings, footage.format.height, footage.format.width, frames)
            pair = [partial(time_command, clip, *flags), loop.time]
            yield Figure(f"overhead of a film by {model}, {precision}", ratios(in_alternation(pair, pairs)), goal)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    arguments = parser.parse_args()
    footage = open_footage(arguments.clip)
    frames = sum(1 for _ in footage.frames())
    loop = Loop(Settings(), footage.format.height, footage.format.width, frames)
    loop.time()
    pairs = [(time_command(arguments.clip), loop.time()) for _ in range(arguments.pairs)]
    for whole, steps in pairs:
        print(f"command {whole:6.1f} s   ascent steps alone {steps:6.1f} s   ratio {whole / steps:.2f}")
    found = ratios(pairs)
    print(f"overhead: median {statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f}), {frames} frames")


if __name__ == "__main__":
    main()
