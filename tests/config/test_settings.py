"""Settings check themselves where they are made, and answer mistakes with the nearest right word."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from framedream import (
    ChangeSettings,
    DreamSettings,
    FeatureSettings,
    FootageSettings,
    ImagineSettings,
    Moment,
    MotionSettings,
    OutputSettings,
    RunSettings,
    Settings,
    ZoomSettings,
)
from framedream.config.machine import DeviceChoice, parse_devices
from framedream.config.parsing import (
    parse_growth,
    parse_layers,
    parse_moment,
    parse_pair,
    parse_rate,
    parse_seconds,
    parse_size,
)
from framedream.config.settings import setting_groups
from framedream.errors import SettingsError

GROUPS = {
    "dream": DreamSettings,
    "motion": MotionSettings,
    "footage": FootageSettings,
    "zoom": ZoomSettings,
    "change": ChangeSettings,
    "output": OutputSettings,
    "run": RunSettings,
}
RANGES = {
    DreamSettings: {
        "octaves": ([1, 32], [0, 33]),
        "octave_scale": ([1.05, 4], [1.04, 4.1]),
        "steps": ([0, 10_000], [-1, 10_001]),
        "step_size": ([0.01, 255], [0, -1, 256]),
        "smoothing": ([0, 8], [-0.1, 8.1]),
        "jitter": ([0, 512], [-1, 513]),
        "random_seed": ([0, 2**31 - 1], [-1, 2**31]),
    },
    MotionSettings: {
        "passes": ([1, 2], [0, 3, -1]),
        "persistence": ([0, 1], [-0.01, 1.01]),
        "follow_steps": ([0, 10_000], [-1, 10_001]),
        "follow_step_size": ([0.01, 255], [0, 256]),
        "young_step_size": ([0.01, 255], [0, 256]),
    },
    FootageSettings: {
        "scale": ([0.01, 16], [0, -1, 16.5]),
        "size": ([(1, 1), "1280x720"], [(0, 5), (5, 0), "0x3"]),
        "fps": ([1, 1000, "1/10"], [0, -5, 1001]),
    },
    OutputSettings: {"crf": ([0, 63], [-1, 64])},
    RunSettings: {"threads": ([1, 1024], [0, -1, 1025]), "tile": (["auto", 64, 1024], [0, 100, -64, 1 << 20])},
}


def cases(good: bool):
    return [
        pytest.param(group, name, value, id=f"{name}={value}")
        for group, names in RANGES.items()
        for name, values in names.items()
        for value in values[0 if good else 1]
    ]


@pytest.mark.parametrize(("group", "name", "value"), cases(good=True))
def test_the_ends_of_a_range_are_accepted(group, name, value):
    assert getattr(group(**{name: value}), name) is not None


@pytest.mark.parametrize(("group", "name", "value"), cases(good=False))
def test_values_out_of_range_are_refused_by_name_with_what_is_accepted(group, name, value):
    with pytest.raises(SettingsError, match=rf"^{name}: .*(accepted|above 0)"):
        group(**{name: value})


@pytest.mark.parametrize(
    ("group", "name", "value"),
    [
        (DreamSettings, "steps", 2.5),
        (DreamSettings, "steps", True),
        (DreamSettings, "steps", "12"),
        (DreamSettings, "step_size", "big"),
        (DreamSettings, "step_size", float("nan")),
        (DreamSettings, "max_loss", float("inf")),
        (DreamSettings, "octaves", 2.0),
        (MotionSettings, "persistence", False),
        (MotionSettings, "passes", True),
        (MotionSettings, "passes", 2.0),
        (MotionSettings, "passes", "two"),
        (DreamSettings, "color", 1),
        (OutputSettings, "crf", "low"),
        (OutputSettings, "codec", 1.5),
        (OutputSettings, "codec", 264),
        (DreamSettings, "model", 16),
        (DreamSettings, "layers", 7),
        (DreamSettings, "layers", [5, 7]),
        (DreamSettings, "weights", 1),
        (FootageSettings, "size", 64),
        (FootageSettings, "size", (1, 2, 3)),
        (FootageSettings, "fps", [25]),
        (FootageSettings, "fps", float("inf")),
        (RunSettings, "devices", 2),
        (RunSettings, "devices", ["gpu:0"]),
        (RunSettings, "scheduler", 8786),
    ],
)
def test_values_of_the_wrong_kind_are_refused_by_name(group, name, value):
    with pytest.raises(SettingsError, match=name):
        group(**{name: value})


@pytest.mark.parametrize(
    ("group", "name", "wrong", "right"),
    [
        (MotionSettings, "flow", "diss", "dis"),
        (MotionSettings, "flow", "farnback", "farneback"),
        (MotionSettings, "cuts", "Auto", "auto"),
        (DreamSettings, "gradient", "maen", "mean"),
        (DreamSettings, "color", "keap", "keep"),
        (DreamSettings, "color", "Luma", "luma"),
    ],
)
def test_a_wrong_choice_is_answered_with_the_nearest(group, name, wrong, right):
    with pytest.raises(SettingsError, match=f"^{name}: '{wrong}'.*did you mean '{right}'"):
        group(**{name: wrong})


def test_an_unknown_model_is_answered_with_the_nearest():
    with pytest.raises(SettingsError, match="did you mean 'inception_v3'"):
        DreamSettings(model="inseption_v3")


def test_an_unknown_setting_is_answered_with_the_nearest():
    with pytest.raises(SettingsError, match="unknown setting 'step_sise'; did you mean 'step_size'"):
        Settings().override({"step-sise": 2})


def test_where_nothing_is_near_the_known_ones_are_listed():
    with pytest.raises(SettingsError, match="known: dis, farneback, none"):
        MotionSettings(flow="quixotic")


@pytest.mark.parametrize("group", GROUPS.values())
def test_settings_are_frozen(group):
    settings = group()
    with pytest.raises(FrozenInstanceError):
        setattr(settings, fields(settings)[0].name, None)


def test_every_setting_has_one_home_and_a_line_of_help():
    homes = setting_groups()
    assert len(homes) == sum(len(fields(group)) for group in GROUPS.values())
    for name, group in homes.items():
        assert f"\n        {name}: " in GROUPS[group].__doc__, name


def test_numbers_come_out_in_their_own_type():
    settings = DreamSettings(step_size=2, max_loss=10)
    assert (type(settings.step_size), type(settings.max_loss)) == (float, float)


def test_settings_in_different_spellings_are_equal():
    assert DreamSettings(layers="fire5=0.5,fire7") == DreamSettings(layers={"fire5": 0.5, "fire7": 1})
    assert FootageSettings(size="64x48", start="1:02") == FootageSettings(size=(64, 48), start=62)


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("fire5=0.5,fire7=1", (("fire5", 0.5), ("fire7", 1.0))),
        (" fire5 = 2 , fire7 ", (("fire5", 2.0), ("fire7", 1.0))),
        ("fire5=-1", (("fire5", -1.0),)),
        ({"a": 1, "b": 0.25}, (("a", 1.0), ("b", 0.25))),
        ([("a", "3")], (("a", 3.0),)),
    ],
)
def test_layers_are_read(text, layers):
    assert parse_layers(text) == layers


@pytest.mark.parametrize("text", ["fire5=much", "fire5=", "=1", "fire5=nan", "fire5=inf", "fire5=1,fire5=2"])
def test_layers_that_make_no_sense_are_refused(text):
    with pytest.raises(SettingsError, match=r"^layers: "):
        parse_layers(text)


def test_a_model_brings_its_own_layers():
    assert DreamSettings().layers == (("fire7", 1.0),)
    assert [name for name, _ in DreamSettings(model="vgg16").layers] == ["block4_conv1", "block5_conv2"]


@pytest.mark.parametrize("text", ["1280", "1280x", "x720", "1280x720x3", "-3x5", "a x b"])
def test_sizes_that_make_no_sense_are_refused(text):
    with pytest.raises(SettingsError, match="1280x720"):
        parse_size(text)


@pytest.mark.parametrize("text", ["1280x720", " 1280×720 ", (1280, 720)])
def test_sizes_are_read(text):
    assert parse_size(text) == (1280, 720)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2.5", Moment(seconds=Fraction(5, 2))),
        ("2.5s", Moment(seconds=Fraction(5, 2))),
        (".1", Moment(seconds=Fraction(1, 10))),
        (3, Moment(seconds=Fraction(3))),
        ("1:02.5", Moment(seconds=Fraction(125, 2))),
        ("1:00:02", Moment(seconds=Fraction(3602))),
        ("62f", Moment(frame=62)),
        (Moment(frame=3), Moment(frame=3)),
    ],
)
def test_moments_are_read_exactly(value, moment):
    assert parse_moment(value) == moment


@pytest.mark.parametrize("value", ["soon", "-1", "1:2:3:4", "2.5f", "", "1e3", ":5"])
def test_moments_that_make_no_sense_are_refused(value):
    with pytest.raises(SettingsError, match="is not a time"):
        parse_moment(value)


@pytest.mark.parametrize(
    ("value", "rate"),
    [
        ("25", Fraction(25)),
        (25, Fraction(25)),
        ("30000/1001", Fraction(30_000, 1001)),
        ("29.97", Fraction(30_000, 1001)),
        (29.97, Fraction(30_000, 1001)),
        ("23.976", Fraction(24_000, 1001)),
        (59.94, Fraction(60_000, 1001)),
        ("12.5", Fraction(25, 2)),
        (30, Fraction(30)),
    ],
)
def test_rates_are_read_exactly(value, rate):
    assert parse_rate(value) == rate


@pytest.mark.parametrize("value", ["fast", "1/0", "", "25 fps"])
def test_rates_that_make_no_sense_are_refused(value):
    with pytest.raises(SettingsError, match=r"^fps: "):
        parse_rate(value)


def test_a_film_is_dreamed_in_two_passes_and_keeps_its_color_if_nothing_else_is_said():
    settings = Settings()
    assert (settings.motion.passes, settings.dream.color) == (2, "keep")


@pytest.mark.parametrize("color", ["keep", "free", "luma"])
def test_colors_are_accepted(color):
    assert Settings.of(color=color).dream.color == color


def test_the_default_preset_is_the_defaults():
    assert Settings() == Settings.of() == Settings.of("framedream")


def test_a_value_given_beats_the_preset_and_the_preset_beats_the_default():
    settings = Settings.of("classic-inception", steps=7)
    assert (settings.dream.steps, settings.dream.max_loss, settings.motion) == (7, 10.0, MotionSettings())


def test_what_is_not_given_changes_nothing():
    assert Settings.of("classic-inception", steps=None, model=None) == Settings.of("classic-inception")


def test_hyphens_may_stand_for_underscores():
    assert Settings().override({"follow-step-size": 1.5}).motion.follow_step_size == 1.5


def test_values_find_their_groups():
    settings = Settings.of(steps=3, flow="none", scale=0.5, crf=20, threads=2)
    assert settings == Settings(
        dream=DreamSettings(steps=3),
        motion=MotionSettings(flow="none"),
        footage=FootageSettings(scale=0.5),
        output=OutputSettings(crf=20),
        run=RunSettings(threads=2),
    )


def test_another_model_drops_layers_and_weights_of_the_one_before():
    before = Settings.of(model="vgg16", layers="block3_conv1=1", weights="vgg.h5")
    after = before.override({"model": "squeezenet"})
    assert after.dream == DreamSettings(model="squeezenet")


def test_another_model_takes_the_layers_and_weights_given_with_it():
    settings = Settings.of("classic-vgg", model="mobilenet", layers="conv_pw_3_relu=2", weights="m.h5")
    assert settings.dream.layers == (("conv_pw_3_relu", 2.0),)
    assert settings.dream.weights == Path("m.h5")


def test_the_same_model_keeps_its_layers_however_it_is_spelled():
    before = Settings.of(model="inception_v3", layers="mixed3=1", weights="i.h5")
    assert before.override({"model": "InceptionV3"}) == before


def test_size_and_scale_given_together_are_refused():
    with pytest.raises(SettingsError, match="size and scale cannot be combined"):
        Settings.of(size="64x48", scale=2)


def test_a_later_size_replaces_an_earlier_scale_and_the_other_way_round():
    assert Settings.of(scale=2).override({"size": "64x48"}).footage == FootageSettings(size=(64, 48))
    assert Settings.of(size="64x48").override({"scale": 2}).footage == FootageSettings(scale=2)


@pytest.mark.parametrize(
    ("text", "choice", "shortest"),
    [
        ("auto", DeviceChoice("auto"), "auto"),
        ("cpu", DeviceChoice("cpu"), "cpu"),
        ("cpu:1", DeviceChoice("cpu"), "cpu"),
        ("CPU:1024", DeviceChoice("cpu", workers=1024), "cpu:1024"),
        ("gpu", DeviceChoice("gpu"), "gpu"),
        ("gpu:3", DeviceChoice("gpu", gpus=(3,)), "gpu:3"),
        (" gpu:2, 00 ", DeviceChoice("gpu", gpus=(2, 0)), "gpu:2,0"),
        ("gpu:0, gpu:1", DeviceChoice("gpu", gpus=(0, 1)), "gpu:0,1"),
    ],
)
def test_devices_are_read(text, choice, shortest):
    assert parse_devices(text) == choice
    assert RunSettings(devices=text).devices == shortest
    assert parse_devices(shortest) == choice


@pytest.mark.parametrize("text", ["", "tpu", "gpus", "cpu:", "cpu:two", "cpu:-1", "cpu:1,2", "gpu:", "gpu:0,,1", "0,1"])
def test_devices_that_make_no_sense_are_refused_with_what_can_be_written(text):
    with pytest.raises(SettingsError, match=r"^devices: .*write auto, cpu, cpu:2"):
        RunSettings(devices=text)


@pytest.mark.parametrize("text", ["cpu:0", "cpu:1025"])
def test_numbers_of_processes_out_of_range_are_refused(text):
    with pytest.raises(SettingsError, match=f"^devices: {text} is out of range; accepted: cpu:1 to cpu:1024"):
        RunSettings(devices=text)


def test_a_gpu_named_twice_is_refused():
    with pytest.raises(SettingsError, match=r"^devices: 'gpu:1,0,01' names a GPU twice"):
        RunSettings(devices="gpu:1,0,01")


@pytest.mark.parametrize(
    "address",
    ["tcp://10.0.0.1:8786", "tls://farm.example.org:1", "ucx://node-7:65535", "tcp://[fe80::1%eth0]:8786"],
)
def test_addresses_of_schedulers_are_accepted(address):
    assert RunSettings(scheduler=f" {address} ").scheduler == address


@pytest.mark.parametrize(
    "address",
    [
        "", "farm", "farm:8786", "tcp://farm", "tcp://:8786", "tcp://farm:0", "tcp://farm:65536", "tcp://farm:8786/x",
        "tcp://me@farm:8786", "tcp://fe80::1:8786", "http://farm:8787", "https://farm:8787",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_scheduler_is_refused_with_what_one_looks_like(address):
    with pytest.raises(SettingsError, match=r"^scheduler: .*tcp://host:8786"):
        RunSettings(scheduler=address)


def test_by_default_the_machine_chooses_and_no_scheduler_is_asked():
    assert RunSettings() == RunSettings(devices="auto", scheduler=None, threads=None, tile="auto")


@pytest.mark.parametrize(("text", "factor"), [("1.3/s", 1.3), ("0.8", 0.8), (2, 2.0)])
def test_a_zoom_is_a_factor_for_a_second(text, factor):
    assert parse_growth(text) == factor
    assert ZoomSettings(zoom=text).zoom == factor


@pytest.mark.parametrize("text", ["fast", "1.3/m", "nan", ""])
def test_other_zooms_are_refused_with_an_example(text):
    with pytest.raises(SettingsError, match=r"write 1\.3/s"):
        parse_growth(text)


def test_points_are_shares_of_width_and_height():
    assert parse_pair("0.25,-0.5") == parse_pair((0.25, -0.5)) == (0.25, -0.5)
    for text in ("0.5", "a,b", "1,2,3", "nan,0"):
        with pytest.raises(SettingsError, match="X,Y"):
            parse_pair(text)


def test_lengths_are_seconds_or_clock_times():
    assert [parse_seconds(text) for text in ("2.5", "2.5s", "1:02", 3, Fraction(1, 3))] == [
        Fraction(5, 2),
        Fraction(5, 2),
        62,
        3,
        Fraction(1, 3),
    ]
    with pytest.raises(SettingsError, match="is not a duration"):
        parse_seconds("62f")


@pytest.mark.parametrize(
    ("name", "value"),
    [("zoom", 0), ("zoom", 21), ("rotate", 721), ("pan", (5, 0)), ("center", (3, 0.5)), ("duration", 0), ("loop", 1)],
)
def test_journeys_out_of_range_are_refused(name, value):
    with pytest.raises(SettingsError, match=name):
        ZoomSettings(**{name: value})


def test_a_loop_has_no_beginning_to_ease():
    with pytest.raises(SettingsError, match="loop"):
        ZoomSettings(loop=True, ease=1)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("duration", "-1", "duration: '-1' is not a duration; write seconds (2.5) or a clock time (1:02.5)"),
        ("duration", "3f", "duration: '3f' is not a duration"),
        ("pan", "1", "pan: '1' is not X,Y in fractions of width and height"),
        ("start", "soon", "start: 'soon' is not a time; write seconds"),
        ("zoom", "fast", "zoom: 'fast' is not a speed per second"),
        ("loop", "yes", "loop: 'yes' is neither true nor false"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_name_once(name, value, message):
    with pytest.raises(SettingsError) as refused:
        Settings.of(**{name: value})
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(("value", "loop"), [("true", True), ("True", True), ("false", False), (True, True)])
def test_true_and_false_may_be_words_as_in_the_environment(value, loop):
    assert Settings.of(loop=value).zoom.loop is loop


def test_numbers_of_numpy_are_numbers():
    """As they come out of a loop in a notebook."""
    dream = Settings.of(steps=np.int64(3), octaves=np.int32(4), step_size=np.float32(2.5), jitter=np.uint8(1)).dream
    assert (dream.steps, dream.octaves, dream.step_size, dream.jitter) == (3, 4, 2.5, 1)
    assert [type(value) for value in (dream.steps, dream.octaves, dream.step_size)] == [int, int, float]
    assert FeatureSettings(channels=np.arange(3)).channels == (0, 1, 2)
    assert ImagineSettings(layers="fire5", channels=np.arange(2)).channels == (0, 1)
    with pytest.raises(SettingsError, match="not a whole number"):
        Settings.of(octaves=True)


def test_layers_may_be_a_list_of_what_is_written():
    assert Settings.of(layers=["fire5=0.5", "fire7"]).dream.layers == (("fire5", 0.5), ("fire7", 1.0))
