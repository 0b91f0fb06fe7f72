"""The commands: words in, settings out; errors are one line with the code that was promised."""

from __future__ import annotations

import json
import logging
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from pictures import scene

import framedream
from framedream import (
    Batch,
    BatchProgress,
    FeatureMaps,
    FeatureSettings,
    Film,
    ImaginedPictures,
    ImagineSettings,
    Preview,
    PreviewCell,
    PreviewSettings,
    Progress,
    Settings,
    Sheet,
    preset_names,
)
from framedream.cli.flags import help_texts
from framedream.cli.main import _run, main
from framedream.cli.terminal import frame_bar
from framedream.config.model_registry import MODELS
from framedream.errors import DeviceError
from framedream.jobs.preview_looks import preview_looks
from framedream.media import open_footage, read_image, write_image
from framedream.reports.batch_report import ReportItem
from framedream.workers.gpu_discovery import Gpu

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """Commands set the log and the handling of signals for their whole process."""
    for name in [name for name in os.environ if name.startswith("FRAMEDREAM_")]:
        monkeypatch.delenv(name)
    log = logging.getLogger("framedream")
    handlers, level, propagate = log.handlers, log.level, log.propagate
    handler = signal.getsignal(signal.SIGTERM)
    yield
    log.handlers, log.level, log.propagate = handlers, level, propagate
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def spy(monkeypatch):
    """Stands for the library's functions, and keeps what they were called with."""
    calls = []

    def dream_video(source, target, settings, *, progress, work, restart, stop):
        calls.append((source, target, settings, progress, work, restart, stop))
        return Film(Path(target), 50, 1, 25.0)

    def dream_image(source, target, settings, *, save_octaves):
        calls.append((source, target, settings, save_octaves))

    def zoom(sources, target, settings, *, progress, work, restart, stop):
        calls.append((sources, target, settings, progress, work, restart, stop))
        return Film(Path(target), 250, 1, 100.0)

    def feature_maps(source, target, settings, *, npz):
        calls.append((source, target, settings, npz))
        arrays = {"conv1": np.zeros((2, 3, 64)), "fire2": np.zeros((1, 1, 128))}
        return FeatureMaps(arrays, {"conv1": (0, 1, 2, 3), "fire2": (7,)}, Sheet(np.zeros((1, 1, 3), np.uint8)))

    def imagine(target, settings, *, progress):
        calls.append((target, settings, progress))
        if progress:
            progress(5, 20)
        return ImaginedPictures({"fire7:0": None, "fire7:1": None}, {}, Sheet(np.zeros((1, 1, 3), np.uint8)))

    monkeypatch.setattr(framedream, "imagine", imagine)

    def preview(source, target, settings, preset, values, *, progress):
        calls.append((source, target, settings, preset, values, progress))
        found = preview_looks(settings, preset, values, is_still=source.endswith(".png"))
        cells = [PreviewCell(number, look.settings, look.flags, None) for number, look in enumerate(found, 1)]
        return Preview(tuple(cells), source.endswith(".png"), Sheet(np.zeros((1, 1, 3), np.uint8)))

    monkeypatch.setattr(framedream, "preview", preview)
    monkeypatch.setattr(framedream, "feature_maps", feature_maps)
    monkeypatch.setattr(framedream, "dream_video", dream_video)
    monkeypatch.setattr(framedream, "dream_image", dream_image)
    monkeypatch.setattr(framedream, "zoom", zoom)
    return calls


def run(*arguments: object) -> int:
    return _run([str(argument) for argument in arguments], debug=False)


def process(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), env=clean() | environment, capture_output=True, text=True, check=False)


def command(*arguments: object) -> list[str]:
    return [sys.executable, str(ROOT / "cli.py"), *map(str, arguments)]


def clean() -> dict[str, str]:
    """The environment as a person's shell has it, without what TensorFlow left in this process's."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "FRAMEDREAM_"))}


def one_line(text: str) -> str:
    assert text.startswith("framedream: ")
    assert text.count("\n") == 1, text
    assert "Traceback" not in text
    return text


# What becomes of the words.


def test_a_command_without_flags_is_the_default_preset(spy):
    assert run("video", "in.mp4", "out.mp4") == 0
    assert spy[0][:3] == ("in.mp4", "out.mp4", Settings())


@pytest.mark.parametrize(
    ("flags", "values"),
    [
        (["--steps", "3", "--step-size", "1.5"], {"steps": 3, "step_size": 1.5}),
        (["--octaves", "5"], {"octaves": 5}),
        (["--octaves", "auto"], {"octaves": "auto"}),
        (["--layers", "fire5=0.5,fire7=1"], {"layers": "fire5=0.5,fire7=1"}),
        (["--layers", "fire7:0-3+9=-1,class:espresso"], {"layers": {"fire7:0-3+9": -1, "class:espresso": 1}}),
        (["--guide", "g.jpg", "--algorithm", "classic"], {"guide": Path("g.jpg"), "algorithm": "classic"}),
        (["--model", "vgg16", "--weights", "v.h5"], {"model": "vgg16", "weights": "v.h5"}),
        (["--gradient", "rms", "--max-loss", "10", "--jitter", "0"], {"gradient": "rms", "max_loss": 10, "jitter": 0}),
        (["--flow", "none", "--persistence", "0.5"], {"flow": "none", "persistence": 0.5}),
        (["--passes", "1", "--color", "luma"], {"passes": 1, "color": "luma"}),
        (["--passes=2", "--color=free", "--young-step-size=3"], {"passes": 2, "color": "free", "young_step_size": 3}),
        (["--follow-steps=1", "--cuts=none"], {"follow_steps": 1, "cuts": "none"}),
        (["--size", "64x48", "--start", "1:02.5", "--end", "70"], {"size": "64x48", "start": 62.5, "end": 70}),
        (["--scale", "0.5", "--fps", "29.97"], {"scale": 0.5, "fps": "30000/1001"}),
        (["--mask", "mask.png"], {"mask": Path("mask.png")}),
        (["--compare", "wipe"], {"compare": "wipe"}),
        (["--codec", "libx265", "--crf", "20"], {"codec": "libx265", "crf": 20}),
        (["--tile", "512"], {"tile": 512}),
        (["--tile", "auto"], {"tile": "auto"}),
        (["--threads", "2", "--random-seed", "7"], {"threads": 2, "random_seed": 7}),
        (["--devices", "gpu:1,0"], {"devices": "gpu:1,0"}),
        (["--devices=cpu:2", "--scheduler=tcp://farm:8786"], {"devices": "cpu:2", "scheduler": "tcp://farm:8786"}),
    ],
)
def test_flags_are_the_settings_of_their_names(spy, flags, values):
    assert run("video", "in.mp4", "out.mp4", *flags) == 0
    assert spy[0][2] == Settings.of(**values)


def test_every_setting_is_a_flag_of_video(capsys):
    from framedream.config.settings import setting_groups

    assert run("video", "--help") == 0
    shown = capsys.readouterr().out
    for name, group in setting_groups().items():
        assert (f"--{name.replace('_', '-')}" in shown) == (group != "zoom"), name


def test_a_timeline_and_a_sound_are_files(spy, tmp_path):
    course = tmp_path / "course.toml"
    course.write_text('[[key]]\nat = "3s"\nsteps = 4\n')
    assert run("video", "in.mp4", "out.mp4", "--timeline", course, "--sound", "track.wav") == 0
    assert spy[0][2] == Settings.of(timeline=course, sound="track.wav")
    assert spy[0][2].change.timeline.keys[0].values == (("steps", 4),)


def test_a_mistake_in_a_timeline_is_one_line_that_names_file_key_and_cure(spy, tmp_path, capsys):
    course = tmp_path / "course.toml"
    course.write_text('[[key]]\nat = "3s"\nmodel = "vgg16"\n')
    assert run("video", "in.mp4", "out.mp4", "--timeline", course) == 2
    assert one_line(capsys.readouterr().err) == (
        f"framedream: {course}, key at 3s: model cannot change within a film; set it for the whole film with --model\n"
    )
    assert not spy


def test_the_help_says_that_a_timeline_beats_flags(capsys):
    assert run("video", "--help") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Change" in shown
    assert "It overrides flags." in shown


@pytest.mark.parametrize(
    ("flags", "values"),
    [
        (["--loop"], {"loop": True}),
        (["--zoom", "1.5/s", "--rotate", "-10/s"], {"zoom": 1.5, "rotate": -10}),
        (["--rotate", "-10", "--zoom=0.8"], {"zoom": 0.8, "rotate": -10}),
        (["--pan", "-0.1,0.2", "--center=0.3,0.7"], {"pan": (-0.1, 0.2), "center": (0.3, 0.7)}),
        (["--ease", "1.5", "--duration", "1:02"], {"ease": 1.5, "duration": 62}),
        (["--sound", "song.mp3"], {"sound": "song.mp3"}),
        (["--size", "64x48", "--fps", "29.97"], {"size": "64x48", "fps": "30000/1001"}),
        (["--scale", "0.5", "--start", "62f"], {"scale": 0.5, "start": "62f"}),
        (["--steps", "3", "--follow-steps", "1", "--crf", "20"], {"steps": 3, "follow_steps": 1, "crf": 20}),
        (["--preset", "eyes", "--devices", "cpu"], {"preset": "eyes", "devices": "cpu"}),
    ],
)
def test_zoom_takes_its_flags(spy, flags, values):
    assert run("zoom", "still.jpg", "zoom.mp4", *flags) == 0
    assert run("zoom", *flags, "still.jpg", "zoom.mp4") == 0
    for call in spy:
        assert call[:3] == (("still.jpg",), "zoom.mp4", Settings.of(**values))


def test_zoom_takes_several_stills_and_last_the_film(spy):
    assert run("zoom", "a.jpg", "b.jpg", "noise", "out.mp4", "--work", "place", "--restart") == 0
    assert spy[0][:2] == (("a.jpg", "b.jpg", "noise"), "out.mp4")
    assert spy[0][4:6] == ("place", True)
    assert spy[0][6]() is False


def test_the_closing_line_of_a_zoom_is_that_of_a_film(spy, capsys):
    run("zoom", "still.jpg", "zoom.mp4")
    assert capsys.readouterr().out == "zoom.mp4: 250 frames in 1:40, 2.50 frames per second\n"
    run("zoom", "still.jpg", "zoom.mp4", "--quiet")
    assert capsys.readouterr() == ("", "")
    assert spy[1][3] is None


def test_settings_of_a_zoom_are_flags_of_zoom_and_what_is_false_needs_no_default(capsys):
    from framedream.config.settings import setting_groups

    assert run("zoom", "--help") == 0
    shown = capsys.readouterr().out
    for name in setting_groups():
        # Where a zoom is at each moment is known: there is no flow to carry it, no footage behind to slow down, no end.
        is_meant = name not in ("end", "mask", "slow_motion", "compare", "flow", "passes", "persistence", "cuts")
        assert (f"--{name.replace('_', '-')} " in shown) == is_meant, name
    assert "--no-loop" not in shown
    assert "[default: False]" not in shown


def test_settings_of_a_zoom_can_come_from_the_environment_and_a_preset(spy, monkeypatch, tmp_path):
    (tmp_path / "look.toml").write_text("loop = true\nzoom = 1.1\nrotate = '5/s'\n")
    monkeypatch.setenv("FRAMEDREAM_ZOOM", "1.2")
    assert run("zoom", "still.jpg", "zoom.mp4", "--preset", tmp_path / "look.toml") == 0
    zoom = spy[0][2].zoom
    assert (zoom.loop, zoom.zoom, zoom.rotate) == (True, 1.2, 5)
    monkeypatch.setenv("FRAMEDREAM_LOOP", "true")
    assert run("zoom", "still.jpg", "zoom.mp4") == 0
    assert spy[1][2].zoom.loop is True


def test_a_flag_beats_the_environment_that_beats_the_preset_that_beats_the_default(spy, tmp_path, monkeypatch):
    preset = tmp_path / "look.toml"
    preset.write_text("steps = 20\njitter = 20\noctaves = 20\n")
    monkeypatch.setenv("FRAMEDREAM_STEPS", "30")
    monkeypatch.setenv("FRAMEDREAM_JITTER", "30")
    assert run("video", "in.mp4", "out.mp4", "--preset", preset, "--steps", "40") == 0
    dream = spy[0][2].dream
    assert (dream.steps, dream.jitter, dream.octaves, dream.step_size) == (40, 30, 20, Settings().dream.step_size)


def test_the_preset_itself_can_come_from_the_environment(spy, monkeypatch):
    monkeypatch.setenv("FRAMEDREAM_PRESET", "classic-vgg")
    assert run("video", "in.mp4", "out.mp4") == 0
    assert spy[0][2] == Settings.of("classic-vgg")


def test_image_takes_its_flags(spy):
    assert run("image", "in.png", "out.png", "--steps", "3", "--scale", "2", "--save-octaves", "octaves") == 0
    assert spy[0] == ("in.png", "out.png", Settings.of(steps=3, scale=2), "octaves")


def test_image_takes_a_mask(spy):
    assert run("image", "in.png", "out.png", "--mask", "mask.png") == 0
    assert spy[0][2] == Settings.of(mask="mask.png")


def test_image_takes_color(spy):
    assert run("image", "in.png", "out.png", "--color", "free") == 0
    assert spy[0][2] == Settings.of(color="free")


def test_passes_and_color_can_come_from_the_environment(spy, monkeypatch):
    monkeypatch.setenv("FRAMEDREAM_PASSES", "1")
    monkeypatch.setenv("FRAMEDREAM_COLOR", "luma")
    assert run("video", "in.mp4", "out.mp4") == 0
    assert spy[0][2] == Settings.of(passes=1, color="luma")


def told(capsys, *stages: Progress) -> list[str]:
    """What stands in the bar after each stage."""
    with frame_bar(quiet=False) as report:
        shown = []
        for stage in stages:
            report(stage)
            shown.append(capsys.readouterr().err.replace("\r", "\n").strip().split("\n")[-1])
    return shown


def test_the_bar_moves_with_frames_and_counts_frames_dreamed_backwards(capsys):
    backwards, forwards, later = told(
        capsys, Progress(0, 6, 1, 2, 1), Progress(1, 6, 1, 2, 3), Progress(3, 6, 2, 2, 4)
    )  # fmt: skip
    assert "0/6" in backwards
    assert "shot 1 of 2, 1 backwards" in backwards
    assert "1/6" in forwards
    assert "shot 1 of 2, 3 backwards" in forwards
    assert "3/6" in later
    assert "shot 2 of 2, 4 backwards" in later


def test_the_bar_says_nothing_of_backwards_in_one_pass(capsys):
    assert all("backwards" not in line for line in told(capsys, Progress(1, 6, 1, 1), Progress(2, 6, 1, 1)))


def test_the_bar_of_a_zoom_shows_frames_dreamed_in_advance_and_no_shots(capsys):
    lines = told(capsys, Progress(0, 6, 0, 0, beforehand=2), Progress(3, 6, 0, 0, beforehand=2))
    assert "2 dreamed in advance" in lines[0]
    assert "3/6" in lines[1]
    assert not any("shot" in line for line in lines)


def test_the_bar_does_without_a_number_of_frames(capsys):
    assert "2frame" in told(capsys, Progress(0, None, 1, 1, 1), Progress(2, None, 1, 1, 2))[-1]


def test_the_closing_line_says_frames_time_rate_and_where_the_film_is(spy, capsys):
    run("video", "in.mp4", "out.mp4")
    assert capsys.readouterr().out == "out.mp4: 50 frames in 0:25, 2.00 frames per second\n"


def test_quiet_says_nothing_and_needs_no_bar(spy, capsys):
    assert run("video", "in.mp4", "out.mp4", "--quiet") == 0
    assert spy[0][3] is None
    assert run("image", "in.png", "out.png", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


# Looks that are found.


@pytest.mark.parametrize(
    ("flags", "settings", "preset", "values"),
    [
        ([], {}, "framedream", {}),
        (["--layers", "fire3,fire5", "--layers", "fire5=0.5,fire7=1"],
         {"layers": ["fire3,fire5", "fire5=0.5,fire7=1"]}, "framedream", {}),
        (["--strengths", "0.5,2", "--best-of", "3,7", "--width=320", "--columns=2", "--start", "1:02"],
         {"strengths": "0.5,2", "best_of": "3,7", "width": 320, "columns": 2, "start": "1:02"}, "framedream", {}),
        (["--models", "squeezenet,vgg16", "--weights", "v.h5", "--best-of", "all"],
         {"models": "squeezenet,vgg16", "best_of": "all"}, "framedream", {"weights": Path("v.h5")}),
        (["--preset", "eyes", "--steps", "3", "--passes", "1"], {}, "eyes", {"steps": 3, "passes": 1}),
        (["--presets", "all"], {"presets": "all"}, "framedream", {}),
    ],
)  # fmt: skip
def test_preview_takes_its_flags(spy, flags, settings, preset, values):
    assert run("preview", "in.mp4", "sheet.png", *flags, "--quiet") == 0
    assert spy == [("in.mp4", "sheet.png", PreviewSettings(**settings), preset, values, None)]


LOOKS = [
    [],
    ["--preset", "stained-glass", "--strengths", "0.3,1,7", "--color", "luma"],
    ["--layers", "fire7:0-3+9,class:espresso", "--layers", "fire3=30,fire7=-0.5", "--persistence", "0.9"],
    ["--presets", "all", "--strengths", "0.7,1", "--octaves", "3", "--guide", "a guide.png"],
    ["--models", "squeezenet,vgg16", "--weights", "my weights.h5", "--flow", "none", "--young-step-size", "3"],
    ["--model", "vgg16", "--weights", "w.h5", "--max-loss", "5", "--jitter", "0", "--random-seed", "3"],
]


@pytest.mark.parametrize("flags", LOOKS)
@pytest.mark.parametrize(
    ("command", "source", "target"), [("video", "in.mp4", "out.mp4"), ("image", "in.png", "out.png")]
)
def test_the_commands_that_preview_prints_make_exactly_its_looks(spy, capsys, flags, command, source, target):
    assert run("preview", source, "sheet.png", *flags) == 0
    wanted, preset, values = spy.pop()[2:5]
    found = preview_looks(wanted, preset, values, is_still=command == "image")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(found)
    for number, (line, look) in enumerate(zip(lines, found, strict=True), 1):
        own, program, *arguments = shlex.split(line)
        assert (own, program, arguments[0]) == (str(number), "framedream", command)
        assert run(*arguments) == 0
        called = spy.pop()
        assert called[:2] == (source, target)
        assert called[2].dream == look.settings.dream
        assert command == "image" or called[2].motion == look.settings.motion
        capsys.readouterr()


def test_quiet_previews_print_nothing_and_show_no_bar(spy, capsys):
    run("preview", "in.mp4", "sheet.png", "--quiet")
    assert spy[0][-1] is None
    assert capsys.readouterr() == ("", "")


def test_the_environment_holds_for_all_looks_of_a_preview(spy, monkeypatch):
    for name, value in {"MODEL": "vgg16", "WEIGHTS": "v.h5", "STEPS": "3"}.items():
        monkeypatch.setenv(f"FRAMEDREAM_{name}", value)
    assert run("preview", "in.mp4", "sheet.png") == 0
    assert spy[0][4] == {"model": "vgg16", "weights": "v.h5", "steps": 3}


def test_what_preview_prints_is_for_a_shell_that_says_nothing_else(spy, monkeypatch, capsys):
    run("preview", "in.mp4", "sheet.png")
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("FRAMEDREAM_PRESET", "eyes")
    monkeypatch.setenv("FRAMEDREAM_LAYERS", "fire5=1")
    run("preview", "in.mp4", "sheet.png")
    said = one_line(capsys.readouterr().err)
    assert "a shell without FRAMEDREAM_LAYERS and FRAMEDREAM_PRESET" in said


# What networks see.


@pytest.mark.parametrize(
    ("flags", "values"),
    [
        ([], {}),
        (
            ["--layer", "6", "--channels", "0-3", "--model", "vgg16"],
            {"layers": "6", "channels": "0-3", "model": "vgg16"},
        ),
        (["--layer", "a,b", "--layers", "c", "--top", "4"], {"layers": ["a", "b", "c"], "top": 4}),
        (["--columns", "8", "--colormap=magma", "--size=64x48"], {"columns": 8, "colormap": "magma", "size": "64x48"}),
        (
            ["--channels", "all", "--scale", "2", "--weights", "w.h5"],
            {"channels": "all", "scale": 2, "weights": "w.h5"},
        ),
    ],
)
def test_features_takes_its_flags(spy, flags, values):
    assert run("features", "in.png", "maps.png", *flags, "--npz", "maps.npz") == 0
    assert spy == [("in.png", "maps.png", FeatureSettings(**values), "maps.npz")]


def test_features_ends_with_a_line_of_what_was_drawn(spy, capsys):
    run("features", "in.png", "maps.png")
    assert capsys.readouterr().out == "maps.png: 4 of 64 channels of conv1, 1 of 128 channels of fire2\n"
    run("features", "in.png", "maps.png", "--quiet")
    assert capsys.readouterr() == ("", "")


def test_the_environment_names_the_network_of_features_unless_a_flag_does(spy, monkeypatch):
    for name, value in {"MODEL": "vgg16", "WEIGHTS": "v.h5", "LAYERS": "fire5=1", "STEPS": "3"}.items():
        monkeypatch.setenv(f"FRAMEDREAM_{name}", value)
    run("features", "in.png", "maps.png")
    run("features", "in.png", "maps.png", "--model", "vgg19")
    assert [call[2] for call in spy] == [FeatureSettings(model="vgg16", weights="v.h5"), FeatureSettings(model="vgg19")]


@pytest.mark.parametrize(
    ("flags", "values"),
    [
        ([], {}),
        (["--layer", "fire7", "--channel", "0-5"], {"layers": "fire7", "channels": "0-5"}),
        (["--class", "espresso", "--class", "tench,258"], {"classes": ["espresso", "tench", "Samoyed"]}),
        (
            ["--layers=a", "--channels=1", "--neuron", "0.5,0.25", "--size", "64x48", "--octaves", "3"],
            {"layers": "a", "channels": 1, "neuron": (0.5, 0.25), "size": (64, 48), "octaves": 3},
        ),
        (
            ["--plain", "--epochs", "9", "--learning-rate", "0.1", "--epsilon=1e-3", "--random-seed", "4"],
            {"plain": True, "epochs": 9, "learning_rate": 0.1, "epsilon": 1e-3, "random_seed": 4},
        ),
    ],
)
def test_imagine_takes_its_flags(spy, flags, values):
    assert run("imagine", "out.png", *flags) == 0
    assert spy[0][:2] == ("out.png", ImagineSettings(**values))


def test_imagine_shows_a_bar_and_ends_with_what_was_imagined(spy, capsys):
    run("imagine", "out.png")
    said = capsys.readouterr()
    assert said.out == "out.png: fire7:0, fire7:1\n"
    assert "5/20" in said.err
    run("imagine", "out.png", "--quiet")
    assert capsys.readouterr() == ("", "")


# What is listed.


def test_presets_are_listed_with_what_they_look_like(capsys):
    assert run("presets") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == preset_names()
    assert all(len(line.split()) > 3 for line in lines)


def test_models_are_listed_with_sizes_and_first_layers(capsys):
    assert run("models") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(MODELS)
    assert any(line.split() == ["*", "squeezenet", "built", "in", "fire7"] for line in lines)
    assert any(line.split()[:4] == ["vgg19", "80", "MB", "block4_conv1=0.05,block5_conv2=0.2"] for line in lines)


def test_layers_are_listed_with_resolution_and_channels(capsys):
    assert run("layers", "SqueezeNet") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["*", "28", "fire7", "Concatenate", "16", "384"] in lines
    assert ["1", "conv1", "Conv2D", "2", "64"] in lines


@pytest.fixture
def machine(monkeypatch):
    """Makes a machine with these GPUs, two cores and 16 GB."""
    monkeypatch.setattr("framedream.config.machine.processor_name", lambda: "Some Processor")

    def make(*gpus: Gpu, cards: Sequence[str] = ()) -> None:
        monkeypatch.setattr("framedream.media.write.codecs.working_hardware_encoders", lambda: list(cards))
        for module in ("framedream.workers.gpu_discovery", "framedream.workers.devices"):
            monkeypatch.setattr(f"{module}.find_gpus", lambda: list(gpus))
        for module in ("framedream.config.machine", "framedream.workers.devices"):
            monkeypatch.setattr(f"{module}.usable_cores", lambda: 2)
            monkeypatch.setattr(f"{module}.total_memory", lambda: 16e9)

    return make


def test_devices_are_listed_with_what_auto_takes(machine, capsys):
    machine()
    assert run("devices") == 0
    assert capsys.readouterr().out.splitlines() == [
        "cpu  Some Processor  16 GB  2 cores",
        "auto uses: 2 workers on the CPU with 1 thread each",
        "hardware encoders (--codec): none",
    ]


def test_gpus_are_listed_with_their_memory_if_that_is_known(machine, capsys):
    machine(Gpu("NVIDIA H200", 150_754_820_096), Gpu("NVIDIA L4"), cards=["av1_nvenc", "h264_nvenc"])
    assert run("devices") == 0
    assert capsys.readouterr().out.splitlines() == [
        "cpu    Some Processor  16 GB   2 cores",
        "gpu:0  NVIDIA H200     151 GB",
        "gpu:1  NVIDIA L4",
        "auto uses: gpu:0, gpu:1",
        "hardware encoders (--codec): av1_nvenc, h264_nvenc",
    ]


# What goes wrong.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["vidio", "a.mp4", "b.mp4"], "vid"),
        (["video", "a.mp4"], "TARGET"),
        (["video", "a.mp4", "b.mp4", "--setps", "3"], "--steps"),
        (["video", "a.mp4", "b.mp4", "--steps", "many"], "many"),
        (["video", "a.mp4", "b.mp4", "--steps", "-1"], "accepted: 0 to 10000"),
        (["video", "a.mp4", "b.mp4", "--flow", "diss"], "dis"),
        (["video", "a.mp4", "b.mp4", "--passes", "3"], "accepted: 1 or 2"),
        (["video", "a.mp4", "b.mp4", "--passes", "both"], "both"),
        (["video", "a.mp4", "b.mp4", "--color", "lumma"], "luma"),
        (["image", "a.png", "b.png", "--passes", "1"], "--passes"),
        (["zoom", "a.png", "b.mp4", "--mask", "c.png"], "--mask"),
        (["zoom", "a.png", "b.mp4", "--compare", "side"], "--compare"),
        (["video", "a.mp4", "b.mp4", "--model", "vgg-6"], "did you mean 'vgg"),
        (["video", "a.mp4", "b.mp4", "--layers", "class:expresso"], "did you mean 'espresso'"),
        (["video", "a.mp4", "b.mp4", "--layers", "fire7:x"], "write fire7:12 or fire7:0-3+9"),
        (["video", "a.mp4", "b.mp4", "--algorithm", "clasic"], "classic"),
        (["video", "a.mp4", "b.mp4", "--preset", "clasic-vgg"], "did you mean 'classic-vgg'"),
        (["video", "a.mp4", "b.mp4", "--preset", "gone.toml"], "gone.toml"),
        (["video", "a.mp4", "b.mp4", "--size", "64x48", "--scale", "2"], "size and scale"),
        (["video", "a.mp4", "b.mp4", "--start", "soon"], "is not a time"),
        (["video", "a.mp4", "b.mp4", "--devices", "tpu"], "write auto, cpu"),
        (["image", "a.png", "b.png", "--devices", "cpu:0"], "cpu:1 to cpu:1024"),
        (["video", "a.mp4", "b.mp4", "--scheduler", "farm:8786"], "tcp://host:8786"),
        (["layers", "squeezednet"], "did you mean 'squeezenet'"),
        (["features", "a.png", "b.png", "--channels", "2-1"], "'2-1' is not a channel"),
        (["features", "a.png", "b.png", "--layer", "--top", "3"], "--layer"),
        (["features", "a.png", "b.xyz"], ".xyz"),
        (["preview", "a.png", "b.xyz"], ".xyz"),
        (["preview", "a.png", "b.png", "--presets", "pecock"], "did you mean 'peacock'"),
        (["preview", "a.png", "b.png", "--layers", "fire3", "--models", "vgg16"], "layers and models"),
        (["preview", "a.png", "b.png", "--best-of", "first"], "write 3,7,11, or all"),
        (["preview", str(ROOT / "samples" / "china.jpg"), "b.png", "--best-of", "1"], "is a still image; give a video"),
        (["zoom"], "for example: zoom still.jpg zoom.mp4"),
        (["zoom", "a.jpg"], "for example: zoom still.jpg zoom.mp4"),
        (["zoom", "a.jpg", "b.mp4", "--end", "3"], "--end"),
        (["zoom", "a.jpg", "b.mp4", "--lop"], "--loop"),
        (["zoom", "a.jpg", "b.mp4", "--no-loop"], "--loop"),
        (["zoom", "a.jpg", "b.mp4", "--zoom", "fast"], "write 1.3/s"),
        (["zoom", "a.jpg", "b.mp4", "--rotate", "--loop"], "rotate"),
        (["zoom", "a.jpg", "b.mp4", "--duration", "--loop"], "--duration requires an argument"),
        (["zoom", "a.jpg", "b.mp4", "--layers", "--loop"], "--layers requires an argument"),
        (["zoom", "a.jpg", "b.mp4", "--loop", "--ease", "1"], "remove --ease or --loop"),
        (["zoom", "a.jpg", "b.mp4", "--scheduler", "tcp://farm:8786"], "one device makes a zoom"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(capsys, arguments, message):
    assert run(*arguments) == 2
    assert message in one_line(capsys.readouterr().err)


def test_a_wrong_value_in_the_environment_is_wrong_usage(capsys, monkeypatch):
    monkeypatch.setenv("FRAMEDREAM_STEPS", "many")
    assert run("video", "a.mp4", "b.mp4") == 2
    assert "many" in one_line(capsys.readouterr().err)


def test_an_output_suffix_that_is_not_known_is_wrong_usage(clip, tmp_path, capsys):
    assert run("video", clip, tmp_path / "film.mp5") == 2
    assert "did you mean '.mp4'" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize("content", [None, b"", b"no film" * 99])
def test_bad_input_is_one_line_and_code_4(tmp_path, capsys, content):
    if content is not None:
        (tmp_path / "in.mp4").write_bytes(content)
    assert run("video", tmp_path / "in.mp4", tmp_path / "out.mp4") == 4
    assert str(tmp_path / "in.mp4") in one_line(capsys.readouterr().err)
    assert not (tmp_path / "out.mp4").exists()


def test_bad_stills_and_sounds_are_one_line_and_code_4(tmp_path, capsys):
    good, bad, target = tmp_path / "good.png", tmp_path / "bad.jpg", tmp_path / "zoom.mp4"
    write_image(good, scene(48, 64))
    bad.write_bytes(b"no image" * 99)
    for arguments, named in (
        ([bad, target], bad),
        ([good, tmp_path / "gone.png", target], tmp_path / "gone.png"),
        ([good, target, "--sound", tmp_path / "gone.wav"], tmp_path / "gone.wav"),
        ([good, target, "--sound", bad], bad),
        ([good, target, "--sound", good], good),
    ):
        assert run("zoom", *arguments) == 4
        assert str(named) in one_line(capsys.readouterr().err)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["bad.jpg", "good.png"]


@pytest.mark.parametrize("flag", ["--mask", "--guide"])
def test_bad_masks_and_guides_are_one_line_and_code_4(clip, tmp_path, capsys, flag):
    (tmp_path / "bad.png").write_bytes(b"no image" * 99)
    (tmp_path / "clips").mkdir()
    write_image(tmp_path / "clips" / "still.png", scene(48, 64))
    before = sorted(item.name for item in tmp_path.iterdir())
    for name in ("bad.png", "gone.mp4"):
        for command, source, target in (
            ("video", clip, "out.mp4"), ("image", tmp_path / "clips" / "still.png", "out.png"),
            ("folder", tmp_path / "clips", "out"),
        ):  # fmt: skip
            assert run(command, source, tmp_path / target, flag, tmp_path / name) == 4
            assert str(tmp_path / name) in one_line(capsys.readouterr().err)
    assert sorted(item.name for item in tmp_path.iterdir()) == before


def test_a_zoom_that_cannot_be_written_is_one_line_and_code_5(tmp_path, capsys):
    write_image(tmp_path / "good.png", scene(48, 64))
    for target in (tmp_path / "good.png", tmp_path / "good.png" / "zoom.mp4", "/proc/zoom.mp4"):
        assert run("zoom", tmp_path / "good.png", target) == 5
        assert str(target) in one_line(capsys.readouterr().err)


def test_weights_that_are_not_there_are_bad_input(clip, tmp_path, capsys):
    assert run("video", clip, tmp_path / "out.mp4", "--weights", tmp_path / "gone.h5") == 4
    assert "gone.h5" in one_line(capsys.readouterr().err.split("\n", 1)[0] + "\n")


def test_output_that_cannot_be_written_is_one_line_and_code_5(clip, tmp_path, capsys):
    for target in (clip, clip / "out.mp4", "/proc/out.mp4"):
        assert run("video", clip, target) == 5
        assert str(target) in one_line(capsys.readouterr().err)


def test_a_device_that_fails_is_code_7(spy, monkeypatch, capsys):
    def fail(*_, **__):
        raise DeviceError("a frame does not fit the device's memory; dream it smaller with --scale")

    monkeypatch.setattr(framedream, "dream_video", fail)
    assert run("video", "in.mp4", "out.mp4") == 7
    assert "--scale" in one_line(capsys.readouterr().err)


def test_a_bug_is_one_line_and_code_1_and_debug_shows_where(monkeypatch, capsys):
    def fail(*_, **__):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(framedream, "dream_video", fail)
    assert run("video", "in.mp4", "out.mp4") == 1
    assert "--debug" in one_line(capsys.readouterr().err)
    with pytest.raises(ZeroDivisionError):
        _run(["video", "in.mp4", "out.mp4"], debug=True)


def test_an_error_with_line_breaks_is_still_one_line(tmp_path, capsys):
    assert run("video", tmp_path / "two\nlines.mp4", tmp_path / "out.mp4") == 4
    one_line(capsys.readouterr().err)


# What a person sees at a terminal: processes of their own.

WITHOUT_TENSORFLOW = """
import json, sys
from framedream.cli.main import _run
for arguments in json.loads(sys.argv[1]):
    code = _run(arguments, debug=False)
    heavy = {"tensorflow", "keras"} & set(sys.modules)
    print(f"code {code}, imported {sorted(heavy)}", file=sys.stderr)
"""

NEEDS_NO_NETWORK = [
    (["--help"], 0),
    (["video", "--help"], 0),
    (["--version"], 0),
    (["presets"], 0),
    (["models"], 0),
    (["devices"], 0),
    (["video", "gone.mp4", "out.mp4"], 4),
    (["video", str(ROOT / "README.md"), "out.mp4"], 4),
    (["video", str(ROOT / "samples" / "bunny.mp4"), "/proc/out.mp4"], 5),
    (["image", "gone.png", "out.png"], 4),
    (["zoom", "--help"], 0),
    (["features", "--help"], 0),
    (["features", "gone.png", "maps.png"], 4),
    (["imagine", "--help"], 0),
    (["imagine", "a.xyz"], 2),
    (["imagine", "a.png", "--class", "expresso"], 2),
    (["preview", "--help"], 0),
    (["preview", "gone.mp4", "sheet.png"], 4),
    (["zoom", "gone.png", "out.mp4"], 4),
    (["zoom", str(ROOT / "samples" / "china.jpg"), "/proc/out.mp4"], 5),
    (["video", "a.mp4", "b.mp4", "--steps", "-1"], 2),
]


@pytest.fixture(scope="module")
def codes() -> list[str]:
    """How each of these commands ended, and what was imported by then: all in one process, which takes less time."""
    lines = json.dumps([arguments for arguments, _ in NEEDS_NO_NETWORK])
    words = [sys.executable, "-c", WITHOUT_TENSORFLOW, lines]
    result = subprocess.run(words, env=clean(), capture_output=True, text=True, check=False)
    return [line for line in result.stderr.splitlines() if line.startswith("code ")]


@pytest.mark.parametrize("number", range(len(NEEDS_NO_NETWORK)), ids=[" ".join(words) for words, _ in NEEDS_NO_NETWORK])
def test_what_needs_no_network_does_not_import_tensorflow(codes, number):
    assert len(codes) == len(NEEDS_NO_NETWORK)
    assert codes[number] == f"code {NEEDS_NO_NETWORK[number][1]}, imported []"


def test_help_names_the_commands():
    result = process("--help")
    assert result.returncode == 0
    assert result.stderr == ""
    for name in ("video", "image", "preview", "features", "imagine", "zoom", "presets", "models", "layers", "devices"):
        assert f"\n  {name}" in result.stdout or f" {name} " in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code"), [(["video", "gone.mp4", "out.mp4"], 4), (["video", "a", "b", "--jitter", "x"], 2)]
)
def test_a_process_ends_with_the_promised_code(arguments, code):
    result = process(*arguments)
    assert result.returncode == code
    assert result.stdout == ""
    one_line(result.stderr)


def test_debug_shows_where_an_error_comes_from():
    result = process("video", "gone.mp4", "out.mp4", "--debug")
    assert result.returncode != 0
    assert "Traceback" in result.stderr
    assert "check_output_path" in result.stderr


def test_a_dream_shows_a_bar_and_nothing_of_tensorflows(clip, tmp_path):
    result = process("video", clip, tmp_path / "film.mp4", "--steps", 2, "--follow-steps", 1)
    assert result.returncode == 0
    assert result.stdout.startswith(f"{tmp_path / 'film.mp4'}: 6 frames in 0:")
    assert len(result.stdout.splitlines()) == 1
    bars = [line for line in result.stderr.replace("\r", "\n").split("\n") if line.strip()]
    assert bars
    assert all("shot 1 of 1" in line or "0/6" in line for line in bars), bars
    assert "6/6" in bars[-1]
    assert bars[-1].endswith("shot 1 of 1, 6 backwards]")
    assert len(list(open_footage(tmp_path / "film.mp4").frames())) == 6


def test_a_quiet_dream_says_nothing_at_all(tmp_path):
    write_image(tmp_path / "still.png", scene(64, 80))
    result = process("image", tmp_path / "still.png", tmp_path / "dream.png", "--steps", 1, "--quiet")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert read_image(tmp_path / "dream.png").shape == (64, 80, 3)


def test_a_zoom_shows_a_bar_and_nothing_of_tensorflows(tmp_path):
    write_image(tmp_path / "still.png", scene(64, 80))
    result = process("zoom", tmp_path / "still.png", tmp_path / "zoom.mp4", "--duration", "0.2", "--steps", 1)
    assert result.returncode == 0
    assert result.stdout.startswith(f"{tmp_path / 'zoom.mp4'}: 5 frames in 0:")
    bars = [line for line in result.stderr.replace("\r", "\n").split("\n") if line.strip()]
    assert all("/5 [" in line for line in bars), bars
    assert "5/5" in bars[-1]
    assert len(list(open_footage(tmp_path / "zoom.mp4").frames())) == 5


def test_the_module_runs_as_the_command_does():
    result = subprocess.run(
        [sys.executable, "-m", "framedream", "--version"], env=clean(), capture_output=True, text=True, check=False
    )
    assert result.stdout.strip() == framedream.__version__


def test_a_reader_that_goes_away_is_no_error():
    result = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$@" | true', "bash", *command("models")],
        env=clean(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")


def stand_in(log: Path, *arguments: object, seconds: float = 0.1) -> subprocess.Popen[bytes]:
    """The command with a dream that takes some time."""
    words = [sys.executable, str(ROOT / "tests" / "stand_in_cli.py"), str(log), str(seconds), *map(str, arguments)]
    return subprocess.Popen(words, env=clean(), stderr=subprocess.PIPE, stdout=subprocess.PIPE)


def said_until(running: subprocess.Popen[bytes], word: bytes) -> bytes:
    said = b""
    while word not in said:
        said += running.stderr.read1() or pytest.fail(f"it ended early: {said!r}")
    return said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_after_the_frame_in_hand_and_the_same_command_goes_on(clip, tmp_path, number):
    log, film = tmp_path / "log", tmp_path / "film.mp4"
    with stand_in(log, "video", clip, film) as running:
        said_until(running, b"3 backwards")
        running.send_signal(number)
        out, rest = running.communicate(timeout=60)
    assert (running.returncode, out) == (128 + number, b"")
    lines = rest.decode().replace("\r", "\n").strip().split("\n")
    assert any(line == "framedream: finishing the current frame; press Ctrl-C again to stop now" for line in lines)
    assert lines[-1] == f"framedream: {film}: stopped with 0 of 6 frames done; run the same command again to resume"
    assert "Traceback" not in rest.decode()
    assert sorted(item.name for item in tmp_path.iterdir()) == ["clip.mp4", "film.mp4.framedream", "log"]
    with stand_in(log, "video", clip, film, "--quiet") as running:
        assert running.communicate(timeout=60) == (b"", b"")
    assert running.returncode == 0
    # Forwards each frame, the first as it was backwards, where of five that follow the third rests.
    assert len(log.read_text().splitlines()) == 5 + 1 + 4
    assert sorted(item.name for item in tmp_path.iterdir()) == ["clip.mp4", "film.mp4", "log"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_stops_it_at_once(clip, tmp_path, number):
    log, film = tmp_path / "log", tmp_path / "film.mp4"
    words = [sys.executable, str(ROOT / "tests" / "stand_in_cli.py"), str(log), "30", "video", str(clip), str(film)]
    with subprocess.Popen(words, env=clean(), stderr=subprocess.PIPE) as running:
        while not (tmp_path / "film.mp4.framedream" / "journal").exists():
            assert running.poll() is None
        time.sleep(0.5)
        running.send_signal(number)
        said_until(running, b"press Ctrl-C again to stop now")
        running.send_signal(number)
        _, rest = running.communicate(timeout=10)
    assert running.returncode == 128 + number
    assert b"framedream: stopped; run the same command again to resume" in rest
    assert b"Traceback" not in rest


def test_a_second_run_is_locked_out_with_one_line_and_code_6(clip, tmp_path):
    log, film = tmp_path / "log", tmp_path / "film.mp4"
    with stand_in(log, "video", clip, film, seconds=3) as running:
        said_until(running, b"1 backwards")
        second = process("video", clip, film)
        assert second.returncode == 6
        assert "another run is making it" in one_line(second.stderr)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)


@pytest.fixture
def batches(monkeypatch):
    """Stands for dream_folder; keeps what it was called with, and tells of two items of which one failed."""
    calls = []

    def dream_folder(*arguments, progress, **options):
        calls.append((arguments, options))
        if progress:
            for stage in (
                BatchProgress(1, 2, "a.mp4"),
                BatchProgress(1, 2, "a.mp4", Progress(1, 4, 1, 1)),
                BatchProgress(1, 2, "a.mp4", ended=True),
                BatchProgress(2, 2, "new\nline\udcff.mp4"),
                BatchProgress(2, 2, "new\nline\udcff.mp4", ended=True),
            ):
                progress(stage)
        items = [ReportItem("a.mp4", "video", "eyes", state, "a.mp4") for state in ("done", calls_end_with[0])]
        return Batch(Path(arguments[1]), tuple(items), 75.0)

    calls_end_with = ["done"]
    monkeypatch.setattr(framedream, "dream_folder", dream_folder)
    calls.append(calls_end_with)
    return calls


def test_folder_takes_its_flags(batches, capsys):
    flags = ["--preset", "eyes", "--preset", "look.toml", "--include", "*.mp4", "--exclude", "a*", "--exclude", "b*"]
    flags += ["--jobs-file", "jobs.toml", "--steps", "3", "--work", "place", "--restart"]
    assert run("folder", "clips", "dreamed", *flags) == 0
    arguments, options = batches[1]
    assert arguments == ("clips", "dreamed", ["eyes", "look.toml"], {"steps": 3})
    del options["stop"]
    assert options == {
        "include": ["*.mp4"], "exclude": ["a*", "b*"], "jobs_file": "jobs.toml", "work": "place", "restart": True,
    }  # fmt: skip
    assert capsys.readouterr().out == "dreamed/report.html: 2 items in 1:15\n"


def test_folder_has_a_bar_of_items_and_one_of_frames(batches, capsys):
    run("folder", "clips", "dreamed")
    shown = capsys.readouterr().err
    assert "1/4" in shown
    assert "shot 1 of 1" in shown
    assert "2/2" in shown
    assert "new?line?.mp4" in shown


def test_failed_items_are_one_line_and_code_3(batches, capsys):
    batches[0][0] = "failed"
    assert run("folder", "clips", "dreamed", "--quiet") == 3
    assert one_line(capsys.readouterr().err) == "framedream: 1 of 2 items failed; dreamed/report.html has the reasons\n"


def test_flags_beat_the_environment_for_folders_too(batches, monkeypatch):
    monkeypatch.setenv("FRAMEDREAM_SIZE", "64x48")
    monkeypatch.setenv("FRAMEDREAM_STEPS", "5")
    monkeypatch.setenv("FRAMEDREAM_JITTER", "3")
    assert run("folder", "clips", "dreamed", "--scale", "2", "--steps", "7", "--quiet") == 0
    assert batches[1][0][3] == {"scale": 2.0, "steps": 7, "jitter": 3}


def test_a_zoom_that_a_signal_stops_is_gone_on_with_by_the_same_command(tmp_path):
    write_image(tmp_path / "still.png", scene(48, 64))
    log, film = tmp_path / "log", tmp_path / "zoom.mp4"
    words = ("zoom", tmp_path / "still.png", film, "--duration", "0.48")
    with stand_in(log, *words) as running:
        said_until(running, b"3/12")
        running.send_signal(signal.SIGINT)
        out, rest = running.communicate(timeout=60)
    assert (running.returncode, out) == (130, b"")
    assert rest.decode().strip().endswith("of 12 frames done; run the same command again to resume")
    dreamed = len(log.read_text().splitlines())
    with stand_in(log, *words, "--quiet") as running:
        assert running.communicate(timeout=60) == (b"", b"")
    assert running.returncode == 0
    assert 12 <= dreamed < 21  # Ten of them make the still that it begins with.
    assert len(log.read_text().splitlines()) <= 22
    assert len(list(open_footage(film).frames())) == 12


def test_work_and_restart_are_flags(spy):
    assert run("video", "in.mp4", "out.mp4", "--work", "place", "--restart") == 0
    assert spy[0][4:6] == ("place", True)
    assert run("video", "in.mp4", "out.mp4") == 0
    assert spy[1][4:6] == (None, False)
    assert spy[1][6]() is False


def test_a_flag_beats_the_environment_also_where_they_exclude_each_other(spy, monkeypatch):
    monkeypatch.setenv("FRAMEDREAM_SIZE", "64x48")
    run("video", "in.mp4", "out.mp4", "--scale", "1.5")
    footage = spy[0][2].footage
    assert (footage.size, footage.scale) == (None, 1.5)


def test_an_unknown_setting_in_the_environment_names_the_nearest(capsys, monkeypatch):
    monkeypatch.setenv("FRAMEDREAM_STEP_SIZ", "3")
    assert run("video", "in.mp4", "out.mp4") == 2
    assert "did you mean 'step_size'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("started", "words"), [("/a/b/cli.py", "python cli.py"), ("/usr/bin/framedream", "framedream")]
)
def test_preview_prints_the_program_as_the_user_started_it(spy, capsys, monkeypatch, started, words):
    monkeypatch.setattr(sys, "argv", [started])
    assert run("preview", "in.mp4", "sheet.png") == 0
    assert all(line[4:].startswith(f"{words} video in.mp4") for line in capsys.readouterr().out.splitlines())


def test_an_argument_too_many_is_named(spy, capsys):
    assert run("video", "in.mp4", "out.mp4", "extra.mp4") == 2
    assert one_line(capsys.readouterr().err).startswith("framedream: unexpected argument: extra.mp4; remove it")


def test_help_is_also_a_word(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["help", "video"])
    assert ended.value.code == 0
    assert "Usage: framedream video" in capsys.readouterr().out


def test_the_help_of_a_flag_has_no_line_breaks_of_its_source():
    help_text = help_texts("""Settings.

    Attributes:
        one: First line
            and second line.
        two: Other: text.
    """)
    assert help_text == {"one": "First line and second line.", "two": "Other: text."}
