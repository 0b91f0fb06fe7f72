"""Resamples sound of any format to one format."""

from __future__ import annotations

from contextlib import suppress

from av.audio.format import AudioFormat
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.resampler import AudioResampler
from av.error import FFmpegError


class FormatResampler:
    """Resamples sound to one format; the input may change on the way, as broadcasts do from stereo to 5.1.

    Args:
        sample_format: Sample format of the result.
        layout: Channel layout of the result.
        rate: Samples per second of the result.
    """

    def __init__(self, sample_format: str | AudioFormat, layout: str | AudioLayout, rate: int) -> None:
        self._format, self._layout, self._rate = sample_format, layout, rate
        self._resampler = self._new()

    def resample(self, frame: AudioFrame | None) -> list[AudioFrame]:
        """Resample a frame, and what was buffered before it; None flushes the buffer.

        Frames with an impossible format are damaged and are dropped.
        """
        with suppress(ValueError, FFmpegError):
            return list(self._resampler.resample(frame))
        # Its format differs from that of earlier frames, or is impossible.
        flush: list[AudioFrame] = []
        with suppress(ValueError, FFmpegError):
            flush += self._resampler.resample(None)
        self._resampler = self._new()
        with suppress(ValueError, FFmpegError):
            flush += self._resampler.resample(frame)
        return flush

    def _new(self) -> AudioResampler:
        return AudioResampler(format=self._format, layout=self._layout, rate=self._rate)
