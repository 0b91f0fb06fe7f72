"""Footage in step with other footage: which of its frames is shown at a moment."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import pytest
from media_clips import flat, number_of, numbered, write_video

from framedream.media import OnceLogger, SyncedReader, open_footage, write_image


def shown(path: Path, moments: Iterable[Fraction | float | str]) -> list[int]:
    with closing(SyncedReader(open_footage(path), OnceLogger(path))) as step:
        return [number_of(step.at(Fraction(moment)).pixels) for moment in moments]


@pytest.fixture
def film(tmp_path) -> Path:
    """Frames 0, 1, 2, 3 and 4, shown at 0, 0.04, 0.2, 0.24 and 0.4 seconds."""
    return write_video(tmp_path / "film.mp4", numbered(5), ticks=[0, 1, 5, 6, 10])


def test_at_each_moment_there_is_the_last_frame_that_has_come(film):
    assert shown(film, ["0", "0.038", "0.04", "0.1", "0.19", "0.2", "0.25", "0.41"]) == [0, 0, 1, 1, 1, 2, 3, 4]
    assert shown(film, ["0", "0.41"]) == [0, 4]


def test_one_can_begin_in_the_middle(film):
    for number, moment in enumerate(["0.01", "0.1", "0.21", "0.3", "7"]):
        assert shown(film, [moment]) == [number]
    assert shown(film, ["0.1", "0.3", "0.5"]) == [1, 3, 4]


def test_times_rounded_to_milliseconds_are_the_same_moment(film):
    assert shown(film, ["0.0395", "0.1992"]) == [1, 2]


def test_what_begins_later_shows_its_first_frame_until_then(tmp_path):
    film = write_video(tmp_path / "film.mkv", numbered(3), ticks=[10, 11, 12], sound="aac")
    assert next(open_footage(film).times()) >= Fraction("0.3")
    assert shown(film, ["0", "0.1", "1"]) == [0, 0, 2]


def test_behind_the_end_the_last_frame_stays_and_that_is_said_once(film, caplog):
    assert shown(film, ["0.4", "0.43"]) == [4, 4]
    assert caplog.text == ""
    assert shown(film, ["0.4", "0.44", "1", "2"]) == [4, 4, 4, 4]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert caplog.messages == [
        f"{film}: ends after 0.44 seconds, before the footage; framedream repeats its last frame"
    ]


@pytest.mark.parametrize("name", ["still.png", "film.mp4"])
def test_a_single_picture_lasts_for_ever(tmp_path, caplog, name):
    path = tmp_path / name
    write_image(path, flat(60)) if path.suffix == ".png" else write_video(path, [flat(60)])
    assert shown(path, ["0", "1", "1000"]) == [4, 4, 4]
    assert shown(path, ["1000"]) == [4]
    assert caplog.text == ""


def test_frames_are_read_one_by_one(tmp_path, monkeypatch):
    for number, picture in enumerate(numbered(5)):
        write_image(tmp_path / "images" / f"{number}.png", picture)
    read = []
    from framedream.media.read import image_sequence_reader as folder

    one = folder.read_image_with_alpha
    monkeypatch.setattr(folder, "read_image_with_alpha", lambda path: read.append(path.name) or one(path))
    assert shown(tmp_path / "images", ["0.09", "0.13"]) == [2, 3]
    assert read == ["2.png", "3.png", "4.png"]
