"""What is done with each file, in a process of its own, for `benchmarks.fuzz`."""

from __future__ import annotations

import faulthandler
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from benchmarks.film_writer import open_film
from framedream.errors import FramedreamError
from framedream.jobs.probe import probe
from framedream.media import FilmFormat, Footage, Frame, open_footage
from framedream.media.audio.audio_samples import read_mono

WIDTH, HEIGHT = 64, 48
"""Of the film that takes a file's sound, in pixels."""

OUTPUT = "output"
"""The folder it goes to, beside the input."""

_RATE = 44_100
_FILMS = (".mp4", ".mkv", ".webm", ".mov")


class WrongTimes(Exception):
    """Times that do not rise, or are not those of the frames."""


def examine(path: Path) -> Iterator[str]:
    """All that is done with a file; each step says what became of it.

    Args:
        path: The file.

    Yields:
        What was read of it, or why it was refused.
    """
    for step in (_probe, _read_footage, _read_sound):
        try:
            yield step(path)
        except FramedreamError as error:
            text = str(error)
            if "\n" in text or str(path) not in text:
                raise ValueError(f"no good message: {text!r}") from error
            yield f"refused: {text.removeprefix(str(path))}"


def _probe(path: Path) -> str:
    return f"{len(probe(path).times)} frames seen"


def serve(orders: Connection) -> None:
    """Examine files as they are named, until nobody asks any more.

    Args:
        orders: Gives paths; takes for each the peak of memory in MB, what was read, and the fault if there is one.
    """
    faulthandler.enable()
    with suppress(EOFError):
        while True:
            path, done, fault = orders.recv(), [], ""
            _reset_peak()
            try:
                for said in examine(Path(path)):
                    done.append(said)
            except Exception as error:
                fault = f"{type(error).__name__}: {error}"
                print(path, fault, file=sys.stderr)
            orders.send((peak(os.getpid()), done, fault))


def peak(process: int) -> float:
    """Most memory in MB that a process held at once, since it was reset."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1000
    return 0.0


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _read_footage(path: Path) -> str:
    footage = open_footage(path)
    times = list(footage.times())
    if times != sorted(set(times)):
        raise WrongTimes(f"{times[:20]}")
    count = 0
    for frame, time in zip(footage.frames(), times, strict=True):
        if frame.time != time or frame.pixels.shape != (footage.format.height, footage.format.width, 3):
            raise WrongTimes(f"frame {count} of {frame.pixels.shape} at {frame.time} instead of {time}")
        count += 1
    return f"{count} frames{_write_with_tracks(footage)}"


def _write_with_tracks(footage: Footage) -> str:
    """Put the sound, and subtitles and all, into a short film, in a container that the file's name decides."""
    if footage.format.sound is None and footage.format.extras is None:
        return ""
    suffix = _FILMS[len(footage.path.name) % len(_FILMS)]
    film = footage.path.parent / OUTPUT / f"film{suffix}"
    film_format = FilmFormat(WIDTH, HEIGHT, sound=footage.format.sound, extras=footage.format.extras)
    try:
        with open_film(film, film_format=film_format) as writer:
            for number in range(5):
                writer.write(Frame(np.full((HEIGHT, WIDTH, 3), 99, np.float32), Fraction(number, 25)))
    finally:
        film.unlink(missing_ok=True)
    return f", tracks in {suffix}"


def _read_sound(path: Path) -> str:
    return f"{sum(len(part) for part in read_mono(path, _RATE))} samples"
