"""What all commands share: the application they belong to, and how they are stopped."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Generator
from types import FrameType

from cyclopts import App

import framedream
from framedream.errors import Stopped

app = App(
    name="framedream",
    help="DeepDream for moving pictures: dreams that stick to what moves.\n\n"
    "A flag such as --step-size can also be given as FRAMEDREAM_STEP_SIZE in the environment, or as step-size "
    "in a preset file; --debug shows where an error comes from.",
    version=framedream.__version__,
    help_format="plaintext",
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)


@contextlib.contextmanager
def stoppable() -> Generator[Callable[[], bool]]:
    """While frames are made, the first signal asks to stop and the second stops at once.

    Yields:
        Whether it was asked to stop.
    """
    received: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        # Written past Python's own streams: a handler may come while they are being written to.
        if len(received) == 1:
            os.write(2, b"\nframedream: stopping after the frame in hand; once more to stop now\n")
        else:
            os.write(2, b"\nframedream: stopped; the same command goes on with what is stored\n")
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
