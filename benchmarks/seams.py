"""How a long shot looks where its segments meet, against the same shot undivided.

    python -m benchmarks.seams CLIP [--segment 50] [--frames N] [--set NAME=VALUE …]

Prints the seam ratio: E over the pairs of frames in which the dream turns into that of a key,
up to and with the key, over E of all other pairs; the same ratio of the undivided shot, where
the same frames are no seams; and the divided shot's E and strength against the undivided one's.
The whole clip is taken as one shot.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from benchmarks.films import CountingDreamer, add_settings, clip_frames, dreamed, named, read_settings
from benchmarks.measures import Pair, strengths, study, warping_error
from framedream.render.video.segment_renderer import crossfade_length
from framedream.render.video.segments import SegmentLength, divide_into_segments


def error_at(film: Sequence[np.ndarray], pairs: Sequence[Pair | None], numbers: Sequence[int]) -> float:
    """E over some pairs of frames, each by the number of its later frame."""
    return warping_error(film, [pair if number in numbers else None for number, pair in enumerate(pairs)])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip")
    parser.add_argument("--segment", type=int, default=50)
    add_settings(parser)
    given = parser.parse_args()
    settings = read_settings(given)
    dreamer = CountingDreamer(settings.dream)
    frames = list(clip_frames(given.clip, settings.footage, given.frames))
    footage = [frame.pixels for frame in frames]
    pairs = study(footage)
    parts = divide_into_segments(len(frames), (), given.segment)
    seams = [
        n for part in parts if not part.ends_shot for n in range(part.stop - crossfade_length(part), part.stop + 1)
    ]
    inside = [number for number in range(1, len(frames)) if number not in seams]
    print(f"{given.clip}: {len(frames)} frames, {len(parts)} segments, {named(given)}")

    def film(length: SegmentLength) -> tuple[list[np.ndarray], float]:
        taken = dreamer.steps_taken
        return list(dreamed(frames, (), dreamer, settings, length)), (dreamer.steps_taken - taken) / len(frames)

    whole, steps_whole = film("none")
    divided, steps_divided = film(given.segment)
    for name, result in (("undivided", whole), ("divided", divided)):
        ratio = error_at(result, pairs, seams) / error_at(result, pairs, inside)
        worst = max(error_at(result, pairs, [part.first]) for part in parts[1:]) / error_at(result, pairs, inside)
        print(
            f"{name:10} E {warping_error(result, pairs) / warping_error(footage, pairs):5.2f}  seam ratio {ratio:5.2f}"
            f"  worst at a key {worst:5.2f}"
        )
    print(f"E divided / undivided {warping_error(divided, pairs) / warping_error(whole, pairs):.3f}")
    print(f"S divided / undivided {strengths(divided, dreamer).mean() / strengths(whole, dreamer).mean():.3f}")
    print(f"gradient steps divided / undivided {steps_divided / steps_whole:.3f}")


if __name__ == "__main__":
    main()
