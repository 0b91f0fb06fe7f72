"""Reads video files with FFmpeg: every frame that can be decoded, with its exact time."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Generator, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from framedream.errors import InputError
from framedream.media.alpha import split_alpha
from framedream.media.color_conversion import ColorTags, depth_of, has_alpha, is_convertible, to_levels
from framedream.media.frames import FilmFormat, Frame, Sound, TimeRange
from framedream.media.once_logger import OnceLogger
from framedream.media.plausibility import plausible_aspect, plausible_rate
from framedream.media.read.decoding import DecodingDamage, decode
from framedream.media.read.deinterlacing import deinterlace
from framedream.media.read.demuxing import expected_frames, open_video, pick_stream, start_time
from framedream.media.read.frame_index import DecodedFrame, FrameIndex, FrameIndexer
from framedream.media.read.orientation import Orientation
from framedream.media.read.seeking import frames_after_seek, is_seek_worthwhile, seek

_LONGEST_PAUSE = 10 * 24 * 3600
"""Longest plausible gap between two frames, in seconds."""


class VideoReader:
    """Reads a video file; frames are upright.

    Args:
        path: The file.

    Attributes:
        frame_index: The frame index of an earlier pass; with it, a pass can start in the middle.
        indexer: Records the next pass over all frames.

    Raises:
        InputError: The file is missing, is not a video, or has no frame that can be decoded.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._notes = OnceLogger(path)
        self.frame_index: FrameIndex | None = None
        self.indexer: FrameIndexer | None = None
        with open_video(path) as container:
            stream = pick_stream(path, container)
            self._time_base = stream.time_base or Fraction(1, 90_000)
            self._rate = plausible_rate(stream.average_rate or stream.guessed_rate)
            self._origin = start_time(path, container, stream) // self._time_base * self._time_base
            has_sound = any(track.codec_context for track in container.streams.audio)
            self.frame_count = expected_frames(path, container, stream)
            self.format = replace(
                self._read_format(stream),
                sound=Sound(path, self._origin) if has_sound else None,
                extras=TimeRange(path, self._origin),
            )

    def times(self) -> Iterator[Fraction]:
        """Yield the times of all frames, in seconds, rising."""
        return (picture.time for picture in self._decode())

    def frames(self, first: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Start a new pass over the frames from index ``first`` up to, not including, ``stop``."""
        reformatter = VideoReformatter()
        with contextlib.closing(self._decode_from(first, stop)) as pictures:
            for picture in pictures:
                pixels, alpha = split_alpha(self._pixels(picture.frame, reformatter))
                yield Frame(pixels, picture.time, picture.duration, alpha)

    def _read_format(self, stream: VideoStream) -> FilmFormat:
        """Read size, colors and orientation from the first frame."""
        with contextlib.closing(self._decode(1, quiet=True)) as decoded:
            picture = next(decoded, None)
        if picture is None:
            raise InputError(f"{self.path}: cannot decode any frame; check that the file plays, or copy it again")
        frame = picture.frame
        if not is_convertible(frame):
            raise InputError(
                f"{self.path}: its colors use an unknown YUV matrix ({frame.colorspace}); convert it to BT.709 first"
            )
        self._coded = frame.width, frame.height
        self._upright = Orientation.of(frame)
        if not self._upright.is_upright:
            self._notes.info("is rotated or mirrored; framedream turns it upright")
        self._color = ColorTags.of(frame)
        is_transparent = has_alpha(frame.format)
        if frame.format.has_palette:
            # Some palettes have transparent colors; most do not.
            is_transparent = bool(self._pixels(frame, VideoReformatter())[..., 3].min() < 255)
        aspect = plausible_aspect(stream.sample_aspect_ratio)
        width, height = self._coded[:: -1 if self._upright.sideways else 1]
        return FilmFormat(
            width,
            height,
            self._rate,
            self._time_base,
            1 / aspect if self._upright.sideways else aspect,
            self._color,
            depth=depth_of(frame.format),
            has_alpha=is_transparent,
        )

    def _pixels(self, frame: av.VideoFrame, reformatter: VideoReformatter) -> np.ndarray[Any, Any]:
        if (frame.width, frame.height) != self._coded:
            self._notes.warning("the picture size changes; framedream scales all frames to the size of the first one")
        return self._upright.apply(to_levels(frame, self._color, *self._coded, reformatter))

    def _decode_from(self, first: int, stop: int | None) -> Generator[DecodedFrame]:
        """Decode from a frame on: after a seek if that is faster and exact, else from the beginning."""
        frame_index = self.frame_index
        if frame_index is not None and is_seek_worthwhile(frame_index, first):
            end = frame_index.stop if stop is None else min(stop, frame_index.stop)
            with contextlib.closing(frames_after_seek(self._decode_after_seek, frame_index, first, end)) as known:
                for picture in known:
                    yield picture
                    first += 1
            if first == end:
                return
            self.frame_index = frame_index.without_checksums()
        with contextlib.closing(self._decode(stop)) as decoded:
            yield from itertools.islice(decoded, first, None)

    def _decode(self, stop: int | None = None, *, quiet: bool = False) -> Generator[DecodedFrame]:
        """Decode up to ``stop`` frames, repair their times, and log damage at the end."""
        indexer, self.indexer = self.indexer, None
        with open_video(self.path) as container:
            stream = pick_stream(self.path, container)
            damage = DecodingDamage()
            count, last = 0, Fraction(0)
            for picture in self._pictures(container, stream, damage, self._notes):
                if count == stop:
                    return
                if indexer is not None:
                    indexer.take(picture)
                    indexer.is_intact = not damage.is_met
                yield picture
                count, last = count + 1, picture.time
            if indexer is not None:
                indexer.is_intact = not damage.is_met and not self._is_short(count, last, damage)
            if count != stop and not quiet:
                self._report(count, last, damage)

    def _decode_after_seek(self, moment: Fraction) -> Generator[DecodedFrame]:
        """Decode from the last key frame before a time; yield nothing if the file cannot seek."""
        with open_video(self.path) as container:
            stream = pick_stream(self.path, container)
            if seek(container, stream, moment + self._origin):
                yield from self._pictures(container, stream, DecodingDamage(), None)

    def _pictures(
        self, container: InputContainer, stream: VideoStream, damage: DecodingDamage, notes: OnceLogger | None
    ) -> Generator[DecodedFrame]:
        previous = None
        for frame in deinterlace(decode(container, stream, damage), self._notes):
            previous = self._time(frame, previous, notes)
            ticks = frame.duration or 0
            yield DecodedFrame(frame, previous, ticks * self._time_base if ticks > 0 else None)

    def _time(self, frame: av.VideoFrame, previous: Fraction | None, notes: OnceLogger | None) -> Fraction:
        ticks = frame.pts if frame.pts is not None else frame.dts
        time = None if ticks is None else ticks * (frame.time_base or self._time_base) - self._origin
        if time is None or abs(time - (previous or 0)) > _LONGEST_PAUSE:
            if notes is not None:
                notes.warning("some frames have no plausible timestamp; framedream continues from the previous frame")
            if previous is None:
                return Fraction(0)
            return previous + max(1, round(1 / (self._rate or 25) / self._time_base)) * self._time_base
        if previous is not None and time <= previous:
            if notes is not None:
                notes.warning("some timestamps do not increase; framedream moves them on by one tick")
            return previous + self._time_base
        return time

    def _is_short(self, count: int, last: Fraction, damage: DecodingDamage) -> bool:
        """Whether a complete pass of ``count`` frames, the last one shown at ``last``, lacks frames.

        A count that is estimated from duration and rate is too high if the rate varies. It counts only if the
        frames end too early, or if the decoder dropped some, which can happen without an error.
        """
        expected = self.frame_count
        if expected is None or self._rate is None:
            return False
        least = expected - damage.slack(expected)
        is_late = last * self._rate + 1 >= least
        return count + damage.hidden < least and (damage.exact or count + damage.hidden < damage.packets or not is_late)

    def _report(self, count: int, last: Fraction, damage: DecodingDamage) -> None:
        expected = self.frame_count
        if count and (self._is_short(count, last, damage) or damage.is_met):
            known = f" of about {expected}" if expected and expected > count else ""
            damaged = f", {damage.corrupt} of them damaged" if damage.corrupt else ""
            self._notes.warning(
                f"{count}{known} frames could be decoded{damaged}; "
                "the file is damaged or cut short; copy or download it again if you can"
            )
