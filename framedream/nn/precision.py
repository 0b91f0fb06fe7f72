"""Chooses the type of number that a network computes in."""

from __future__ import annotations

from typing import Literal

from framedream.config.machine import processor_features
from framedream.nn.runtime import tf

Precision = Literal["auto", "float32", "bfloat16", "float16"]
"""The setting."""

_BFLOAT16_FEATURES = {"avx512_bf16", "amx_bf16"}
"""Linux's names for processor instructions that compute in bfloat16."""

_BFLOAT16_CAPABILITY = (8, 0)
"""Compute capability from which GPUs compute in bfloat16."""


def dtype_for(precision: Precision) -> str:
    """The type of number for a setting; ``auto`` takes the fastest type here that keeps the quality of pictures.

    ``auto`` never takes float16, because its range is small.
    """
    if precision != "auto":
        return precision
    gpus = tf.config.list_physical_devices("GPU")
    is_fast = all(map(_has_bfloat16, gpus)) if gpus else bool(_BFLOAT16_FEATURES & processor_features())
    return "bfloat16" if is_fast else "float32"


def _has_bfloat16(gpu: tf.config.PhysicalDevice) -> bool:
    return bool(
        tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0)) >= _BFLOAT16_CAPABILITY
    )
