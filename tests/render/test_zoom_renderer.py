"""A zoom dreams each frame on from the one before it, moved, and comes to its stills and to its beginning."""

from __future__ import annotations

import itertools
from fractions import Fraction

import cv2
import numpy as np
import pytest
from stand_ins import Dreaming, points_to_try, unchanging
from test_zoom_calibration import OnlyUser

from framedream.config.settings import DreamSettings, MotionSettings, Settings, ZoomSettings
from framedream.render.state_store import anchor_name, frame_name, is_shared, transition_name
from framedream.render.zoom.camera_path import CameraPath
from framedream.render.zoom.zoom_renderer import render_zoom
from framedream.render.zoom.zoom_spec import PaddedFrame, ZoomSpec

HEIGHT, WIDTH = 120, 160
PATHS = {
    "in": {"zoom": 1.3},
    "in and turning": {"zoom": 1.3, "rotate": 20},
    "in beside the middle": {"zoom": 1.5, "center": (0.3, 0.6)},
    "out": {"zoom": 0.8},
    "turning": {"zoom": 1, "rotate": -30},
    "sideways": {"zoom": 1, "pan": (0.1, -0.05)},
}


def natural(height=HEIGHT, width=WIDTH, seed=1):
    """A picture with detail of every size."""
    rng = np.random.default_rng(seed)
    grains = {sigma: rng.standard_normal((height, width, 3)).astype(np.float32) for sigma in (1.5, 3, 6, 12)}
    picture = sum(sigma * cv2.GaussianBlur(grain, (0, 0), sigma) for sigma, grain in grains.items())
    return 127 + 30 * (picture - picture.mean()) / picture.std()


def zoom_spec(stills, seconds=2, rate=25, loop=False, **settings):
    rates, rate, (height, width) = ZoomSettings(**settings), Fraction(rate), stills[0].shape[:2]
    frames = round(seconds * rate)
    return ZoomSpec(stills, frames, rate, CameraPath(lambda at: rates, width, height, frames / rate), loop)


def run(what, dreaming=None, look=None, store=None, first=0, stop=None):
    """What was dreamed of a zoom: a picture for each frame, None for each dream that is none yet."""
    items = render_zoom(
        what, first, what.frames if stop is None else stop, dreaming or Dreaming(0.0),
        look or unchanging(DreamSettings()), OnlyUser() if store is None else store,
    )  # fmt: skip
    return [item and item.pixels for item in items]


def film(*arguments, **options):
    """The frames alone."""
    return [picture for picture in run(*arguments, **options) if picture is not None]


def off(one, other):
    """How far one picture is from where it is in another, in pixels, at the corner where it is farthest.

    It is seen by its shapes of 10 to 40 pixels, as an affine motion of the whole (Evangelidis and Psarakis 2008).
    """
    one, other = (
        cv2.GaussianBlur(light, (0, 0), 1.5) - cv2.GaussianBlur(light, (0, 0), 6)
        for light in (picture.mean(2) for picture in (one, other))
    )
    height, width = one.shape
    mask = np.zeros((height, width), np.uint8)
    mask[8:-8, 8:-8] = 1
    ends = cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 200, 1e-6
    likeness, way = cv2.findTransformECC(one, other, np.eye(2, 3, dtype=np.float32), cv2.MOTION_AFFINE, ends, mask, 5)
    assert likeness > 0.8
    corners = np.float32([[x, y, 1] for x in (0, width - 1) for y in (0, height - 1)]).T
    return float(np.hypot(*(way @ corners - corners[:2])).max())


# Where the view is.


def test_a_known_shift_is_measured():
    picture = natural(HEIGHT, WIDTH + 2)
    assert off(picture[:, :-2], picture[:, 2:]) == pytest.approx(2, abs=0.02)


@pytest.mark.parametrize("name", PATHS)
def test_a_frame_shows_the_still_as_the_whole_journey_moves_it(name):
    """After 2 seconds at 25 frames a second it is 0.45 pixels off at most."""
    what = zoom_spec([natural()], seconds=2.04, **PATHS[name])
    dreamed = film(what)
    for number in (25, 50):
        expected = cv2.warpAffine(
            what.stills[0], what.transform(0, number).matrix(), (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REFLECT_101,
        )  # fmt: skip
        assert off(dreamed[number], expected) < 0.7


@pytest.mark.parametrize("name", ["in and turning", "out"])
def test_at_equal_times_films_of_25_and_60_frames_a_second_show_the_same(name):
    """After 1 second 0.32 pixels lie between them at most, after 2 seconds 0.66."""
    films = {rate: film(zoom_spec([natural()], seconds=2.04, rate=rate, **PATHS[name])) for rate in (25, 60)}
    for seconds in (1, 2):
        assert off(films[25][25 * seconds], films[60][60 * seconds]) < 1


def test_each_frame_has_its_time():
    what = zoom_spec([natural(48, 64)], seconds=1, rate=Fraction(30000, 1001))
    items = render_zoom(what, 0, 5, Dreaming(0.0), unchanging(DreamSettings()), OnlyUser())
    assert [item.time for item in items] == [Fraction(1001 * number, 30000) for number in range(5)]


# What comes into view.


def detail(picture):
    """Mean change from a pixel to the next, in squares of 8 pixels."""
    light = picture.mean(2)
    change = np.hypot(*np.gradient(light))
    height, width = (size // 8 * 8 for size in light.shape)
    return change[:height, :width].reshape(height // 8, 8, width // 8, 8).mean((1, 3))


@pytest.mark.parametrize("settings", [{"zoom": 0.7}, {"zoom": 1, "pan": (0.2, 0.1)}, {"zoom": 0.9, "rotate": 40}])
def test_what_comes_into_view_has_as_much_detail_as_the_still(settings):
    """0.67 to 1.25 times as much: least where the backdrop lies between two of its sizes."""
    dreamed = film(zoom_spec([natural()], seconds=5, **settings))
    usual = detail(dreamed[0]).mean()
    for number in (20, 40, 60, 80, 100, 124):
        squares = detail(dreamed[number])
        for ring in (squares[0], squares[-1], squares[:, 0], squares[:, -1]):
            assert 0.55 < ring.mean() / usual < 1.4
        assert squares.min() > 0.25 * squares.mean()


def test_there_is_no_seam_where_something_new_came_into_view():
    """Falling outwards the canvas of the first frame becomes a rectangle, around which all is new."""
    what = zoom_spec([natural()], seconds=4, zoom=0.8)
    canvas, dreamed = PaddedFrame(what), film(what)
    for number in (50, 70, 90):
        edge = round(canvas.transform(0, number)(0j).imag) - canvas.margin
        assert 8 < edge < HEIGHT / 2
        for change in np.diff(dreamed[number].mean(2), axis=0), np.diff(dreamed[number].mean(2), axis=1).T:
            across = np.abs(change).mean(1)
            assert across[edge - 3 : edge + 3].max() < 1.4 * np.median(across)
            assert across.max() < 1.8 * np.median(across)


@pytest.mark.parametrize(("seconds", "settings"), [(60, {"zoom": 3, "pan": (1.2, 0)}), (260, {"zoom": 0.05})])
def test_what_comes_into_view_has_detail_however_long_the_zoom(seconds, settings):
    """At a frame a second, until the still has grown by 10²⁸, or shrunk by more than a number can hold."""
    dreamed = film(zoom_spec([natural(48, 64)], seconds=seconds, rate=1, **settings))
    squares, usual = detail(dreamed[-1]), detail(dreamed[0]).mean()
    assert squares[:, -1].mean() > 0.4 * usual
    assert squares[:, -1].min() > 0.05 * usual


# How it is dreamed.


GRAIN = 12 * np.random.default_rng(5).standard_normal((400, 400, 1)).astype(np.float32)


def grain(shape):
    return GRAIN[: shape[0], : shape[1]]


def lively(full=12):
    """Its dreams depend on what they are given, and its strength steers."""
    return Dreaming(
        full=full,
        from_nothing=lambda number: 10.0 + 5 * number,
        on=lambda image, size: 0.3 * size * np.sin(image[::-1] / 9 + grain(image.shape)),
        strength=lambda image: float(image.std()),
    )


@pytest.mark.parametrize("zoom", [1.3, 0.8])
def test_the_first_frame_is_the_dream_of_the_still(zoom):
    """A stripe that is dreamed there stands where it was dreamed, and nothing else has changed."""
    what = zoom_spec([natural()], zoom=zoom)
    stripes = np.zeros_like(PaddedFrame(what).still(0))
    stripes[:, ::24] = 40
    dreaming = Dreaming(stripes)
    first = film(what, dreaming, unchanging(DreamSettings(color="free")), stop=1)[0]
    dream = PaddedFrame(what).crop(PaddedFrame(what).still(0) + stripes)
    assert np.corrcoef(first.ravel(), dream.ravel())[0, 1] > 0.97
    assert all(np.array_equal(image, PaddedFrame(what).still(0)) for image in dreaming.images[:2])
    assert dreaming.sizes[:2] == [None, None]
    assert dreaming.steps == [12, 12] + 8 * [2]


def test_a_frame_that_follows_takes_fewer_steps_smaller_where_it_is_old():
    what = zoom_spec([natural()], zoom=0.8)
    motion = MotionSettings(follow_steps=3, follow_step_size=0.7, young_step_size=6)
    dreaming = Dreaming(0.0)
    film(what, dreaming, unchanging(DreamSettings(), motion))
    assert dreaming.steps[:2] == [12, 12]
    assert set(dreaming.steps[2:]) == {3}
    for sizes in dreaming.sizes[-40:]:
        middle = sizes[56:-56, 70:-70]
        assert middle.max() == pytest.approx(0.7, abs=0.01)
        # New: 0.7 + 5.3 · e^(-10/10).
        assert sizes[0].max() == pytest.approx(sizes.max(), abs=0.02)
        assert sizes.max() == pytest.approx(0.7 + 5.3 / np.e, abs=0.15)
        assert sizes[0, 80] > sizes[8, 80] > sizes[16, 80] > 0.7


@pytest.mark.parametrize(
    ("settings", "steps"), [({"zoom": 1.3}, 2), ({"zoom": 1.0, "rotate": 40}, 2), ({"zoom": 1.7}, 4), ({"zoom": 20}, 8)]
)
def test_a_texture_is_renewed_as_fast_as_it_is_stretched(settings, steps):
    dreaming = Dreaming(0.0)
    film(zoom_spec([natural(48, 64)], seconds=1, **settings), dreaming)
    assert set(dreaming.steps[2 + 8 :]) == {steps}


def test_only_frames_that_continue_a_dream_have_ceilings_in_a_zoom():
    """Ceilings are what the dream of the still reached at each octave, three times."""
    dreaming = Dreaming()
    film(zoom_spec([natural()]), dreaming)
    assert dreaming.ceilings[:2] == [None, None]
    assert all(ceilings == [3, 6] for ceilings in dreaming.ceilings[2:])


def test_steps_become_larger_where_the_dream_is_too_weak():
    dreaming = Dreaming(0.0)
    strengths = iter([10.0, *[5.0] * 1000])
    dreaming.strength = lambda image, settings=None: next(strengths)
    film(zoom_spec([natural(48, 64)]), dreaming)
    assert dreaming.sizes[-1].max() > 2
    assert dreaming.ceilings[-1] == [4.5, 9]


def test_what_it_is_given_stays_between_0_and_255():
    dreaming = Dreaming(0.0, on=lambda image, size: 40 * np.sign(image - 128))
    film(zoom_spec([natural(48, 64)], zoom=0.8), dreaming)
    assert min(image.min() for image in dreaming.images) >= 0
    assert max(image.max() for image in dreaming.images) <= 255


@pytest.mark.parametrize(("color", "drift"), [("keep", 0), ("luma", 0), ("free", 60)])
@pytest.mark.parametrize("zoom", [1.3, 0.8])
def test_the_mean_color_is_that_of_the_still_unless_it_is_left_free(color, drift, zoom):
    what = zoom_spec([natural(48, 64) / 2 + 60], seconds=4, zoom=zoom)
    warm = np.float32([1.5, 1.0, 0.5])
    dreaming = Dreaming(5 * warm, on=lambda image, size: warm)
    dreamed = film(what, dreaming, unchanging(DreamSettings(color=color)))
    shift = np.array([(picture - what.stills[0]).mean((0, 1)) for picture in dreamed])
    if drift:
        assert shift[-1, 0] > drift
        assert shift[-1, 0] > shift[-1, 2] + 20
    else:
        # Outwards there is a margin, which is held with the frame.
        assert np.abs(shift[90:]).max() < (1 if zoom > 1 else 3)


def test_in_luma_frames_that_follow_add_no_color():
    colorful = 40 * np.random.default_rng(2).standard_normal((48, 64, 3)).astype(np.float32)
    stills = [natural(48, 64).mean(2, keepdims=True).repeat(3, 2)]
    colors = []
    for color in ("keep", "luma"):
        dreaming = Dreaming(0.0, on=lambda image, size: 0.2 * colorful)
        last = film(zoom_spec(stills), dreaming, unchanging(DreamSettings(color=color)))[-1]
        colors.append(float(np.ptp(last, axis=2).mean()))
    assert colors[0] > 5
    assert colors[1] < 0.5


@pytest.mark.parametrize(("color", "shift", "colors"), [("keep", 0, 20), ("luma", 0, 0), ("free", 20, 20)])
def test_the_dream_of_the_still_has_the_color_that_is_asked_for(color, shift, colors):
    gray = natural(48, 64).mean(2, keepdims=True).repeat(3, 2) / 2 + 60
    colorful = 20 + 20 * np.random.default_rng(2).standard_normal((48, 64, 3)).astype(np.float32)
    first = film(zoom_spec([gray]), Dreaming(colorful), unchanging(DreamSettings(color=color)), stop=1)[0]
    assert (first - gray).mean() == pytest.approx(shift, abs=1.5)
    assert first.std(2).mean() == pytest.approx(0.8 * colors, rel=0.25, abs=0.5)


def test_fine_and_coarse_stay_as_strong_as_they_were():
    """Nothing is dreamed here that would replace the detail that grows out of the frame."""
    dreamed = film(zoom_spec([natural()], seconds=3, zoom=1.3))
    assert detail(dreamed[-1]).mean() == pytest.approx(detail(dreamed[0]).mean(), rel=0.25)


# What it comes to.


@pytest.mark.parametrize("settings", [{"zoom": 1.5}, {"zoom": 0.7}, {"zoom": 1, "rotate": 40}])
def test_the_frame_behind_the_last_of_a_loop_is_the_first(settings):
    what = zoom_spec([natural(64, 96)], seconds=6, rate=10, loop=True, **settings)
    dreamed = film(what, lively())
    pairs = [*itertools.pairwise(dreamed), (dreamed[-1], dreamed[0])]
    changes = []
    for number, (one, other) in enumerate(pairs):
        moved = cv2.warpAffine(one, what.transform(number, number + 1).matrix(), (96, 64), flags=cv2.INTER_CUBIC)
        changes.append(float(np.abs(moved - other)[12:-12, 12:-12].mean()))
    assert len(changes) == 60
    assert changes[-1] < 1.5 * np.median(changes[:-1])
    assert np.abs(dreamed[30] - dreamed[0]).mean() > 8


@pytest.mark.parametrize("loop", [False, True])
def test_it_passes_through_the_dream_of_each_still(loop):
    stills = [natural(64, 96, seed) for seed in range(3)]
    what, store = zoom_spec(stills, seconds=8, rate=10, loop=loop, zoom=1.5), OnlyUser()
    dreamed = film(what, store=store)
    if loop:
        end = cv2.warpAffine(dreamed[-1], what.transform(79, 80).matrix(), (96, 64))
        assert np.abs(end - dreamed[0])[12:-12, 12:-12].mean() < 4
    shown = what.still_frames[:3]
    for number, still in zip(shown, stills, strict=True):
        assert off(dreamed[number], still) < 0.1
        assert np.corrcoef(dreamed[number].ravel(), still.ravel())[0, 1] > 0.98
        assert np.array_equal(store.kept[frame_name(number)]["dream"], store.kept[anchor_name(number)]["dream"])
        if number:
            before = cv2.warpAffine(dreamed[number - 1], what.transform(number - 1, number).matrix(), (96, 64))
            assert np.abs(before - dreamed[number])[12:-12, 12:-12].mean() < 4


def test_zooming_in_the_next_still_grows_from_the_middle():
    stills = [natural(64, 96, seed) for seed in range(2)]
    what = zoom_spec(stills, seconds=8, rate=10, zoom=1.5)
    dreamed = film(what)
    for number in (66, 70):
        coming = cv2.warpAffine(stills[1], what.transform(number, 79).inverse.matrix(), (96, 64), flags=cv2.INTER_AREA)
        apart = np.abs(dreamed[number] - coming).mean(2)
        middle, border = apart[28:36, 42:54], np.concatenate([apart[:, :8], apart[:, -8:]], 1)
        assert middle.mean() < 0.6 * border.mean()


# Settings that change.


def test_each_frame_is_dreamed_as_its_settings_say():
    settings = [Settings.of(step_size=1 + number / 10, follow_steps=1 + number) for number in range(30)]
    dreaming = Dreaming(0.0, full=99)
    measured = []
    dreaming.strength = lambda image, settings: measured.append(settings) or 0.0
    film(zoom_spec([natural(48, 64)], seconds=1.2), dreaming, settings.__getitem__)
    # In between, what the dream is measured by is dreamed from scratch.
    onward = [(look, steps) for look, steps in zip(dreaming.looks, dreaming.steps, strict=True) if steps != 99]
    assert onward[-29:] == [(each.dream, each.motion.follow_steps) for each in settings[1:]]
    assert measured[-1] == settings[28].dream


# Interrupted and resumed.


SPECS = {
    "inwards": lambda stills: zoom_spec(stills[:1], seconds=1, rate=10, zoom=1.3),
    "outwards in a loop": lambda stills: zoom_spec(stills[:1], seconds=2, rate=8, loop=True, zoom=0.7),
    "two stills": lambda stills: zoom_spec(stills, seconds=2, rate=8, zoom=3),
    "a loop of two": lambda stills: zoom_spec(stills, seconds=2, rate=8, loop=True, zoom=2, rotate=20),
}
STILLS = [natural(40, 48, seed) for seed in range(2)]
CHANGING = [Settings.of(step_size=1 + number / 10, color="free") for number in range(100)].__getitem__
"""Settings that are not the same in any two frames."""


def same(one, other):
    return len(one) == len(other) and all(np.array_equal(*pair) for pair in zip(one, other, strict=True))


def steady():
    """As lively, but what a dream from scratch gives depends on nothing but the picture."""
    dreaming = lively()
    dreaming.from_nothing = lambda number: 10.0
    return dreaming


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", SPECS)
def test_a_zoom_stopped_at_any_save_and_resumed_gives_the_same_frames(name, after):
    what, box, whole = SPECS[name](STILLS), OnlyUser(), steady()
    expected = film(what, whole, CHANGING, box)
    assert len(expected) == what.frames
    for stop in points_to_try(len(box.names), every=name == "a loop of two" and not after):
        saved, store = box.names[stop - 1], OnlyUser(stop, after=after)
        first, second = steady(), steady()
        with pytest.raises(OSError, match="power cut"):
            run(what, first, CHANGING, store)
        assert same(film(what, second, CHANGING, store), expected)
        again = len(first.steps) + len(second.steps) - len(whole.steps)
        assert again <= (0 if after else 9 if saved.startswith("key") else 1)


@pytest.mark.parametrize("name", SPECS)
def test_from_any_frame_it_goes_on_from_what_is_left_of_those_before(name):
    """What a work folder keeps: the frame before, what that turns into, what several parts share, all that follows."""
    what, box = SPECS[name](STILLS), OnlyUser()
    expected = film(what, steady(), CHANGING, box)
    for first in points_to_try(what.frames - 1, every=name == "a loop of two"):
        store = OnlyUser()
        store.kept = {
            name: arrays
            for name, arrays in box.kept.items()
            if is_shared(name)
            or name in (frame_name(first - 1), transition_name(first - 1))
            or (name.startswith("return") and int(name.split("-")[1]) >= first)
        }
        dreaming = steady()
        assert same(film(what, dreaming, CHANGING, store, first=first), expected[first:])
        assert len(dreaming.steps) <= what.frames - first


@pytest.mark.parametrize("name", SPECS)
def test_frames_of_a_transition_are_dreamed_again_if_missing(name):
    what, box = SPECS[name](STILLS), OnlyUser()
    expected = film(what, steady(), CHANGING, box)
    for first in points_to_try(what.frames - 1, every=name == "a loop of two"):
        store = OnlyUser()
        store.kept = {
            name: arrays for name, arrays in box.kept.items() if is_shared(name) or name == frame_name(first - 1)
        }
        assert same(film(what, steady(), CHANGING, store, first=first), expected[first:])


def test_any_single_frame_of_a_transition_may_be_missing():
    what, box = SPECS["a loop of two"](STILLS), OnlyUser()
    expected = film(what, steady(), CHANGING, box)
    turns = [name for name in box.kept if name.startswith("return")]
    assert len(turns) > 4
    for gone in turns:
        store = OnlyUser()
        store.kept = {name: arrays for name, arrays in box.kept.items() if "frame" not in name and name != gone}
        assert same(film(what, steady(), CHANGING, store), expected)


def test_a_part_is_dreamed_after_another_as_the_whole():
    what, store = SPECS["a loop of two"](STILLS), OnlyUser()
    expected = film(what, steady(), CHANGING)
    parts = [film(what, steady(), CHANGING, store, first, min(first + 5, 16)) for first in range(0, 16, 5)]
    assert same([picture for part in parts for picture in part], expected)


def test_without_the_frame_before_it_does_not_go_on():
    with pytest.raises(KeyError, match="frame-000006"):
        run(SPECS["inwards"](STILLS), first=7)


def test_progress_shows_the_frames_of_a_transition():
    """The turn of a loop: 9 of 16 frames, once."""
    items = run(SPECS["outwards in a loop"](STILLS))
    assert [item is None for item in items] == [False] * 7 + [True] * 9 + [False] * 9


def test_where_a_transition_is_complete_no_steps_are_taken():
    dreaming = Dreaming(0.0)
    film(SPECS["outwards in a loop"](STILLS), dreaming)
    assert dreaming.sizes[-1].max() == 0
    assert dreaming.sizes[-3].max() > 0


def test_frames_of_a_transition_take_half_the_steps_rounded_up():
    dreaming = Dreaming(0.0)
    items = run(
        SPECS["outwards in a loop"](STILLS), dreaming, unchanging(DreamSettings(), MotionSettings(follow_steps=3))
    )
    forwards = dreaming.steps[-1]
    assert forwards > 3  # It falls fast.
    assert dreaming.steps.count((forwards + 1) // 2) == sum(item is None for item in items)
    assert set(dreaming.steps) == {(forwards + 1) // 2, forwards, 12}


# The real network.


def test_what_the_network_dreams_stays_as_sharp_as_it_was(dreamer_of):
    dreaming = dreamer_of(octaves=2, steps=4, jitter=4)
    what = zoom_spec([natural(96, 128)], seconds=1.2, rate=10, zoom=1.5)
    dreamed = film(what, dreaming, unchanging(dreaming.settings))
    sharp = [float(detail(picture).mean()) for picture in dreamed]
    assert sharp[-1] == pytest.approx(np.mean(sharp[:3]), rel=0.3)
    assert np.abs(dreamed[-1] - what.stills[0]).mean() > 3
