"""Stills of a batch as tasks that worker processes do, some at a time."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from framedream.batch.items import Item
from framedream.film import film_tasks
from framedream.film.film_tasks import check_running
from framedream.jobs.dream_image import dream_image
from framedream.store.frame_storage import FrameStorage
from framedream.workers.log_capture import capture_log
from framedream.workers.tasks import Outcome, failed_outcome


@dataclass(frozen=True)
class StillsTask:
    """Dream some stills.

    Attributes:
        items: The stills.
        numbers: Their numbers in the batch.
        folder: Where the run's token is.
        token: The token.
    """

    items: tuple[Item, ...]
    numbers: tuple[int, ...]
    folder: Path
    token: str

    @property
    def label(self) -> str:
        """What the work is."""
        return self.items[0].source.name + (f" and {len(self.items) - 1} more" if len(self.items) > 1 else "")

    def run(self) -> list[tuple[Outcome, tuple[str, ...], float]]:
        """What became of each, what was warned of, and how long it took in seconds."""
        ends = []
        for item in self.items:
            began, warnings, end = time.monotonic(), list[str](), Outcome("done")
            with capture_log(warnings):
                try:
                    check_running(FrameStorage(self.folder), self.token)
                    dream_image(item.source, item.target, item.settings)
                except Exception as error:
                    end = failed_outcome(error)
            ends.append((end, tuple(warnings), time.monotonic() - began))
        return ends


def absolute_items(items: Iterable[Item]) -> tuple[Item, ...]:
    """Items with names that are good in another process."""
    return tuple(
        replace(
            item, source=item.source.absolute(), target=item.target.absolute(),
            settings=film_tasks.absolute_settings(item.settings),
        )
        for item in items
    )  # fmt: skip
