"""Coherence and strength of dreamed clips beside frames dreamed alone and four rivals, as tables.

    python -m benchmarks.coherence moved samples/bunny.mp4 [--preset NAME] [--set NAME=VALUE …]

A clip is a file, a folder, or one that `benchmarks.clips` makes. It is dreamed with the given
settings, with ``flow=none`` and with the seeds of `benchmarks.rivals`; all are measured (see
`benchmarks.measures`) and their gradient steps counted. Frames are kept in memory.

A rival takes as many steps as framedream does, at the step size that makes its strength S
equal to framedream's over all frames. Where no step size does, its row is that of the
nearest S, and says so.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks.films import (
    CountingDreamer,
    Film,
    add_settings,
    clip_frames,
    dreamed,
    named,
    read_settings,
    shoot,
)
from benchmarks.measures import Score, score, strengths, study
from benchmarks.rivals import RIVALS, dream_like
from framedream.config.settings import Settings
from framedream.motion.cut_detection import find_cuts

STEP_SIZES = 0.02, 40.0
"""Smallest and largest step size that a rival may take, in levels."""

TOLERANCE = 0.03
"""How far, relatively, a rival's strength may be from framedream's where they are matched."""

TRIALS = 10
"""Step sizes tried for a rival, at most."""

PEAK = 1.5
"""Ratio of the step sizes between which the strongest one need not be sought further."""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: Who dreamed.
        score: The figures.
        steps_to_alone: Gradient steps, by pixels, against those of frames dreamed alone.
        step_size: That of a rival, in levels.
        matched: Whether a rival's strength is within `TOLERANCE` of framedream's; if not, the
            row is the nearest that it comes.
    """

    name: str
    score: Score
    steps_to_alone: float
    step_size: float | None = None
    matched: bool = True

    def __str__(self) -> str:
        figures = self.score
        step_size = "" if self.step_size is None else f"{self.step_size:9.2f}"
        unmatched = "" if self.matched else f"  S not equal: nearest {figures.strength:.2f}"
        return (
            f"{self.name:25}  {figures.e:7.2f}  {figures.e_mature:9.2f}  {figures.strength:5.2f}  {figures.fresh:5.2f}"
            f"  {figures.growth:6.2f}  {figures.drift_first:11.1f}, {figures.drift_last:4.1f}"
            f"  {self.steps_to_alone:11.3f}  {step_size}{unmatched}"
        ).rstrip()

    def figures(self) -> dict[str, str | float | bool | None]:
        """All of it by name; None where there is nothing to measure."""
        numbers = asdict(self.score) | {"steps_to_alone": self.steps_to_alone, "step_size": self.step_size}
        known = {key: None if value is None or math.isnan(value) else value for key, value in numbers.items()}
        return {"name": self.name, **known, "matched": self.matched}


HEADING = f"{'':25}  E/input  E_m/input      S      F  growth  drift first, last  steps/alone  step size"


class Comparison:
    """A clip dreamed by framedream, frame by frame alone, and by rivals."""

    def __init__(self, clip: str, frames: int | None, dreamer: CountingDreamer, settings: Settings) -> None:
        """Dream it by framedream and alone.

        Args:
            clip: See `clip_frames`.
            frames: See `clip_frames`.
            dreamer: The dreamer of the settings.
            settings: Of the framedream row.
        """
        self._timed = list(clip_frames(clip, settings.footage, frames))
        self._settings = settings
        self.footage = [frame.pixels for frame in self._timed]
        self.cuts = find_cuts(self.footage)
        self._dreamer = dreamer
        self._pairs = study(self.footage, self.cuts)
        self._film = self._dreamed(settings)
        self._alone = self._dreamed(settings.override({"flow": "none"}))

    def steps(self) -> float:
        """Gradient steps of framedream at each octave of a frame, in all passes together."""
        return sum(self._film.steps) / len(self._film.steps)

    def own_rows(self) -> Iterator[Row]:
        """Frames dreamed alone, and framedream."""
        yield self._row("alone", self._alone)
        yield self._row("framedream", self._film)

    def another_row(self, name: str) -> Row:
        """Framedream once more, for programs that have changed something in it."""
        return self._row(name, self._dreamed(self._settings))

    def rival_row(self, name: str, steps: int, matched: int | None = None) -> Row:
        """A rival at framedream's strength.

        Args:
            name: One of `RIVALS`.
            steps: Gradient steps at each octave of a seeded frame.
            matched: Number of frames, from the first, over which the strengths are made
                equal; all if not given.
        """
        films: dict[tuple[int, float], Film] = {}

        def dream(count: int, step_size: float) -> Film:
            if (count, step_size) not in films:
                frames = dream_like(RIVALS[name], self.footage[:count], self.cuts, self._dreamer, steps, step_size)
                films[count, step_size] = shoot(frames, self._dreamer)
            return films[count, step_size]

        def strength(step_size: float) -> float:
            return float(strengths(dream(matched, step_size).frames, self._dreamer).mean())

        matched = min(matched or len(self.footage), len(self.footage))
        goal = float(strengths(self._film.frames[:matched], self._dreamer).mean())
        step_size, error = find_step_size(strength, goal, self._dreamer.settings.step_size)
        row = self._row(name, dream(len(self.footage), step_size), step_size)
        return replace(row, matched=abs(error) <= TOLERANCE)

    def _dreamed(self, settings: Settings) -> Film:
        return shoot(dreamed(self._timed, self.cuts, self._dreamer, settings), self._dreamer)

    def _row(self, name: str, film: Film, step_size: float | None = None) -> Row:
        figures = score(film.frames, self._alone.frames, self.footage, self._pairs, self._dreamer)
        return Row(name, figures, sum(film.steps) / sum(self._alone.steps), step_size)


def find_step_size(strength: Callable[[float], float], goal: float, start: float = 1.0) -> tuple[float, float]:
    """The step size that comes nearest to a strength, and how far from it that is.

    Strength grows with the step size up to a peak and falls beyond it. Until the goal lies
    between two tries, the search climbs; then it is regula falsi in the size's logarithm.

    Args:
        strength: What a step size leads to.
        goal: The strength wanted.
        start: The step size tried first, in levels.

    Returns:
        The step size in levels, and the strength there against the goal, less 1.
    """
    low, high = (math.log(end) for end in STEP_SIZES)
    errors: dict[float, float] = {}
    trial = math.log(start)
    while trial not in errors and len(errors) < TRIALS:
        errors[trial] = strength(math.exp(trial)) / goal - 1
        if abs(errors[trial]) <= TOLERANCE:
            break
        trial = min(max(_next_trial(errors), low), high)
    nearest = min(errors, key=lambda tried: abs(errors[tried]))
    return math.exp(nearest), errors[nearest]


def _next_trial(errors: dict[float, float]) -> float:
    """Where to look next, given what was tried: logarithms of step sizes with their errors.

    A step size tried before means that the peak is found, and below the goal.
    """
    tried = sorted(errors)
    for left, right in itertools.pairwise(tried):
        if errors[left] < 0 <= errors[right]:
            share = errors[left] / (errors[left] - errors[right])
            return left + min(max(share, 0.15), 0.85) * (right - left)
    if errors[tried[0]] >= 0:
        return tried[0] - math.log(2)
    best = max(tried, key=lambda each: errors[each])
    left = max((each for each in tried if each < best), default=best - 2 * math.log(2))
    right = min((each for each in tried if each > best), default=best + 2 * math.log(2))
    if max(best - left, right - best) < math.log(PEAK):
        return best
    return (best + left) / 2 if best - left > right - best else (best + right) / 2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", metavar="CLIP", help="a file, a folder, or the name of a made clip")
    add_settings(parser)
    parser.add_argument("--no-rivals", action="store_true", help="only framedream and frames dreamed alone")
    parser.add_argument("--rival-steps", type=int, help="a rival's steps at each octave; default: as framedream's")
    parser.add_argument("--match-frames", type=int, help="first frames over which S is made equal; default: all")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    arguments = parser.parse_args()
    settings = read_settings(arguments)
    dreamer = CountingDreamer(settings.dream)
    tables = []
    for clip in arguments.clips:
        comparison = Comparison(clip, arguments.frames, dreamer, settings)
        height, width = comparison.footage[0].shape[:2]
        print(f"{clip}: {len(comparison.footage)} frames of {width}×{height}, {named(arguments)}")
        rival_steps = arguments.rival_steps or max(2, math.ceil(comparison.steps()))
        if not arguments.no_rivals:
            print(
                f"rivals: {rival_steps} steps at each octave of a seeded frame (framedream: {comparison.steps():.2f}),"
                f" of the size that comes nearest to framedream's S over"
                f" {f'the first {arguments.match_frames}' if arguments.match_frames else 'all'} frames"
            )
        print(HEADING)
        rows = []
        for row in _rows(comparison, [] if arguments.no_rivals else [*RIVALS], rival_steps, arguments.match_frames):
            print(row, flush=True)
            rows.append(row.figures())
        print()
        tables.append({"clip": clip, "frames": len(comparison.footage), "width": width, "height": height, "rows": rows})
    if arguments.json:
        report = {"preset": arguments.preset, "set": arguments.set, "clips": tables}
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


def _rows(comparison: Comparison, rivals: list[str], steps: int, matched: int | None) -> Iterator[Row]:
    yield from comparison.own_rows()
    for name in rivals:
        yield comparison.rival_row(name, steps, matched)


if __name__ == "__main__":
    main()
