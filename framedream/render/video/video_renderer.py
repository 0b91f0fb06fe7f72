"""Footage → dreamed footage: every frame seeded by the dreamed frame before it.

Each shot is dreamed backwards first, so that every place has been dreamed of before it
comes into view, then forwards.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import replace

from framedream.media.frames import Frame
from framedream.render.color_matching import match_color
from framedream.render.masking import Compose
from framedream.render.prefetching import prefetch
from framedream.render.state_store import MemoryStore, StateStore, frame_name
from framedream.render.video.anchors import AnchorFrames
from framedream.render.video.calibration import Dreamer, FrameReader, StrengthCalibrator
from framedream.render.video.calibration_intervals import SettingsAt
from framedream.render.video.frame_state import FULL_AGE, FrameState
from framedream.render.video.segment_renderer import SegmentRenderer
from framedream.render.video.segments import Segment
from framedream.render.video.windows import Window, gather_windows, too_short_error

_FRAMES_AHEAD = 3


def render_footage(
    read: FrameReader,
    divided: Sequence[Window],
    dreamer: Dreamer,
    look: SettingsAt,
    store: StateStore | None = None,
    keys: Sequence[int] = (),
    show: Compose = lambda frame, dream: dream,
) -> Generator[Frame | None]:
    """Dream frames in their order, the dream sticking to what moves.

    With ``flow="none"`` every frame is dreamed from nothing. Reading and optical flow run
    ahead in a thread. What is in the store already is taken from there.

    Args:
        read: Gives the footage's frames, all of one size, from a number on.
        divided: Neighbouring windows, which are to be dreamed.
        dreamer: What dreams a single frame.
        look: How each frame is dreamed and its dream carried on, by its number. Flow and passes are
            those of the first one throughout.
        store: Where dreamed frames are kept. Default: nowhere.
        keys: All keys of the footage, rising, if others than those of these windows.
        show: What is delivered of a frame and its dream; stored and carried on is the dream.

    Yields:
        The dreamed frames, one for each, with its time. Between them None for every frame
        of the passes backwards, so that whoever waits sees that something is done.

    Raises:
        KeyError: What the first window goes on from is not stored.
    """
    if not divided:
        return
    store = store or MemoryStore()
    first, motion = divided[0], look(divided[0].first).motion
    is_begun = not first.begins_segment and motion.flow != "none"
    with closing(prefetch(read(first.first - is_begun), _FRAMES_AHEAD)) as footage:
        if motion.flow == "none":
            yield from _alone(footage, first.first, divided[-1].stop, dreamer, look, store, show)
            return
        before = next(footage, None) if is_begun else None
        if is_begun and before is None:
            raise too_short_error(first.first - 1)
        shot: SegmentRenderer | None = None
        bearings: StrengthCalibrator
        keys = sorted({number for window in divided for number in window.segment.keys} | set(keys))
        for window, seen in gather_windows(footage, divided):
            if shot is None or window.begins_segment:
                bearings = StrengthCalibrator(window.segment.shot, read, dreamer, look, store)
                bearings.take({number: frame.pixels for number, frame in enumerate(seen, window.first)})
                _take_keys(window.segment, bearings, keys, read, dreamer, look, store)
                shot = SegmentRenderer(window.segment, bearings, dreamer, look, store)
                if before is not None:
                    shot.go_on_from(window.first - 1, before.pixels)
                    before = None
            yield from _shown(shot.dreamed(window, seen), seen, show)
            # Let go of before the next window is read.
            seen.clear()
            bearings.take({})


def _shown(dreamed: Generator[Frame | None], frames: Iterable[Frame], show: Compose) -> Generator[Frame | None]:
    coming = iter(frames)
    with closing(dreamed):
        for dream in dreamed:
            yield None if dream is None else show(next(coming), dream)


def _take_keys(
    segment: Segment,
    bearings: StrengthCalibrator,
    keys: Sequence[int],
    read: FrameReader,
    dreamer: Dreamer,
    look: SettingsAt,
    store: StateStore,
) -> None:
    """See to the keys of a segment."""
    start, end = segment.shot
    of_shot = AnchorFrames(
        segment.shot, [key for key in keys if start < key < end], read, dreamer, look, bearings.reference, store
    )
    for number in segment.keys:
        of_shot.take(number)


def _alone(
    frames: Iterable[Frame], first: int, stop: int, dreamer: Dreamer, look: SettingsAt, store: StateStore, show: Compose
) -> Generator[Frame]:
    for number, frame in zip(range(first, stop), frames):  # noqa: B905
        stored = store.load(frame_name(number))
        if stored is None:
            dream = look(number).dream
            pixels = match_color(dreamer.dream(frame.pixels, settings=dream).pixels, frame.pixels, dream.color)
            stored = FrameState.of(frame.pixels, pixels, FULL_AGE).packed()
            store.save(frame_name(number), stored)
        yield show(frame, replace(frame, pixels=FrameState.unpacked(frame.pixels, stored).dream))
