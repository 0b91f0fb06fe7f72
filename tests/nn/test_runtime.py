"""TensorFlow is brought in quietly, and its threads are bounded where it still can be."""

from __future__ import annotations

import os
import subprocess
import sys


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    usual = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, "-c", script], env=usual | environment, capture_output=True, text=True, check=False
    )


def test_importing_tensorflow_says_nothing_and_threads_are_bounded_before_it_runs():
    """Once it runs, framedream warns that it is too late. A child process of framedream inherits level 3."""
    script = """
import logging
logging.basicConfig(format="%(message)s")
from framedream.nn.runtime import tf, use_threads
use_threads(1)
print(tf.config.threading.get_intra_op_parallelism_threads())
tf.zeros(3) + 1
use_threads(1)
use_threads(None)
use_threads(2)
"""
    result = run(script, TF_CPP_MIN_LOG_LEVEL="3")
    assert result.returncode == 0
    assert result.stdout == "1\n"
    assert len(result.stderr.splitlines()) == 1
    assert "threads=2 comes too late" in result.stderr


def test_a_failed_import_is_not_silenced():
    script = """
import os, sys
class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow":
            os.write(2, b"libcuda is broken\\n")
            raise ImportError("no TensorFlow here")
sys.meta_path.insert(0, Broken())
import framedream.nn.runtime
"""
    result = run(script)
    assert result.returncode == 1
    assert "libcuda is broken" in result.stderr
    assert "no TensorFlow here" in result.stderr


def test_tensorflow_logs_where_the_environment_asks_for_it():
    result = run("import framedream.nn.runtime", TF_CPP_MIN_LOG_LEVEL="0")
    assert result.returncode == 0
    assert result.stderr
