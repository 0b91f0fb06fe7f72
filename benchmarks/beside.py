"""framedream beside two plain loops, and its cost as the frame grows.

The loops are those of `benchmarks.plain_loops`; they dream every frame alone, and each frame takes them as long as
the next, so some frames stand for a film. framedream's film is the whole command with its defaults, start included.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure, Timed, in_alternation, ratios
from benchmarks.films import dreamed, to_and_fro
from benchmarks.overhead import time_command
from benchmarks.plain_loops import on_demand
from framedream.config.settings import Settings
from framedream.media import Frame, open_footage, resize
from framedream.nn.ascent.dreamer import Dreamer

_LOOPS = {"keras": ("the Keras example's loop", 6), "torch": ("pytorch-deepdream's loop", 10)}
_PRECISIONS = ("auto", "float32")
_STEPS = 5
_HEIGHTS = (360, 240, 480, 720, 1080, 2160)
"""The first is what the others are told against."""

_FRAMES = 3

_LONGER = 300
"""Frames of a film that is no longer mostly start."""


def films(pairs: int, clip: Path) -> Iterator[Figure]:
    """The time of a film by each loop over that of framedream's: of the clip, and of a longer film made of it."""
    frames = sum(1 for _ in open_footage(clip).frames())
    with ExitStack() as stack:
        longer = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "longer.mp4"
        to_and_fro(clip, _LONGER, longer)
        own = [(clip, frames, precision) for precision in _PRECISIONS] + [(longer, _LONGER, "auto")]
        loops = [stack.enter_context(on_demand(way, clip)) for way in _LOOPS]
        commands = [partial(time_command, footage, "--precision", precision) for footage, _, precision in own]
        times = in_alternation([*loops, *commands], pairs)
    for number, (loop, goal) in enumerate(_LOOPS.values()):
        for place, (_, count, precision) in enumerate(own, len(loops)):
            values = ratios([(each[number], each[place]) for each in times], count)
            yield Figure(f"a film of {count} frames by {loop} over framedream's, {precision}", values, f"≥ {goal}")


def steps(pairs: int, clip: Path) -> Iterator[Figure]:
    """The time of gradient steps by each loop over that of framedream's."""
    flags = ["--steps", str(_STEPS)]
    with ExitStack() as stack:
        loops = [stack.enter_context(on_demand(way, clip, *flags)) for way in _LOOPS]
        own = [stack.enter_context(on_demand("framedream", clip, *flags, "--precision", each)) for each in _PRECISIONS]
        times = in_alternation([*loops, *own], pairs)
    for number, (loop, _) in enumerate(_LOOPS.values()):
        for place, precision in enumerate(_PRECISIONS, len(loops)):
            values = ratios([(each[number], each[place]) for each in times])
            yield Figure(f"gradient steps of {loop} over framedream's, {precision}", values, "≥ 1.3")


def sizes(pairs: int, clip: Path) -> Iterator[Figure]:
    """The time of a followed frame for each pixel, over that of a frame of 360 lines.

    Flow, warp, and all octaves of both passes; the first frame takes as many steps as the others.
    """
    settings = Settings.of()
    settings = settings.override({"steps": settings.motion.follow_steps})
    dreamer, found = Dreamer(settings.dream), list(itertools.islice(open_footage(clip).frames(), _FRAMES))

    def followed(height: int) -> Timed:
        width = 2 * round(height * 8 / 9)
        frames = [Frame(resize(frame.pixels, width, height), frame.time) for frame in found]

        def seconds_a_pixel() -> float:
            began = time.perf_counter()
            for _ in dreamed(frames, (), dreamer, settings):
                pass
            return (time.perf_counter() - began) / (len(frames) * height * width)

        return seconds_a_pixel

    standard, *others = (followed(height) for height in _HEIGHTS)
    for height, other in zip(_HEIGHTS[1:], others, strict=True):
        values = ratios(in_alternation([other, standard], pairs))
        yield Figure(f"a pixel of a followed frame of {height} lines over one of {_HEIGHTS[0]}", values)
