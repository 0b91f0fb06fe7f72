"""The objective: mean squares of layers and channels, classes, and what points along a guide."""

from __future__ import annotations

import copy
import functools
from dataclasses import replace

import numpy as np
import pytest
from pictures import noise, scene

from framedream.config.settings import DreamSettings
from framedream.config.terms import CLASSES, Term, find_class
from framedream.errors import InputError, SettingsError
from framedream.media import read_image, resize
from framedream.nn.ascent.dreamer import Dream, Dreamer
from framedream.nn.ascent.objective import Objective, guide_features
from framedream.nn.network.loading import load_network
from framedream.nn.runtime import tf
from framedream.render.video.strength_control import StrengthController, StrengthReference

WEIGHTS = (0.5, 2.0)

PICTURE = scene(96, 128)


@pytest.fixture(scope="module")
def energy() -> Objective:
    """Of a layer with 8 pixels a cell and one with 16."""
    return Objective(load_network("squeezenet", ["fire5", "fire7"], None), [Term("fire5"), Term("fire7")], WEIGHTS)


def test_the_scalar_is_the_weighted_sum_of_mean_squares(energy):
    image = tf.constant(scene(96, 128))
    layers = energy.network.activations(image[tf.newaxis])
    expected = sum(weight * np.square(layer.numpy()).mean() for weight, layer in zip(WEIGHTS, layers, strict=True))
    assert float(energy(image)) == pytest.approx(expected, rel=1e-4)
    assert float(energy.with_places(image)[0]) == float(energy(image))


@pytest.mark.parametrize("size", [(96, 128), (77, 131)])
def test_places_have_the_size_of_the_smallest_layer_and_its_mean_is_about_the_scalar(energy, size):
    image = tf.constant(scene(*size))
    loss, places = energy.with_places(image)
    smallest = min(tuple(layer.shape[1:3]) for layer in energy.network.activations(image[tf.newaxis]))
    assert tuple(places.shape) == (*smallest, 1)
    assert float(tf.reduce_mean(places)) == pytest.approx(float(loss), rel=0.1)


def test_places_with_detail_have_more_of_the_objective(energy):
    """Fine detail on the right of a flat picture."""
    image = np.full((128, 256, 3), 128, np.float32)
    image[:, 160:] = noise(128, 96)
    places = energy.with_places(tf.constant(image))[1].numpy()
    assert places[:, -4:].mean() > 2 * places[2:-2, 2:6].mean()


# Terms of other kinds.


@functools.cache
def load_dreamer(*layers: str) -> Dreamer:
    """A dreamer that can excite some layers."""
    return Dreamer(DreamSettings(layers=layers[0], precision="float32"), layers=layers)


def dreamed(
    terms: str, picture: np.ndarray = PICTURE, guide: np.ndarray | None = None, **values
) -> tuple[Dreamer, Dream]:
    """A dreamer of some terms, with its dream of a picture."""
    settings = DreamSettings(layers=terms, octaves=1, jitter=0, **{"steps": 5, "precision": "float32"} | values)
    if guide is not None:
        dreamer = Dreamer(settings, guide=guide)
    else:
        classes = ("fire7", "class:espresso") if "class" in terms else ("fire5", "fire7", f"fire7:{CHANNEL}")
        dreamer = copy.copy(load_dreamer(*classes))
        dreamer.settings = settings
    return dreamer, dreamer.dream(picture)


CHANNEL = 168
"""A channel of fire7 that is neither the strongest in the picture nor silent."""


load = functools.cache(lambda *names: load_network("squeezenet", names))


def layer(name: str, picture: np.ndarray) -> np.ndarray:
    """Activations of the built-in network, h×w×C."""
    return load(name).activations(tf.constant(picture[np.newaxis]))[0][0].numpy()


def test_some_channels_count_by_their_mean_square_and_others_not_at_all():
    objective = Objective(load("fire7"), [Term("fire7", (0, 3, 200))], (2.0,))
    expected = 2 * np.square(layer("fire7", PICTURE)[..., [0, 3, 200]]).mean()
    assert float(objective(tf.constant(PICTURE))) == pytest.approx(expected, rel=1e-4)


def test_a_dream_of_a_channel_has_more_of_it_than_one_of_the_whole_layer():
    dreamer, dream = dreamed(f"fire7:{CHANNEL}")
    one, whole = dream.pixels, dreamer.dream(PICTURE, replace(dreamer.settings, layers="fire7")).pixels
    energies = [np.square(layer("fire7", picture)[..., CHANNEL]).mean() for picture in (PICTURE, whole, one)]
    assert energies[2] > 2 * energies[0]
    assert energies[2] > 2 * energies[1]


def test_a_weight_below_zero_lowers_what_it_names():
    dreamer, dream = dreamed("fire7=-1")
    assert np.square(layer("fire7", dream.pixels)).mean() < 0.8 * np.square(layer("fire7", PICTURE)).mean()
    assert dreamer.strength(PICTURE) < dreamer.strength(dream.pixels) < 0


def test_a_weight_below_zero_beside_others_keeps_what_it_names_low():
    dreamer, dream = dreamed("fire5,fire7=-2")
    plain = dreamer.dream(PICTURE, replace(dreamer.settings, layers="fire5"))
    plain, damped = (np.square(layer("fire7", each.pixels)).mean() for each in (plain, dream))
    assert damped < 0.8 * plain


def test_a_film_with_an_objective_below_zero_is_neither_held_nor_driven():
    """Nothing is known of how strong what is damped should be."""
    dreamer, dream = dreamed("fire7=-1")
    reference = StrengthReference(dreamer.strength(dream.pixels), dream.losses)
    level = StrengthController().update(dreamer.strength(PICTURE), reference)
    assert (level.gain, level.integral) == (1, 1)
    assert level.ceilings(reference) == [0.0]
    held = dreamer.dream(PICTURE, ceilings=level.ceilings(reference))
    assert np.array_equal(held.pixels, dream.pixels)


def test_a_ceiling_leaves_places_below_zero_free_to_grow():
    dreamer, _ = dreamed("fire5=1,fire7=-2")
    held = dreamer.dream(PICTURE, ceilings=[1e6])
    assert np.isfinite(held.pixels).all()
    assert dreamer.strength(held.pixels) > dreamer.strength(PICTURE)


def test_a_class_rises_above_all_others(samples):
    """In a photograph of a temple."""
    picture = resize(read_image(samples / "china.jpg"), 160, 120)
    before, after = (
        layer(CLASSES, each).mean((0, 1)) for each in (picture, dreamed("class:espresso", picture, steps=12)[1].pixels)
    )
    assert before.argmax() != find_class("espresso")
    assert after.argmax() == find_class("espresso")
    assert after[967] - before[967] > 5


def test_the_classic_algorithm_climbs_a_class_of_a_single_cell_too(samples):
    picture = resize(read_image(samples / "china.jpg"), 48, 40)
    classic = Dreamer(DreamSettings(layers="class:espresso", algorithm="classic", octaves=1, steps=3))
    assert np.abs(classic.dream(picture).pixels - picture).mean() > 1
    assert classic.strength(picture) != 0


def test_a_class_may_stand_beside_a_layer():
    dreamer, dream = dreamed("fire7=1,class:967=0.5")
    logit = layer(CLASSES, PICTURE)[..., 967].mean()
    expected = np.square(layer("fire7", PICTURE)).mean() + 0.5 * logit
    assert dreamer.strength(PICTURE) == pytest.approx(expected, rel=1e-3)
    assert dreamer.strength(dream.pixels) > dreamer.strength(PICTURE)


# Guides.


@pytest.fixture(scope="module")
def guides(samples) -> list[np.ndarray]:
    """A temple and a sky of galaxies."""
    return [resize(read_image(samples / name), 128, 96) for name in ("china.jpg", "hubble.jpg")]


@pytest.mark.parametrize("term", [Term("fire5"), Term("fire5", (1, 4, 7, 100, 200))])
def test_a_guides_gradient_is_that_of_the_original_notebook(guides, term):
    """``dst.diff = y[:, A.argmax(1)]`` with ``A = x.T.dot(y)``: up to one factor, for all of a layer or some of it."""
    network = load("fire5")
    objective = Objective(network, [term], (1.0,), guide_features(network, guides[0]))
    image = tf.constant(PICTURE)
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = objective(image)
    ours = tape.gradient(loss, image).numpy()

    channels = list(term.channels or range(256))
    guide = layer("fire5", guides[0]).reshape(-1, 256)[:, channels].T  # Channels first, as Caffe has them.
    with tf.GradientTape() as tape:
        tape.watch(image)
        (activations,) = network.activations(image[np.newaxis])
    x = activations[0].numpy().reshape(-1, 256)[:, channels].T
    diff = np.zeros(activations.shape, np.float32)
    diff[..., channels] = guide[:, x.T.dot(guide).argmax(1)].T.reshape(*activations.shape[:3], -1)
    theirs = tape.gradient(activations, image, tf.constant(diff)).numpy()
    assert float(loss) == pytest.approx(x.T.dot(guide).max(1).mean() / len(channels), rel=1e-4)
    assert np.allclose(ours * x.size, theirs, atol=1e-3 * np.abs(theirs).max())


def along(picture: np.ndarray, guide: np.ndarray) -> float:
    """How far the cells of a picture point along the nearest cells of a guide: the mean cosine."""
    mine, its = (layer("fire7", each).reshape(-1, 384) for each in (picture, guide))
    mine, its = (each / np.maximum(np.linalg.norm(each, axis=1, keepdims=True), 1e-6) for each in (mine, its))
    return float((mine @ its.T).max(1).mean())


def test_a_guided_dream_points_along_its_guide_and_each_guide_gives_its_own(guides):
    dreams = [dreamed("fire7", guide=guide, steps=6)[1].pixels for guide in guides]
    for dream, guide, other in zip(dreams, guides, guides[::-1], strict=True):
        assert along(dream, guide) > along(PICTURE, guide) + 0.02
        assert along(dream, guide) > along(dream, other)
    assert np.abs(dreams[0] - dreams[1]).mean() > 1


def test_where_a_guide_has_many_cells_some_from_all_over_it_are_taken(guides):
    network = load_network("squeezenet", ["fire3", "fire7", CLASSES])
    found = guide_features(network, guides[0])
    cells = layer("fire3", guides[0]).reshape(-1, 128)
    assert {name: each.shape for name, each in found.items()} == {"fire3": (512, 128), "fire7": (5 * 7, 384)}
    assert np.allclose(found["fire3"][[0, -1]], cells[[0, -1]], atol=1e-3)


def test_a_guide_that_is_too_small_is_refused():
    with pytest.raises(
        InputError, match="guide: 40x20 is too small for these layers, which need 29 pixels; give a larger image"
    ):
        Dreamer(DreamSettings(), guide=noise(20, 40))


@pytest.mark.parametrize(("terms", "guided"), [("fire7", True), ("class:espresso", False)])
def test_in_tiles_all_terms_have_the_gradient_that_they_have_as_a_whole(guides, monkeypatch, terms, guided):
    picture, guide = noise(449, 120), guides[0] if guided else None
    dreamer, dream = dreamed(terms, picture, guide, steps=1)
    whole = dream.pixels
    monkeypatch.setattr(dreamer.tile_fitter, "tile", 128)
    tiled = dreamer.dream(picture).pixels
    assert np.abs(whole - picture).mean() > 2
    assert np.abs(whole - tiled).mean() < 0.02 * np.abs(whole - picture).mean()


def test_a_guide_that_draws_nothing_is_refused(guides):
    with pytest.raises(SettingsError, match="guide: a class cannot be drawn towards a guide; add a layer"):
        Dreamer(DreamSettings(layers="class:espresso"), guide=guides[0])
