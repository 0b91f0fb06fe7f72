"""Footage by path or by name, and the films dreamed of it."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Collection, Generator, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from benchmarks.clips import CLIPS, HEIGHT, WIDTH, made
from framedream.config.settings import DreamSettings, FootageSettings, Settings
from framedream.media import Frame, open_footage, resize
from framedream.nn.ascent.dreamer import Dream, Dreamer
from framedream.render.video.segments import SegmentLength, divide_into_segments
from framedream.render.video.video_renderer import render_footage
from framedream.render.video.windows import divide_into_windows

RATE = 25
"""Frames per second of made clips."""


class CountingDreamer(Dreamer):
    """A dreamer that counts its gradient steps, those at a small octave by its share of the pixels of all octaves."""

    steps_taken = 0.0

    def dream(self, image: np.ndarray, settings: DreamSettings | None = None, **options: Any) -> Dream:
        """Dream a frame and count."""
        dream = super().dream(image, settings, **options)
        pixels = [height * width for height, width in self.sizes(*image.shape[:2], settings)]
        self.steps_taken += sum(size * steps for size, steps in zip(pixels, dream.steps, strict=True)) / sum(pixels)
        return dream


@dataclass(frozen=True)
class Film:
    """A dreamed clip.

    Attributes:
        frames: H×W×3 uint8.
        steps: Gradient steps of each frame, counted by pixels: one at every octave is 1.
    """

    frames: list[np.ndarray]
    steps: list[float]


def clip_frames(clip: str, settings: FootageSettings, count: int | None = None) -> Iterator[Frame]:
    """Frames of a clip.

    Args:
        clip: One of `CLIPS`, or else a video, an animated image or a folder of images.
        settings: Which part of it is taken (not of a made clip), and at what size.
        count: How many frames there are of a made clip, and at most of another.
    """
    if clip not in CLIPS:
        yield from itertools.islice(open_footage(clip, settings).frames(), count)
        return
    scale = settings.scale or 1
    width, height = settings.size or (round(WIDTH * scale), round(HEIGHT * scale))
    for index, pixels in enumerate(made(clip, count)):
        yield Frame(resize(pixels, width, height), Fraction(index, RATE))


def to_and_fro(clip: Path, frames: int, path: Path, size: tuple[int, int] | None = None) -> Path:
    """Write so many frames of a clip, there and back, again and again: a longer film that moves no less.

    Args:
        clip: Any footage of at least two frames.
        frames: How many.
        path: An H.264 film.
        size: Width and height of its frames; the clip's own if not given.
    """
    source = open_footage(clip)
    width, height = size or (source.format.width, source.format.height)
    taken = [cv2.resize(frame.pixels, (width, height), interpolation=cv2.INTER_AREA) for frame in source.frames()]
    pictures = [eight_bit(picture) for picture in taken]
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=RATE, width=width, height=height, options={"crf": "16"})
        stream.pix_fmt = "yuv420p"
        for picture in itertools.islice(itertools.cycle([*pictures, *pictures[-2:0:-1]]), frames):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        film.mux(stream.encode())
    return path


def dreamed(
    frames: Iterable[Frame], cuts: Collection[int], dreamer: Dreamer, settings: Settings, length: SegmentLength = "auto"
) -> Iterator[np.ndarray]:
    """Dream frames as the program does, in segments of a length, and round them to 8 bits as a film does."""
    frames = list(frames)
    divided = divide_into_windows(divide_into_segments(len(frames), cuts, length), *frames[0].pixels.shape[:2])

    def read(first: int) -> Generator[Frame]:
        yield from frames[first:]

    for frame in render_footage(read, divided, dreamer, lambda _: settings):
        if frame is not None:
            yield eight_bit(frame.pixels)


def shoot(frames: Iterable[np.ndarray], dreamer: CountingDreamer) -> Film:
    """Keep dreamed frames, each with the steps that the dreamer took for it."""
    film = Film([], [])
    taken = dreamer.steps_taken
    for frame in frames:
        film.frames.append(frame)
        film.steps.append(dreamer.steps_taken - taken)
        taken = dreamer.steps_taken
    return film


def eight_bit(pixels: np.ndarray) -> np.ndarray:
    """Levels as a film stores them."""
    return np.asarray(np.clip(np.rint(pixels), 0, 255), np.uint8)


def add_settings(parser: argparse.ArgumentParser, *, frames: int | None = None) -> None:
    """Add the flags that `read_settings` reads, and ``--frames``."""
    parser.add_argument("--preset", default="framedream", help="a look, or a .toml file")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="such as follow_steps=3")
    parser.add_argument("--frames", type=int, default=frames, help="how many frames of a made clip, at most of others")


def read_settings(arguments: argparse.Namespace) -> Settings:
    """Settings of the preset and of what was set beside it."""
    values = {}
    for text in arguments.set:
        name, _, value = text.partition("=")
        values[name] = _number(value)
    return Settings.of(arguments.preset).override(values)


def named(arguments: argparse.Namespace) -> str:
    """The preset and what was set beside it, for a heading."""
    return " ".join([f"preset {arguments.preset}", *arguments.set])


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text
