"""Images as spectra of waves, which feature visualization changes, so that figures grow instead of noise.

After C. Olah, A. Mordvintsev and L. Schubert, "Feature Visualization" (Distill, 2017), and their library lucid.
"""

from __future__ import annotations

import numpy as np

from framedream.nn.runtime import tf

_CONTRAST = 4.0
"""Divisor of the waves, which makes 0.05 a moderate step of Adam."""

_COLORS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
"""Square root of the covariance of colors in ImageNet: from uncorrelated colors, which are the columns, to RGB."""

_DECAY, _UNCHANGED = 1.3, 4
"""How fast the weights of waves fall with their frequency, and the number of waves in a width whose weight is that of
the article, which takes 1. With 1 pictures of classes drown in fine grain; with 1.6 they blur."""

_NOISE = 0.01
"""Standard deviation of the first waves."""


def spectral_noise(height: int, width: int, seed: int) -> np.ndarray:
    """Random waves to start from: 2×3×height×(width//2+1) float32, real and imaginary parts of each color."""
    shape = (2, 3, height, width // 2 + 1)
    return np.random.default_rng(seed).normal(0, _NOISE, shape).astype(np.float32)


def frequency_weights(height: int, width: int) -> np.ndarray:
    """Weights of the waves by their frequency: long waves weigh more, as in photographs.

    Returns:
        height×(width//2+1) float32.
    """
    frequencies = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    known = _UNCHANGED / max(height, width)
    falling = (np.maximum(frequencies, 1 / max(height, width)) / known) ** _DECAY
    return np.asarray(np.sqrt(height * width) / known / falling, np.float32)


def image_from_spectrum(waves: tf.Tensor, weights: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Turn waves into an image.

    Args:
        waves: As `spectral_noise` gives them.
        weights: As `frequency_weights` gives them.
        size: Height and width in pixels, 2 int32.

    Returns:
        H×W×3 RGB, in levels 0…255.
    """
    weighted = tf.complex(waves[0] * weights, waves[1] * weights)
    flat = tf.transpose(tf.signal.irfft2d(weighted, size), [1, 2, 0]) / _CONTRAST
    matrix = tf.constant((_COLORS / np.linalg.norm(_COLORS, axis=0).max()).T, tf.float32)
    return 255 * tf.sigmoid(flat @ matrix)


def enlarge_spectrum(waves: np.ndarray, old: tuple[int, int], new: tuple[int, int]) -> np.ndarray:
    """Enlarge an image, without finer waves.

    Args:
        waves: As `spectral_noise` gives them.
        old: Height and width of the image.
        new: New height and width, neither smaller.
    """
    spectrum = (waves[0] + 1j * waves[1]) * frequency_weights(*old)
    found = np.zeros((3, new[0], new[1] // 2 + 1), np.complex64)
    top, bottom, columns = (old[0] + 1) // 2, old[0] // 2, (old[1] + 1) // 2
    found[:, :top, :columns] = spectrum[:, :top, :columns]
    found[:, new[0] - bottom :, :columns] = spectrum[:, old[0] - bottom :, :columns]
    found *= new[0] * new[1] / (old[0] * old[1]) / frequency_weights(*new)
    return np.stack([found.real, found.imag]).astype(np.float32)
