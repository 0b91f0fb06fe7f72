"""What becomes of each item of a batch: remembered for later runs, and told in the report."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from framedream.batch.finished_items import FinishedItem, FinishedItems
from framedream.batch.items import Item
from framedream.batch.thumbnails import thumbnails_of
from framedream.config.settings import Settings
from framedream.errors import FramedreamError, OutputError, Stopped
from framedream.film.local_runner import Film
from framedream.reports.batch_report import BatchReport, ReportItem, write_report
from framedream.store.manifest import Manifest, flatten_settings
from framedream.workers.tasks import RemoteTrace

log = logging.getLogger(__name__)

_CALM = 20
"""A report is not written again before this many times as long as writing it took."""


class Ledger:
    """The items of a batch with what became of them. Several threads may tell of theirs.

    Args:
        source: The folder that is read.
        target: The folder of the results.
        items: All items.
        records: What earlier runs finished.
        restart: Take nothing of that.
    """

    def __init__(
        self, source: Path, target: Path, items: Sequence[Item], records: FinishedItems, restart: bool
    ) -> None:
        self._source, self._target, self.items = source, target, items
        self._records, self._restart = records, restart
        self.told = [self._waiting(item) for item in items]
        self._began, self.clock = datetime.now().astimezone(), time.monotonic()
        self._next_report = 0.0
        self._fingerprints: dict[int, str] = {}
        self._lock = threading.RLock()

    def begin(self, number: int) -> bool:
        """See whether an item is still to be made, and could be.

        Raises:
            FramedreamError: It cannot be made.
        """
        item = self.items[number]
        self._tell(number, dataclasses.replace(self._waiting(item), state="running"))
        if item.problem:
            raise FramedreamError(f"{item.source}: {item.problem}")
        if item.target.suffix and item.target.is_dir():
            raise OutputError(f"{item.target}: a folder is in the way; remove or rename it")
        self._fingerprints[number] = fingerprint = _fingerprint(item)
        record = None if self._restart else self._records.find(item.name, fingerprint, item.target)
        if record:
            self._tell(number, dataclasses.replace(self._waiting(item), state="kept", **record.told()))
        return record is None

    def finished(self, number: int, film: Film, warnings: Iterable[str]) -> None:
        """Remember that an item is there; before its work folder goes, so that nothing is made twice.

        Raises:
            OutputError: That cannot be written.
        """
        item = self.items[number]
        record = FinishedItem(film.frames, film.seconds, tuple(warnings))
        with self._lock:
            self._records.add(item.name, self._fingerprints[number], item.target, record)
            self.told[number] = dataclasses.replace(self._waiting(item), state="done", **record.told())

    def illustrate(self, number: int) -> None:
        """Add an item's pictures to the report; without them it is finished all the same."""
        item = self.items[number]
        try:
            sources, dreams = thumbnails_of(item.source, item.target, item.settings)
            with self._lock:
                self._records.add_pictures(item.name, (sources, dreams))
                self._tell(
                    number,
                    dataclasses.replace(self.told[number], source_pictures=sources, dreamed_pictures=dreams),
                )
        except Exception as error:
            log.info("%s: no pictures for the report (%s)", item.name, error)

    def failed(self, number: int, error: BaseException, warnings: Iterable[str]) -> None:
        """Note that an item cannot be made."""
        item, problem = self.items[number], str(error)
        if not isinstance(error, FramedreamError):
            log.debug("%s", item.name, exc_info=error)
            bug = problem if isinstance(error.__cause__, RemoteTrace) else repr(error)
            problem = f"{item.source}: a bug in framedream, sorry: {bug}; dream it alone with --debug"
        log.warning("%s", problem)
        told = dataclasses.replace(self._waiting(item), state="failed", problem=problem, warnings=tuple(warnings))
        self._tell(number, told)

    def stopped(self, number: int, problem: str) -> None:
        """Note that the work at an item was stopped."""
        self._tell(number, dataclasses.replace(self.told[number], state="stopped", problem=problem))

    def end_early(self) -> Stopped:
        """Write the last report of a batch that is ended before it is complete; gives what to raise."""
        self.report(ended=True)
        count = sum(item.state in ("done", "kept") for item in self.told)
        return Stopped(
            f"{self._target}: stopped with {count} of {len(self.items)} items done; the same command goes on from there"
        )

    def report(self, *, ended: bool = False) -> None:
        """Write the report, unless it was written a moment ago.

        Raises:
            OutputError: It cannot be written, and it is the last.
        """
        began = time.monotonic()
        if not ended and began < self._next_report:
            return
        now = datetime.now().astimezone()
        report = BatchReport(
            str(self._source), str(self._target), self._began, now, tuple(self.told), ended, version("framedream")
        )
        try:
            write_report(self._target, report)
        except OutputError as error:
            if ended:
                raise
            log.warning("%s", error)  # It is tried again after the next item, which may be made nevertheless.
        ended_at = time.monotonic()
        self._next_report = ended_at + _CALM * (ended_at - began) if ended_at - began > 0.1 else 0.0

    def _tell(self, number: int, told: ReportItem) -> None:
        with self._lock:
            self.told[number] = told
            self.report()

    def _waiting(self, item: Item) -> ReportItem:
        usual = flatten_settings(Settings())
        changed = {name: text for name, text in flatten_settings(item.settings).items() if text != usual.get(name)}
        path = item.target.relative_to(self._target).as_posix()
        return ReportItem(item.name, item.kind, item.preset, "waiting", path, changed)


def _fingerprint(item: Item) -> str:
    """What must be the same for a finished item to be kept."""
    manifest = Manifest.of([item.source], item.target, item.settings)
    facts = [manifest.identity, manifest.settings, manifest.weights, manifest.source, manifest.target]
    # Without these, earlier records stay good.
    facts += [fact for fact in (manifest.sound, manifest.mask) if fact]
    facts += [f"guide {manifest.guide}"] if manifest.guide else []
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
