"""What settings are at each moment of a film: between keys, on a loop, and by the loudness of a sound."""

from __future__ import annotations

from fractions import Fraction

import pytest

from framedream import Settings
from framedream.config.schedule import SettingsSchedule, easing_curve, interpolate, layers_of
from framedream.config.timeline import Keyframe, SoundFollow, Timeline
from framedream.errors import SettingsError


def key(at, easing="linear", **values) -> Keyframe:
    return Keyframe(Fraction(at), tuple(values.items()), easing)


def course(*keys, follows=(), length=None, loudness=None, **values) -> SettingsSchedule:
    return SettingsSchedule(Settings.of(timeline=Timeline(keys, tuple(follows)), **values), length, loudness)


def values(course: SettingsSchedule, name: str, *moments) -> list:
    group = "motion" if name in ("persistence", "follow_steps") else "zoom" if name in ("zoom", "pan") else "dream"
    return [getattr(getattr(course.at(at), group), name) for at in moments]


def test_without_a_timeline_the_settings_are_those_of_the_film_themselves():
    settings = Settings.of("peacock")
    assert SettingsSchedule(settings).is_constant
    assert SettingsSchedule(settings).at(3.5) is settings


def test_a_number_goes_from_key_to_key_and_is_constant_before_the_first_and_behind_the_last():
    changing = course(key(1, step_size=2), key(3, step_size=6), steps=5)
    assert not changing.is_constant
    assert values(changing, "step_size", 0, 1, 1.5, 2, 3, 9) == [2, 2, 3, 4, 6, 6]
    assert changing.at(2).dream.steps == 5
    assert changing.at(2).change.timeline is None


def test_a_key_beats_what_was_given_for_the_whole_film():
    assert values(course(key(1, step_size=2), step_size=9), "step_size", 0, 1, 2) == [2, 2, 2]


def test_each_setting_knows_only_the_keys_that_name_it():
    changing = course(key(0, steps=10), key(1, step_size=2), key(2, steps=20), key(3, step_size=4))
    assert values(changing, "steps", 1, 3) == [15, 20]
    assert values(changing, "step_size", 1, 2) == [2, 3]


@pytest.mark.parametrize(
    ("easing", "quarter", "half"),
    [("linear", 0.25, 0.5), ("smooth", 0.15625, 0.5), ("in", 0.0625, 0.25), ("out", 0.4375, 0.75), ("hold", 0, 0)],
)
def test_the_easing_of_a_key_says_how_it_is_come_to(easing, quarter, half):
    assert [easing_curve(share, easing) for share in (0, 0.25, 0.5, 1)] == [0, quarter, half, 1]
    changing = course(key(0, "linear", step_size=10), key(4, easing, step_size=20))
    assert values(changing, "step_size", 0, 1, 2, 4) == [10, 10 + 10 * quarter, 10 + 10 * half, 20]


def test_whole_numbers_are_rounded_and_auto_jumps():
    changing = course(key(0, steps=1, octaves=2), key(4, steps=3, octaves="auto"))
    assert values(changing, "steps", 0, 0.9, 1, 2.9, 3, 4) == [1, 1, 2, 2, 3, 3]
    assert values(changing, "octaves", 0, 3.9, 4) == [2, 2, "auto"]


def test_a_zoom_changes_by_equal_factors_and_pairs_part_by_part():
    changing = course(key(0, zoom="1/s", pan="0,1"), key(2, zoom="4/s", pan="1,0"))
    assert values(changing, "zoom", 0, 1, 2) == [1, pytest.approx(2), 4]
    assert values(changing, "pan", 1) == [(0.5, 0.5)]


def test_words_jump_at_their_key():
    assert values(course(key(0, color="keep"), key(2, color="luma")), "color", 0, 1.99, 2) == ["keep", "keep", "luma"]


def test_a_bound_that_is_not_there_at_first_is_there_from_the_start():
    assert values(course(key(2, max_loss=5), key(4, max_loss=7)), "max_loss", 0, 3) == [5, 6]


def test_layers_are_cross_faded():
    changing = course(key(0, layers="fire5=1,fire7=2"), key(4, layers="fire8=4,fire7=1"))
    assert values(changing, "layers", 0, 1, 4) == [
        (("fire5", 1.0), ("fire7", 2.0)),
        (("fire5", 0.75), ("fire7", 1.75), ("fire8", 1.0)),
        (("fire8", 4.0), ("fire7", 1.0)),
    ]


def test_all_layers_that_are_ever_excited_are_known_in_a_stable_order():
    settings = Settings.of(
        layers="fire2", timeline=Timeline((key(0, layers="fire5,fire7"), key(4, layers="fire8,fire5")))
    )
    assert layers_of(settings) == SettingsSchedule(settings).layers == ("fire2", "fire5", "fire7", "fire8")
    assert layers_of(Settings()) == ("fire7",)


def test_the_same_settings_are_the_same_object():
    changing = course(key(1, step_size=2), key(3, step_size=6))
    assert changing.at(0) is changing.at(0.5)
    assert changing.at(2) is changing.at(Fraction(2))


# Loops.


def test_on_a_loop_the_last_key_leads_into_the_first():
    changing = course(key(1, step_size=2), key(3, step_size=6), loop=True, length=Fraction(5))
    assert values(changing, "step_size", 1, 2, 3) == [2, 4, 6]
    assert values(changing, "step_size", 4, 4.5, 0, 0.5, 5, 6) == pytest.approx([14 / 3, 4, 10 / 3, 8 / 3, 10 / 3, 2])


def test_a_single_key_of_a_loop_holds_for_all_of_it():
    assert values(course(key(1, step_size=2), loop=True, length=Fraction(5)), "step_size", 0, 1, 4) == [2, 2, 2]


@pytest.mark.parametrize("at", [5, 6])
def test_a_key_beyond_the_end_of_a_loop_is_refused(at):
    with pytest.raises(SettingsError, match=rf"key at {at}s: is not before the end of the loop, at 5s; .*--duration"):
        course(key(1, steps=2), key(at, steps=3), loop=True, length=Fraction(5))
    assert course(key(1, steps=2), key(at, steps=3), length=Fraction(5)).at(3)


# Following a sound.


def loud(band: str, seconds: float) -> float:
    return {"bass": seconds / 4, "beat": 2.0}[band]


def test_what_follows_a_sound_goes_from_silence_to_the_loudest():
    changing = course(
        follows=[SoundFollow("step_size", "bass", 1, 5), SoundFollow("steps", "beat", 3, 7)], loudness=loud
    )
    assert not changing.is_constant
    assert values(changing, "step_size", 0, 1, 4) == [1, 2, 5]
    assert values(changing, "steps", 0) == [7]


def test_what_follows_a_sound_heeds_no_keys_and_other_settings_do():
    changing = course(
        key(0, step_size=9, steps=1), key(2, step_size=9, steps=3), follows=[SoundFollow("step_size", "bass", 1, 5)],
        loudness=loud,
    )  # fmt: skip
    assert values(changing, "step_size", 1) == [2]
    assert values(changing, "steps", 1) == [2]


def test_a_zoom_that_follows_a_sound_does_so_by_factors():
    assert values(course(follows=[SoundFollow("zoom", "bass", 1, 4)], loudness=loud), "zoom", 2) == [pytest.approx(2)]


def test_without_a_sound_there_is_nothing_to_follow():
    with pytest.raises(SettingsError, match="follow of step-size: no sound is given to follow; give one with --sound"):
        course(follows=[SoundFollow("step_size", "bass", 1, 5)])


def test_halfway_is_rounded_up():
    assert [interpolate("steps", 0, 2, share) for share in (0.24, 0.25, 0.74, 0.75)] == [0, 1, 1, 2]


def test_a_term_that_is_written_in_two_ways_fades_as_one():
    changing = course(key(0, layers="class:967=1,fire7:0-1=2"), key(4, layers="class:espresso=5,fire7:1+0=4"))
    assert values(changing, "layers", 2) == [(("class:espresso", 3.0), ("fire7:1+0", 3.0))]
