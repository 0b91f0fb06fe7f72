"""The objective is the mean square of layers, as a whole and of each place."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import noise, scene

from framedream.dream.models import load_network
from framedream.dream.objective import Objective
from framedream.dream.runtime import tf
from framedream.terms import Term

WEIGHTS = (0.5, 2.0)


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


def test_a_place_has_what_is_there(energy):
    """Fine detail on the right of a flat picture."""
    image = np.full((128, 256, 3), 128, np.float32)
    image[:, 160:] = noise(128, 96)
    places = energy.with_places(tf.constant(image))[1].numpy()
    assert places[:, -4:].mean() > 2 * places[2:-2, 2:6].mean()
