"""Presets are looks by name or from a file; wrong keys and values are answered with what is right."""

from __future__ import annotations

import pytest

from framedream import Settings, preset_names
from framedream.config.model_registry import MODELS
from framedream.config.presets import read_preset
from framedream.errors import SettingsError


def write(tmp_path, text: str):
    path = tmp_path / "look.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_default_comes_first():
    assert preset_names()[0] == "framedream"
    assert {"framedream", "classic-inception", "classic-vgg"} <= set(preset_names())


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_valid_and_described_in_one_line(name):
    settings = Settings.of(name)
    described = read_preset(name)["description"]
    assert settings.dream.model in MODELS
    assert described
    assert "\n" not in described


@pytest.mark.parametrize("model", sorted({Settings.of(name).dream.model for name in preset_names()}))
def test_layers_of_every_preset_exist_in_its_model(model):
    from framedream.nn.network.layers import describe_layers

    known = {layer.name for layer in describe_layers(model)}
    for name in preset_names():
        if Settings.of(name).dream.model == model:
            assert {layer for layer, _ in Settings.of(name).dream.layers} <= known, name


def test_presets_look_different():
    assert len({Settings.of(name) for name in preset_names()}) == len(preset_names())


def test_a_file_is_read_with_hyphens_as_the_flags_have(tmp_path):
    path = write(tmp_path, 'description = "mine"\nstep-size = 1.5\nlayers = "fire5=2"\nflow = "none"\n')
    assert Settings.of(path) == Settings.of(str(path)) == Settings.of(step_size=1.5, layers="fire5=2", flow="none")


def test_a_file_may_set_passes_and_color(tmp_path):
    settings = Settings.of(write(tmp_path, 'passes = 1\ncolor = "luma"\n'))
    assert (settings.motion.passes, settings.dream.color) == (1, "luma")


def test_a_flag_beats_a_preset_file(tmp_path):
    assert Settings.of(write(tmp_path, "steps = 5\njitter = 3"), steps=6) == Settings.of(steps=6, jitter=3)


def test_an_unknown_key_names_the_file_and_the_nearest(tmp_path):
    path = write(tmp_path, "stepsize = 1.5")
    with pytest.raises(SettingsError, match="unknown setting 'stepsize'; did you mean 'step_size'") as caught:
        Settings.of(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "steps = -1",
        "steps = 'many'",
        "[dream]\nsteps = 1",
        "size = '64'",
        "size = 64",
        "passes = 3",
        "color = 'red'",
    ],
)
def test_a_wrong_value_names_the_file(tmp_path, text):
    path = write(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        Settings.of(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_no_toml_says_so(tmp_path):
    with pytest.raises(SettingsError, match="is not valid TOML"):
        Settings.of(write(tmp_path, "steps: 12"))


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(SettingsError, match=r"gone\.toml: cannot be read \(No such file"):
        Settings.of(tmp_path / "gone.toml")


def test_a_file_that_is_no_text_says_so(tmp_path):
    (tmp_path / "look.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="not UTF-8"):
        Settings.of(tmp_path / "look.toml")


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(SettingsError, match="did you mean 'classic-vgg'"):
        Settings.of("clasic-vgg")
