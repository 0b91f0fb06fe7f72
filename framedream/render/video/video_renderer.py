"""Renders footage: each frame starts from the dream of the frame before it.

Each shot is dreamed backwards first, so that every place has a dream before it comes into view, then forwards.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from framedream.media.frames import Frame
from framedream.render.color_matching import match_color
from framedream.render.frame_compositing import Compose
from framedream.render.inputs import FrameReader, SettingsAt, too_short_error
from framedream.render.prefetching import FRAMES_AHEAD, prefetch
from framedream.render.state_store import MemoryStore, StateStore, frame_name
from framedream.render.video.anchors import AnchorRenderer
from framedream.render.video.calibration import StrengthCalibrator
from framedream.render.video.frame_state import FULL_AGE, FrameState
from framedream.render.video.segment_renderer import SegmentRenderer
from framedream.render.video.segments import Segment
from framedream.render.video.windows import Window, gather_windows

if TYPE_CHECKING:
    from framedream.nn.ascent.dreamer import Dreamer


def render_footage(
    read: FrameReader,
    windows: Sequence[Window],
    dreamer: Dreamer,
    settings_at: SettingsAt,
    store: StateStore | None = None,
    keys: Sequence[int] = (),
    compose: Compose = lambda frame, dream: dream,
    *,
    frames_ahead: int = FRAMES_AHEAD,
) -> Generator[Frame | None]:
    """Dream the frames of some windows in order, the dream sticking to what moves.

    With ``flow="none"`` every frame is dreamed from scratch. Reading and optical flow run
    ahead, each in its own thread. Frames that are in the store already are taken from there.

    Args:
        read: Reads the footage; all frames have the same size.
        windows: Neighbouring windows of the footage.
        dreamer: Dreams a single frame.
        settings_at: Returns the settings of each frame. Flow and passes are those of the first frame throughout.
        store: Where dreamed frames are stored. Default: not stored.
        keys: All anchor frames of the footage, in rising order, if there are others than those of these windows.
        compose: Composes a frame and its dream into what is delivered; the dream itself is stored and continued.
        frames_ahead: How many frames are read, and have their flow computed, ahead of the dreaming.

    Yields:
        The dreamed frames with their times; between them None for every frame
        of the backward passes, to show progress.

    Raises:
        KeyError: The frame before the first window is not stored.
    """
    if not windows:
        return
    store = store or MemoryStore()
    first, motion = windows[0], settings_at(windows[0].first).motion
    is_resumed = not first.begins_segment and motion.flow != "none"
    with closing(prefetch(read(first.first - is_resumed), frames_ahead)) as footage:
        if motion.flow == "none":
            yield from _render_independently(
                footage, first.first, windows[-1].stop, dreamer, settings_at, store, compose
            )
            return
        before = next(footage, None) if is_resumed else None
        if is_resumed and before is None:
            raise too_short_error(first.first - 1)
        renderer: SegmentRenderer | None = None
        calibrator: StrengthCalibrator
        keys = sorted({number for window in windows for number in window.segment.keys} | set(keys))
        for window, frames in gather_windows(footage, windows):
            if renderer is None or window.begins_segment:
                calibrator = StrengthCalibrator(window.segment.shot, read, dreamer, settings_at, store)
                calibrator.set_frames({number: frame.pixels for number, frame in enumerate(frames, window.first)})
                _render_anchors(window.segment, calibrator, keys, read, dreamer, settings_at, store)
                renderer = SegmentRenderer(
                    window.segment, calibrator, dreamer, settings_at, store, frames_ahead=frames_ahead
                )
                if before is not None:
                    renderer.resume_after(window.first - 1, before.pixels)
                    before = None
            yield from _compose_frames(renderer.render(window, frames), frames, compose)
            # Free their memory before the next window is read.
            frames.clear()
            calibrator.set_frames({})


def _compose_frames(
    dreams: Generator[Frame | None], frames: Iterable[Frame], compose: Compose
) -> Generator[Frame | None]:
    sources = iter(frames)
    with closing(dreams):
        for dream in dreams:
            yield None if dream is None else compose(next(sources), dream)


def _render_anchors(
    segment: Segment,
    calibrator: StrengthCalibrator,
    keys: Sequence[int],
    read: FrameReader,
    dreamer: Dreamer,
    settings_at: SettingsAt,
    store: StateStore,
) -> None:
    """Dream the anchor frames of a segment that are not stored."""
    start, end = segment.shot
    numbers = [key for key in keys if start < key < end]
    anchors = AnchorRenderer(segment.shot, numbers, read, dreamer, settings_at, calibrator.reference, store)
    for number in segment.keys:
        anchors.render(number)


def _render_independently(
    frames: Iterable[Frame],
    first: int,
    stop: int,
    dreamer: Dreamer,
    settings_at: SettingsAt,
    store: StateStore,
    compose: Compose,
) -> Generator[Frame]:
    """Dream every frame from scratch."""
    for number, frame in zip(range(first, stop), frames):  # noqa: B905
        stored = store.load(frame_name(number))
        if stored is None:
            settings = settings_at(number).dream
            dream = dreamer.dream(frame.pixels, settings=settings)
            pixels = match_color(dream.pixels, frame.pixels, settings.color)
            stored = FrameState.from_dream(frame.pixels, pixels, FULL_AGE).to_arrays()
            store.save(frame_name(number), stored)
        yield compose(frame, replace(frame, pixels=FrameState.from_arrays(frame.pixels, stored).dream))
