"""Reads a file's sound as samples, block by block."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

from framedream.media.audio.audio_feed import load_sound
from framedream.media.audio.audio_resampler import FormatResampler
from framedream.media.once_logger import OnceLogger
from framedream.media.read.demuxing import open_video

_BLOCK = 2**17
"""Approximate number of samples in a block."""

_GAP, _LONGEST_GAP = 0.05, 3600
"""Gaps in seconds that count as silence: shorter ones are rounding, longer ones wrong times."""


def read_mono(path: Path, rate: int) -> Generator[NDArray[np.float32]]:
    """Read the first sound track of a file from its beginning; gaps are filled with silence.

    Args:
        path: Any file with sound.
        rate: Samples per second.

    Yields:
        Samples in −1…1, all channels mixed.

    Raises:
        InputError: The file is missing, cannot be read, or has no sound.
    """
    waiting: list[NDArray[np.float32]] = []
    count = 0
    for part in _decoded(path, rate):
        waiting.append(part)
        count += len(part)
        if count >= _BLOCK:
            yield np.concatenate(waiting)
            waiting, count = [], 0
    if count:
        yield np.concatenate(waiting)


def _decoded(path: Path, rate: int) -> Generator[NDArray[np.float32]]:
    origin = load_sound(path).origin
    with open_video(path, "sound") as container:
        stream = next(track for track in container.streams.audio if track.codec_context)
        resampler = FormatResampler("flt", "mono", rate)
        given = 0
        for frame in _frames(path, container, stream):
            due = given
            if frame.pts is not None and frame.time_base:
                due = round((frame.pts * frame.time_base - origin) * rate)
            while given + _GAP * rate < due <= given + _LONGEST_GAP * rate:
                silence = np.zeros(min(_BLOCK, due - given), np.float32)
                given += len(silence)
                yield silence
            for part in resampler.resample(frame):
                given += part.samples
                yield part.to_ndarray()[0]
        for part in resampler.resample(None):
            yield part.to_ndarray()[0]


def _frames(path: Path, container: InputContainer, stream: AudioStream) -> Generator[AudioFrame]:
    """Yield all frames that can be decoded; logs a warning once if some cannot."""
    notes, packets = OnceLogger(path), container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except (FFmpegError, OSError):
            packet = None
            notes.warning("the sound ends early; the flush is silent")
        try:
            yield from stream.decode(packet)
        except EOFError:
            return
        except FFmpegError:
            notes.warning("a part of the sound is damaged; it is silent there")
        if packet is None:
            return
