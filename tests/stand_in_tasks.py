"""Tasks that worker processes can import, for the tests of workers."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from framedream import errors

HELD: list[bytes] = []
PREPARED: list[str] = []


@dataclass(frozen=True)
class Pin:
    """Makes a process ready, and notes which."""

    name: str
    log: Path | None = None

    def __call__(self) -> None:
        PREPARED.append(self.name)
        if self.log is not None:
            with self.log.open("a") as file:
                file.write(f"{self.name} {os.getpid()}\n")


@dataclass(frozen=True)
class Fails:
    """Cannot make a process ready."""

    def __call__(self) -> None:
        raise errors.DeviceError("there is no such device; choose another")


@dataclass(frozen=True)
class Say:
    """Says which process ran it, how that was prepared, and what it has imported."""

    label: str = "say"

    def run(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "prepared": list(PREPARED),
            "tensorflow": "tensorflow" in sys.modules,
            "sigint": signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
            "sigterm": signal.getsignal(signal.SIGTERM) == signal.SIG_IGN,
            "blocked": signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()),
            "env": os.environ.get("STAND_IN"),
        }


@dataclass(frozen=True)
class Raise:
    """Ends with an error of the library or of Python."""

    kind: str
    text: str = "it went wrong; try again"
    label: str = "raise"

    def run(self) -> None:
        kind = getattr(errors, self.kind, None) or getattr(__builtins__, self.kind, None) or __builtins__[self.kind]
        raise kind(self.text)


@dataclass(frozen=True)
class Warn:
    """Logs what is to be shown and what is not."""

    label: str = "warn"

    def run(self) -> str:
        logging.getLogger("framedream.media").info("not this")
        logging.getLogger("framedream").warning("%d frames are missing", 3)
        return "warned"


@dataclass(frozen=True)
class Write:
    """Writes its process into a file, waits for a while, and dies first if the file to die for is not there yet.

    Attributes:
        path: Gets a line with the process as soon as the task runs.
        seconds: How long it then takes, or until `until` is there.
        dies: Number of lines up to which the process kills itself.
    """

    path: Path
    seconds: float = 0.0
    until: Path | None = None
    dies: int = 0
    label: str = "write"

    def run(self) -> int:
        with self.path.open("a") as file:
            file.write(f"{os.getpid()}\n")
        if len(self.path.read_text().split()) <= self.dies:
            os.kill(os.getpid(), signal.SIGKILL)
        end = time.monotonic() + self.seconds
        while time.monotonic() < end and not (self.until and self.until.exists()):
            time.sleep(0.02)
        return os.getpid()


@dataclass(frozen=True)
class Hang:
    """Stops its own process, which then hears nothing but SIGKILL."""

    path: Path
    label: str = "hang"

    def run(self) -> None:
        self.path.write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGSTOP)


@dataclass(frozen=True)
class Grow:
    """Takes memory and keeps it."""

    megabytes: int
    label: str = "grow"

    def run(self) -> int:
        HELD.append(b"\1" * (self.megabytes << 20))
        return os.getpid()


@dataclass(frozen=True)
class Heavy:
    """Runs out of memory until it is small enough."""

    weight: int
    least: int = 1
    label: str = "heavy"

    def run(self) -> tuple[int, int]:
        if self.weight > 1:
            raise errors.OutOfMemory(f"{self.label}: {self.weight} frames at once are too many")
        return self.weight, os.getpid()

    def smaller(self) -> Heavy | None:
        return replace(self, weight=self.weight // 2) if self.weight // 2 >= self.least else None


@dataclass(frozen=True)
class Unpicklable:
    """Cannot travel, or its result cannot."""

    where: str
    label: str = "unpicklable"

    def run(self) -> Any:
        return threading.Lock()

    def __reduce__(self) -> Any:
        if self.where == "there":
            return (_refuse, ())
        if self.where == "here":
            raise TypeError("cannot pickle this")
        return (Unpicklable, (self.where,))


def _refuse() -> None:
    raise ImportError("no such module over there")
