"""What can go wrong, each kind with the exit code the command line promises.

A message is one line: what happened, to which file or flag, and what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FramedreamError(Exception):
    """Base of every error framedream raises on purpose; ``exit_code`` is the command's."""

    exit_code = 1


class SettingsError(FramedreamError):
    """A flag, preset key or setting has a name or value that cannot be used."""

    exit_code = 2


class ItemsFailed(FramedreamError):
    """Some items of a batch could not be made; the others are."""

    exit_code = 3


class InputError(FramedreamError):
    """A file that was to be read is missing, unreadable or not what it should be."""

    exit_code = 4


class WeightsError(InputError):
    """A model's weights are not there, or do not fit the model."""


class OutputError(FramedreamError):
    """The result cannot be written where it was asked for."""

    exit_code = 5


class LockedError(FramedreamError):
    """Another run is at work on the same output or work folder."""

    exit_code = 6


class Stopped(FramedreamError):
    """The run was asked to stop; what was done is kept."""

    exit_code = 130


class DeviceError(FramedreamError):
    """A worker or its device failed, for instance by running out of memory."""

    exit_code = 7


class OutOfMemory(DeviceError):
    """A device or the machine had not the memory for what was to be done."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Say which known word was probably meant.

    Args:
        word: What was written.
        known: The words that would have been right.

    Returns:
        ``"; did you mean 'X'?"`` where one is close, else ``"; known: a, b, …"``.
    """
    names = [str(name) for name in known]
    folded = {name.lower(): name for name in reversed(names)}
    close = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.5)
    if close:
        return f"; did you mean '{folded[close[0]]}'?"
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"; known: {shown}"
