"""Lists the GPUs that TensorFlow sees; runs in a separate process, because it imports TensorFlow."""

from __future__ import annotations

import ctypes

from framedream.nn.runtime import tf


def describe_gpus() -> list[dict[str, str | int | None]]:
    """Name and memory in bytes, if the driver knows it, of each visible GPU, in order."""
    described: list[dict[str, str | int | None]] = []
    for position, device in enumerate(tf.config.list_physical_devices("GPU")):
        details = tf.config.experimental.get_device_details(device)
        described.append({"name": str(details.get("device_name", "GPU")), "memory": _memory(position)})
    return described


def _memory(position: int) -> int | None:
    """Ask the driver, because TensorFlow knows only the memory that it may use, and that once it uses it."""
    device, memory = ctypes.c_int(), ctypes.c_size_t()
    try:
        driver = ctypes.CDLL("libcuda.so.1")
        failed = (
            driver.cuInit(0)
            or driver.cuDeviceGet(ctypes.byref(device), position)
            or driver.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
        )
    except (OSError, AttributeError):
        return None
    return None if failed else memory.value
