"""Sound of plain samples (PCM), whose packets can be cut at any sample, and need silence where some are missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.packet import Packet

from framedream.media.containers import Container

_SILENCE = {"pcm_alaw": b"\xd5", "pcm_mulaw": b"\xff", "pcm_u8": b"\x80"}
"""Bytes of silence, where that is not zeros."""

_GAP = Fraction(1, 50)
"""Seconds that have to be missing: times may be rounded to milliseconds."""


@dataclass
class PcmTrack:
    """A track of plain samples on its way into a film.

    Attributes:
        rate: Samples per second.
        size: Bytes of a sample in all channels.
        silence: A byte of a silent one.
        filled: Whether what is missing is filled: QuickTime counts samples and knows no gaps.
        end: Film time, in seconds, at which the sound is cut off; None keeps all.
    """

    rate: int
    size: int
    silence: bytes
    filled: bool
    end: Fraction | None
    _until: Fraction | None = None

    @classmethod
    def of(cls, context: AudioCodecContext, container: Container, end: Fraction | None) -> PcmTrack | None:
        """What is known of a track; None if it is of another kind."""
        name = context.codec.canonical_name
        bits = re.fullmatch(r"pcm_[suf](\d+)(?:le|be)?", name)
        if bits is None and name not in ("pcm_alaw", "pcm_mulaw"):
            return None
        size = context.channels * (int(bits[1]) // 8 if bits else 1)
        return cls(context.sample_rate, size, _SILENCE.get(name, b"\0"), container.format in ("mov", "mp4"), end)

    def fitted(self, packet: Packet[AudioStream]) -> list[Packet[AudioStream]]:
        """A packet without what would be heard after the end, and silence before it where some is missing."""
        begin, samples = (packet.pts or 0) * packet.time_base, packet.size // self.size
        before = list(self._silent(packet, begin)) if self.filled else []
        self._until = begin + Fraction(samples, self.rate)
        left = samples if self.end is None else max(0, int((self.end - begin) * self.rate))
        if left < samples:
            packet = self._made(packet, bytes(packet)[: left * self.size], begin)
        return [*before, packet]

    def _silent(self, like: Packet[AudioStream], begin: Fraction) -> Iterator[Packet[AudioStream]]:
        while self._until is not None and begin - self._until > _GAP:
            samples = min(self.rate, round((begin - self._until) * self.rate))
            yield self._made(like, self.silence * (samples * self.size), self._until)
            self._until += Fraction(samples, self.rate)

    def _made(self, like: Packet[AudioStream], data: bytes, begin: Fraction) -> Packet[AudioStream]:
        made: Any = cast("Packet[AudioStream]", Packet(data))
        made.time_base = like.time_base
        made.pts = made.dts = round(begin / like.time_base)
        made.duration = round(Fraction(len(data) // self.size, self.rate) / like.time_base)
        return cast("Packet[AudioStream]", made)
