"""Keeps the balance of coarse and fine detail, in brightness and color, through an endless zoom.

A dream that feeds on itself drifts: some sizes and colors grow a little in each frame until nothing
else is left, others fade. Each band of a Laplacian pyramid (Burt and Adelson 1983), in brightness and in
two opponent colors, is scaled back to its deviation, as Heeger and Bergen (1995) do for textures.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_MIN_SIDE = 8
"""Smaller side of the pyramid's top, in pixels."""

_MIN_BOUND = 0.05
"""Relative change of a band that is always allowed in one frame."""

_OPPONENT = np.array([[1 / 3, 1 / 3, 1 / 3], [1 / 2, -1 / 2, 0], [-1 / 4, -1 / 4, 1 / 2]], np.float32)
"""RGB to brightness, red against green, blue against yellow."""

_FROM_OPPONENT = np.linalg.inv(_OPPONENT).astype(np.float32)


@dataclass(frozen=True)
class Spectrum:
    """The mean color of a picture and the deviations of its frequency bands.

    Attributes:
        mean: Its mean color, RGB, in levels.
        deviations: Root mean square of each band, finest first, of brightness and two colors, N×3, in levels.
    """

    mean: np.ndarray
    deviations: np.ndarray

    @classmethod
    def measure(cls, picture: np.ndarray) -> Spectrum:
        """Measure a picture, H×W×3 float32, in levels."""
        bands, _ = _split_bands(picture @ _OPPONENT.T)
        return cls(picture.mean((0, 1), dtype=np.float64), np.array([_deviation(band) for band in bands]))

    def interpolate(self, other: Spectrum, share: float) -> Spectrum:
        """Interpolate linearly between this spectrum and another; ``share`` is that of the other, 0…1."""
        return Spectrum(
            self.mean + share * (other.mean - self.mean),
            self.deviations + share * (other.deviations - self.deviations),
        )

    def match_bands(self, picture: np.ndarray, stretch: float = 0.0) -> np.ndarray:
        """Scale the bands of a picture towards these, by at most 5 % or twice its stretch; its mean is kept.

        Args:
            picture: H×W×3 float32, in levels.
            stretch: Natural logarithm of the scale by which it has just been enlarged or reduced.
        """
        bound = max(_MIN_BOUND, 2 * abs(stretch))
        bands, rest = _split_bands(picture @ _OPPONENT.T)
        result = rest
        for band, target in zip(bands[::-1], self.deviations[::-1], strict=True):
            factor = np.clip(target / np.maximum(_deviation(band), 1e-3), 1 - bound, 1 + bound)
            scaled = band * factor.astype(np.float32)
            result = scaled + (result if result.shape == band.shape else cv2.pyrUp(result, dstsize=band.shape[1::-1]))
        return result @ _FROM_OPPONENT.T

    def match_mean(self, picture: np.ndarray) -> np.ndarray:
        """Shift a picture to this mean color, in levels 0…255."""
        # Twice, since clipping at black and white shifts the mean again.
        for _ in range(2):
            picture = np.clip(picture - (picture.mean((0, 1)) - self.mean).astype(np.float32), 0, 255)
        return picture

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays to store."""
        return {"mean": self.mean, "deviations": self.deviations}

    @classmethod
    def from_arrays(cls, stored: dict[str, np.ndarray]) -> Spectrum:
        """Restore a spectrum from the arrays of `to_arrays`."""
        return cls(stored["mean"], stored["deviations"])


def _split_bands(picture: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Split a picture into bands, finest first, and its uniform mean; the coarsest band is what the others leave."""
    bands, current = [], picture
    while min(current.shape[:2]) >= 2 * _MIN_SIDE:
        smaller = cv2.pyrDown(current)
        bands.append(current - cv2.pyrUp(smaller, dstsize=current.shape[1::-1]))
        current = smaller
    rest = np.broadcast_to(current.mean((0, 1)), current.shape).astype(np.float32)
    return [*bands, current - rest], rest


def _deviation(band: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(np.mean(np.square(band), (0, 1), dtype=np.float64)))
