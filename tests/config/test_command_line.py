"""Settings are spelled as the fewest flags that give them."""

from __future__ import annotations

import pytest

from framedream import Settings, preset_names
from framedream.config.command_line import CARRIED, DREAM, to_flags


def spelled(preset: str = "framedream", groups=CARRIED, **values) -> str:
    return " ".join(to_flags(Settings.of(preset, **values), preset, groups))


@pytest.mark.parametrize(
    ("values", "flags"),
    [
        ({}, ""),
        ({"layers": "fire5=1"}, "--layers fire5"),
        ({"layers": "fire5=0.5,fire7:3=1,class:espresso=-2"}, "--layers fire5=0.5,fire7:3,class:espresso=-2"),
        ({"step_size": 1.0, "smoothing": 0.1 + 0.2}, "--step-size 1 --smoothing 0.30000000000000004"),
        ({"octaves": 3, "color": "luma", "flow": "none"}, "--octaves 3 --color luma --flow none"),
        ({"octaves": "auto", "layers": "fire7=1"}, ""),
        ({"model": "vgg16"}, "--model vgg16"),
        ({"model": "vgg16", "layers": "block1_conv1", "weights": "v.h5"},
         "--model vgg16 --weights v.h5 --layers block1_conv1"),
    ],
)  # fmt: skip
def test_only_what_differs_is_said(values, flags):
    assert spelled(**values) == flags


def test_presets_are_called_by_their_names():
    for name in preset_names()[1:]:
        assert spelled(name) == f"--preset {name}"
        assert spelled(name, steps=5) == f"--preset {name} --steps 5"


def test_a_preset_of_which_little_is_left_is_not_named():
    assert spelled("peacock", layers="fire3") == "--preset peacock --layers fire3"
    assert spelled("peacock", layers="fire3", step_size=2.5, follow_step_size=1.0, young_step_size=8.0) == (
        "--layers fire3"
    )


def test_what_a_preset_says_of_the_film_is_kept(tmp_path):
    look = tmp_path / "look.toml"
    look.write_text("layers = 'fire3'\ncrf = 30\n")
    assert spelled(str(look), layers="fire7") == f"--preset {look} --layers fire7"


def test_a_still_does_not_move():
    assert spelled(groups=DREAM, follow_steps=5, steps=3) == "--steps 3"
    assert spelled("peacock", DREAM, layers="fire7") == "--step-size 2"
