"""Finds the GPUs that TensorFlow can use, without importing it in this process."""

from __future__ import annotations

import functools
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

PROBE_TIMEOUT = 120.0
"""Seconds that TensorFlow has to list its GPUs; from a slow disk its import alone takes half a minute."""

_PROBE_SCRIPT = """
import json, sys
sys.path[:] = sys.argv[1:]
from framedream.nn.gpus import describe_gpus
print(json.dumps(describe_gpus()))
"""


@dataclass(frozen=True)
class Gpu:
    """A GPU that TensorFlow can use.

    Attributes:
        name: Product name.
        memory: Bytes of its memory, or None if unknown.
    """

    name: str
    memory: int | None = None


def has_nvidia_driver() -> bool:
    """Whether this machine has an NVIDIA driver."""
    return (
        Path("/proc/driver/nvidia").exists()
        or any(Path("/dev").glob("nvidia[0-9]*"))
        or shutil.which("nvidia-smi") is not None
    )


def probe_gpus() -> str:
    """Run `framedream.nn.gpus.describe_gpus` in a process of its own.

    Returns:
        Its JSON, which is the last line of the output: libraries may print something before it.

    Raises:
        OSError: The process cannot be started.
        subprocess.SubprocessError: The process fails or takes too long.
    """
    result = subprocess.run(
        [sys.executable, "-c", _PROBE_SCRIPT, *sys.path],
        env=os.environ | {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=PROBE_TIMEOUT,
    )  # fmt: skip
    return (result.stdout.strip().splitlines() or [""])[-1]


def find_gpus(
    *, has_driver: Callable[[], bool] = has_nvidia_driver, probe: Callable[[], str] = probe_gpus
) -> list[Gpu]:
    """List the visible GPUs.

    If the machine has a driver, a separate process asks TensorFlow, once for each value of CUDA_VISIBLE_DEVICES.
    If there is a driver but no GPU, a warning says what to do.

    Args:
        has_driver: Whether the machine has a driver.
        probe: Returns the GPUs as JSON, as `probe_gpus` does.
    """
    return list(_visible_gpus(os.environ.get("CUDA_VISIBLE_DEVICES"), has_driver, probe))


@functools.cache
def _visible_gpus(visible: str | None, has_driver: Callable[[], bool], probe: Callable[[], str]) -> tuple[Gpu, ...]:
    if not has_driver() or (visible is not None and visible.split(",")[0].strip() in ("", "-1")):
        return ()
    try:
        gpus = tuple(Gpu(str(gpu["name"]), gpu["memory"]) for gpu in json.loads(probe()))
    except subprocess.TimeoutExpired as error:
        problem = f"it took longer than {error.timeout:.0f} seconds"
    except subprocess.CalledProcessError as error:
        problem = (str(error.stderr).strip().splitlines() or [f"exit code {error.returncode}"])[-1]
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = str(error)
    else:
        if not gpus:
            log.warning(
                "this machine has an NVIDIA driver, but TensorFlow finds no GPU; "
                'install the CUDA libraries with: pip install "framedream[cuda]", or give --devices cpu'
            )
        return gpus
    log.warning("cannot list the GPUs of TensorFlow: %s; using the CPU", problem)
    return ()
