"""Video files, through FFmpeg: every frame that can be decoded, each with its exact time."""

from __future__ import annotations

import contextlib
import functools
import heapq
import itertools
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.codec.context import CodecContext
from av.container import InputContainer
from av.error import ArgumentError, FFmpegError
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from framedream.errors import InputError
from framedream.media.alpha import split
from framedream.media.claims import check_claim, likely_aspect, likely_count, likely_rate, most_pixels
from framedream.media.color import ColorTags, depth_of, has_alpha, is_convertible, to_levels
from framedream.media.frames import Excerpt, Frame, Sound
from framedream.media.interlaced import deinterlaced
from framedream.media.notes import Notes
from framedream.media.seeking import is_worth, jumped, seek
from framedream.media.seen import Picture, Seen, Watch
from framedream.media.upright import Orientation

_POINTING = frozenset(
    ("concat", "hls", "dash", "imf", "rtsp", "sdp", "rtp", "sap", "image2", "vobsub", "mlv", "tty", "lavfi")
)
"""Demuxers that follow names inside a file, or its own, to other files, or take any text for a film."""

_LONGEST_PAUSE = 10 * 24 * 3600
"""Seconds from one frame to the next beyond which a time is wrong."""

_FIRST_PACKETS = 500
"""Packets that are looked at to find when tracks begin."""


class VideoSource:
    """A video file, as decoded and turned upright.

    Args:
        path: The file.

    Attributes:
        seen: What an earlier pass has seen of it; passes may begin in the middle then.
        watch: Notes what the next pass over all frames sees.

    Raises:
        InputError: The file is missing, is no video, or not one frame can be decoded.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._notes = Notes(path)
        self.seen: Seen | None = None
        self.watch: Watch | None = None
        with open_video(path) as container:
            stream = pick_stream(path, container)
            self.time_base = stream.time_base or Fraction(1, 90_000)
            self.rate = likely_rate(stream.average_rate or stream.guessed_rate)
            self.sound = None
            self._origin = _origin(path, container, stream) // self.time_base * self.time_base
            self.extras = Excerpt(path, self._origin)
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
        with contextlib.closing(self._begun(first, stop)) as pictures:
            for picture in pictures:
                pixels, alpha = split(self._pixels(picture.frame, reformatter))
                yield Frame(pixels, picture.time, picture.duration, alpha)

    def _look_at_first(self, stream: VideoStream) -> None:
        with contextlib.closing(self._decoded(1, quiet=True)) as decoded:
            picture = next(decoded, None)
        if picture is None:
            raise InputError(f"{self.path}: no frame can be decoded; check that the file plays, or copy it again")
        frame = picture.frame
        if not is_convertible(frame):
            raise InputError(
                f"{self.path}: its colors are YUV of a kind that is not known here (matrix {frame.colorspace}); "
                "convert it to BT.709 first"
            )
        self._coded = frame.width, frame.height
        self._upright = Orientation.of(frame)
        if not self._upright.is_upright:
            self._notes.info("is stored turned or mirrored; it is set upright")
        self.color, self.depth = ColorTags.of(frame), depth_of(frame.format)
        self.has_alpha = has_alpha(frame.format)
        if frame.format.has_palette:
            # Some palettes have transparent colors; most have not.
            self.has_alpha = bool(self._pixels(frame, VideoReformatter())[..., 3].min() < 255)
        aspect = likely_aspect(stream.sample_aspect_ratio)
        self.width, self.height = self._coded[:: -1 if self._upright.sideways else 1]
        self.sample_aspect = 1 / aspect if self._upright.sideways else aspect

    def _pixels(self, frame: av.VideoFrame, reformatter: VideoReformatter) -> np.ndarray[Any, Any]:
        if (frame.width, frame.height) != self._coded:
            self._notes.warning("the picture's size changes on the way; all frames are brought to the first one's size")
        return self._upright.apply(to_levels(frame, self.color, *self._coded, reformatter))

    def _begun(self, first: int, stop: int | None) -> Generator[Picture]:
        """Frames from one on: jumped to where it pays and does no harm, else decoded from the beginning."""
        seen = self.seen
        if seen is not None and is_worth(seen, first):
            end = seen.stop if stop is None else min(stop, seen.stop)
            with contextlib.closing(jumped(self._decoded_from, seen, first, end)) as known:
                for picture in known:
                    yield picture
                    first += 1
            if first == end:
                return
            self.seen = seen.unmarked()
        with contextlib.closing(self._decoded(stop)) as decoded:
            yield from itertools.islice(decoded, first, None)

    def _decoded(self, stop: int | None = None, *, quiet: bool = False) -> Generator[Picture]:
        """Decode up to ``stop`` frames, mend their times, and say at the end what was lost."""
        watch, self.watch = self.watch, None
        with open_video(self.path) as container:
            stream = pick_stream(self.path, container)
            damage = _Damage()
            count = 0
            for picture in self._pictures(container, stream, damage, self._notes):
                if count == stop:
                    return
                if watch is not None:
                    watch.take(picture)
                    watch.is_sound = not damage.is_met
                yield picture
                count += 1
            if watch is not None:
                watch.is_sound = not damage.is_met
            if count != stop and not quiet:
                self._report(count, damage)

    def _decoded_from(self, moment: Fraction) -> Generator[Picture]:
        """Decode from a key frame before a moment of the film on, if that can be done."""
        with open_video(self.path) as container:
            stream = pick_stream(self.path, container)
            if seek(container, stream, moment + self._origin):
                yield from self._pictures(container, stream, _Damage(), None)

    def _pictures(
        self, container: InputContainer, stream: VideoStream, damage: _Damage, notes: Notes | None
    ) -> Generator[Picture]:
        previous = None
        for frame in deinterlaced(_decode(container, stream, damage), self._notes):
            previous = self._time(frame, previous, notes)
            ticks = frame.duration or 0
            yield Picture(frame, previous, ticks * self.time_base if ticks > 0 else None)

    def _time(self, frame: av.VideoFrame, previous: Fraction | None, notes: Notes | None) -> Fraction:
        ticks = frame.pts if frame.pts is not None else frame.dts
        time = None if ticks is None else ticks * (frame.time_base or self.time_base) - self._origin
        if time is None or abs(time - (previous or 0)) > _LONGEST_PAUSE:
            if notes is not None:
                notes.warning("some frames carry no likely time; theirs is counted on from the frame before")
            if previous is None:
                return Fraction(0)
            return previous + max(1, round(1 / (self.rate or 25) / self.time_base)) * self.time_base
        if previous is not None and time <= previous:
            if notes is not None:
                notes.warning("some frames are not later than the one before; their times are moved on by a tick")
            return previous + self.time_base
        return time

    def _report(self, count: int, damage: _Damage) -> None:
        expected = self.frame_count
        missing = expected is not None and count + damage.hidden < expected - damage.slack(expected)
        if count and (missing or damage.is_met):
            known = f" of about {expected}" if expected and expected > count else ""
            seen = f", {damage.corrupt} of them damaged" if damage.corrupt else ""
            self._notes.warning(
                f"{count}{known} frames could be read{seen}; "
                "the file is damaged or cut short: if it was copied or downloaded, try that again"
            )


@dataclass
class _Damage:
    """What a pass over a file met: packets that failed, frames patched up, frames meant to be hidden."""

    errors: int = 0
    corrupt: int = 0
    hidden: int = 0
    exact: bool = False

    @property
    def is_met(self) -> bool:
        """Whether something could not be decoded as it was encoded."""
        return bool(self.errors or self.corrupt)

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
    decoder = _decoder(stream)
    decoding_times = _DecodingTimes() if container.format.name == "avi" else None
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except (FFmpegError, OSError):
            damage.errors += 1
            packet = None
        if decoding_times is not None and packet is not None:
            decoding_times.take(packet)
        frames: list[av.VideoFrame] = []
        try:
            frames = decoder.decode(packet)
        except EOFError:
            return
        except FFmpegError:
            damage.errors += 1
        damage.hidden += packet is not None and packet.is_discard
        for frame in frames:
            damage.corrupt += frame.is_corrupt
            if decoding_times is not None:
                decoding_times.give(frame)
            yield frame
        if packet is None:
            return


class _DecodingTimes:
    """Times for frames of AVI, which knows only when they are decoded: the same times, in the order they are shown."""

    def __init__(self) -> None:
        self._waiting: list[int] = []

    def take(self, packet: Packet[VideoStream]) -> None:
        """A packet is going to be decoded."""
        if packet.size and packet.dts is not None:
            heapq.heappush(self._waiting, packet.dts)

    def give(self, frame: av.VideoFrame) -> None:
        """Give the next frame that is shown the earliest time that is left."""
        if self._waiting:
            frame.pts = heapq.heappop(self._waiting)


def _decoder(stream: VideoStream) -> VideoCodecContext:
    """What decodes a stream: for VP8 and VP9 with alpha not FFmpeg's own decoder, which does not know of it."""
    own = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(stream.codec_context.codec.canonical_name)
    if own is None or stream.metadata.get("alpha_mode") != "1":
        return stream.codec_context
    decoder = cast(VideoCodecContext, CodecContext.create(own, "r"))
    decoder.extradata = stream.codec_context.extradata
    return decoder


def _origin(path: Path, container: InputContainer, stream: VideoStream) -> Fraction:
    """The file's own time, in seconds, at which its first track starts."""
    tracks = [track for track in (stream, *container.streams.audio) if track.time_base]
    starts = {track.index: track.start_time * _tick(track) for track in tracks if track.start_time is not None}
    unknown = {track.index for track in tracks} - starts.keys()
    if unknown:
        # Some headers do not say it; the first packets do.
        with open_video(path) as again, contextlib.suppress(FFmpegError, OSError):
            for packet in itertools.islice(again.demux(), _FIRST_PACKETS):
                if packet.stream.index in unknown and packet.pts is not None:
                    starts[packet.stream.index] = packet.pts * packet.time_base
                    unknown.discard(packet.stream.index)
                if not unknown:
                    break
    return min(starts.values(), default=Fraction(0))


def _tick(track: Stream) -> Fraction:
    return track.time_base or Fraction(0)


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
