"""The strength of a dream is brought to a set level and held there, within bounds."""

from __future__ import annotations

import pytest

from framedream.render.video.strength_control import StrengthController, StrengthReference

REFERENCE = StrengthReference(100.0, (10.0, 20.0))
WANTED = 107.0


def after(strengths, reference=REFERENCE) -> StrengthController:
    level = StrengthController()
    for strength in strengths:
        level = level.update(strength, reference)
    return level


def test_at_the_wanted_strength_steps_are_as_they_were_set():
    level = after([WANTED] * 50)
    assert (level.gain, level.integral) == pytest.approx((1, 1))


def test_a_weak_dream_takes_larger_steps_and_a_strong_one_smaller():
    assert after([90]).gain > 1.2
    assert after([130]).gain < 0.8
    assert after([60]).gain > after([90]).gain
    assert after([200]).gain < after([130]).gain


def test_what_is_lacking_adds_up_from_frame_to_frame():
    gains = [after([100] * count).gain for count in (1, 5, 25)]
    assert gains == sorted(set(gains))
    assert after([100] * 25 + [WANTED]).gain == pytest.approx(after([100] * 25).integral)


@pytest.mark.parametrize(("strength", "gain", "total"), [(1e-6, 3, 2), (1e9, 0, 0.2)])
def test_gain_and_sum_stay_within_their_bounds(strength, gain, total):
    level = after([strength] * 200)
    assert level.gain == pytest.approx(gain, abs=1e-6)
    assert level.integral == pytest.approx(total)


def test_from_its_bounds_the_sum_comes_back():
    """Nothing is wound up further, however long it lasted."""
    assert after([1e-6] * 2000 + [2 * WANTED] * 25).integral < 1
    assert after([1e9] * 2000 + [WANTED / 2] * 50).integral > 1


@pytest.mark.parametrize("strength", [0.0, -5.0, float("nan")])
def test_a_strength_that_says_nothing_changes_nothing(strength):
    level = StrengthController(1.3, 1.1)
    assert level.update(strength, REFERENCE) == level
    assert level.update(50.0, StrengthReference(strength, (1.0,))) == level


@pytest.mark.parametrize("growth", [0.3, 0.7, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("start", [30.0, 107.0, 300.0])
def test_a_dream_that_grows_with_its_steps_and_fades_settles_at_the_wanted_strength(growth, start):
    """Its strength is the square of what a step adds, less what is lost, as with the mean square of activations."""
    level, amplitude = StrengthController(), start**0.5
    for _ in range(600):
        amplitude = 0.98 * amplitude + 0.2 * growth * level.gain
        level = level.update(amplitude**2, REFERENCE)
    if growth == 0.3:
        assert amplitude**2 < 0.95 * WANTED
        assert level.integral == 2
    else:
        assert amplitude**2 == pytest.approx(WANTED, rel=0.02)


def test_ceilings_are_the_losses_of_the_reference_three_times():
    assert StrengthController().ceilings(REFERENCE) == [30, 60]


def test_ceilings_rise_and_fall_with_the_gain_within_bounds():
    assert StrengthController(gain=0.5).ceilings(REFERENCE) == pytest.approx([15, 30])
    assert StrengthController(gain=9).ceilings(REFERENCE) == pytest.approx([45, 90])
    assert StrengthController(gain=0).ceilings(REFERENCE) == pytest.approx([3, 6])


def test_ceilings_for_larger_steps_are_raised_within_the_same_bounds():
    assert StrengthController(gain=0.5).ceilings(REFERENCE, 1.4) == pytest.approx([21, 42])
    assert StrengthController(gain=1.2).ceilings(REFERENCE, 1.4) == pytest.approx([45, 90])


def test_an_octave_without_an_objective_has_no_ceiling():
    """Losses are -inf where no step was taken, and negative where a layer's weight is."""
    assert StrengthController().ceilings(StrengthReference(1.0, (float("-inf"), -3.0, 0.0, 2.0))) == [0, 0, 0, 6]


def test_references_are_mixed_by_their_shares():
    other = StrengthReference(200.0, (30.0, 0.0))
    assert REFERENCE.interpolate(other) == StrengthReference(150.0, (20.0, 10.0))
    assert REFERENCE.interpolate(other, 0.25) == StrengthReference(125.0, (15.0, 15.0))
    assert REFERENCE.interpolate(other, 0) == REFERENCE
    assert REFERENCE.interpolate(REFERENCE, 0.3) == REFERENCE


def test_a_mixture_with_an_octave_without_an_objective_has_no_ceiling_there():
    nothing = StrengthReference(1.0, (float("-inf"), 2.0))
    assert StrengthController().ceilings(nothing.interpolate(nothing, 0.3)) == [0, 6]
    assert StrengthController().ceilings(nothing.interpolate(StrengthReference(1.0, (4.0, 2.0)), 0.3)) == [0, 6]


def test_of_different_numbers_of_octaves_the_largest_are_mixed_and_the_smallest_stands_for_smaller_ones():
    few, many = StrengthReference(100.0, (10.0, 20.0)), StrengthReference(200.0, (1.0, 30.0, 40.0))
    assert few.interpolate(many) == StrengthReference(150.0, (5.5, 20.0, 30.0))
    assert many.interpolate(few) == StrengthReference(150.0, (5.5, 20.0, 30.0))


def test_a_reference_changes_as_another_one_does():
    before, after = StrengthReference(10.0, (1.0, 2.0)), StrengthReference(30.0, (2.0, 1.0))
    assert REFERENCE.rescale(before, after) == StrengthReference(300.0, (20.0, 10.0))
    assert REFERENCE.rescale(before, StrengthReference(0.0, (0.0, float("-inf")))) == REFERENCE


def test_what_changes_may_have_other_octaves_which_count_from_the_largest():
    before, after = StrengthReference(10.0, (1.0, 1.0, 2.0)), StrengthReference(10.0, (5.0, 8.0))
    assert REFERENCE.rescale(before, after) == StrengthReference(100.0, (50.0, 80.0))
    assert StrengthReference(1.0, (1.0,) * 4).rescale(before, after).losses == (5.0, 5.0, 5.0, 4.0)
