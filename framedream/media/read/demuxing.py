"""Opens media files safely, and reads start times and frame counts from their headers."""

from __future__ import annotations

import contextlib
import functools
import itertools
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.error import ArgumentError, FFmpegError
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from framedream.errors import InputError
from framedream.media.plausibility import check_plausible, max_pixels, plausible_count

_POINTING = frozenset(
    ("concat", "hls", "dash", "imf", "rtsp", "sdp", "rtp", "sap", "image2", "vobsub", "mlv", "tty", "lavfi")
)
"""Demuxers that open other files named in a file, or accept any text as a video."""

_FIRST_PACKETS = 500
"""Number of packets read to find the start times of tracks."""


def open_video(path: Path, kind: str = "video") -> InputContainer:
    """Open a local media file; files that a playlist names are never opened.

    Args:
        path: The file.
        kind: What the file should be, for messages.

    Raises:
        InputError: The file is missing, empty, a playlist, or in a format that FFmpeg does not know.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; check the name")
    if not path.stat().st_size:
        raise InputError(f"{path}: the file is empty; copy or record it again")
    limits = {"max_pixels": str(max_pixels(path))}
    options = {"protocol_whitelist": "file", "format_whitelist": _trusted_formats()}
    try:
        container = av.open(f"file:{path}", metadata_errors="replace", options=limits, container_options=options)
    except ArgumentError:
        # FFmpeg reports this for formats outside the whitelist, and for some damage.
        raise InputError(
            f"{path}: is an image, a playlist or text, or a damaged {kind}; name the {kind} file itself"
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
    """Return FFmpeg's whitelist of formats that never open other files."""
    return ",".join(sorted(name for name in av.formats_available if not _POINTING & set(name.split(","))))


def pick_stream(path: Path, container: InputContainer) -> VideoStream:
    """Return the first video track that is not a cover picture, set up for threaded decoding.

    Raises:
        InputError: There is none, FFmpeg has no decoder for it, or its size is not plausible.
    """
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            if stream.codec_context is None:
                raise InputError(f"{path}: this FFmpeg does not know its video codec; convert it to H.264 first")
            check_plausible(path, stream.codec_context.width, stream.codec_context.height)
            stream.thread_type = "AUTO"
            return stream
    raise InputError(f"{path}: this file has no video; name a video, an animated image or a folder of images")


def start_time(path: Path, container: InputContainer, stream: VideoStream) -> Fraction:
    """Return the time at which the first track starts, in seconds of the file's clock."""
    tracks = [track for track in (stream, *container.streams.audio) if track.time_base]
    starts = {track.index: track.start_time * _tick(track) for track in tracks if track.start_time is not None}
    unknown = {track.index for track in tracks} - starts.keys()
    if unknown:
        # Some headers lack start times; use the first packets.
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


def expected_frames(path: Path, container: InputContainer, stream: VideoStream) -> int | None:
    """Return the number of frames from the file's index or, failing that, its duration; None if it is not plausible."""
    return plausible_count(path, _promised_frames(container, stream))


def _promised_frames(container: InputContainer, stream: VideoStream) -> int:
    rate = stream.average_rate or stream.guessed_rate
    if stream.frames or not rate:
        return stream.frames
    seconds = _clock(stream.metadata.get("DURATION", ""))
    if seconds is not None:
        # Matroska stores the end of a track, not its duration.
        seconds -= (stream.start_time or 0) * _tick(stream)
    elif stream.duration:
        seconds = stream.duration * _tick(stream)
    elif container.duration and len(container.streams) == 1:
        seconds = Fraction(container.duration, av.time_base)
    return round(seconds * rate) if seconds else 0


def _clock(text: str) -> Fraction | None:
    try:
        hours, minutes, seconds = text.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
    except ValueError:
        return None
