"""Sound brought to one form, whatever form it comes in."""

from __future__ import annotations

from contextlib import suppress

from av.audio.format import AudioFormat
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.resampler import AudioResampler
from av.error import FFmpegError


class FormatResampler:
    """Brings sound to one form; what comes may change on the way, as broadcasts do from stereo to 5.1.

    Args:
        form: Of its samples.
        layout: Its channels.
        rate: Samples a second.
    """

    def __init__(self, form: str | AudioFormat, layout: str | AudioLayout, rate: int) -> None:
        self._form, self._layout, self._rate = form, layout, rate
        self._resampler = self._new()

    def resample(self, frame: AudioFrame | None) -> list[AudioFrame]:
        """What a frame becomes, and what was waiting before it; None gives what is left.

        Damaged frames of a form that cannot be are left out.
        """
        with suppress(ValueError, FFmpegError):
            return list(self._resampler.resample(frame))
        # It has another form than the ones before, or one that sound does not have.
        rest: list[AudioFrame] = []
        with suppress(ValueError, FFmpegError):
            rest += self._resampler.resample(None)
        self._resampler = self._new()
        with suppress(ValueError, FFmpegError):
            rest += self._resampler.resample(frame)
        return rest

    def _new(self) -> AudioResampler:
        return AudioResampler(format=self._form, layout=self._layout, rate=self._rate)
