"""Which numbers a network computes in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from framedream.config.settings import DreamSettings
from framedream.errors import SettingsError
from framedream.media import read_image
from framedream.nn import precision
from framedream.nn.ascent.dreamer import Dreamer
from framedream.nn.runtime import tf

ASTRONAUT = Path(__file__).parents[2] / "samples" / "astronaut.png"


@pytest.mark.parametrize("asked", ["float32", "bfloat16", "float16"])
def test_an_explicit_precision_is_taken(asked):
    assert precision.dtype_for(asked) == asked


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ({"avx512f", "amx_bf16"}, "bfloat16"),
        ({"avx512_bf16"}, "bfloat16"),
        ({"avx2", "avx512f"}, "float32"),
        (set(), "float32"),
    ],
)
def test_bfloat16_is_taken_where_the_processor_has_it(features, expected, monkeypatch):
    monkeypatch.setattr(precision, "processor_features", lambda: features)
    assert precision.dtype_for("auto") == expected


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [([(9, 0)], "bfloat16"), ([(8, 0), (8, 6)], "bfloat16"), ([(8, 0), (7, 5)], "float32"), ([None], "float32")],
)
def test_gpus_decide_where_there_are_some(capabilities, expected, monkeypatch):
    def facts(gpu: int) -> dict[str, object]:
        known = capabilities[gpu]
        return {"compute_capability": known} if known else {}

    monkeypatch.setattr(precision, "processor_features", lambda: {"amx_bf16"})
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(range(len(capabilities))))
    monkeypatch.setattr(tf.config.experimental, "get_device_details", facts)
    assert precision.dtype_for("auto") == expected


@pytest.mark.parametrize("asked", ["bfloat16", "float16"])
def test_a_dream_in_half_precision_is_as_strong(dreamer_of, asked):
    picture = read_image(ASTRONAUT)[:160, 160:370]
    exact = dreamer_of(octaves=2, steps=6)
    rough = Dreamer(DreamSettings(octaves=2, steps=6, precision=asked))
    dreams = [each.dream(picture).pixels for each in (exact, rough)]
    assert not np.array_equal(*dreams)
    strengths = [exact.strength(dream) for dream in dreams]
    assert exact.strength(picture) < 0.5 * strengths[0]
    assert strengths[1] == pytest.approx(strengths[0], rel=0.1)


def test_the_classic_algorithm_is_followed_in_float32():
    with pytest.raises(SettingsError, match="precision: the classic algorithm"):
        DreamSettings(algorithm="classic", precision="bfloat16")
