"""What this machine is, and how fast it multiplies matrices."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import version

from framedream.config.machine import processor_features, processor_name, total_memory, usable_cores
from framedream.nn.runtime import tf

_SIDE, _PRODUCTS = 2048, 4
_INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "amx_fp16", "asimd", "bf16")


def description() -> list[str]:
    """The machine in a few lines."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("tensorflow", "keras", "numpy"))
    gpus = [tf.config.experimental.get_device_details(each)["device_name"] for each in _gpus()]
    caps = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA")
    return [
        f"processor: {processor_name()}, {usable_cores()} cores" + (f", oneDNN held to {caps}" if caps else ""),
        f"instructions: {', '.join(name for name in _INSTRUCTIONS if name in processor_features()) or 'not told'}",
        f"GPUs: {', '.join(gpus) or 'none'}",
        f"memory: {total_memory() / 1e9:.1f} GB",
        f"versions: Python {platform.python_version()}, {versions}; {platform.system()} {platform.release()}",
    ]


def precisions() -> list[str]:
    """The precisions in which this machine can work, by their names in framedream."""
    has_short = bool(_gpus()) or bool({"avx512_bf16", "amx_bf16", "bf16"} & processor_features())
    return ["float32", *(["bfloat16"] if has_short else []), *(["float16"] if _gpus() else [])]


class MatrixProduct:
    """Products of two 2048×2048 matrices: the rate that all others are told against."""

    operations = 2.0 * _SIDE**3 * _PRODUCTS
    """Floating-point operations of a call."""

    def __init__(self, precision: str) -> None:
        """Make the matrices."""
        generator = tf.random.Generator.from_seed(0)
        self._matrices = [tf.cast(generator.normal([_SIDE, _SIDE]), precision) for _ in range(2)]
        self._product = tf.function(tf.linalg.matmul)

    def __call__(self) -> float:
        """Seconds of some products."""
        began = time.perf_counter()
        for _ in range(_PRODUCTS):
            product = self._product(*self._matrices)
        product.numpy()
        return time.perf_counter() - began


def _gpus() -> list[tf.config.PhysicalDevice]:
    return list(tf.config.list_physical_devices("GPU"))
