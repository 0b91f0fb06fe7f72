"""Footage → dreamed footage: every frame seeded by the dreamed frame before it.

Each shot is dreamed backwards first, so that every place has been dreamed of before it
comes into view, then forwards.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import replace

from framedream.media.frames import Frame
from framedream.render.ahead import ahead
from framedream.render.carried import MATURE, Carried
from framedream.render.color import kept_color
from framedream.render.shot import Dreamer, Shot
from framedream.render.store import Nowhere, Store, finished
from framedream.render.windows import Window, gathered
from framedream.settings import DreamSettings, MotionSettings

_FRAMES_AHEAD = 3


def dream_footage(
    frames: Iterable[Frame],
    divided: Sequence[Window],
    dreamer: Dreamer,
    dream: DreamSettings,
    motion: MotionSettings,
    store: Store | None = None,
) -> Generator[Frame | None]:
    """Dream frames in their order, the dream sticking to what moves.

    With ``flow="none"`` every frame is dreamed from nothing. Reading and optical flow run
    ahead in a thread. What is in the store already is taken from there.

    Args:
        frames: The footage's frames, all of one size, from `first_needed` on.
        divided: The windows to be dreamed.
        dreamer: What dreams a single frame.
        dream: How a frame is dreamed from nothing.
        motion: How a dream is carried on.
        store: Where dreamed frames are kept. Default: nowhere.

    Yields:
        The dreamed frames, one for each, with its time. Between them None for every frame
        of the passes backwards, so that whoever waits sees that something is done.

    Raises:
        KeyError: The first window does not begin a shot, and what it goes on from is not stored.
    """
    store = store or Nowhere()
    with closing(ahead(frames, _FRAMES_AHEAD)) as footage:
        if motion.flow == "none":
            yield from _alone(footage, divided[0].first if divided else 0, dreamer, dream, store)
            return
        shot = Shot(dreamer, dream, motion, store)
        if divided and not divided[0].begins_shot:
            shot.go_on_from(divided[0].first - 1, next(footage).pixels)
        for window, seen in gathered(footage, divided):
            if window.begins_shot:
                shot = Shot(dreamer, dream, motion, store)
            yield from shot.dreamed(window, seen)


def first_needed(window: Window, motion: MotionSettings) -> int:
    """The frame with which reading begins: one before a window that goes on from it."""
    return window.first - (not window.begins_shot and motion.flow != "none")


def _alone(
    frames: Iterable[Frame], first: int, dreamer: Dreamer, dream: DreamSettings, store: Store
) -> Generator[Frame]:
    for number, frame in enumerate(frames, first):
        stored = store.load(finished(number))
        if stored is None:
            pixels = kept_color(dreamer.dream(frame.pixels).pixels, frame.pixels, dream.color)
            stored = Carried.of(frame.pixels, pixels, MATURE).packed()
            store.save(finished(number), stored)
        yield replace(frame, pixels=Carried.unpacked(frame.pixels, stored).dream)
