"""How much of a picture is coarse and how much is fine, in light and in color, held for ever.

A dream that feeds on itself drifts: some sizes and colors grow a little in each frame until nothing
else is left, others fade. Each band of a Laplacian pyramid (Burt and Adelson 1983), in light and in
two opponent colors, is brought back to its deviation, as Heeger and Bergen (1995) do for textures.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_SMALLEST = 8
"""Smaller side of the pyramid's top, in pixels."""

_LEAST_BOUND = 0.05
"""Change of a band in one frame that is always allowed."""

_OPPONENT = np.array([[1 / 3, 1 / 3, 1 / 3], [1 / 2, -1 / 2, 0], [-1 / 4, -1 / 4, 1 / 2]], np.float32)
"""Red, green and blue → light, red against green, blue against yellow."""

_BACK = np.linalg.inv(_OPPONENT).astype(np.float32)


@dataclass(frozen=True)
class Spectrum:
    """What a picture is made of.

    Attributes:
        mean: Its mean color, RGB, in levels.
        deviations: Root mean square of each band, finest first, of light and two colors, N×3, in levels.
    """

    mean: np.ndarray
    deviations: np.ndarray

    @classmethod
    def of(cls, picture: np.ndarray) -> Spectrum:
        """That of a picture, H×W×3 float32, in levels."""
        bands, _ = _bands(picture @ _OPPONENT.T)
        return cls(picture.mean((0, 1), dtype=np.float64), np.array([_deviation(band) for band in bands]))

    def mixed(self, other: Spectrum, share: float) -> Spectrum:
        """Some of another, 0…1, and the rest of this."""
        return Spectrum(
            self.mean + share * (other.mean - self.mean),
            self.deviations + share * (other.deviations - self.deviations),
        )

    def held(self, picture: np.ndarray, stretch: float = 0.0) -> np.ndarray:
        """A picture whose bands come nearer to these, by 5 % at most, or twice its stretch; its mean stays.

        Args:
            picture: H×W×3 float32, in levels.
            stretch: Natural logarithm of the scale by which it has just been enlarged or reduced.
        """
        most = max(_LEAST_BOUND, 2 * abs(stretch))
        bands, rest = _bands(picture @ _OPPONENT.T)
        kept = rest
        for band, wanted in zip(bands[::-1], self.deviations[::-1], strict=True):
            factor = np.clip(wanted / np.maximum(_deviation(band), 1e-3), 1 - most, 1 + most)
            grown = band * factor.astype(np.float32)
            kept = grown + (kept if kept.shape == band.shape else cv2.pyrUp(kept, dstsize=band.shape[1::-1]))
        return kept @ _BACK.T

    def centered(self, picture: np.ndarray) -> np.ndarray:
        """A picture with this mean color, in levels 0…255."""
        # Twice, since what is clipped at black and white shifts the mean again.
        for _ in range(2):
            picture = np.clip(picture - (picture.mean((0, 1)) - self.mean).astype(np.float32), 0, 255)
        return picture

    def packed(self) -> dict[str, np.ndarray]:
        """Arrays to be stored."""
        return {"mean": self.mean, "deviations": self.deviations}

    @classmethod
    def unpacked(cls, stored: dict[str, np.ndarray]) -> Spectrum:
        """What `packed` gave."""
        return cls(stored["mean"], stored["deviations"])


def _bands(picture: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """The bands of a picture, finest first, and the even rest; the coarsest band is all that the others leave."""
    bands, here = [], picture
    while min(here.shape[:2]) >= 2 * _SMALLEST:
        smaller = cv2.pyrDown(here)
        bands.append(here - cv2.pyrUp(smaller, dstsize=here.shape[1::-1]))
        here = smaller
    rest = np.broadcast_to(here.mean((0, 1)), here.shape).astype(np.float32)
    return [*bands, here - rest], rest


def _deviation(band: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(np.mean(np.square(band), (0, 1), dtype=np.float64)))
