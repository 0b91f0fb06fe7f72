import cv2
import numpy as np
import pytest

from framedream.render.zoom.mirrored_plane import MirroredPlane
from framedream.render.zoom.similarity import Similarity

CENTER = complex(79.5, 59.5)


def picture():
    rng = np.random.default_rng(3)
    return cv2.GaussianBlur(rng.uniform(0, 255, (120, 160, 3)).astype(np.float32), (0, 0), 3)


def around(factor):
    return Similarity(factor, CENTER - factor * CENTER)


def test_at_the_beginning_it_is_the_still():
    assert np.abs(MirroredPlane(picture()).view(Similarity()) - picture()).max() < 0.01


def test_beyond_the_still_it_is_mirrored():
    seen = MirroredPlane(picture()).view(Similarity(1, 40 + 0j))
    assert np.allclose(seen[:, 40:], picture()[:, :120], atol=0.01)
    assert np.allclose(seen[:, :40], picture()[:, 40:0:-1], atol=0.01)


@pytest.mark.parametrize("scale", [0.5, 0.03, 1e-6, 40.0, 1e6])
def test_at_every_scale_its_pictures_are_about_as_large_as_the_still(scale):
    seen = MirroredPlane(picture()).view(around(scale))
    fine = [np.abs(np.diff(each, axis=1)).mean() for each in (seen, picture())]
    assert 0.3 < fine[0] / fine[1] < 3


def test_it_moves_with_the_view():
    backdrop = MirroredPlane(picture())
    for scale in (0.7, 0.11, 1.9):
        one, other = backdrop.view(around(scale)), backdrop.view(around(scale * 0.995))
        moved = cv2.warpAffine(one, around(0.995).matrix(), (160, 120), flags=cv2.INTER_CUBIC)
        inner = (slice(10, -10), slice(10, -10))
        assert np.abs(moved - other)[inner].mean() < 0.25 * np.abs(other - picture())[inner].mean()


@pytest.mark.parametrize(
    "way", [around(0.3), around(70), Similarity(3j, 3e4 - 2e4j), Similarity(0.02 + 0.01j, -300 + 0j)]
)
def test_folded_a_way_is_short_and_the_same_is_seen(way):
    backdrop = MirroredPlane(picture())
    folded = backdrop.normalize(way)
    assert np.abs(backdrop.view(folded) - backdrop.view(way)).max() < 0.5
    assert 0.5 <= abs(folded.factor) <= 2
    assert abs(folded.inverse(CENTER) - CENTER) < 4000


@pytest.mark.parametrize("factor", [1.2, 0.8, 1.2 * np.exp(0.1j), 1])
def test_however_long_the_journey_is_it_moves_with_the_view(factor):
    """After 5000 frames in which it grows or shrinks by a fifth no number could hold its size."""
    backdrop, way = MirroredPlane(picture()), Similarity()
    step = around(factor).then(Similarity(1, -5 + 3j))
    for _ in range(5000):
        way = backdrop.normalize(way.then(step))
    small = around(1.005).then(Similarity(1, -0.5 + 0.3j))
    one, other = backdrop.view(way), backdrop.view(backdrop.normalize(way.then(small)))
    moved = cv2.warpAffine(one, small.matrix(), (160, 120), flags=cv2.INTER_CUBIC)
    inner = (slice(10, -10), slice(10, -10))
    assert np.abs(moved - other)[inner].mean() < 0.3 * np.abs(one - other)[inner].mean()
    assert np.abs(np.diff(one, axis=1)).mean() > 0.3 * np.abs(np.diff(picture(), axis=1)).mean()
