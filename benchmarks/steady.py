"""What becomes of a dream over thousands of frames in which nothing happens.

    python -m benchmarks.steady [--frames 2000] [--size 240x136] [--preset NAME] [--set NAME=VALUE …]

Dreams the made clip ``resting``, a still with fresh grain in each frame, and prints for each
tenth of it the strength S (the objective over that of the first frame dreamed alone), the mean
color less the footage's, and the mean change from one frame to the next. Few frames are held
at a time.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.films import add_settings, clip_frames, dreamed, eight_bit, named, read_settings
from benchmarks.measures import tenth
from framedream.config.settings import Settings
from framedream.nn.ascent.dreamer import Dreamer

CLIP = "resting"


@dataclass(frozen=True)
class Look:
    """Figures of one dreamed frame; changes are mean absolute ones from the frame before, in levels."""

    strength: float
    drift: np.ndarray
    change: float
    footage_change: float


def watch(frames: int, dreamer: Dreamer, settings: Settings) -> Iterator[Look]:
    """Dream the clip and look at each frame."""
    # The clip is made twice, alike, so that none of it has to be kept until it is dreamed.
    footage = (frame.pixels for frame in clip_frames(CLIP, settings.footage, frames))
    film = dreamed(clip_frames(CLIP, settings.footage, frames), (), dreamer, settings)
    before = picture_before = None
    for picture, frame in zip(film, footage, strict=True):
        pixels = picture.astype(np.float32)
        yield Look(
            strength=dreamer.strength(pixels),
            drift=(pixels - frame).mean(axis=(0, 1)),
            change=np.nan if picture_before is None else float(np.abs(pixels - picture_before).mean()),
            footage_change=np.nan if before is None else float(np.abs(frame - before).mean()),
        )
        before, picture_before = frame, pixels


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_settings(parser, frames=2000)
    parser.add_argument("--size", default="240x136", help="dream at this size")
    arguments = parser.parse_args()
    settings = read_settings(arguments).override({"size": arguments.size})
    dreamer = Dreamer(settings.dream)
    first = next(clip_frames(CLIP, settings.footage, 1)).pixels
    alone = dreamer.strength(eight_bit(dreamer.dream(first).pixels).astype(np.float32))
    looks = list(watch(arguments.frames, dreamer, settings))
    strength = np.array([look.strength for look in looks]) / alone
    drift = np.array([look.drift for look in looks])
    changes = np.array([(look.change, look.footage_change) for look in looks])
    print(f"{CLIP}: {arguments.frames} frames of {arguments.size}, {named(arguments)}")
    print("tenth      S   color drift: red  green   blue   change  footage's change")
    for number in range(10):
        red, green, blue = np.mean(tenth(drift, number), axis=0)
        change, footage_change = np.nanmean(tenth(changes, number), axis=0)
        print(
            f"{number + 1:5}  {np.mean(tenth(strength, number)):5.3f}   {red:+16.2f} {green:+6.2f} {blue:+6.2f}"
            f"   {change:6.3f}  {footage_change:16.3f}"
        )
    growth = np.mean(tenth(strength, 9)) / np.mean(tenth(strength, 1))
    print(f"growth (last tenth over second): {growth:.3f}")


if __name__ == "__main__":
    main()
