"""What is excited is written in a few words: layers, channels, classes; what is misspelt is answered."""

from __future__ import annotations

import pytest

from framedream import Settings, preset_names
from framedream.config.parsing import parse_layers
from framedream.config.schedule import layers_of
from framedream.config.terms import CLASSES, Term, class_names, parse_term
from framedream.errors import SettingsError
from framedream.film.dreamers import dreamer_for
from framedream.film.schedule_loading import load_schedule


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("fire7", Term("fire7")),
        ("fire7:12", Term("fire7", (12,))),
        (" fire7 : 12 ", Term("fire7", (12,))),
        ("fire7:9+0-3", Term("fire7", (0, 1, 2, 3, 9))),
        ("fire7:5+5", Term("fire7", (5,))),
        ("class:espresso", Term(CLASSES, (967,))),
        ("Class: Espresso", Term(CLASSES, (967,))),
        ("class:967", Term(CLASSES, (967,))),
        ("class:great_white-shark", Term(CLASSES, (2,))),
    ],
)
def test_terms_are_read(text, term):
    assert parse_term(text) == term


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fire7:", "^layers: '' does not name channels of fire7; write fire7:12 or fire7:0-3"),
        ("fire7:3-1", "'3-1' does not name channels of fire7"),
        ("fire7:all", "'all' does not name channels of fire7"),
        ("fire7:1,2:3", "'1,2:3' does not name channels"),
        (":3", "^layers: ':3' does not name a layer; write fire7, fire7:12 or class:espresso"),
        ("class:expresso", r"'expresso' is neither a class .* did you mean 'espresso'\?"),
        ("class:1000", "'1000' is neither a class of ImageNet nor a number from 0 to 999"),
        ("class:", "'' is neither a class of ImageNet"),
        ("class", "'' is neither a class of ImageNet"),
        ("class:cardigan", "'cardigan' is the name of two classes of ImageNet, 264 and 474"),
    ],
)
def test_what_cannot_be_read_is_answered_in_a_line(text, message):
    with pytest.raises(SettingsError, match=message) as caught:
        parse_term(text)
    assert "\n" not in str(caught.value)


def test_there_are_a_thousand_classes_in_the_order_of_the_networks():
    names = class_names()
    assert len(names) == 1000
    assert (names[0], names[967], names[832], names[999]) == ("tench", "espresso", "stupa", "toilet tissue")


@pytest.mark.parametrize("text", ["fire7:3=1,fire7: 3=2", "fire7:1-2,fire7:2+1", "class:espresso,class:967"])
def test_a_term_that_stands_twice_is_refused_however_it_is_written(text):
    with pytest.raises(SettingsError, match="names a layer twice"):
        parse_layers(text)


def test_channels_of_a_layer_may_stand_beside_it_and_count_less_than_nothing():
    assert parse_layers("fire7,fire7:3=-0.5,class:967=2") == (("fire7", 1.0), ("fire7:3", -0.5), ("class:967", 2.0))


# Where terms stand.


def test_a_preset_may_have_them(tmp_path):
    (tmp_path / "mine.toml").write_text('layers = "fire7:0-3+9=0.5,class:espresso=-1"')
    assert Settings.of(tmp_path / "mine.toml").dream.layers == (("fire7:0-3+9", 0.5), ("class:espresso", -1.0))
    (tmp_path / "mine.toml").write_text('layers = "class:expresso"')
    with pytest.raises(SettingsError, match=r"mine\.toml: layers: 'expresso' is neither a class"):
        Settings.of(tmp_path / "mine.toml")


@pytest.mark.parametrize("name", preset_names())
def test_what_each_preset_excites_can_be_read(name):
    assert all(parse_term(term).layer for term, _ in Settings.of(name).dream.layers)


@pytest.fixture
def course(tmp_path):
    """Writes a timeline from fire7:3 to something else, and gives its settings."""

    def write(other: str) -> Settings:
        text = "[[key]]\nat = 0\nlayers = 'fire7:3'\n[[key]]\nat = '2s'\nlayers = '{}'\neasing = 'linear'\n"
        (tmp_path / "course.toml").write_text(text.format(other))
        return Settings.of(timeline=tmp_path / "course.toml")

    return write


def test_one_channel_fades_into_another(course):
    settings = course("fire7:9")
    assert layers_of(settings) == ("fire7", "fire7:3", "fire7:9")
    assert load_schedule(settings).at(0.5).dream.layers == (("fire7:3", 0.75), ("fire7:9", 0.25))
    assert dreamer_for(settings).network.layers == ("fire7",)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ("fier7:9", r"course\.toml, key at 2s: layers: squeezenet has no layer 'fier7'; did you mean 'fire7'\?"),
        ("fire7:999", r"key at 2s: layers: 'fire7:999' does not exist: fire7 has channels 0 to 383"),
    ],
)
def test_what_the_network_has_not_is_told_with_its_key(course, other, message):
    with pytest.raises(SettingsError, match=message):
        dreamer_for(course(other))


def test_channels_beyond_the_last_are_told_with_how_many_there_are():
    with pytest.raises(SettingsError, match=r"^layers: 'fire5:2\+256' does not exist: fire5 has channels 0 to 255$"):
        dreamer_for(Settings.of(layers="fire5:2+256"))
