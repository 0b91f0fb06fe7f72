"""Worker processes with a stand-in for the network, and orders for what is to befall them.

    python tests/stand_in_workers.py ARGUMENT …

is the command line with such workers. The environment variable STAND_IN names a folder that all of
them share: ``orders.json`` is obeyed, and ``log`` gets a line for each dream when it is begun.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stand_in_cli import Restless

from framedream import errors
from framedream.config.settings import DreamSettings, Settings

DARK = 60
"""Pictures with a lower mean are dark."""


@dataclass(frozen=True)
class Dreamt:
    """A line of the log: a dream that was begun.

    Attributes:
        pid: The process.
        tile: The side of tiles it was to dream in.
        what: The same for the same dream.
        dark: Whether the picture was dark.
    """

    pid: int
    tile: int
    what: str
    dark: bool


class Orders:
    """What is to befall the workers.

    Args:
        folder: The folder that they share.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def give(self, **orders: Any) -> None:
        """Say what is to happen from now on.

        Args:
            orders: ``seconds`` that a dream takes; ``dies_at``: a process kills itself at this dream since these
                orders, counted from 1, once for each call of `doom`; ``dies_of``: the same at the dream of this hash;
                ``dies_of_dark``: each process kills itself at a dark picture; ``fits``: larger tiles do not fit into
                memory; ``raises``: name and text of an error at dark pictures or stills.
        """
        new = self.folder / f"orders-{os.getpid()}"
        new.write_text(json.dumps({"given": time.time_ns(), **orders}))
        new.replace(self.folder / "orders.json")

    def doom(self, deaths: int = 1) -> None:
        """Let so many processes die."""
        for number in range(deaths):
            (self.folder / f"doom-{number}").touch()

    @property
    def dooms(self) -> int:
        """How many are still to die."""
        return len(list(self.folder.glob("doom-*")))

    def current(self) -> dict[str, Any]:
        """What was said last."""
        path = self.folder / "orders.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    @property
    def log(self) -> list[Dreamt]:
        """All dreams that were begun, by whichever process."""
        path = self.folder / "log"
        lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        return [Dreamt(int(pid), int(tile), what, dark == "True") for pid, tile, what, dark in lines]

    def forget(self) -> None:
        """Begin a new log."""
        (self.folder / "log").unlink(missing_ok=True)

    def note(self, tile: int, what: str, dark: bool) -> None:
        """Add to the log."""
        with (self.folder / "log").open("a") as file:
            file.write(f"{os.getpid()} {tile} {what} {dark}\n")

    def die(self) -> None:
        """Kill this process, if one is still to die."""
        for doom in self.folder.glob("doom-*"):
            try:
                doom.unlink()
            except FileNotFoundError:
                continue
            os.kill(os.getpid(), signal.SIGKILL)


class Obedient(Restless):
    """Dreams as `Restless` does, unless its orders say otherwise."""

    count, given = 0, 0

    def __init__(self, orders: Orders, tile: int) -> None:
        self._orders, self._tile = orders, tile
        super().__init__()

    def dream(self, image: np.ndarray, **options):
        orders = self._orders.current()
        what = hashlib.sha256(image.tobytes())
        for option in sorted(options):
            what.update(f"{option} {_bytes(options[option])!r}".encode())
        dark = bool(image.mean() < DARK)
        name = what.hexdigest()[:16]
        self._orders.note(self._tile, name, dark)
        if orders.get("given", 0) != Obedient.given:
            Obedient.count, Obedient.given = 0, orders.get("given", 0)
        Obedient.count += 1
        if Obedient.count == orders.get("dies_at") or name == orders.get("dies_of"):
            self._orders.die()
        if dark and orders.get("dies_of_dark"):
            os.kill(os.getpid(), signal.SIGKILL)
        if (self._tile or max(image.shape)) > orders.get("fits", 9999):
            raise errors.OutOfMemory("the GPU ran out of memory; dream it smaller with --scale")
        if dark and orders.get("raises"):
            kind, text = orders["raises"]
            raise (getattr(errors, kind, None) or getattr(__import__("builtins"), kind))(text)
        time.sleep(orders.get("seconds", 0.0))
        return super().dream(image, **options)


def _bytes(value: Any) -> bytes:
    return repr(value).encode() if isinstance(value, DreamSettings) else np.asarray(value).tobytes()


def dreamer_for(settings: Settings, tile: int | None = None) -> Obedient:
    """Stands for `framedream.film.dreamers.dreamer_for`."""
    return Obedient(Orders(Path(os.environ["STAND_IN"])), tile or 0)


def stand_in(patch: pytest.MonkeyPatch, folder: Path) -> Orders:
    """Stand for the network in this process and in all workers that it starts.

    Args:
        patch: Undoes it.
        folder: Gets orders and log.
    """
    from framedream.batch import dream_folder as batch
    from framedream.jobs import dream_image as image
    from framedream.jobs import dream_video as video
    from framedream.workers import worker_pool as crew

    patch.setenv("STAND_IN", str(folder))
    patch.setattr(crew, "use_device", take)
    patch.setattr(crew, "use_cluster_device", join)
    for room in (batch, image, video):
        patch.setattr(room, "dreamer_for", dreamer_for)
    return Orders(folder)


def take(device: Any) -> None:
    """Stands for `framedream.workers.worker_pool.use_device` in a worker."""
    from framedream.workers import worker_pool as crew

    _dream_in_its_stead()
    crew.use_device(device)


def join(threads: int | None) -> None:
    """Stands for `framedream.workers.worker_pool.use_cluster_device` in a worker of a cluster."""
    from framedream.workers import worker_pool as crew

    _dream_in_its_stead()
    crew.use_cluster_device(threads)


def _dream_in_its_stead() -> None:
    from framedream.film import film_tasks
    from framedream.jobs import dream_image as image

    film_tasks.dreamer_for = image.dreamer_for = dreamer_for  # type: ignore[assignment]


def alive(pid: int) -> bool:
    """Whether a process is there and does something."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def main() -> None:
    """Run the command; note at the end whether this process has imported TensorFlow."""
    import stand_in_workers

    from framedream.cli.main import main
    from framedream.workers import worker_pool as crew

    crew.use_device = stand_in_workers.take  # By this name workers find it.
    try:
        main()
    finally:
        (Path(os.environ["STAND_IN"]) / "imported").write_text(str("tensorflow" in sys.modules))


if __name__ == "__main__":
    main()
