"""What the terminal shows while a command runs: progress bars, log messages, tables."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Generator, Sequence
from typing import Any

from tqdm import tqdm

from framedream.film.progress import BatchProgress, Progress, ProgressCallback

log = logging.getLogger("framedream")


class _Speaker(logging.Handler):
    """Writes log messages to stderr, above the progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        kind = "warning: " if record.levelno >= logging.WARNING else ""
        text = printable(" ".join(record.getMessage().split()))
        tqdm.write(f"framedream: {kind}{text}", file=sys.stderr)


def show_log(quiet: bool) -> None:
    """Show log messages from now on; only warnings if ``quiet``."""
    log.handlers = [_Speaker()]
    log.setLevel(logging.WARNING if quiet else logging.INFO)
    log.propagate = False


@contextlib.contextmanager
def frame_bar(quiet: bool) -> Generator[ProgressCallback | None]:
    """A progress bar of frames with the current shot; it appears with the first frame."""
    frame_bar = _FrameBar()
    try:
        yield None if quiet else frame_bar.show
    finally:
        frame_bar.close()


@contextlib.contextmanager
def batch_bars(quiet: bool) -> Generator[Callable[[BatchProgress], None] | None]:
    """A progress bar of items, and below it one for the frames of the current item."""
    items: list[tqdm[Any]] = []
    frames = _FrameBar(position=1, leave=False)

    def show(progress: BatchProgress) -> None:
        if not items:
            items.append(tqdm(total=progress.items, unit="item", dynamic_ncols=True, file=sys.stderr))
        if progress.inner:
            frames.show(progress.inner)
        else:
            frames.close()
            items[0].set_postfix_str(printable(progress.name), refresh=not progress.ended)
        items[0].update(progress.item - (not progress.ended) - items[0].n)

    try:
        yield None if quiet else show
    finally:
        frames.close()
        for bar in items:
            bar.close()


@contextlib.contextmanager
def step_bar(quiet: bool) -> Generator[Callable[[int, int], None] | None]:
    """A progress bar of steps; takes the number of finished steps and their total."""
    bars: list[tqdm[Any]] = []

    def show(done: int, all_of_them: int) -> None:
        if not bars:
            bars.append(tqdm(total=all_of_them, unit="step", dynamic_ncols=True, file=sys.stderr))
        bars[0].update(done - bars[0].n)

    try:
        yield None if quiet else show
    finally:
        for bar in bars:
            bar.close()


class _FrameBar:
    """A progress bar of frames, created with the first frame."""

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._bar: tqdm[Any] | None = None

    def show(self, progress: Progress) -> None:
        if self._bar is None:
            # Frames of an earlier run do not count for the speed of this one.
            before = max(0, progress.frame - 1)
            self._bar = tqdm(
                total=progress.frames, initial=before, unit="frame", dynamic_ncols=True, file=sys.stderr,
                **self._options,
            )  # fmt: skip
        self._bar.set_postfix_str(_doing(progress), refresh=False)
        if not self._bar.update(progress.frame - self._bar.n):
            self._bar.refresh()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _doing(progress: Progress) -> str:
    """Describe the current work, by worker if there are several."""
    if progress.workers:
        return printable(", ".join(f"{name} {task}" for name, task in progress.workers.items()))
    if not progress.shots:
        return f"{progress.beforehand} dreamed in advance" if progress.beforehand else ""
    backwards = f", {progress.backwards} backwards" if progress.backwards else ""
    return f"shot {progress.shot} of {progress.shots}{backwards}"


def printable(text: str) -> str:
    """A name as one line that any terminal can show."""
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown.encode("utf-8", "replace").decode()


def format_gigabytes(amount: float | None) -> str:
    """Bytes of memory as ``25 GB``; nothing where they are not known."""
    return "" if amount is None or amount == float("inf") else f"{amount / 1e9:.0f} GB"


def print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows in columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
