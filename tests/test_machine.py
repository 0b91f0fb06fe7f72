"""What this machine has is what this process may use of it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from framedream.machine import processor_name, total_memory


def test_memory_is_no_more_than_the_share_of_a_container(tmp_path, monkeypatch):
    whole = total_memory()
    limit = tmp_path / "memory.max"
    monkeypatch.setattr("framedream.machine._MEMORY_LIMITS", (limit,))
    for text, memory in (("max\n", whole), ("4096\n", 4096), (f"{2**63}\n", whole)):
        limit.write_text(text)
        assert total_memory() == memory


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinities")
def test_cores_are_no_more_than_the_affinity_allows():
    script = """
import os
from framedream.machine import usable_cores
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
print(usable_cores())
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "1\n"


def test_the_processor_has_a_name_of_one_line():
    assert processor_name().strip() == processor_name() != ""
    assert "\n" not in processor_name()
