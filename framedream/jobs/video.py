"""A clip in, a dreamed film out."""

from __future__ import annotations

import bisect
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framedream.errors import InputError, OutputError
from framedream.jobs.progress import Progress, Report
from framedream.media import Footage, open_film, open_footage
from framedream.motion.cuts import find_cuts
from framedream.render.ahead import ahead
from framedream.render.footage import Dreamer, dream_footage
from framedream.settings import Settings

_FRAMES_WAITING = 3


@dataclass(frozen=True)
class Film:
    """A finished film.

    Attributes:
        path: Where it is.
        frames: How many frames it has.
        shots: How many shots were found in it.
        seconds: How long the dreaming took.
    """

    path: Path
    frames: int
    shots: int
    seconds: float


def dream_video(
    source: Path | str, target: Path | str, settings: Settings | None = None, *, progress: Report | None = None
) -> Film:
    """Dream a film: every frame, its dream sticking to what moves, with its sound and timing.

    ``target`` appears, or is replaced, only once the film is complete.

    Args:
        source: A video, a folder of images, or an animated image.
        target: The film; its suffix names the container. A name without one, or with a
            slash at its end, is a folder of PNGs.
        settings: Everything else; see `Settings`.
        progress: Called after each frame, and after each of the pass backwards.

    Returns:
        The finished film.

    Raises:
        SettingsError: A setting cannot be used, such as a layer the model does not have.
        InputError: The footage cannot be read, or the weights are not to be had.
        OutputError: The film cannot be written.
    """
    began = time.monotonic()
    settings = settings or Settings()
    check_apart(Path(source), Path(target))
    footage = open_footage(source, settings.footage)
    with open_film(target, like=footage, settings=settings.output) as writer:
        cuts, count = _survey(footage, settings)
        dreamer = _dreamer(settings)
        dreamed = dream_footage(footage.frames(), cuts, dreamer, settings.dream, settings.motion)
        done = backwards = 0
        with closing(ahead(dreamed, _FRAMES_WAITING)) as frames:
            for frame in frames:
                if frame is None:
                    backwards += 1
                else:
                    writer.write(frame)
                    done += 1
                if progress:
                    shot = bisect.bisect_right(cuts, done - 1 if frame else done) + 1
                    progress(Progress(done, count, shot, len(cuts) + 1, backwards))
    return Film(Path(target), writer.frames_written, len(cuts) + 1, time.monotonic() - began)


def check_apart(source: Path, target: Path) -> None:
    """See that a job does not write over or into what it reads.

    Raises:
        InputError: There is no such source.
        OutputError: Both are the same, or the target lies in a folder of images that is read.
    """
    if not source.exists():
        raise InputError(f"{source}: there is no such file or folder; check the name")
    here, there = source.resolve(), target.resolve()
    if here == there or (target.exists() and source.samefile(target)):
        raise OutputError(f"{target}: is the input itself; give the output another name")
    if source.is_dir() and here in there.parents:
        raise OutputError(f"{target}: lies in the folder that is read; put the output beside it")


def _survey(footage: Footage, settings: Settings) -> tuple[list[int], int | None]:
    """The first frame of every later shot, and the number of frames."""
    if settings.motion.cuts == "none" or settings.motion.flow == "none":
        return [], footage.frame_count
    count = 0

    def counted() -> Generator[np.ndarray]:
        nonlocal count
        for frame in footage.frames():
            count += 1
            yield frame.pixels

    return find_cuts(ahead(counted(), _FRAMES_WAITING)), count


def _dreamer(settings: Settings) -> Dreamer:
    # Here, not above: TensorFlow takes seconds to import, and bad input is answered before that.
    from framedream.dream.dreamer import Dreamer
    from framedream.dream.runtime import use_threads

    use_threads(settings.run.threads)
    return Dreamer(settings.dream)
