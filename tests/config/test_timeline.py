"""Timelines are read from files, check themselves where settings are made, and say what is wrong in one line."""

from __future__ import annotations

from fractions import Fraction

import pytest

from framedream import Settings
from framedream.config.timeline import Keyframe, SoundFollow, Timeline
from framedream.errors import SettingsError

COURSE = """
[[key]]
at = "3s"
layers = "fire7=1,fire8=0.5"
follow-step-size = 2
zoom = "1.5/s"
easing = "linear"
[[key]]
at = 0
layers = "fire5"
[[follow]]
setting = "step-size"
band = "bass"
from = 1.5
to = 4
"""


@pytest.fixture
def course(tmp_path):
    """Writes a timeline."""

    def write(text: str):
        path = tmp_path / "course.toml"
        path.write_text(text)
        return path

    return write


def test_a_file_becomes_keys_in_their_order_and_follows_with_values_in_their_own_types(course):
    timeline = Settings.of(timeline=course(COURSE)).change.timeline
    assert timeline == Timeline(
        (
            Keyframe(Fraction(0), (("layers", (("fire5", 1.0),)),)),
            Keyframe(
                Fraction(3),
                (("layers", (("fire7", 1.0), ("fire8", 0.5))), ("follow_step_size", 2.0), ("zoom", 1.5)),
                "linear",
            ),
        ),
        (SoundFollow("step_size", "bass", 1.5, 4.0),),
    )
    assert hash(timeline) == hash(Settings.of(timeline=course(COURSE)).change.timeline)


def test_other_settings_leave_a_timeline_as_it_is(course):
    settings = Settings.of(timeline=course(COURSE), sound="track.wav")
    assert settings.override({"steps": 3}).change == settings.change
    assert Settings.of(timeline=settings.change.timeline).change.timeline == settings.change.timeline


@pytest.mark.parametrize(("at", "seconds"), [('"1:02.5"', 62.5), ("2.5", 2.5), ('"0.5s"', 0.5), ("7", 7)])
def test_moments_are_written_as_anywhere(course, at, seconds):
    timeline = Settings.of(timeline=course(f"[[key]]\nat = {at}\nsteps = 3")).change.timeline
    assert timeline.keys[0].at == Fraction(seconds)


def test_its_text_says_all_and_is_the_same_however_it_is_written(course):
    text = {
        "layers at 0s": "fire5=1 (smooth)",
        "layers at 3s": "fire7=1,fire8=0.5 (linear)",
        "follow-step-size at 3s": "2 (linear)",
        "zoom at 3s": "1.5 (linear)",
        "step-size follows": "bass 1.5 to 4",
    }
    assert Settings.of(timeline=course(COURSE)).change.timeline.flat() == text
    other = COURSE.replace("-", "_").replace('"fire5"', '"fire5=1.0"').replace('"3s"', "3.0")
    timeline = Settings.of(timeline=course(other)).change.timeline
    assert timeline.flat() == text
    assert str(timeline).startswith("layers at 0s: fire5=1 (smooth); ")


KEY = '[[key]]\nat = "3s"\n'
FOLLOW = '[[follow]]\nsetting = "step-size"\nband = "bass"\nfrom = 1\nto = 2\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (KEY + "step-siez = 2", r"course\.toml, key at 3s: unknown setting 'step-siez'; did you mean 'step-size'\?"),
        (KEY + "steps = -1", r"course\.toml, key at 3s: steps: -1 is out of range; accepted: 0 to 10000"),
        (KEY + 'layers = "a=b"', r"course\.toml, key at 3s: layers: weight 'b' of 'a' is not a number"),
        (KEY + 'color = "lumma"', r"key at 3s: color: 'lumma' is not one of .*; did you mean 'luma'\?"),
        (KEY, r"course\.toml, \[\[key\]\] 1: changes nothing; write settings below it"),
        ("[[key]]\nsteps = 2", r'course\.toml, \[\[key\]\] 1: has no time; write at = "3s"'),
        ('[[key]]\nat = "62f"\nsteps = 2', r"\[\[key\]\] 1: at 62f is a frame number; write the time in seconds"),
        ('[[key]]\nat = "soon"\nsteps = 2', r"\[\[key\]\] 1: at 'soon' is not a time; write seconds"),
        ("[[key]]\nat = true\nsteps = 2", r"\[\[key\]\] 1: at is not a time; write seconds"),
        (KEY + 'steps = 2\neasing = "smoth"', r"1: easing 'smoth' is not one of .*; did you mean 'smooth'\?"),
        (KEY + "step-size = 2\nstep_size = 3", r"1: step_size is set twice, with a hyphen and with an underscore"),
        (KEY + "steps = 2\n" + KEY + "steps = 3", r"key at 3s: steps is set twice at this time; remove one"),
        ("[key]\nat = 1", r"course\.toml: key is not a list of tables; write \[\[key\]\] above each"),
        ("[[kee]]\nat = 1", r"course\.toml: unknown 'kee'; did you mean 'key'\?"),
        ("", r"course\.toml: the timeline is empty; write \[\[key\]\]"),
        ("[[key]", r"course\.toml: is not valid TOML"),
        (FOLLOW.replace("bass", "base"), r"\[\[follow\]\] 1: band 'base' is not one of .*; did you mean 'bass'\?"),
        (FOLLOW.replace("to = 2", ""), r"\[\[follow\]\] 1: has no to; write to = 4\.0"),
        (FOLLOW + "ease = 2", r"\[\[follow\]\] 1: unknown 'ease'"),
        (FOLLOW.replace("to = 2", "to = 999"), r"follow of step-size: step_size: 999\.0 is out of range"),
        (FOLLOW + FOLLOW, r"follow of step-size: this setting follows twice; remove one"),
        (
            FOLLOW.replace("step-size", "color").replace("1", '"keep"').replace("2", '"luma"'),
            r"follow of color: from and to must be numbers",
        ),
        (
            FOLLOW.replace("step-size", "model"),
            r"follow of model: model cannot change within a film; set it for the whole film with --model",
        ),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(course, text, message):
    with pytest.raises(SettingsError, match=message) as caught:
        Settings.of(timeline=course(text))
    assert "\n" not in str(caught.value)
    assert "course.toml" in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        'model = "vgg16"', 'weights = "a.h5"', 'gradient = "rms"', "random-seed = 1", 'flow = "none"', "passes = 1",
        'cuts = "none"', "ease = 1", "duration = 3", "loop = true", "scale = 2", "crf = 3", "threads = 1",
        'sound = "a.wav"', 'timeline = "b.toml"',
    ],
)  # fmt: skip
def test_what_holds_for_a_whole_film_is_refused_with_the_flag_to_give(course, line):
    name = line.split()[0]
    with pytest.raises(SettingsError, match=rf"course\.toml, key at 3s: {name} cannot change .* --{name}"):
        Settings.of(timeline=course(KEY + line))


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(SettingsError, match=r"gone\.toml: cannot be read \(No such file.*--timeline"):
        Settings.of(timeline=tmp_path / "gone.toml")
