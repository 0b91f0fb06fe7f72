"""What all commands share: the cyclopts application, and signals that stop the work."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from types import FrameType

from cyclopts import App

import framedream
from framedream.errors import Stopped

app = App(
    name="framedream",
    help="DeepDream for moving pictures: dreams that stick to what moves.\n\n"
    "You can also set a flag such as --step-size by the environment variable FRAMEDREAM_STEP_SIZE, or by step-size "
    "in a preset file. --debug shows where an error comes from.",
    version=framedream.__version__,
    help_format="plaintext",
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)


def program() -> list[str]:
    """The words that start this program, as the user typed them: ``framedream``, or ``python cli.py``."""
    name = Path(sys.argv[0]).name
    return ["python", "cli.py"] if name == "cli.py" else ["framedream"]


@contextlib.contextmanager
def stoppable() -> Generator[Callable[[], bool]]:
    """Handle signals while frames are made: the first asks to stop, the second stops at once.

    Yields:
        A function that returns whether a signal has come.
    """
    received: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        # Not through Python's streams: the signal can arrive while they are in use.
        if len(received) == 1:
            os.write(2, b"\nframedream: finishing the current frame; press Ctrl-C again to stop now\n")
        else:
            os.write(2, b"\nframedream: stopped; run the same command again to resume\n")
            os._exit(128 + number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(received)
    except Stopped as stopped:
        stopped.exit_code = 128 + received[0]
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
