"""Results are told apart, whatever they would be called."""

from __future__ import annotations

from framedream.media.write.output_names import mirrored_name, unique_paths


def made(*sources: str) -> list[str]:
    return [str(path) for path in unique_paths([mirrored_name(name, "video") for name in sources])]


def test_a_kept_suffix_may_meet_the_name_of_another_film():
    assert made("a.avi", "a.avi.mp4", "a.mp4") == ["a.avi-2.mp4", "a.avi.mp4", "a.mp4"]


def test_a_number_meets_no_name_that_another_film_has():
    assert made("A.mp4", "a-2.mp4", "a.mp4") == ["A.mp4", "a-2.mp4", "a-3.mp4"]
    assert made("A.mp4", "a.mp4", "a-2.mp4") == ["A.mp4", "a-3.mp4", "a-2.mp4"]


def test_names_that_differ_in_how_letters_are_composed_are_one_name():
    assert made("u\u0308.mp4", "\u00fc.mp4") == ["u\u0308.mp4", "\u00fc-2.mp4"]


def test_a_film_is_not_called_as_a_folder_of_others_is():
    assert made("x.avi", "x.mp4/y.mov") == ["x-2.mp4", "x.mp4/y.mov"]


def test_films_in_folders_of_other_case_are_told_apart():
    assert made("Day/a.mp4", "day/a.mp4", "day/b.mp4") == ["Day/a.mp4", "day/a-2.mp4", "day/b.mp4"]


def test_long_names_that_begin_alike_are_told_apart():
    first, second = made("x" * 250 + ".avi", "x" * 250 + ".mpg")
    assert first != second and len(first) == len(second) == 241
