"""Video files, through FFmpeg: every frame that can be decoded, each with its exact time."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.error import ArgumentError, FFmpegError
from av.stream import Disposition
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from framedream.errors import InputError
from framedream.media.claims import check_claim, likely_aspect, likely_count, likely_rate, most_pixels
from framedream.media.color import ColorTags, to_levels
from framedream.media.frames import Frame, Sound
from framedream.media.notes import Notes

_POINTING = frozenset(
    ("concat", "hls", "dash", "imf", "rtsp", "sdp", "rtp", "sap", "image2", "vobsub", "mlv", "tty", "lavfi")
)
"""Demuxers that follow names inside a file, or its own, to other files, or take any text for a film."""

_LONGEST_PAUSE = 10 * 24 * 3600
"""Seconds from one frame to the next beyond which a time is wrong."""


class VideoSource:
    """A video file, as decoded and turned upright.

    Args:
        path: The file.

    Raises:
        InputError: The file is missing, is no video, or not one frame can be decoded.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._notes = Notes(path)
        with open_video(path) as container:
            stream = pick_stream(path, container)
            self.time_base = stream.time_base or Fraction(1, 90_000)
            self.rate = likely_rate(stream.average_rate or stream.guessed_rate)
            self.sound = None
            self._origin = _origin(container, stream, self.time_base)
            if any(track.codec_context for track in container.streams.audio):
                self.sound = Sound(path, self._origin)
            self.frame_count = _expected_frames(path, container, stream)
            self._look_at_first(stream)

    @property
    def last_duration(self) -> Fraction | None:
        """Unknown before the last frame is decoded."""
        return None

    def times(self) -> Iterator[Fraction]:
        """Times of all frames, in seconds; rising."""
        return (picture.time for picture in self._decoded())

    def frames(self, first: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """A fresh pass over the frames with index ``first`` up to, not including, ``stop``."""
        reformatter = VideoReformatter()
        with contextlib.closing(self._decoded(stop)) as decoded:
            for index, picture in enumerate(decoded):
                if index >= first:
                    yield Frame(self._pixels(picture.frame, reformatter), picture.time, picture.duration)

    def _look_at_first(self, stream: VideoStream) -> None:
        with contextlib.closing(self._decoded(1, quiet=True)) as decoded:
            picture = next(decoded, None)
        if picture is None:
            raise InputError(f"{self.path}: no frame can be decoded; check that the file plays, or copy it again")
        self._coded = picture.frame.width, picture.frame.height
        self._turns = round(picture.frame.rotation / 90) % 4
        self.color = ColorTags.of(picture.frame)
        aspect = likely_aspect(stream.sample_aspect_ratio)
        self.width, self.height = self._coded[:: -1 if self._turns % 2 else 1]
        self.sample_aspect = 1 / aspect if self._turns % 2 else aspect

    def _pixels(self, frame: av.VideoFrame, reformatter: VideoReformatter) -> np.ndarray[Any, Any]:
        if (frame.width, frame.height) != self._coded:
            self._notes.warning("the picture's size changes on the way; all frames are brought to the first one's size")
        levels = to_levels(frame, self.color, *self._coded, reformatter)
        # FFmpeg gives the turn counterclockwise, as numpy does.
        return np.ascontiguousarray(np.rot90(levels, self._turns)) if self._turns else levels

    def _decoded(self, stop: int | None = None, *, quiet: bool = False) -> Generator[_Picture]:
        """Decode up to ``stop`` frames, mend their times, and say at the end what was lost."""
        with open_video(self.path) as container:
            stream = pick_stream(self.path, container)
            damage = _Damage()
            count, previous = 0, None
            for frame in _decode(container, stream, damage):
                if count == stop:
                    return
                previous = self._time(frame, previous)
                ticks = frame.duration or 0
                yield _Picture(frame, previous, ticks * self.time_base if ticks > 0 else None)
                count += 1
            if count != stop and not quiet:
                self._report(count, damage)

    def _time(self, frame: av.VideoFrame, previous: Fraction | None) -> Fraction:
        ticks = frame.pts if frame.pts is not None else frame.dts
        time = None if ticks is None else ticks * (frame.time_base or self.time_base) - self._origin
        if time is None or abs(time - (previous or 0)) > _LONGEST_PAUSE:
            self._notes.warning("some frames carry no likely time; theirs is counted on from the frame before")
            if previous is None:
                return Fraction(0)
            return previous + max(1, round(1 / (self.rate or 25) / self.time_base)) * self.time_base
        if previous is not None and time <= previous:
            self._notes.warning("some frames are not later than the one before; their times are moved on by a tick")
            return previous + self.time_base
        return time

    def _report(self, count: int, damage: _Damage) -> None:
        expected = self.frame_count
        missing = expected is not None and count + damage.hidden < expected - damage.slack(expected)
        if count and (missing or damage.errors or damage.corrupt):
            known = f" of about {expected}" if expected and expected > count else ""
            seen = f", {damage.corrupt} of them damaged" if damage.corrupt else ""
            self._notes.warning(
                f"{count}{known} frames could be read{seen}; "
                "the file is damaged or cut short: if it was copied or downloaded, try that again"
            )


@dataclass(frozen=True)
class _Picture:
    frame: av.VideoFrame
    time: Fraction
    duration: Fraction | None


@dataclass
class _Damage:
    """What a pass over a file met: packets that failed, frames patched up, frames meant to be hidden."""

    errors: int = 0
    corrupt: int = 0
    hidden: int = 0
    exact: bool = False

    def slack(self, expected: int) -> int:
        """Frames that may be missing from an estimate before it means damage."""
        return 0 if self.exact else max(2, expected // 50)


def open_video(path: Path, kind: str = "video") -> InputContainer:
    """Open a local media file, and nothing a playlist inside it may point to.

    Args:
        path: The file.
        kind: What it should be, for messages.

    Raises:
        InputError: It is missing, empty, a playlist, or in no format FFmpeg knows.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; check the name")
    if not path.stat().st_size:
        raise InputError(f"{path}: the file is empty; copy or record it again")
    limits = {"max_pixels": str(most_pixels(path))}
    options = {"protocol_whitelist": "file", "format_whitelist": _trusted_formats()}
    try:
        container = av.open(f"file:{path}", metadata_errors="replace", options=limits, container_options=options)
    except ArgumentError:
        # This is said of formats that are not among those, and of some damage.
        raise InputError(
            f"{path}: is a picture, a list or text, not a {kind}, or damaged; name the {kind} file itself"
        ) from None
    except (FFmpegError, OSError) as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{path}: cannot be read as a {kind} ({reason}); check that the file plays") from None
    for stream in container.streams:
        if stream.codec_context is not None:
            stream.codec_context.options = limits
    return container


@functools.cache
def _trusted_formats() -> str:
    """All formats in which a file is a film by itself, as FFmpeg takes them."""
    return ",".join(sorted(name for name in av.formats_available if not _POINTING & set(name.split(","))))


def pick_stream(path: Path, container: InputContainer) -> VideoStream:
    """The first video track that is not a cover picture, ready to be decoded on several threads.

    Raises:
        InputError: There is none, or no decoder for it, or it claims to be larger than it can be.
    """
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            if stream.codec_context is None:
                raise InputError(f"{path}: its video codec is not known to this FFmpeg; convert it to H.264 first")
            check_claim(path, stream.codec_context.width, stream.codec_context.height)
            stream.thread_type = "AUTO"
            return stream
    raise InputError(f"{path}: there is no video in this file; name a video, an animated image or a folder of images")


def _decode(container: InputContainer, stream: VideoStream, damage: _Damage) -> Iterator[av.VideoFrame]:
    """Decode to the end, past packets that fail; a file that breaks off ends there."""
    damage.exact = stream.frames > 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except (FFmpegError, OSError):
            damage.errors += 1
            packet = None
        frames: list[av.VideoFrame] = []
        try:
            frames = stream.decode(packet)
        except EOFError:
            return
        except FFmpegError:
            damage.errors += 1
        damage.hidden += packet is not None and packet.is_discard
        for frame in frames:
            damage.corrupt += frame.is_corrupt
            yield frame
        if packet is None:
            return


def _origin(container: InputContainer, stream: VideoStream, tick: Fraction) -> Fraction:
    """The file's own time, in seconds, at which its first track starts: whole ticks of the video."""
    starts = [
        track.start_time * track.time_base
        for track in (stream, *container.streams.audio)
        if track.start_time is not None and track.time_base
    ]
    return min(starts, default=Fraction(0)) // tick * tick


def _expected_frames(path: Path, container: InputContainer, stream: VideoStream) -> int | None:
    """Frames the file promises, if it may hold as many: counted by its index, or estimated from the duration."""
    return likely_count(path, _promised_frames(container, stream))


def _promised_frames(container: InputContainer, stream: VideoStream) -> int:
    rate = stream.average_rate or stream.guessed_rate
    if stream.frames or not rate:
        return stream.frames
    if stream.duration and stream.time_base:
        return round(stream.duration * stream.time_base * rate)
    seconds = _clock(stream.metadata.get("DURATION", ""))
    if seconds is None and container.duration and len(container.streams) == 1:
        seconds = Fraction(container.duration, av.time_base)
    return round(seconds * rate) if seconds else 0


def _clock(text: str) -> Fraction | None:
    try:
        hours, minutes, seconds = text.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
    except ValueError:
        return None
