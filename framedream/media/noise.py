"""Noise as smooth as a natural picture."""

from __future__ import annotations

import numpy as np

from framedream.media.frames import Pixels

_MEAN, _DEVIATION = 117.0, 45.0
"""Of its levels: what networks were trained on has about these."""

_FINEST = 4.0
"""Pixels of the shortest waves that are left."""


def natural_noise(width: int, height: int, seed: int) -> Pixels:
    """Colored Gaussian noise whose waves are as strong as they are long, as in photographs (Field 1987).

    Args:
        width: Width in pixels.
        height: Height in pixels.
        seed: Same seed, same picture.

    Returns:
        float32 RGB, H×W×3, in levels 0…255.
    """
    random = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = np.inf
    strength = np.exp(-((frequency * _FINEST) ** 2)) / frequency
    strength[0, 0] = 0
    picture = np.empty((height, width, 3), np.float32)
    for channel in range(3):
        waves = np.fft.rfft2(random.standard_normal((height, width))) * strength
        plane = np.fft.irfft2(waves, (height, width))
        picture[..., channel] = _MEAN + _DEVIATION * plane / max(float(plane.std()), 1e-9)
    return picture.clip(0, 255)
