"""Frames made between two others, against those that were there.

    python -m benchmarks.between samples/bunny.mp4 moved turned scaled occluded [--frames 21]

Every second frame of a clip is left out and made again: by the nearest frame, by mixing both, along flows averaged
as Super SloMo does (Jiang et al. 2018, equation 4, without its networks), and as framedream does. Said are the mean
PSNR and the worst one, in dB.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import cv2
import numpy as np

from benchmarks.films import clip_frames
from benchmarks.flow_checks import consistent, flow_between
from framedream.config.settings import FootageSettings
from framedream.motion.interpolation import FramePair
from framedream.motion.optical_flow import FlowEstimator
from framedream.motion.warping import warp

_ESTIMATOR = FlowEstimator("dis")


def nearest(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The earlier frame; half-way it is as near as the later."""
    return before


def mixed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Half of each."""
    return (before + after) / 2


def averaged(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Both frames along the average of both flows, each as far as its flow closes."""
    on, back = flow_between(_ESTIMATOR, before, after), flow_between(_ESTIMATOR, after, before)
    to_before, to_after = (back - on) / 4, (on - back) / 4
    seen = [
        cv2.GaussianBlur(consistent(*ways, share=0.02, slack=1).astype(np.float32), (0, 0), 1) + 1e-3
        for ways in ((on, back), (back, on))
    ]
    one, other = warp(seen[0], to_before)[..., None], warp(seen[1], to_after)[..., None]
    return np.asarray((one * warp(before, to_before) + other * warp(after, to_after)) / (one + other))


def made(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """As framedream does, whether or not it would find a cut there."""
    return FramePair(before, after, _ESTIMATOR).at(0.5).blend(before, after)


WAYS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "nearest": nearest,
    "mixed": mixed,
    "flows averaged": averaged,
    "framedream": made,
}


def likeness(picture: np.ndarray, truth: np.ndarray) -> float:
    """PSNR in dB, of pictures in levels."""
    error = float(((np.clip(picture, 0, 255) - truth) ** 2).mean())
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def main() -> None:
    """Print a line for each clip."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--frames", type=int, default=21, help="how many frames of a clip")
    arguments = parser.parse_args()
    print(f"{'':24}" + "".join(f"{name:>18}" for name in WAYS))
    for clip in arguments.clips:
        frames = [frame.pixels for frame in clip_frames(clip, FootageSettings(), arguments.frames)]
        line = ""
        for way in WAYS.values():
            found = [
                likeness(way(frames[index - 1], frames[index + 1]), frames[index])
                for index in range(1, len(frames) - 1, 2)
            ]
            line += f"{np.mean(found):12.1f} ({min(found):.1f})" if found else ""
        print(f"{clip:24}{line}", flush=True)


if __name__ == "__main__":
    main()
