"""Animated GIF, WebP and PNG as footage, each picture with its own duration."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from itertools import accumulate, islice
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from imageio.plugins.pillow import PillowPlugin

from framedream.errors import InputError
from framedream.media.alpha import split
from framedream.media.color import ColorTags
from framedream.media.frames import Frame
from framedream.media.seen import Seen, Watch
from framedream.media.stills import look_at_image

_PATIENCE = Fraction(1, 10)
"""How long viewers show a picture whose duration is given as 0."""

_LARGEST_DENOMINATOR = 65535
"""Of the fractions of a second in an animated PNG, which Pillow gives in floating milliseconds."""


class AnimationSource:
    """An animated image; every picture complete, as a viewer would show it.

    Args:
        path: The file.

    Raises:
        InputError: It is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen: Seen | None = None
        self.watch: Watch | None = None
        self._durations = _durations(path)
        self.frame_count = len(self._durations)
        self.rate: Fraction = self.frame_count / sum(self._durations, Fraction(0))
        self.time_base = _common_tick(self._durations)
        self.sample_aspect = Fraction(1)
        self.sound = self.extras = None
        self.last_duration = self._durations[-1]
        with closing(_opened(path)) as file:
            self.height, self.width = file.properties(index=0).shape[:2]
        info = look_at_image(path)
        self.depth, self.has_alpha = 8, info.has_alpha
        self.color = ColorTags.usual(self.width, self.height)

    def times(self) -> Iterator[Fraction]:
        """Times of all frames, in seconds; rising."""
        return accumulate(self._durations[:-1], initial=Fraction(0))

    def frames(self, first: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """A fresh pass over the frames with index ``first`` up to, not including, ``stop``."""
        with closing(_opened(self.path)) as file:
            pictures = file.iter(mode="RGBA")
            for time, duration in islice(zip(self.times(), self._durations, strict=True), stop):
                try:
                    picture = next(pictures)
                except (OSError, SyntaxError, ValueError, EOFError, StopIteration) as error:
                    raise _damaged(self.path, error) from None
                if first <= 0:
                    pixels, alpha = split(np.asarray(picture, np.float32))
                    yield Frame(pixels, time, duration, alpha)
                first -= 1


def _opened(path: Path) -> PillowPlugin:
    file = iio.imopen(path, "r", plugin="pillow")
    assert isinstance(file, PillowPlugin)
    return file


def _durations(path: Path) -> list[Fraction]:
    try:
        with closing(_opened(path)) as file:
            return [_duration(file, index) for index in range(look_at_image(path).pictures)]
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise _damaged(path, error) from None


def _duration(file: PillowPlugin, index: int) -> Fraction:
    # A WebP says how long a picture is shown only when that picture is decoded.
    file.read(index=index)
    milliseconds = file.metadata(index=index).get("duration", 0)
    return Fraction(milliseconds / 1000).limit_denominator(_LARGEST_DENOMINATOR) or _PATIENCE


def _common_tick(durations: list[Fraction]) -> Fraction:
    """The coarsest tick of which all durations are whole numbers: one over their common denominator."""
    return Fraction(1, int(np.lcm.reduce([duration.denominator for duration in durations])))


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(f"{path}: the animation is damaged ({error}); export or copy it again")
