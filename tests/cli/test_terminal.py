"""Bars that say who is at what."""

from __future__ import annotations

from framedream.cli.terminal import batch_bars, frame_bar
from framedream.film.progress import BatchProgress, Progress

BUSY = {"cpu:0": "bunny.mp4 1/4", "cpu:1": "bun\nny.mp4 2/4"}


def drawn(capsys) -> list[str]:
    """What was drawn, each in place of the one before it."""
    text = capsys.readouterr().err.replace("\x1b[A", "\r").replace("\n", "\r")
    return [line.strip() for line in text.split("\r") if line.strip()]


def test_the_bar_of_a_film_says_which_worker_is_at_which_part(capsys):
    with frame_bar(False) as show:
        show(Progress(0, 40, 1, 2, workers=BUSY))
        show(Progress(20, 40, 1, 2, workers={"cpu:1": "bunny.mp4 2/4"}))
        show(Progress(40, 40, 2, 2))
    lines = drawn(capsys)
    assert any(" 0/40 " in line and ", cpu:0 bunny.mp4 1/4, cpu:1 bun?ny.mp4 2/4]" in line for line in lines)
    assert any(" 20/40 " in line and ", cpu:1 bunny.mp4 2/4]" in line for line in lines)
    assert " 40/40 " in lines[-1] and ", shot 2 of 2]" in lines[-1]


def test_without_workers_it_says_which_shot_is_dreamed(capsys):
    with frame_bar(False) as show:
        show(Progress(1, 40, 1, 2, backwards=7))
    assert "shot 1 of 2, 7 backwards]" in drawn(capsys)[-1]


def test_the_bars_of_a_batch_say_which_worker_is_at_which_item_and_how_many_have_ended(capsys):
    with batch_bars(False) as show:
        show(BatchProgress(0, 9, "", Progress(0, None, 1, 1, workers=BUSY), ended=True))
        show(BatchProgress(3, 9, "", Progress(25, None, 1, 1, workers=BUSY), ended=True))
        show(BatchProgress(9, 9, "", Progress(90, None, 1, 1), ended=True))
    lines = drawn(capsys)
    assert any("25frame" in line and "cpu:0 bunny.mp4 1/4, cpu:1 bun?ny.mp4 2/4" in line for line in lines)
    assert any(" 9/9 " in line for line in lines)
    assert not any("/None" in line or "bunny" in line for line in lines if "/9 " in line)


def test_nothing_is_drawn_if_it_is_to_be_quiet(capsys):
    with frame_bar(True) as film, batch_bars(True) as batch:
        assert film is None and batch is None
    assert drawn(capsys) == []
