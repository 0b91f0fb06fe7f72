"""What this machine has."""

from __future__ import annotations

import os


def total_memory() -> float:
    """Bytes of main memory; infinite where the system does not tell."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return float("inf")
