"""Trims packets of uncompressed sound (PCM) at any sample, and fills gaps with silence."""

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
"""Bytes of silence of codecs for which it is not zero."""

_GAP = Fraction(1, 50)
"""Shortest gap to fill, in seconds: times may be rounded to milliseconds."""


@dataclass
class PcmTrack:
    """A track of uncompressed sound.

    Attributes:
        rate: Samples per second.
        size: Bytes per sample in all channels.
        silence: A byte of a silent sample.
        filled: Whether gaps are filled: QuickTime counts samples and cannot store gaps.
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
        """Return the track of a codec; None if it is compressed."""
        name = context.codec.canonical_name
        bits = re.fullmatch(r"pcm_[suf](\d+)(?:le|be)?", name)
        if bits is None and name not in ("pcm_alaw", "pcm_mulaw"):
            return None
        size = context.channels * (int(bits[1]) // 8 if bits else 1)
        return cls(context.sample_rate, size, _SILENCE.get(name, b"\0"), container.format in ("mov", "mp4"), end)

    def trim(self, packet: Packet[AudioStream]) -> list[Packet[AudioStream]]:
        """Return a packet trimmed to the end, with silence before it if there is a gap."""
        begin, samples = (packet.pts or 0) * packet.time_base, packet.size // self.size
        before = list(self._silent(packet, begin)) if self.filled else []
        self._until = begin + Fraction(samples, self.rate)
        left = samples if self.end is None else max(0, int((self.end - begin) * self.rate))
        if left < samples:
            packet = self._new_packet(packet, bytes(packet)[: left * self.size], begin)
        return [*before, packet]

    def _silent(self, like: Packet[AudioStream], begin: Fraction) -> Iterator[Packet[AudioStream]]:
        while self._until is not None and begin - self._until > _GAP:
            samples = min(self.rate, round((begin - self._until) * self.rate))
            yield self._new_packet(like, self.silence * (samples * self.size), self._until)
            self._until += Fraction(samples, self.rate)

    def _new_packet(self, like: Packet[AudioStream], data: bytes, begin: Fraction) -> Packet[AudioStream]:
        made: Any = cast("Packet[AudioStream]", Packet(data))
        made.time_base = like.time_base
        made.pts = made.dts = round(begin / like.time_base)
        made.duration = round(Fraction(len(data) // self.size, self.rate) / like.time_base)
        return cast("Packet[AudioStream]", made)
