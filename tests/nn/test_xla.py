"""XLA on GPUs, tried on the processor, for which it compiles as well."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import noise

from framedream.config.settings import DreamSettings
from framedream.nn.ascent.dreamer import Dreamer
from framedream.nn.runtime import has_xla, tf

SHALLOW = {"layers": "fire2", "octaves": 2, "steps": 2, "precision": "float32"}


@pytest.fixture
def plain(dreamer_of) -> Dreamer:
    """One that is not compiled."""
    return dreamer_of(**SHALLOW)


@pytest.fixture
def gpu(monkeypatch):
    """A GPU, as far as the choice of a compiler is concerned."""
    has_xla.cache_clear()
    yield monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    has_xla.cache_clear()


def test_on_a_gpu_a_dream_is_compiled_and_is_the_same(plain, gpu):
    picture = noise(80, 100)
    fast = Dreamer(DreamSettings(**SHALLOW))
    assert isinstance(fast.network.forward, type(tf.function(lambda: 0)))
    assert not isinstance(plain.network.forward, type(fast.network.forward))
    dream = plain.dream(picture).pixels
    assert np.abs(dream - picture).mean() > 2
    assert np.abs(fast.dream(picture).pixels - dream).mean() < 0.05


def test_a_gpu_that_nothing_can_be_compiled_for_works_without(gpu, monkeypatch, caplog):
    def fail(*_, **__):
        raise tf.errors.UnimplementedError(None, None, "no ptxas\nat all")

    caplog.set_level("INFO", "framedream")
    monkeypatch.setattr(tf, "function", lambda *_, **__: fail)
    assert not has_xla()
    assert "XLA cannot compile here (no ptxas)" in caplog.text


def test_on_the_processor_nothing_is_compiled():
    has_xla.cache_clear()
    assert not has_xla()
