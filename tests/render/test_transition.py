import itertools

import cv2
import numpy as np
import pytest

from framedream.render.zoom.similarity import Similarity
from framedream.render.zoom.transition import crossfade, transition_to

SHAPE = (120, 160)
CENTER = complex(79.5, 59.5)


def steady(factor=1.0, shift=0j):
    """The way of a view that moves alike in each frame."""
    one = Similarity(factor, CENTER - factor * CENTER + shift)

    def way(start, end):
        found = Similarity()
        for _ in range(end - start):
            found = found.then(one)
        return found

    return way


WAYS = {
    "in": steady(1.012),
    "out": steady(0.988),
    "turning": steady(np.exp(0.01j)),
    "falling and turning": steady(1.012 * np.exp(0.01j)),
    "sideways": steady(1, -2 + 0j),
    "at rest": steady(),
}


def turn(name, length=200):
    return transition_to(WAYS[name], 0, length, 25.0, SHAPE)


@pytest.mark.parametrize("name", WAYS)
def test_the_last_frame_is_nothing_but_the_picture_and_the_first_hardly_has_any(name):
    found = turn(name)
    assert (found.share(found.end - 1, SHAPE) == 1).all()
    assert found.share(found.first, SHAPE).mean() < 0.02
    assert (found.share(found.first - 1, SHAPE) == 0).all()


@pytest.mark.parametrize("name", WAYS)
def test_from_frame_to_frame_little_changes(name):
    found = turn(name)
    shares = [found.share(number, SHAPE) for number in range(found.first - 1, found.end)]
    assert max(np.abs(np.diff(shares, axis=0)).max((1, 2))) < 0.12
    assert min(np.diff([share.mean() for share in shares])) > -0.005


def test_zooming_in_the_next_picture_grows_from_the_middle():
    found = turn("in")
    assert found.grows
    share = found.share(found.end - found.fade - 2, SHAPE)
    assert share[60, 80] > 0.4
    assert share[:10].max() == share[:, :10].max() == 0


def test_zooming_out_the_next_picture_comes_from_the_border():
    found = turn("out")
    assert not found.grows
    share = found.share(found.end - found.fade - 2, SHAPE)
    assert share[0, 0] > 0.5
    assert share[60, 80] < 0.05


def test_where_a_frame_shows_only_the_picture_it_follows_the_picture_exactly():
    found = turn("in")
    rng = np.random.default_rng(1)
    own, goal, before = (rng.uniform(0, 255, (*SHAPE, 3)).astype(np.float32) for _ in range(3))
    assert np.allclose(found.blend(found.end - 1, own, goal, before), goal, atol=0.01)


def test_a_chain_of_blends_reaches_the_picture_without_a_jump():
    """Two different pictures that stand still: each frame is nearer to the goal, in even steps."""
    found = turn("at rest")
    rng = np.random.default_rng(1)
    start, goal = (
        127 + 400 * cv2.GaussianBlur(rng.standard_normal((*SHAPE, 3)).astype(np.float32), (0, 0), 3) for _ in range(2)
    )
    chain = [start]
    for number in range(found.first, found.end):
        chain.append(found.blend(number, chain[-1], goal, goal))
    steps = [np.abs(one - other).mean() for one, other in itertools.pairwise(chain)]
    assert np.abs(chain[-1] - goal).max() < 0.1
    assert max(steps) < 2.5 * np.abs(start - goal).mean() / len(steps)


def test_a_mixture_is_as_strong_as_what_it_is_made_of():
    rng = np.random.default_rng(1)
    one, other = (
        127 + 400 * cv2.GaussianBlur(rng.standard_normal((*SHAPE, 3)).astype(np.float32), (0, 0), 2) for _ in range(2)
    )
    half = np.full(SHAPE, 0.5, np.float32)
    plain = one + 0.5 * (other - one)
    assert 1.15 * plain.std() < crossfade(one, other, half).std() < 1.02 * one.std()
    assert np.allclose(crossfade(one, one, half), one, atol=0.1)


def test_passages_too_short_to_turn_have_none():
    assert transition_to(WAYS["in"], 0, 1, 25.0, SHAPE) is None
    short = transition_to(WAYS["in"], 0, 5, 25.0, SHAPE)
    assert (short.share(4, SHAPE) == 1).all()
