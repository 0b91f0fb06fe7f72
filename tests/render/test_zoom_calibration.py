import numpy as np
import pytest
from stand_ins import Box, Dreaming, unchanging
from test_zoom_spec import zoom_spec

from framedream.config.settings import DreamSettings, Settings
from framedream.render.state_store import calibration_name
from framedream.render.zoom.spectrum import Spectrum
from framedream.render.zoom.zoom_calibration import ZoomCalibrator
from framedream.render.zoom.zoom_spec import PaddedFrame

GRAIN = 40 * np.random.default_rng(5).standard_normal((152, 192, 3)).astype(np.float32)


class OnlyUser(Box):
    """The store of a zoom, which one process makes."""

    def save(self, name, arrays):
        self.alone = name
        super().save(name, arrays)


def calibrator_of(what, look=None, dreaming=None, store=None):
    dreaming = dreaming or Dreaming()
    found = ZoomCalibrator(what, dreaming, look or unchanging(DreamSettings()), OnlyUser() if store is None else store)
    return found, dreaming


def stepping(change, until=10**6):
    """Settings whose steps are those of their frame from one frame to another."""
    settings = [Settings.of(step_size=1 + max(0, min(number, until) - change) / 10) for number in range(200)]
    return settings.__getitem__


def test_a_still_dreamed_from_scratch_gives_the_strength_and_spectrum():
    what, dreaming = zoom_spec(zoom=0.8), Dreaming(GRAIN, strength=lambda image: float(image.std()))
    still = PaddedFrame(what).still(0)
    dream = np.clip(still + GRAIN, 0, 255)
    found = calibrator_of(what, unchanging(DreamSettings(color="free")), dreaming)[0].at(7)
    assert dreaming.sizes == [None]
    assert np.array_equal(dreaming.images[0], still)
    assert (found.strength.strength, found.strength.losses) == (pytest.approx(float(dream.std())), (1.0, 2.0))
    assert np.array_equal(found.spectrum.deviations, Spectrum.measure(dream).deviations)


def test_in_luma_the_colors_are_those_of_the_still():
    what = zoom_spec()
    found = calibrator_of(what, unchanging(DreamSettings(color="luma")), Dreaming(GRAIN[:120, :160]))[0].at(0)
    light, *colors = (found.spectrum.deviations / Spectrum.measure(what.stills[0]).deviations)[0]
    assert light > 2
    assert np.allclose(colors, 1, atol=0.05)


def test_the_mean_color_is_that_of_the_still_whatever_its_dream_is():
    what = zoom_spec()
    found = calibrator_of(what, dreaming=Dreaming(np.float32([60, 0, -40])))[0].at(0)
    assert np.allclose(found.spectrum.mean, what.stills[0].mean((0, 1)), atol=1e-3)


def test_between_two_stills_it_changes_gradually():
    what, dreaming = zoom_spec(stills=2, frames=41), Dreaming(0.0, strength=lambda image: float(image[0, 0, 0]))
    found, _ = calibrator_of(what, dreaming=dreaming)
    ends = [float(still[0, 0, 0]) for still in what.stills]
    assert abs(ends[0] - ends[1]) > 5
    strengths = [found.at(number).strength.strength for number in (0, 10, 20, 40)]
    assert strengths == pytest.approx(np.interp([0, 10, 20, 40], [0, 40], ends))
    half, sides = found.at(20).spectrum, [Spectrum.measure(still) for still in what.stills]
    assert np.allclose(half.mean, (sides[0].mean + sides[1].mean) / 2, atol=0.01)
    assert dreaming.fresh == 2


@pytest.mark.parametrize(
    ("stills", "loop", "numbers"), [(1, False, {0}), (1, True, {0}), (3, False, {0, 49, 99}), (3, True, {0, 33, 66})]
)
def test_with_settings_that_stay_there_is_one_for_each_still(stills, loop, numbers):
    store = OnlyUser()
    found, dreaming = calibrator_of(zoom_spec(stills, frames=100, loop=loop), store=store)
    for number in range(100):
        found.at(number)
    assert set(store.names) == {calibration_name(number) for number in numbers}
    assert dreaming.fresh == len(numbers)


def test_the_end_of_a_loop_is_measured_by_its_beginning():
    what = zoom_spec(stills=2, frames=40, loop=True)
    found, _ = calibrator_of(what, dreaming=Dreaming(0.0, strength=lambda image: float(image[0, 0, 0])))
    ends = [float(still[0, 0, 0]) for still in what.stills]
    assert found.at(30).strength.strength == pytest.approx((ends[0] + ends[1]) / 2)


def test_where_settings_change_there_is_one_every_24_frames():
    look, store = stepping(60, 100), OnlyUser()
    found, dreaming = calibrator_of(zoom_spec(frames=160), look, store=store)
    for number in range(160):
        found.at(number)
    assert store.names == [calibration_name(number) for number in (0, 48, 72, 96, 120)]
    assert dreaming.looks == [look(number).dream for number in (0, 48, 72, 96, 120)]


def test_what_changes_near_the_end_has_one_too():
    store = OnlyUser()
    found, _ = calibrator_of(zoom_spec(frames=20), stepping(15, 20), store=store)
    found.at(19)
    assert store.names == [calibration_name(19)]


def test_each_is_dreamed_of_the_nearest_still():
    what = zoom_spec(stills=2, frames=97)
    found, dreaming = calibrator_of(what, stepping(0))
    for number in range(97):
        found.at(number)
    nearest = [what.stills[index] for index in (0, 0, 0, 1, 1)]
    assert len(dreaming.images) == 5
    assert all(np.array_equal(*pair) for pair in zip(dreaming.images, nearest, strict=True))


def test_the_nearest_still_of_the_end_of_a_loop_is_its_first():
    what = zoom_spec(stills=2, frames=97, loop=True)
    found, dreaming = calibrator_of(what, stepping(0))
    for number in range(97):
        found.at(number)
    assert [int(np.array_equal(image, what.stills[1])) for image in dreaming.images] == [0, 0, 1, 1, 0]


def test_what_was_found_is_kept():
    store, what = OnlyUser(), zoom_spec(stills=2)
    expected = calibrator_of(what, store=store)[0].at(20)
    again, dreaming = calibrator_of(what, store=store)
    found = again.at(20)
    assert dreaming.images == []
    assert found.strength == expected.strength
    assert np.array_equal(found.spectrum.deviations, expected.spectrum.deviations)
    assert np.array_equal(found.spectrum.mean, expected.spectrum.mean)
