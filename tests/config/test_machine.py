"""What this machine has is what this process may use of it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from framedream.config.machine import processor_name, total_memory


def test_memory_is_no_more_than_the_share_of_a_container(tmp_path, monkeypatch):
    whole = total_memory()
    limit = tmp_path / "memory.max"
    monkeypatch.setattr("framedream.config.machine._MEMORY_LIMITS", (limit,))
    for text, memory in (("max\n", whole), ("4096\n", 4096), (f"{2**63}\n", whole)):
        limit.write_text(text)
        assert total_memory() == memory


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinities")
def test_cores_are_no_more_than_the_affinity_allows():
    script = """
import os
from framedream.config.machine import usable_cores
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
print(usable_cores())
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "1\n"


def test_the_processor_has_a_name_of_one_line():
    assert processor_name().strip() == processor_name() != ""
    assert "\n" not in processor_name()


_FAULTS = """
import resource, sys
import numpy as np
from framedream.config.machine import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
def frame():
    return len([np.ones(2**20, np.float32) for _ in range(12)])
for _ in range(5):
    frame()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    frame()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only the GNU C library can be told")
def test_memory_that_is_freed_is_kept_for_the_next_frame():
    """The kernel clears each page that is given back and taken again: 1024 of them for an array of 4 MB."""
    kept, given_back = (
        int(subprocess.run([sys.executable, "-c", _FAULTS, way], capture_output=True, text=True, check=True).stdout)
        for way in ("keep", "give back")
    )
    assert kept < 1000
    assert given_back > 10 * kept
