"""The classic algorithm is the published one, to nearly the last bit, against a plain restatement of it.

Both dream in the network's own units with the same operations in the same order: a difference of 1e-5 at the start
would be one of 27 dB after 20 steps, so nothing less than that can agree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from keras_files import save_weights
from pictures import scene
from published import Published, published_dream

from framedream.cli.main import _run
from framedream.config.settings import DreamSettings, Settings
from framedream.film.dreamers import dreamer_for
from framedream.media import read_image, resize, write_image
from framedream.nn.ascent.dreamer import Dream, Dreamer
from framedream.nn.network.trained_network import find_definition
from framedream.nn.runtime import keras

MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)

ALIKE = 40.0
"""What pictures must be alike at least, in dB."""


@dataclass
class Network:
    """One network twice: as Keras has it, and as framedream does."""

    preset: str
    file: Path
    model: keras.Model
    to_input: float
    steps: int = 20

    def __post_init__(self) -> None:
        self.dreamer = dreamer_for(Settings.of(self.preset, weights=self.file, steps=self.steps))

    def look(self, **values) -> DreamSettings:
        return Settings.of(self.preset, weights=self.file, **{"steps": self.steps} | values).dream

    def published(self, picture: np.ndarray, look: DreamSettings) -> Published:
        """What the published algorithm makes of a picture in levels, in the network's units."""
        seen = self.dreamer.network.preprocess(picture[None].copy())[0]
        return published_dream(
            self.model, dict(look.layers), np.asarray(seen), step=look.step_size * self.to_input,
            octaves=look.octaves, octave_scale=look.octave_scale, iterations=look.steps, max_loss=look.max_loss,
        )  # fmt: skip

    def levels(self, image: np.ndarray) -> np.ndarray:
        """A picture as it is shown, from the network's units."""
        shown = (image + 1) * 127.5 if self.to_input < 1 else (image + MEAN_BGR)[..., ::-1]
        return np.clip(shown, 0, 255)


@pytest.fixture(scope="module")
def vgg(vgg16_weights) -> Network:
    """With real convolutions."""
    model = keras.applications.VGG16(weights=None, include_top=False)
    model.load_weights(vgg16_weights)
    return Network("classic-vgg", vgg16_weights, model, 1.0)


@pytest.fixture(scope="module")
def incepted(tmp_path_factory) -> Network:
    """InceptionV3 from a file in the layout in which Keras publishes it. Random weights: the plumbing alone."""
    keras.utils.set_random_seed(1)
    model = find_definition("inception_v3").build()
    file = tmp_path_factory.mktemp("inception") / "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
    return Network("classic-inception", save_weights(model, file), model, 1 / 127.5, steps=6)


def alike(one: np.ndarray, other: np.ndarray) -> float:
    """Peak signal to noise of two pictures in levels, in dB."""
    error = np.square(one.astype(np.float64) - other).mean()
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def check(network: Network, picture: np.ndarray, dream: Dream, expected: Published) -> None:
    assert dream.losses == pytest.approx(expected.losses, rel=0.01)
    assert alike(dream.pixels, network.levels(expected.images[-1])) > ALIKE
    assert alike(dream.pixels, picture) < 35


def test_the_class_room_dream_of_vgg16_is_the_published_one(vgg, samples):
    picture = resize(read_image(samples / "china.jpg"), 84, 56)
    look = vgg.look()
    expected = vgg.published(picture, look)
    dream = vgg.dreamer.dream(picture)
    check(vgg, picture, dream, expected)
    assert dream.steps == (20,)


def test_the_dream_of_the_keras_documentation_is_the_published_one_at_each_octave(incepted, tmp_path, monkeypatch):
    """As the command makes it, by preset and by a weights file as published; odd sizes, three octaves."""
    monkeypatch.chdir(tmp_path)
    # What commands set for their whole process stays as it is.
    monkeypatch.setattr("framedream.cli.picture_commands.show_log", lambda quiet: None)
    monkeypatch.setattr("framedream.cli.main.signal.signal", lambda number, handler: None)
    write_image(tmp_path / "still.png", scene(151, 149))

    def dreamer_of_command(settings: Settings) -> Dreamer:
        assert settings.dream == incepted.dreamer.settings
        return incepted.dreamer

    # The network is loaded once for all of this file.
    monkeypatch.setattr("framedream.jobs.dream_image.dreamer_for", dreamer_of_command)
    words = (
        f"image still.png dream.png --preset classic-inception --weights {incepted.file} --steps 6 "
        "--save-octaves scales"
    )
    assert _run([*words.split(), "--quiet"], debug=False) == 0
    picture = read_image(tmp_path / "still.png")
    expected = incepted.published(picture, incepted.look())
    for number, image in enumerate(expected.images, 1):
        octave = read_image(tmp_path / "scales" / f"octave-{number}.png")
        assert octave.shape == image.shape
        # Files hold whole levels, which alone are 59 dB.
        assert alike(octave, np.rint(incepted.levels(image))) > ALIKE
    assert alike(read_image(tmp_path / "dream.png"), np.rint(incepted.levels(expected.images[-1]))) > ALIKE
    check(incepted, picture, incepted.dreamer.dream(picture), expected)


@pytest.mark.parametrize("size", [(78, 117), pytest.param((83, 97), marks=pytest.mark.full)])
def test_octaves_of_any_size_are_those_that_were_published(vgg, size):
    """78 and 117 are multiples of 1.3, which a factor of 1/1.3 takes to just below whole pixels."""
    picture, look = scene(*size), vgg.look(octaves=3, octave_scale=1.3, steps=3)
    expected = vgg.published(picture, look)
    assert vgg.dreamer.sizes(*size, look) == [image.shape[:2] for image in expected.images]
    check(vgg, picture, vgg.dreamer.dream(picture, look), expected)


def test_both_stop_at_the_same_step_where_the_loss_is_too_large(vgg):
    picture = scene(72, 96)
    losses = [vgg.published(picture, vgg.look(steps=steps)).losses[0] for steps in (4, 5)]
    look = vgg.look(max_loss=sum(losses) / 2)
    expected, dream = vgg.published(picture, look), vgg.dreamer.dream(picture, look)
    assert dream.steps == (4,)
    check(vgg, picture, dream, expected)


def test_a_dream_may_leave_the_range_of_pictures_on_its_way_and_is_shown_within(vgg):
    picture, look = 0.1 * scene(64, 80), vgg.look(octaves=2, steps=4, step_size=6)
    expected, dream = vgg.published(picture, look), vgg.dreamer.dream(picture, look)
    assert (expected.images[-1] + MEAN_BGR).min() < -2
    check(vgg, picture, dream, expected)
    assert dream.pixels.min() == 0


def test_no_steps_give_the_picture_back(vgg):
    assert np.abs(vgg.dreamer.dream(scene(64, 80), vgg.look(steps=0)).pixels - scene(64, 80)).max() < 1e-2


def test_a_frame_of_a_film_is_stepped_by_levels_in_place(vgg):
    """There steps are given for each pixel."""
    picture, sizes = scene(80, 90), np.zeros((80, 90, 1), np.float32)
    sizes[:, 45:] = 2.0
    change = vgg.dreamer.dream(picture, steps=1, step_size=sizes).pixels - picture
    plain = vgg.dreamer.dream(picture, steps=1, step_size=2.0).pixels - picture
    assert np.abs(plain).mean() == pytest.approx(2, rel=0.1)
    assert np.abs(change[:, :45]).max() < 1e-2
    assert np.allclose(change[:, 45:], plain[:, 45:], atol=1e-2)


def test_its_strength_is_its_objective_and_a_ceiling_holds_it(vgg):
    picture, look = scene(72, 96), vgg.look(steps=8)
    free = vgg.dreamer.dream(picture, look)
    assert vgg.dreamer.strength(picture) == pytest.approx(vgg.published(picture, vgg.look(steps=1)).losses[0], rel=1e-4)
    held = vgg.dreamer.dream(picture, look, ceilings=[0.2 * free.losses[0]])
    assert vgg.dreamer.strength(held.pixels) < 0.7 * vgg.dreamer.strength(free.pixels)
