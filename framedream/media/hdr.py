"""Static HDR metadata of a film: mastering display and light levels (SMPTE ST 2086, CTA-861.3)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.sidedata.sidedata import SideData

_CHROMATICITY, _LUMINANCE = 50_000, 10_000
"""Units of x265 per unit of chromaticity, and per candela per square meter."""

Chromaticity = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class HdrMetadata:
    """Static HDR metadata.

    Attributes:
        screen: Red, green, blue and white of the mastering display, x and y in CIE 1931, and its least and
            greatest luminance in cd/m²; None if unknown.
        content: Greatest luminance of a pixel, and greatest mean of a frame, in cd/m²; None if unknown.
    """

    screen: tuple[Chromaticity, Chromaticity, Chromaticity, Chromaticity, Chromaticity] | None = None
    content: tuple[int, int] | None = None

    @classmethod
    def of(cls, frame: av.VideoFrame) -> HdrMetadata | None:
        """Return the metadata of a frame; None if it has none."""
        side_data = frame.side_data
        mastering = cast("SideData | None", side_data.get("MASTERING_DISPLAY_METADATA"))
        level = cast("SideData | None", side_data.get("CONTENT_LIGHT_LEVEL"))
        screen = content = None
        if mastering is not None:
            # AVMasteringDisplayMetadata: ten fractions, then whether colors and luminance are present.
            numbers = np.frombuffer(bytes(mastering), np.int32).tolist()
            if numbers[20] and numbers[21] and all(numbers[1:20:2]):
                shares = [Fraction(top, bottom) for top, bottom in zip(numbers[:20:2], numbers[1:20:2], strict=True)]
                red, green, blue, white, luminance = zip(shares[::2], shares[1::2], strict=True)
                screen = red, green, blue, white, luminance
        if level is not None:
            most, mean = np.frombuffer(bytes(level), np.uint32)[:2].tolist()
            content = most, mean
        return cls(screen, content) if screen or content else None

    def options(self, codec: str) -> dict[str, str]:
        """Return encoder parameters as names and values.

        Args:
            codec: FFmpeg's name of the encoder; x265 and SVT-AV1 can write HDR metadata.
        """
        found: dict[str, str] = {}
        if codec == "libx265":
            if self.screen:
                found["master-display"] = self._screen(_CHROMATICITY, _LUMINANCE)
            if self.content:
                found["max-cll"] = ",".join(map(str, self.content))
        if codec == "libsvtav1":
            if self.screen:
                found["mastering-display"] = self._screen(1, 1)
            if self.content:
                found["content-light"] = ",".join(map(str, self.content))
        return found

    def _screen(self, chromaticity: int, luminance: int) -> str:
        assert self.screen is not None
        red, green, blue, white, (least, most) = self.screen
        text = ""
        for name, (x, y) in (("G", green), ("B", blue), ("R", red), ("WP", white)):
            text += f"{name}({_number(x * chromaticity)},{_number(y * chromaticity)})"
        return text + f"L({_number(most * luminance)},{_number(least * luminance)})"


def _number(value: Fraction) -> str:
    return str(round(value)) if value.denominator == 1 or value > 1000 else f"{float(value):.5g}"
