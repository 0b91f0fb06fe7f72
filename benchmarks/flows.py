"""Kinds of optical flow, compared by the film they make.

    python -m benchmarks.flows turned samples/bunny.mp4 [--frames N]

The film is measured as in `benchmarks.coherence`, always along DIS medium, whatever flow it
was dreamed with.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from unittest.mock import patch

import cv2
import numpy as np

from benchmarks.coherence import HEADING, Comparison
from benchmarks.films import CountingDreamer, add_settings, named, read_settings
from framedream.motion.optical_flow import FlowEstimator, FlowFunction
from framedream.render.video import segment_renderer as shot


def dis(preset: int, refinements: int | None = None) -> FlowFunction:
    """DIS with a preset of OpenCV, with another number of variational refinements if given."""
    search = cv2.DISOpticalFlow.create(preset)
    if refinements is not None:
        search.setVariationalRefinementIterations(refinements)
    return lambda now, before: np.asarray(search.calc(now, before, None))  # type: ignore[call-overload]


def halved(calculate: FlowFunction) -> FlowFunction:
    """A flow found at half the size."""

    def at_half_size(now: np.ndarray, before: np.ndarray) -> np.ndarray:
        height, width = now.shape
        size = (width // 2, height // 2)
        small = calculate(*(cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in (now, before)))
        scale = np.array([width / size[0], height / size[1]], np.float32)
        return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR) * scale)

    return at_half_size


def median(calculate: FlowFunction) -> FlowFunction:
    """A flow of which each component is filtered by the median of 5×5 pixels."""
    return lambda now, before: np.dstack([cv2.medianBlur(part, 5) for part in cv2.split(calculate(now, before))])


def refined(calculate: FlowFunction) -> FlowFunction:
    """A flow refined once more at full size (Brox et al. 2004, by OpenCV)."""
    refinement = cv2.VariationalRefinement.create()

    def then_refine(now: np.ndarray, before: np.ndarray) -> np.ndarray:
        return np.asarray(refinement.calc(now, before, np.ascontiguousarray(calculate(now, before))))

    return then_refine


FLOWS: dict[str, Callable[[], FlowFunction]] = {
    "dis medium": lambda: dis(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM),
    "dis fast": lambda: dis(cv2.DISOPTICAL_FLOW_PRESET_FAST),
    "dis ultrafast": lambda: dis(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST),
    "dis medium, half size": lambda: halved(dis(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)),
    "dis medium, median": lambda: median(dis(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)),
    "dis medium, no refining": lambda: dis(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM, 0),
    "dis medium, refined": lambda: refined(dis(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)),
    "farneback": lambda: FlowEstimator("farneback").calculate,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", metavar="CLIP", help="a file, a folder, or the name of a made clip")
    add_settings(parser)
    arguments = parser.parse_args()
    settings = read_settings(arguments)
    dreamer = CountingDreamer(settings.dream)
    for clip in arguments.clips:
        comparison = Comparison(clip, arguments.frames, dreamer, settings)
        print(f"{clip}: {len(comparison.footage)} frames, {named(arguments)}\n{HEADING}")
        for name, make in FLOWS.items():
            with patch.object(shot, "FlowEstimator", lambda _, make=make: _estimator(make())):
                print(comparison.another_row(name), flush=True)
        print()


def _estimator(calculate: FlowFunction) -> FlowEstimator:
    estimator = FlowEstimator("dis")
    estimator.calculate = calculate
    return estimator


if __name__ == "__main__":
    main()
