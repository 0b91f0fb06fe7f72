"""Strips to look at: three moments of a clip, its source, each frame alone, framedream.

    python -m benchmarks.strips moved occluded samples/bunny.mp4 [--preset NAME] [--set NAME=VALUE …]

Writes a JPEG for each clip into `samples/dreamed/coherence/`. A clip is a file, a folder, or
one that `benchmarks.clips` makes. The moments are those, one in each third of the clip, in
which most of the picture has just come into view.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.films import add_settings, clip_frames, dreamed, read_settings
from benchmarks.measures import Pair, study
from benchmarks.sheets import labelled, strip, write_small
from framedream.config.settings import Settings
from framedream.motion.cut_detection import find_cuts
from framedream.nn.ascent.dreamer import Dreamer

FOLDER = Path("samples/dreamed/coherence")
WIDTH = 320
"""Width of a picture of the strip, in pixels."""

LIMIT = 150_000
"""Bytes that a strip may have."""


def main() -> None:
    """Make them all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", metavar="CLIP", help="a file, a folder, or the name of a made clip")
    add_settings(parser)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the strips go")
    arguments = parser.parse_args()
    settings = read_settings(arguments)
    dreamer = Dreamer(settings.dream)
    for clip in arguments.clips:
        path = arguments.folder / f"{Path(clip).stem}.jpg"
        picture, moments = make_strip(clip, arguments.frames, dreamer, settings)
        quality = write_small(path, picture, LIMIT)
        print(f"{path}: frames {', '.join(map(str, moments))}, quality {quality}", flush=True)


def make_strip(clip: str, count: int | None, dreamer: Dreamer, settings: Settings) -> tuple[np.ndarray, list[int]]:
    """A clip's strip, and the moments it shows."""
    frames = list(clip_frames(clip, settings.footage, count))
    footage = [frame.pixels for frame in frames]
    cuts = find_cuts(footage)
    moments = find_moments(study(footage, cuts))
    film = list(dreamed(frames, cuts, dreamer, settings))
    # A frame dreamed alone needs no other.
    alone = dreamed([frames[moment] for moment in moments], (), dreamer, settings.override({"flow": "none"}))
    height, width = footage[0].shape[:2]
    picture = strip(
        [[footage[moment] for moment in moments], list(alone), [film[moment] for moment in moments]],
        WIDTH,
        round(WIDTH * height / width),
    )
    names = ("source", "each frame alone", "framedream")
    columns = [labelled(column, name) for column, name in zip(np.split(picture, 3, axis=1), names, strict=True)]
    return np.concatenate(columns, axis=1), moments


def find_moments(pairs: Sequence[Pair | None]) -> list[int]:
    """In each third of a clip, the frame of which most has just come into view."""
    fresh = [0.0 if pair is None else float(pair.fresh.mean()) for pair in pairs]
    return [int(third[np.argmax([fresh[index] for index in third])]) for third in np.array_split(range(len(fresh)), 3)]


if __name__ == "__main__":
    main()
