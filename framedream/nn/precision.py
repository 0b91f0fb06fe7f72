"""What numbers a network computes in."""

from __future__ import annotations

from typing import Literal

from framedream.config.machine import processor_features
from framedream.nn.runtime import tf

Precision = Literal["auto", "float32", "bfloat16", "float16"]
"""As it is asked for."""

_PROCESSORS = {"avx512_bf16", "amx_bf16"}
"""What Linux calls the processor's instructions for bfloat16, the half as long float32."""

_GENERATION = (8, 0)
"""Compute capability from which a GPU has them too."""


def dtype_for(precision: Precision) -> str:
    """The type of number: the one asked for, or the fastest here that leaves the picture as good.

    float16 is only taken when asked for: its range is small.
    """
    if precision != "auto":
        return precision
    gpus = tf.config.list_physical_devices("GPU")
    has_bfloat16 = all(map(_knows_bfloat16, gpus)) if gpus else bool(_PROCESSORS & processor_features())
    return "bfloat16" if has_bfloat16 else "float32"


def _knows_bfloat16(gpu: tf.config.PhysicalDevice) -> bool:
    return bool(tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0)) >= _GENERATION)
