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
from pathlib import Path

import numpy as np

from framedream.dream.ascent import Ascent, gaussian_taps
from framedream.dream.dreamer import Dreamer
from framedream.dream.objective import Objective
from framedream.dream.runtime import tf
from framedream.media import open_footage
from framedream.render.pace import pace
from framedream.settings import Settings
from framedream.terms import parse_term


def time_command(clip: Path) -> float:
    """Seconds of a whole ``video`` run."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        command = [sys.executable, "-m", "framedream", "video", str(clip), f"{folder}/out.mp4", "--quiet"]
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
        ascent = Ascent(objective.with_places, dream.gradient, taps, jitter, dream.random_seed)
        any_size, scalar, whole = tf.TensorSpec([None, None, 3]), tf.TensorSpec([]), tf.TensorSpec([], tf.int32)
        per_pixel = tf.TensorSpec([None, None, 1])
        self._climb = tf.function(ascent.climb, [any_size, whole, per_pixel, scalar, scalar, whole, whole])
        noise = np.random.default_rng(0)
        sizes = dreamer.sizes(height, width)
        self._images = [tf.constant(noise.uniform(0, 255, (*size, 3)).astype(np.float32)) for size in sizes]
        motion, following = settings.motion, range(frames - 1)
        passes = [False, True][: motion.passes]
        taken = [sum(pace(motion.follow_steps, each, backwards=back).steps for back in passes) for each in following]
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
        self._climb(image, steps, tf.ones([1, 1, 1]), float("inf"), 1e9, octave, 0)[0].numpy()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--pairs", type=int, default=5)
    arguments = parser.parse_args()
    footage = open_footage(arguments.clip)
    frames = sum(1 for _ in footage.frames())
    loop = Loop(Settings(), footage.height, footage.width, frames)
    loop.time()
    pairs = [(time_command(arguments.clip), loop.time()) for _ in range(arguments.pairs)]
    ratios = [whole / steps for whole, steps in pairs]
    for whole, steps in pairs:
        print(f"command {whole:6.1f} s   ascent steps alone {steps:6.1f} s   ratio {whole / steps:.2f}")
    print(f"overhead: median {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), {frames} frames")


if __name__ == "__main__":
    main()
