"""Flow points from a frame back to the one before it, and masks show where it is valid and reliable."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from pictures import noise, scene

from framedream.errors import SettingsError
from framedream.motion.optical_flow import FlowEstimator, FlowPair, Motion
from framedream.motion.warping import warp

INNER = (slice(16, -16), slice(16, -16))


@pytest.mark.parametrize("method", ["dis", "farneback"])
@pytest.mark.parametrize("shift", [(3.0, 0.0), (-2.5, 1.25), (0.5, -4.0), (0.0, 0.0)])
def test_flow_of_a_known_shift_is_found_with_its_sign(method, shift):
    """The window moves by ``shift`` over a still scene: what is at p now was at p + shift."""
    previous, frame = scene(96, 128), scene(96, 128, shift)
    flow = FlowEstimator(method).motion(frame, previous).flow
    assert flow.shape == (96, 128, 2)
    assert np.abs(flow[INNER] - shift).mean() < 0.2


@pytest.mark.parametrize("method", ["dis", "farneback"])
def test_the_previous_frame_warped_along_its_flow_is_the_frame(method):
    previous, frame = scene(96, 128), scene(96, 128, (3.5, -1.5))
    carried = warp(previous, FlowEstimator(method).motion(frame, previous).flow)
    assert np.abs(carried - frame)[INNER].mean() < 1.5
    assert np.abs(previous - frame)[INNER].mean() > 15


def test_flow_from_one_image_to_another_is_the_other_way_round():
    one, other = scene(96, 128), scene(96, 128, (2.0, 0.0))
    estimator = FlowEstimator("dis")
    flows = estimator.flow_pair(one, other)
    assert np.abs(flows.backward[INNER] + flows.forward[INNER]).mean() / 64 < 0.1


@pytest.mark.parametrize("method", ["raft", "none", ""])
def test_an_unknown_method_is_an_error_that_names_the_known_ones(method):
    with pytest.raises(SettingsError, match=f"unknown flow method '{method}'; choose one of dis, farneback"):
        FlowEstimator(method)


def moving_square() -> tuple[np.ndarray, np.ndarray]:
    """A square of another texture that moves 12 pixels to the right over a background that stands still."""
    frames = []
    for left in (60, 72):
        frame = scene(160, 200)
        frame[48:112, left : left + 64] = scene(64, 64, seed=1)
        frames.append(frame)
    return frames[0], frames[1]


def test_flow_of_a_moving_square_is_valid_and_that_of_what_it_uncovers_is_not():
    previous, frame = moving_square()
    motion = FlowEstimator("dis").motion(frame, previous)
    assert motion.valid_mask[56:104, 61:71].mean() < 0.2
    assert motion.valid_mask[56:104, 80:116].mean() > 0.95
    assert motion.valid_mask[:40].mean() > 0.95
    assert np.abs(motion.flow[56:104, 80:116] - (-12, 0)).mean() < 0.2


def test_flow_from_outside_the_frame_is_not_valid():
    previous, frame = scene(96, 128), scene(96, 128, (12.0, 0.0))
    valid = FlowEstimator("dis").motion(frame, previous).valid_mask
    assert valid[:, -8:].max() < 0.3
    assert valid[20:-20, 20:-30].mean() > 0.9


def test_the_valid_mask_is_between_0_and_1_and_1_where_nothing_moves():
    motion = FlowEstimator("dis").motion(scene(96, 128), scene(96, 128))
    assert motion.valid_mask.dtype == np.float32
    assert motion.valid_mask.min() == pytest.approx(1, abs=1e-5)
    assert motion.valid_mask.max() <= 1 + 1e-6


def constant(x: float, y: float) -> np.ndarray:
    return np.broadcast_to(np.float32([x, y]), (40, 50, 2)).copy()


def motion_of(backward: np.ndarray, forward: np.ndarray) -> Motion:
    """The motion of known flows."""
    return FlowPair.from_flows(backward, forward).motion(*backward.shape[:2])


def test_flow_that_returns_to_where_it_started_is_reliable():
    assert (motion_of(constant(3, 1), constant(-3, -1)).reliable_mask[:38, :46] > 0.5).all()


def test_flow_that_does_not_return_is_not_valid():
    assert motion_of(constant(3, 1), constant(-1, -1)).valid_mask.max() < 1e-6


def test_flow_that_leads_out_of_the_frame_is_not_valid():
    valid = motion_of(constant(-5, 0), constant(5, 0)).valid_mask > 0.5
    assert not valid[:, :5].any()
    assert valid[:, 5:].all()


def test_a_larger_error_is_allowed_where_the_motion_is_larger():
    assert motion_of(constant(1, 0), constant(-2, 0)).reliable_mask.max() < 1e-6
    assert (motion_of(constant(10, 0), constant(-11, 0)).reliable_mask[:, :38] > 0.5).all()


def test_the_reliable_mask_is_smaller_than_the_valid_mask():
    previous, frame = moving_square()
    motion = FlowEstimator("dis").motion(frame, previous)
    assert (motion.reliable_mask <= motion.valid_mask + 1e-6).all()
    assert motion.reliable_mask.mean() < motion.valid_mask.mean() - 0.01


def test_flow_at_motion_boundaries_and_of_uncovered_areas_is_not_reliable():
    previous, frame = moving_square()
    sure = FlowEstimator("dis").motion(frame, previous).reliable_mask
    assert sure[52:108, 61:71].mean() < 0.2
    assert sure[52:108, 134:138].mean() < 0.25
    assert sure[62:98, 92:116].mean() > 0.9
    assert sure[:30].mean() > 0.95


def test_flow_at_a_motion_boundary_is_not_reliable_and_uniform_flow_is():
    """Known flows: half the picture rests and half moves, both ways consistent."""
    backward = constant(0, 0)
    backward[:, 25:] = (-6, 0)
    forward = constant(0, 0)
    forward[:, 19:] = (6, 0)
    motion = motion_of(backward, forward)
    reliable = motion.reliable_mask > 0.5
    assert reliable[:, 2:19].all()
    assert not reliable[:, 24:26].any()
    assert reliable[:, 27:].all()
    assert (motion.valid_mask[:, 25] > 0.5).all()


def test_flow_of_a_slow_rotation_is_reliable():
    """A turn by a degree around the middle."""
    y, x = np.mgrid[:40, :50].astype(np.float32)
    backward = np.dstack([(y - 20) * 0.0175, -(x - 25) * 0.0175]).astype(np.float32)
    assert (motion_of(backward, -backward).reliable_mask[2:-2, 2:-2] > 0.5).all()


def test_reliable_flow_must_return_more_exactly_than_valid_flow():
    motion = motion_of(constant(3, 0), constant(-2.1, 0))
    assert (motion.valid_mask[:, :46] > 0.5).all()
    assert motion.reliable_mask.max() < 1e-6


# Large frames.


def watched() -> tuple[FlowEstimator, list[tuple[int, ...]]]:
    """An estimator, and the sizes of the pictures that its method is given."""
    estimator, seen = FlowEstimator("dis"), []
    calculate = estimator.calculate

    def look(now: np.ndarray, before: np.ndarray) -> np.ndarray:
        seen.append(now.shape)
        return calculate(now, before)

    estimator.calculate = look
    return estimator, seen


@pytest.mark.parametrize(("height", "width"), [(1440, 800), (760, 1500)])
def test_flow_of_a_large_frame_is_in_its_own_pixels_though_it_is_computed_smaller(height, width):
    previous, frame = (enlarged(scene(height // 4, width // 4, at), width, height) for at in ((0, 0), (2.5, -1.25)))
    estimator, seen = watched()
    motion = estimator.motion(frame, previous)
    assert {min(shape) for shape in seen} == {720}
    assert (motion.flow.shape, motion.valid_mask.shape, motion.reliable_mask.shape) == (
        (height, width, 2),
        (height, width),
        (height, width),
    )
    inner = (slice(64, -64), slice(64, -64))
    assert np.abs(motion.flow[inner] - (10, -5)).mean() < 0.3
    assert min(motion.valid_mask[inner].mean(), motion.reliable_mask[inner].mean()) > 0.99
    assert motion.valid_mask[:, -4:].mean() < 0.3


def enlarged(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """By a whole factor in both directions, with pixels of the small picture in the middle of their cells."""
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)


def test_a_frame_of_the_working_size_is_taken_as_it_is():
    estimator, seen = watched()
    estimator.motion(noise(720, 730), noise(720, 730))
    assert set(seen) == {(720, 730)}


# Changes of light.

LIGHTS = {
    "flash": lambda picture: picture * 0.4 + 150,
    "fade": lambda picture: picture * 0.6,
    "deep fade": lambda picture: picture * 0.2,
}


def seen(still: np.ndarray, at: tuple[float, float]) -> np.ndarray:
    """A window on a still whose corner lies at (100, 60) and farther (x, y)."""
    matrix = np.float32([[1, 0, -100 - at[0]], [0, 1, -60 - at[1]]])
    return cv2.warpAffine(still, matrix, (320, 200), flags=cv2.INTER_CUBIC)


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("which", ["frame", "previous"])
@pytest.mark.parametrize("shift", [(2.3, 0.6), (-5.0, 3.0)])
def test_a_change_of_light_leaves_the_flow_right(samples, light, which, shift):
    """Of the astronaut, whose background is smooth, with grain."""
    still, grain = cv2.imread(str(samples / "astronaut.png"))[..., ::-1].astype(np.float32), np.random.default_rng(0)
    pictures = {"previous": seen(still, (0, 0)), "frame": seen(still, shift)}
    pictures[which] = LIGHTS[light](pictures[which])
    pictures = {name: np.rint(grain.normal(picture, 2)).astype(np.float32) for name, picture in pictures.items()}
    motion = FlowEstimator("dis").motion(pictures["frame"], pictures["previous"])
    assert np.abs(motion.flow[INNER] - shift).mean() < 0.25
    assert motion.valid_mask[INNER].mean() > 0.98


@pytest.mark.parametrize("level", [0, 255])
def test_flow_of_a_uniform_frame_is_finite(level):
    flat = np.full((96, 128, 3), level, np.float32)
    for pair in ((flat, scene(96, 128)), (scene(96, 128), flat), (flat, flat), (255 - flat, flat)):
        assert np.isfinite(FlowEstimator("dis").motion(*pair).flow).all()


# Both ways.


def test_swapping_two_frames_swaps_their_flow_pair():
    previous, frame = scene(96, 128), scene(96, 128, (3.0, -1.5))
    estimator = FlowEstimator("dis")
    there, back = estimator.flow_pair(frame, previous), estimator.flow_pair(previous, frame)
    for one, other in ((there, back.reversed), (there.reversed, back)):
        assert np.array_equal(one.backward, other.backward)
        assert np.array_equal(one.forward, other.forward)
    assert np.array_equal(there.motion(96, 128).flow, estimator.motion(frame, previous).flow)


def test_flow_pairs_are_stored_in_64ths_of_a_pixel():
    flow = np.random.default_rng(0).uniform(-40, 40, (20, 30, 2)).astype(np.float32)
    ways = FlowPair.from_flows(flow, -flow)
    assert ways.backward.nbytes + ways.forward.nbytes == 8 * 20 * 30
    assert np.abs(ways.motion(20, 30).flow - flow).max() <= 1 / 128
    assert np.isfinite(FlowPair.from_flows(1e9 * flow, flow).motion(20, 30).flow).all()
