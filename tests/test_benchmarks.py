"""Benchmarks measure what they say: clips move as told, and rivals' seeds are their formulas."""

from __future__ import annotations

import sys
from fractions import Fraction
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
from pictures import noise, pan, scene

from benchmarks import coherence, rivals
from benchmarks.clips import CLIPS, HEIGHT, WIDTH, made
from benchmarks.measures import Score
from framedream.config.settings import Settings
from framedream.media import Frame
from framedream.motion.optical_flow import FlowEstimator

INNER = (slice(32, -32), slice(32, -32))
SHAPE = (40, 56)


def flow(name: str, first: int = 0) -> np.ndarray:
    """From the second of two neighbouring frames back to the first."""
    before, frame = islice(made(name), first, first + 2)
    return FlowEstimator("dis").motion(frame, before).flow


# Clips.


@pytest.mark.parametrize("name", CLIPS)
def test_a_clip_is_the_same_each_time_and_whole_levels(name):
    once, again = list(made(name, 3)), list(made(name, 3))
    assert [frame.tobytes() for frame in once] == [frame.tobytes() for frame in again]
    assert {(frame.shape, frame.dtype) for frame in once} == {((HEIGHT, WIDTH, 3), np.dtype(np.float32))}
    assert all(np.array_equal(frame, np.rint(frame)) for frame in once)


@pytest.mark.parametrize("name", CLIPS)
def test_every_frame_has_its_own_grain(name):
    one, other = islice(made(name, 3), 2)
    assert not np.array_equal(one, other)


def test_moved_moves_as_it_says():
    """What is at p now was 2.3 pixels further right and 0.6 further down, as the window moves right and down."""
    assert np.median(flow("moved")[INNER], (0, 1)) == pytest.approx((2.3, 0.6), abs=0.15)


def test_resting_rests():
    found = flow("resting")
    assert np.median(np.abs(found)) < 0.1
    one, other = islice(made("resting"), 2)
    assert (one - other).std() == pytest.approx(2 * 2**0.5, rel=0.1)


def test_turned_turns_by_a_degree_around_its_middle():
    """As seen from the middle, what moves down on the one side moves up on the other."""
    found = flow("turned")
    down = found[HEIGHT // 2 - 40 : HEIGHT // 2 + 40, :, 1]
    difference = np.median(down[:, 60:120]) - np.median(down[:, -120:-60])
    assert abs(difference) == pytest.approx((WIDTH - 180) * np.pi / 180, rel=0.15)


def test_scaled_zooms_in_by_six_thousandths():
    """Backward flow points to the middle."""
    across = flow("scaled")[40:-40, :, 0]
    slope = np.polyfit(np.arange(40, WIDTH - 40), np.median(across[:, 40:-40], axis=0), 1)[0]
    assert slope == pytest.approx(-0.006, rel=0.35)


def test_occluded_is_a_disk_that_moves_before_a_slow_pan():
    found = flow("occluded", 10)
    assert np.median(found[120:160, 105:145], (0, 1)) == pytest.approx((-6, 0), abs=0.3)
    assert np.median(found[120:160, 300:], (0, 1)) == pytest.approx((0.4, 0), abs=0.25)


def test_flashed_has_two_bright_frames_and_ends_dark():
    means = np.array([frame.mean() for frame in made("flashed", 12)])
    assert (means > means[0] + 50).nonzero()[0].tolist() == [6, 7]
    assert means[-1] < 0.6 * means[0]


# Rivals.


@pytest.fixture
def pictures() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frame, frame before it, dream of that."""
    before = scene(*SHAPE)
    return scene(*SHAPE, (2.0, -1.0)), before, np.clip(before + 0.3 * (noise(*SHAPE) - 128), 0, 255)


def moves(monkeypatch, x: float, y: float) -> None:
    """Lets everything move by the same known way from the frame before to the frame."""
    known = np.broadcast_to(np.float32([x, y]), (*SHAPE, 2)).copy()
    monkeypatch.setattr(rivals, "_farneback", lambda start, end: known)
    monkeypatch.setattr(rivals, "flow_between", lambda estimator, start, end: known)


def pulled(image: np.ndarray, x: int, y: int) -> np.ndarray:
    """The image at ``p − (x, y)``, 0 beyond its border; x negative, y positive."""
    out = np.zeros_like(image)
    out[y:, :x] = image[:-y, -x:]
    return out


def test_blended_is_85_parts_frame_and_15_dream(pictures):
    frame, _, dream = pictures
    assert np.abs(rivals.blended(*pictures) - (0.85 * frame + 0.15 * dream)).max() < 1e-3


def test_residual_adds_what_was_dreamed_moved(pictures, monkeypatch):
    frame, before, dream = pictures
    moves(monkeypatch, -2, 1)
    assert np.abs(rivals.residual(*pictures) - (frame + pulled(dream - before, -2, 1))).max() < 1e-3


def test_the_flow_of_residual_is_that_from_the_frame_before(pictures):
    """With the right sign the frame before, moved, is nearly the frame."""
    frame, before, _ = pictures
    seed = rivals.residual(np.zeros_like(frame), np.zeros_like(frame), before)
    assert np.abs(seed).max() > 0
    found = rivals._farneback(before, frame)
    assert np.median(found, (0, 1)) == pytest.approx((-2, 1), abs=0.3)
    assert np.abs(rivals._pull(before, found) - frame)[8:-8, 8:-8].mean() < 4


def test_masked_residual_decays_where_it_moves_and_blends_where_it_rests(pictures, monkeypatch):
    frame, before, dream = pictures
    known = np.zeros((*SHAPE, 2), np.float32)
    known[:, 28:] = (-2, 1)
    monkeypatch.setattr(rivals, "_farneback", lambda start, end: known)
    seed = rivals.masked_residual(*pictures)
    moving = frame + 0.75 * pulled(dream - before, -2, 1)
    assert np.abs(seed - moving)[:, 28:].max() < 1e-2
    assert np.abs(seed - (0.9 * frame + 0.1 * dream))[:, :28].max() < 1e-3


def test_masked_warp_is_half_the_frame_and_half_the_dream_where_the_frame_before_fits(pictures, monkeypatch):
    frame, _, dream = pictures
    moves(monkeypatch, -2, 1)
    expected = 0.5 * frame + 0.5 * pulled(dream, -2, 1)
    assert np.abs(rivals.masked_warp(*pictures) - expected)[8:-8, 8:-8].max() < 1e-2


def test_masked_warp_is_the_frame_where_the_frame_before_does_not_fit(pictures, monkeypatch):
    frame, before, dream = pictures
    moves(monkeypatch, -2, 1)
    seed = rivals.masked_warp(frame, 255 - before / 8, dream)
    assert np.abs(seed - frame)[8:-8, 8:-8].max() < 1e-3


def test_every_rival_has_a_project_and_gives_a_seed_of_the_frames_form(pictures):
    assert len(rivals.RIVALS) == 4
    for rival in rivals.RIVALS.values():
        assert rival(*pictures).shape == (*SHAPE, 3)


# Strengths made equal.


@pytest.mark.parametrize("goal", [0.3, 2.0, 60.0])
@pytest.mark.parametrize("start", [1.0, 2.5])
def test_the_step_size_that_reaches_a_strength_is_found(goal, start):
    step_size, error = coherence.find_step_size(lambda size: 4 * size**0.8, goal, start)
    assert abs(error) <= coherence.TOLERANCE
    assert 4 * step_size**0.8 / goal - 1 == pytest.approx(error)


def test_where_no_step_size_reaches_a_strength_the_peak_is_found():
    """Strength falls beyond a step size of 5, where it is 1."""
    step_size, error = coherence.find_step_size(lambda size: min(size / 5, 5 / size), 3.0, 2.5)
    assert 5 / coherence.PEAK < step_size < 5 * coherence.PEAK
    assert -0.8 < error < -0.6


def rival_row(monkeypatch, level, matched=None):
    """A rival's row beside a film of 100 levels, where strength is the mean: ``level`` of index and step size."""
    frames = [Frame(np.zeros((8, 8, 3), np.float32), Fraction(index)) for index in range(10)]

    def dream_like(_rival, frames, _cuts, _dreamer, _steps, step_size):
        return (np.full(frame.shape, level(index, step_size)) for index, frame in enumerate(frames))

    def score(film, *_):
        return Score(0, 0, np.mean(film) / 100, 0, 0, 0, 0)

    dreamer = SimpleNamespace(steps_taken=1, settings=SimpleNamespace(step_size=2.5), strength=np.mean)
    monkeypatch.setattr(coherence, "clip_frames", lambda *_: frames)
    monkeypatch.setattr(coherence, "study", lambda *_: [])
    monkeypatch.setattr(coherence, "find_cuts", lambda _: [])
    monkeypatch.setattr(coherence, "dreamed", lambda timed, *_: (frame.pixels + 100 for frame in timed))
    monkeypatch.setattr(coherence, "shoot", lambda film, _: coherence.Film(list(film), [1] * 10))
    monkeypatch.setattr(coherence, "dream_like", dream_like)
    monkeypatch.setattr(coherence, "score", score)
    return coherence.Comparison("", None, dreamer, Settings.of("framedream")).rival_row("DeepDreamAnim", 4, matched)


def test_a_rival_is_as_strong_over_the_whole_clip_and_not_only_at_its_start(monkeypatch):
    row = rival_row(monkeypatch, lambda index, size: 10 * size * (index + 1))
    assert row.matched
    assert row.score.strength == pytest.approx(1, abs=coherence.TOLERANCE)
    assert "not equal" not in str(row)


def test_a_rival_may_be_matched_over_its_first_frames_only(monkeypatch):
    row = rival_row(monkeypatch, lambda index, size: 10 * size * (index + 1), matched=3)
    assert row.score.strength == pytest.approx(5.5 / 2, rel=2 * coherence.TOLERANCE)


def test_a_rival_that_cannot_be_as_strong_says_so_and_how_strong_it_is(monkeypatch):
    row = rival_row(monkeypatch, lambda index, size: min(size, 60.0) / 2)
    assert not row.matched
    assert row.figures()["matched"] is False
    assert str(row).endswith("S not equal: nearest 0.20")


def test_frames_that_are_made_anew_are_likest_where_motion_is_followed():
    from benchmarks.between import WAYS, likeness

    before, truth, after = pan(3, 96, 128, step=(4.0, 1.0))
    found = {name: likeness(way(before, after), truth) for name, way in WAYS.items()}
    assert found["framedream"] > found["mixed"] + 6
    assert found["flows averaged"] > found["mixed"] + 6
    assert found["mixed"] > found["nearest"]


def test_the_loop_that_overhead_is_measured_by_takes_all_steps_of_a_clip():
    from benchmarks.overhead import Loop
    from framedream import Settings

    loop = Loop(Settings.of(steps=2, follow_steps=1), 64, 80, frames=3)
    assert loop._steps == [2, 2, 2]  # from nothing; then one backwards and one forwards
    assert loop.time() > 0


def test_each_kind_of_flow_is_what_its_film_is_dreamed_with(monkeypatch, capsys):
    from benchmarks import flows
    from framedream.render.video import segment_renderer as shot

    class Comparison:
        footage = ()

        def __init__(self, *_) -> None:
            pass

        def another_row(self, name: str) -> str:
            return f"{name}: {shot.FlowEstimator('none').calculate.__qualname__}"

    monkeypatch.setattr(flows, "Comparison", Comparison)
    monkeypatch.setattr(flows, "CountingDreamer", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["flows", "moved"])
    flows.main()
    shown = capsys.readouterr().out
    assert all(f"{name}: " in shown for name in flows.FLOWS)
    assert "halved.<locals>.at_half_size" in shown


def test_what_stands_for_the_network_in_workers_takes_what_a_network_is_given(monkeypatch):
    from benchmarks import workers_child

    monkeypatch.setattr(workers_child, "STEP", 0)
    stand_in, look = workers_child.Sleeping(), Settings().dream
    picture = np.zeros((8, 8, 3), np.float32)
    assert stand_in.dream(picture, settings=look, steps=2, ceilings=(1.0,)).pixels.mean() == 1
    assert stand_in.strength(picture, settings=look) == 0


@pytest.mark.parametrize("size", [(64, 96), (121, 97)])
def test_the_network_of_the_loop_in_torch_is_the_one_that_is_built_in(size):
    torch = pytest.importorskip("torch")
    from benchmarks.plain_torch import SqueezeNet
    from framedream.nn.network.trained_network import find_definition
    from framedream.nn.runtime import keras

    names, pictures = ["conv1", "fire3", "fire7"], noise(*size)[np.newaxis] - 128
    model = find_definition("squeezenet").load(None)
    built_in = keras.Model(model.input, [model.get_layer(name).output for name in names])(pictures)
    restated = SqueezeNet(names)(torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy()))
    for one, other in zip(built_in, restated, strict=True):
        assert np.abs(one.numpy() - other.numpy().transpose(0, 2, 3, 1)).max() < 1e-3
