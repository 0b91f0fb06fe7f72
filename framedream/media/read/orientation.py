"""The orientation of a video: how its display matrix rotates and mirrors the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import av
import numpy as np
from av.sidedata.sidedata import SideData
from numpy.typing import NDArray


@dataclass(frozen=True)
class Orientation:
    """How coded pictures become upright: transposed first, then mirrored.

    Attributes:
        sideways: Whether rows and columns are swapped.
        mirrored: Whether left and right are then swapped.
        flipped: Whether top and bottom are then swapped.
    """

    sideways: bool = False
    mirrored: bool = False
    flipped: bool = False

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Orientation:
        """Read a frame's display matrix, to the nearest quarter turn.

        The matrix (ISO/IEC 14496-12, as FFmpeg passes it on) moves the point x, y to
        a·x + c·y, b·x + d·y; it is stored as a, b, u, c, d, v, x, y, w.
        """
        matrix = cast("SideData | None", frame.side_data.get("DISPLAYMATRIX"))
        if matrix is None:
            return cls()
        a, b, _, c, d = (int(number) for number in np.frombuffer(bytes(matrix), np.int32)[:5])
        if abs(b) + abs(c) > abs(a) + abs(d):
            return cls(True, c < 0, b < 0)
        return cls(False, a < 0, d < 0)

    @property
    def is_upright(self) -> bool:
        """Whether the picture already is upright."""
        return self == Orientation()

    def apply(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Turn a picture upright.

        Args:
            pixels: H×W×C.

        Returns:
            H×W×C or W×H×C.
        """
        if self.sideways:
            pixels = pixels.swapaxes(0, 1)
        if self.mirrored:
            pixels = pixels[:, ::-1]
        if self.flipped:
            pixels = pixels[::-1]
        return np.ascontiguousarray(pixels)
