"""One frame in, many looks of it out: which frame, which looks, and that each is what its flags make."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from pictures import pan, scene, write_clip
from stand_ins import Dreaming

from framedream import PreviewSettings, Settings, dream_image, dream_video, preset_names, preview
from framedream.config.parsing import parse_layers
from framedream.errors import InputError, OutputError, SettingsError, WeightsError
from framedream.film import dreamers as job
from framedream.jobs.preview_looks import preview_looks
from framedream.media import open_footage, read_image, write_image

FEW = {"precision": "float32", "steps": 2, "follow_steps": 1, "octaves": 2}


@pytest.fixture
def still(tmp_path):
    write_image(tmp_path / "still.png", scene(64, 96))
    return tmp_path / "still.png"


@pytest.fixture
def dreaming(monkeypatch):
    """A dream that only makes frames lighter; keeps the settings that each network was asked for with."""
    asked = []

    def dreamer_for(settings):
        asked.append(settings.dream)
        return Dreaming()

    monkeypatch.setattr(job, "dreamer_for", dreamer_for)
    return asked


def rows(wanted=None, preset="framedream", values=None, **settings):
    """Layers and step sizes of the looks."""
    found = preview_looks(wanted or PreviewSettings(**settings), preset, values)
    return [(look.settings.dream.layers, look.settings.dream.step_size) for look in found]


# Which looks.


def test_without_a_word_it_is_four_layers_in_three_strengths():
    found = rows()
    assert len(found) == 12
    assert len({layers for layers, _ in found}) == 4
    assert found[0][0] == Settings().dream.layers
    assert [size for _, size in found] == [0.625, 1.25, 2.5] * 4


def test_a_strength_multiplies_all_step_sizes():
    strong, weak = preview_looks(PreviewSettings(layers="fire3", strengths="2,0.1"))
    assert strong.settings.dream.step_size == 5
    assert (strong.settings.motion.follow_step_size, strong.settings.motion.young_step_size) == (2, 16)
    assert (weak.settings.motion.follow_step_size, weak.settings.motion.young_step_size) == (0.1, 0.8)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("fire3,fire7:12", ["fire3", "fire7:12"]),
        (["fire3", "fire5=0.5,fire7=1"], ["fire3", "fire5=0.5,fire7=1"]),
        ("fire5=0.5,fire7", ["fire5=0.5,fire7=1"]),
        ([{"fire3": 2.0}], ["fire3=2"]),
        ("fire3,fire3", ["fire3"]),
    ],
)
def test_layers_with_weights_are_one_row_and_others_are_a_row_each(layers, expected):
    wanted = PreviewSettings(layers=layers, strengths=1)
    assert [layers for layers, _ in rows(wanted)] == [parse_layers(text) for text in expected]


def test_the_layers_of_a_preset_come_first_and_its_other_settings_hold_for_all():
    found = preview_looks(PreviewSettings(strengths=1), "beasts", {"octaves": 3})
    assert found[0].settings.dream.layers == (("fire8", 1.0),)
    assert {look.settings.dream.steps for look in found} == {18}
    assert {look.settings.dream.octaves for look in found} == {3}


def test_of_another_network_each_of_its_first_layers_is_a_row_too():
    assert [layers for layers, _ in rows(strengths=1, values={"model": "vgg16"})] == [
        (("block4_conv1", 0.05), ("block5_conv2", 0.2)), (("block4_conv1", 1.0),), (("block5_conv2", 1.0),),
    ]  # fmt: skip


def test_presets_are_shown_as_they_are_unless_strengths_are_given():
    found = preview_looks(PreviewSettings(presets="peacock,eyes"))
    assert [look.settings for look in found] == [Settings.of("peacock"), Settings.of("eyes")]
    assert [size for _, size in rows(presets="peacock", strengths="0.5,1")] == [1, 2]
    assert len(rows(presets="all")) == len(preset_names())


def test_models_are_rows_with_the_layers_they_start_with():
    found = preview_looks(PreviewSettings(models="squeezenet,VGG16", strengths="1,2"))
    assert [look.settings.dream.model for look in found] == ["squeezenet"] * 2 + ["vgg16"] * 2
    assert found[2].settings.dream.layers == Settings.of(model="vgg16").dream.layers


@pytest.mark.parametrize("rows", [{"models": "squeezenet,vgg16"}, {"presets": "framedream,classic-vgg"}])
def test_weights_are_for_the_network_that_is_not_built_in(rows):
    own, others = preview_looks(PreviewSettings(strengths=1, **rows), values={"weights": "v.h5"})
    assert own.settings.dream.weights is None
    assert str(others.settings.dream.weights) == "v.h5"


@pytest.mark.parametrize(
    ("settings", "values", "message"),
    [
        ({"models": "vgg16,vgg19"}, {"weights": "v.h5"}, "the rows have vgg16, vgg19; name rows of one"),
        ({"presets": "all"}, {"weights": "v.h5"}, "the rows have inception_v3, vgg16"),
        ({"presets": "eyes"}, {"weights": "v.h5"}, "no row has one"),
        ({"models": "vgg16"}, {"model": "vgg19"}, "model: with models each row has its own"),
        ({"presets": "eyes"}, {"layers": "fire3"}, "layers: with presets each row has its own"),
        ({"presets": "eys"}, {}, "did you mean 'eyes'"),
        ({}, {"setps": 3}, "did you mean 'steps'"),
    ],
)
def test_looks_that_cannot_be_are_refused(settings, values, message):
    with pytest.raises(SettingsError, match=message):
        preview_looks(PreviewSettings(**settings), values=values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"layers": "fire3", "presets": "all"}, "layers and presets cannot be combined"),
        ({"models": "vgg61"}, "did you mean 'vgg1"),
        ({"strengths": "1,much"}, "is not a list of numbers; write 0.5,1,2"),
        ({"strengths": "0"}, "above 0"),
        ({"best_of": "3,x"}, "write 3,7,11, or all"),
        ({"best_of": 1.5}, "the way you would write --best-of"),
        ({"width": 20}, "64 to 4096"),
        ({"columns": 0}, "1 to 32"),
        ({"layers": "fire3:x"}, "does not name channels of fire3"),
        ({"start": "soon"}, "is not a time"),
    ],
)
def test_settings_check_themselves(values, message):
    with pytest.raises(SettingsError, match=message):
        PreviewSettings(**values)


# Which frame.


def seen(source, **settings) -> np.ndarray:
    """The source as the sheet shows it: it stands at its left upper corner."""
    shown = PreviewSettings(layers="fire3", strengths=1, **settings)
    made = preview(source, settings=shown)
    height, width = made.cells[0].pixels.shape[:2]
    return made.sheet.pixels[14 : 14 + height, 14 : 14 + width].astype(np.float32)


@pytest.mark.parametrize(("start", "number"), [(None, 3), ("0", 0), ("1f", 1), (0.15, 4), ("5f", 5)])
def test_the_frame_is_the_middle_of_the_film_unless_another_is_named(dreaming, clip, start, number):
    frames = [frame.pixels for frame in open_footage(clip).frames()]
    assert np.abs(seen(clip, start=start) - frames[number]).max() <= 1


def test_a_moment_behind_the_film_is_refused(dreaming, clip):
    with pytest.raises(InputError, match="is beyond the last frame"):
        preview(clip, settings=PreviewSettings(start=9))


def test_a_folder_of_images_and_a_still_are_sources_too(dreaming, tmp_path, still):
    for number, picture in enumerate(pan(3, 64, 96)):
        write_image(tmp_path / "stills" / f"{number}.png", picture)
    assert not preview(tmp_path / "stills", settings=PreviewSettings(layers="fire3")).is_still
    assert np.abs(seen(tmp_path / "stills") - read_image(tmp_path / "stills" / "1.png")).max() <= 1
    assert preview(still, settings=PreviewSettings(layers="fire3", start=3)).is_still
    assert np.array_equal(seen(read_image(still)), seen(still))


def test_a_frame_is_made_smaller_but_not_larger_and_its_pixels_square(dreaming, tmp_path, still):
    assert seen(still, width=80).shape == (53, 80, 3)
    assert seen(still, width=480).shape == (64, 96, 3)
    wide = write_clip(tmp_path / "wide.mp4", pan(2, 64, 96), aspect=2)
    assert seen(wide).shape == (64, 192, 3)
    assert seen(wide, width=96).shape == (32, 96, 3)


# What is made of it.


def test_one_network_dreams_all_its_looks(dreaming, still):
    preview(still, settings=PreviewSettings(layers="fire3,fire5=0.5,fire7:2", strengths="1,2"))
    assert len(dreaming) == 1
    dreaming.clear()
    preview(still, settings=PreviewSettings(presets="eyes,peacock,classic-vgg"))
    assert [(network.model, [name for name, _ in network.layers]) for network in dreaming] == [
        ("squeezenet", ["fire6", "fire6_expand1x1"]), ("vgg16", ["block4_conv1", "block5_conv2"]),
    ]  # fmt: skip


def test_each_look_is_what_its_settings_make_of_the_frame(still):
    made = preview(still, settings=PreviewSettings(layers="fire5,fire7:3", strengths=0.5), values=FEW)
    alone = [dream_image(still, settings=cell.settings) for cell in made.cells]
    for cell, dream in zip(made.cells, alone, strict=True):
        assert np.abs(cell.pixels - dream).mean() < 0.02
    assert np.abs(alone[0] - alone[1]).mean() > 0.5


def test_a_look_near_the_image_keeps_small_octaves_that_another_look_cannot_have(still):
    made = preview(still, settings=PreviewSettings(layers="fire3,fire9", strengths=1), values=FEW | {"octaves": 5})
    alone = dream_image(still, settings=made.cells[0].settings)
    assert np.abs(made.cells[0].pixels - alone).mean() < 0.02


def test_one_class_by_its_name_and_by_its_number_are_two_looks(still):
    made = preview(still, settings=PreviewSettings(layers=["class:967", "class:espresso=2"], strengths=1), values=FEW)
    assert np.abs(made.cells[0].pixels - made.cells[1].pixels).mean() < 0.02


def test_a_class_is_not_drawn_towards_a_guide_and_its_flags_do_not_name_one(still):
    wanted = PreviewSettings(layers="fire5,class:espresso", strengths="1")
    guided, free = preview_looks(wanted, values={"guide": still}, is_still=True)
    assert "--guide" in guided.flags
    assert free.settings.dream.guide is None
    assert free.flags == ("--layers", "class:espresso")


def test_the_moving_version_is_the_film(clip, tmp_path):
    values = {"layers": "fire3", "steps": 6, "follow_steps": 3, "octaves": 2}
    wanted = PreviewSettings(layers="fire9,fire3", strengths=1, best_of=2)
    made = preview(clip, settings=wanted, values=values)
    dream_video(clip, tmp_path / "film", Settings.of(**values))
    film = [frame.pixels for frame in open_footage(tmp_path / "film").frames()]
    assert made.cells[0].moving == ()
    assert len(made.cells[1].moving) == 6
    for mine, frame in zip(made.cells[1].moving, film, strict=True):
        assert np.abs(mine - frame).mean() < 0.5


def test_only_a_second_of_the_same_shot_moves(dreaming, tmp_path):
    pictures = [*pan(20, 64, 96), *(0.3 * picture for picture in pan(50, 64, 96, seed=5))]
    film = write_clip(tmp_path / "film.mp4", pictures)
    for start, frames in ((None, 25), ("22f", 15), ("2f", 20)):
        settings = PreviewSettings(layers="fire3", strengths=1, best_of="all", start=start)
        assert len(preview(film, settings=settings).cells[0].moving) == frames


def test_progress_counts_looks_and_frames(dreaming, clip):
    told = []
    preview(clip, settings=PreviewSettings(layers="fire3,fire5", strengths=1, best_of=2), progress=told.append)
    assert [(step.frame, step.frames) for step in told] == [(number, 8) for number in range(1, 9)]


@pytest.mark.parametrize(("best_of", "message"), [("3", "look 3 .* from 1 to 2"), ("0", "look 0 does not exist")])
def test_a_number_that_no_look_has_is_refused(dreaming, clip, best_of, message):
    with pytest.raises(SettingsError, match=message):
        preview(clip, settings=PreviewSettings(layers="fire3,fire5", strengths=1, best_of=best_of))


def test_a_film_of_one_frame_is_no_still(dreaming, tmp_path):
    film = write_clip(tmp_path / "one.mp4", pan(1, 64, 96))
    assert not preview(film, settings=PreviewSettings(layers="fire3", strengths=1)).is_still


def test_a_still_does_not_move(dreaming, still):
    with pytest.raises(SettingsError, match=r"still\.png is a still image; give a video"):
        preview(still, settings=PreviewSettings(best_of=1))
    assert dreaming == []


def test_none_is_as_good_as_nothing():
    nothing = PreviewSettings(layers=None, strengths=None, presets=None, models=None, best_of=None)
    assert nothing == PreviewSettings()


@pytest.fixture
def offline(monkeypatch):
    """No weights of Keras are to be had."""

    def dreamer_for(settings):
        if settings.dream.model != "squeezenet":
            raise WeightsError(f"{settings.dream.model}: its weights are not to be had")
        return Dreaming()

    monkeypatch.setattr(job, "dreamer_for", dreamer_for)


def test_of_all_presets_those_without_weights_are_cells_that_say_so(offline, clip, caplog):
    caplog.set_level(logging.INFO, "framedream")
    made = preview(clip, settings=PreviewSettings(presets="all", best_of="all"))
    missing = {cell.flags[1]: cell.missing for cell in made.cells if cell.pixels is None}
    assert missing == {
        "classic-inception": "inception_v3: its weights are not to be had",
        "classic-vgg": "vgg16: its weights are not to be had",
    }
    assert [message.split(":")[1].strip() for message in caplog.messages] == ["inception_v3", "vgg16"]
    assert {bool(cell.moving) for cell in made.cells if cell.pixels is not None} == {True}


@pytest.mark.parametrize("rows", [{"presets": "eyes,classic-vgg"}, {"models": "squeezenet,vgg16"}])
def test_a_network_that_was_named_must_have_its_weights(offline, clip, rows):
    with pytest.raises(WeightsError, match="vgg16: its weights"):
        preview(clip, settings=PreviewSettings(**rows))


def test_real_weights_of_vgg16_dream_beside_the_built_in_network(still, vgg16_weights):
    wanted = PreviewSettings(models="squeezenet,vgg16", strengths="1,2", width=64)
    own, _, vgg, stronger = preview(still, settings=wanted, values={"weights": vgg16_weights, **FEW}).cells
    assert vgg.flags[:4] == ("--model", "vgg16", "--weights", str(vgg16_weights))
    assert np.abs(own.pixels - vgg.pixels).mean() > 1
    assert np.abs(stronger.pixels - vgg.pixels).mean() > 1


def test_the_sheet_is_written_and_shows_itself(dreaming, still, tmp_path):
    made = preview(still, tmp_path / "sheet.png", PreviewSettings(layers="fire3"))
    assert np.array_equal(read_image(tmp_path / "sheet.png"), made.sheet.pixels)
    assert made._repr_png_() == made.sheet._repr_png_()
    assert "array" not in repr(made)


def test_where_nothing_can_be_written_nothing_is_dreamed(dreaming, still, tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        preview(still, still / "sheet.png")
    assert dreaming == []


@pytest.mark.parametrize(("name", "error"), [("sheet.xyz", SettingsError), ("still.png", OutputError)])
def test_names_are_looked_at_first(dreaming, still, tmp_path, name, error):
    with pytest.raises(error):
        preview(still, tmp_path / name)
    assert dreaming == []


def test_a_guide_is_not_written_over(dreaming, clip, still):
    before = still.read_bytes()
    with pytest.raises(OutputError, match=r"still\.png: is the input itself"):
        preview(clip, still, values={"guide": still})
    assert still.read_bytes() == before


def test_a_sheet_too_large_is_refused_before_anything_is_dreamed(dreaming, still):
    with pytest.raises(SettingsError, match="200 looks in rows of 1 make a picture"):
        preview(still, settings=PreviewSettings(layers=[f"fire3:{n}" for n in range(100)], strengths="1,2", columns=1))
    assert dreaming == []
