"""Dreams a folder of footage into a folder of films: an item that fails does not stop the others."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from framedream.batch.finished_items import FinishedItems
from framedream.batch.item_layout import BatchLayout, estimate_size, usable_settings
from framedream.batch.items import Item, find_items
from framedream.batch.ledger import Ledger
from framedream.batch.scheduler import schedule_batch
from framedream.errors import FramedreamError, Stopped
from framedream.film.compositing import check_masks
from framedream.film.dreamers import check_guides, dreamer_for
from framedream.film.local_runner import Film
from framedream.film.preflight import warn_if_disk_is_short
from framedream.film.progress import BatchProgress, Progress
from framedream.jobs.dream_image import dream_image
from framedream.jobs.dream_video import dream_video
from framedream.reports.batch_report import ReportItem
from framedream.workers.log_capture import capture_log
from framedream.workers.worker_pool import hide_gpus, worker_pool


@dataclass(frozen=True)
class Batch:
    """What became of a batch.

    Attributes:
        target: The folder of the results, with ``report.html`` and ``report.json``.
        items: What became of each item.
        seconds: How long this run took.
    """

    target: Path
    items: tuple[ReportItem, ...]
    seconds: float

    @property
    def failed(self) -> list[ReportItem]:
        """The items that could not be made."""
        return [item for item in self.items if item.state == "failed"]


def dream_folder(
    source: Path | str,
    target: Path | str,
    presets: Sequence[str] = (),
    values: Mapping[str, Any] | None = None,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    jobs_file: Path | str | None = None,
    progress: Callable[[BatchProgress], None] | None = None,
    work: Path | str | None = None,
    restart: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> Batch:
    """Dream all footage below a folder into another of the same tree.

    An item that fails is recorded with its reason, and the next one is begun. The same call
    again keeps what was finished with the same settings and footage, and goes on with the rest.
    ``report.html`` and ``report.json`` among the results tell of each item, and are written
    anew after each.

    Args:
        source: The folder that is read, with all in it: films, animations, stills, and folders
            of numbered images.
        target: The folder of the results; missing ones are made.
        presets: Looks by name or file; several make a tree each. Default: that of the jobs
            file, or the usual one.
        values: Flat settings for all, which beat presets and jobs file.
        include: Globs; only what one of them fits is done.
        exclude: Globs; nothing that one of them fits is done.
        jobs_file: A TOML file of items with settings of their own; see `framedream.batch.jobs_file`.
        progress: Called when an item begins, after each of its frames, and when it ends.
        work: Folder for the work folders of films. Default: each beside its film.
        restart: Make everything anew.
        stop: Asked after each frame; once it says True, the frame in hand is stored and the run ends.

    Raises:
        SettingsError: A preset, a setting or the jobs file cannot be used.
        InputError: There is nothing to do, a mask or a guide cannot be read, or the weights are not to be had.
        OutputError: The results cannot be written there.
        LockedError: Another run is making them.
        Stopped: ``stop`` said so.
    """
    source, target = Path(source), Path(target)
    jobs = Path(jobs_file) if jobs_file is not None else None
    items = find_items(source, target, presets, values or {}, include=include, exclude=exclude, jobs_file=jobs)
    check_masks(item.settings for item in items)
    check_guides(item.settings for item in items)
    with FinishedItems(target) as records:
        warn_if_disk_is_short(target, sum(map(estimate_size, items)))
        ledger = Ledger(source, target, items, records, restart)
        makers = BatchLayout(target, Path(work) if work is not None else None, restart)
        try:
            with worker_pool(items[0].settings.run, target) as workers:
                if workers is None:
                    _one_by_one(ledger, makers, stop, progress or (lambda _: None))
                else:
                    schedule_batch(ledger, makers, workers, stop, progress or (lambda _: None))
        except Stopped:
            raise
        except BaseException:
            with suppress(FramedreamError):
                ledger.report(ended=True)
            raise
        ledger.report(ended=True)
        return Batch(target, tuple(ledger.told), time.monotonic() - ledger.clock)


def _one_by_one(
    ledger: Ledger, makers: BatchLayout, stop: Callable[[], bool], progress: Callable[[BatchProgress], None]
) -> None:
    """Do every item in this process; tell of each."""
    hide_gpus()
    for settings in {item.settings.dream: item.settings for item in ledger.items if not item.problem}.values():
        dreamer_for(settings)
    for number, item in enumerate(ledger.items):
        if stop():
            raise ledger.end_early()
        where = BatchProgress(number + 1, len(ledger.items), item.name)
        progress(where)
        warnings: list[str] = []
        try:
            with capture_log(warnings):
                if ledger.begin(number):
                    finished = partial(ledger.finished, number, warnings=warnings)
                    _make(item, makers, partial(_tell, progress, where), stop, finished)
                    ledger.illustrate(number)
        except Stopped as stopped:
            ledger.stopped(number, str(stopped))
            raise ledger.end_early() from None
        except Exception as error:
            ledger.failed(number, error, warnings)
        progress(dataclasses.replace(where, ended=True))


def _make(
    item: Item,
    makers: BatchLayout,
    progress: Callable[[Progress], None],
    stop: Callable[[], bool],
    finished: Callable[[Film], None],
) -> None:
    """Make an item, and tell when it is there."""
    if item.kind == "still":
        began = time.monotonic()
        dream_image(item.source, item.target, item.settings)
        finished(Film(item.target, 1, 1, time.monotonic() - began))
    else:
        dream_video(
            item.source, item.target, usable_settings(item), progress=progress, work=makers.work_folder(item),
            restart=makers.restart, stop=stop, finished_with=finished,
        )  # fmt: skip


def _tell(progress: Callable[[BatchProgress], None], where: BatchProgress, inner: Progress) -> None:
    progress(dataclasses.replace(where, inner=inner))
