"""Coherence and strength of a dreamed clip, as one table.

    python -m benchmarks.coherence samples/bunny.mp4 [--preset NAME] [--frames N] [flag=value …]

Dreams the clip with the given settings and with ``flow=none``, measures both (see
`benchmarks.measures`) and counts gradient steps. Frames are kept in memory.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.measures import Score, score, study
from framedream.dream.dreamer import Dreamer
from framedream.media import Frame, open_footage
from framedream.motion.cuts import find_cuts
from framedream.render.footage import dream_footage
from framedream.settings import Settings


class Film:
    """A dreamed clip with the gradient steps it took."""

    def __init__(self, clip: list[Frame], cuts: list[int], dreamer: Dreamer, settings: Settings) -> None:
        """Dream it."""
        self.steps = 0

        def dream_frame(image: np.ndarray, steps: int, step_size: float | np.ndarray) -> np.ndarray:
            dream = dreamer.dream(image, steps=steps, step_size=step_size)
            self.steps += sum(dream.steps)
            return dream.pixels

        dreamed = dream_footage(clip, cuts, dream_frame, settings.dream, settings.motion)
        self.frames = [eight_bit(frame.pixels) for frame in dreamed]


def eight_bit(pixels: np.ndarray) -> np.ndarray:
    """Levels as a film stores them."""
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--preset", default="framedream")
    parser.add_argument("--frames", type=int, help="only the first N frames")
    parser.add_argument("settings", nargs="*", help="such as follow_steps=3")
    arguments = parser.parse_args()
    settings = Settings.of(arguments.preset).override(dict(_pairs(arguments.settings)))
    clip = list(itertools.islice(open_footage(arguments.clip, settings.footage).frames(), arguments.frames))
    footage = [frame.pixels for frame in clip]
    cuts = find_cuts(footage)
    dreamer = Dreamer(settings.dream)
    film = Film(clip, cuts, dreamer, settings)
    alone = Film(clip, cuts, dreamer, settings.override({"flow": "none"}))
    pairs = study(footage, cuts)
    print(f"{arguments.clip.name}: {len(clip)} frames, preset {arguments.preset} {' '.join(arguments.settings)}")
    print(f"{'':12}  E/input  E_m/input      S      F  growth  drift first, last  steps/alone")
    for name, dreamt in (("alone", alone), ("framedream", film)):
        print(_row(name, score(dreamt.frames, alone.frames, footage, pairs, dreamer), dreamt.steps / alone.steps))


def _pairs(texts: list[str]) -> Iterator[tuple[str, object]]:
    for text in texts:
        name, _, value = text.partition("=")
        try:
            yield name, int(value)
        except ValueError:
            try:
                yield name, float(value)
            except ValueError:
                yield name, value


def _row(name: str, figures: Score, steps: float) -> str:
    return (
        f"{name:12}  {figures.e:7.2f}  {figures.e_mature:9.2f}  {figures.strength:5.2f}  {figures.fresh:5.2f}"
        f"  {figures.growth:6.2f}  {figures.drift_first:11.1f}, {figures.drift_last:4.1f}  {steps:11.3f}"
    )


if __name__ == "__main__":
    main()
