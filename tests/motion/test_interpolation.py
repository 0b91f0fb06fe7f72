"""Between two frames lies what has moved half-way, without ghosts; across a cut lies nothing."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import noise, scene

from framedream.motion.interpolation import FramePair
from framedream.motion.optical_flow import FlowEstimator

INNER = (slice(16, -16), slice(16, -16))


def made(before: np.ndarray, after: np.ndarray, share: float) -> np.ndarray:
    return FramePair(before, after, FlowEstimator("dis")).at(share).blend(before, after)


def error(picture: np.ndarray, truth: np.ndarray) -> float:
    return float(np.abs(picture - truth).mean())


@pytest.mark.parametrize("share", [0.25, 0.5, 0.8])
def test_what_moves_has_gone_its_share_of_the_way(share):
    before, after = scene(96, 128), scene(96, 128, (6.0, -2.0))
    truth = scene(96, 128, (6.0 * share, -2.0 * share))
    picture = made(before, after, share)
    assert error(picture[INNER], truth[INNER]) < 1.5
    assert error(((1 - share) * before + share * after)[INNER], truth[INNER]) > 4


def squares(left: int) -> np.ndarray:
    """A square of another texture over a background that stands still."""
    frame = scene(160, 200)
    frame[48:112, left : left + 64] = scene(64, 64, seed=1)
    return frame


def test_at_the_edges_of_what_moves_nothing_is_seen_twice():
    before, truth, after = squares(60), squares(66), squares(72)
    picture, blend = made(before, after, 0.5), (before + after) / 2
    edges = (slice(40, 120), slice(52, 144))
    assert error(picture[edges], truth[edges]) < 0.3 * error(blend[edges], truth[edges])
    assert error(picture[52:108, 66:130], truth[52:108, 66:130]) < 1


def test_what_stands_still_stays_as_it_is():
    before, after = squares(60), squares(72)
    picture = made(before, after, 0.5)
    still = np.concatenate([picture[:28].ravel() - before[:28].ravel(), picture[132:].ravel() - before[132:].ravel()])
    assert np.abs(still).max() < 0.01
    assert np.abs(made(before, before, 0.5) - before).max() < 0.01


def test_large_frames_are_as_sharp_as_their_flow_is_coarse(monkeypatch):
    monkeypatch.setattr("framedream.motion.optical_flow.WORKING_SIDE", 64)
    before, after = scene(128, 160), scene(128, 160, (5.0, 1.0))
    truth = scene(128, 160, (2.5, 0.5))
    assert error(made(before, after, 0.5)[INNER], truth[INNER]) < 2


def test_other_planes_go_along():
    before, after = scene(96, 128), scene(96, 128, (6.0, 0.0))
    moment = FramePair(before, after, FlowEstimator("dis")).at(0.5)
    seen = moment.blend(before, after)
    assert np.allclose(moment.blend(before[..., 1], after[..., 1]), seen[..., 1], atol=1e-3)


def dark(picture: np.ndarray) -> np.ndarray:
    return np.zeros_like(picture)


@pytest.mark.parametrize("other", [lambda _: scene(96, 128, seed=5), lambda _: noise(96, 128), dark])
def test_across_a_cut_lies_nothing(other):
    picture = scene(96, 128)
    estimator = FlowEstimator("dis")
    assert FramePair(picture, other(picture), estimator).is_cut
    assert FramePair(other(picture), picture, estimator).is_cut


@pytest.mark.parametrize(
    "other",
    [scene(96, 128, (9.0, -4.0)), 0.6 * scene(96, 128) + 80, scene(96, 128) + 2 * noise(96, 128, seed=3) / 20],
)
def test_motion_light_and_grain_are_no_cut(other):
    assert not FramePair(scene(96, 128), np.clip(other, 0, 255).astype(np.float32), FlowEstimator("dis")).is_cut
