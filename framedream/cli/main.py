"""The entry point: runs a command, prints errors in one line, and exits with the documented code."""

from __future__ import annotations

import io
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from cyclopts import CycloptsError, UnusedCliTokensError

from framedream.cli import film_commands, list_commands, picture_commands, probe_command  # noqa: F401  Each adds its commands.
from framedream.cli.app import app
from framedream.cli.terminal import printable
from framedream.errors import FramedreamError

_USAGE, _INTERRUPTED, _TERMINATED = 2, 130, 143


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and exit with its exit code (the README lists them)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:], "--help"]
    sys.exit(_run([argument for argument in arguments if argument != "--debug"], debug))


def _run(arguments: list[str], debug: bool) -> int:
    signal.signal(signal.SIGTERM, _terminated)
    try:
        app(arguments, exit_on_error=False, print_error=False)
        sys.stdout.flush()  # Here, where a broken pipe can be handled.
    except UnusedCliTokensError as error:
        extra = " ".join(error.unused_tokens or ())
        advice = "remove it, or put a name with spaces in quotes (see --help)"
        return _failed(f"unexpected argument: {extra}; {advice}", _USAGE)
    except CycloptsError as error:
        return _failed(f"{' '.join(str(error).split())} (see --help)", _USAGE)
    except FramedreamError as error:
        if debug:
            raise
        return _failed(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _failed("interrupted; nothing was written", _INTERRUPTED)
    except _Terminated:
        return _failed("terminated; nothing was written", _TERMINATED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except Exception as error:
        if debug:
            raise
        return _failed(f"a bug in framedream, sorry: {error!r}; run again with --debug and report it", 1)
    return 0


class _Terminated(BaseException):
    pass


def _terminated(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise _Terminated


def _failed(message: str, code: int) -> int:
    print(f"framedream: {printable(' '.join(message.split()))}", file=sys.stderr)
    return code
