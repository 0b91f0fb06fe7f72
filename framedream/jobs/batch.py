"""A folder in, a folder of dreams out: whatever fails on the way, the rest is done, and all is told."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from framedream.errors import FramedreamError, OutputError, Stopped
from framedream.gallery.report import Report, ReportItem, write_report
from framedream.jobs.dreaming import dreamer_for
from framedream.jobs.image import dream_image
from framedream.jobs.items import Item, find_items
from framedream.jobs.manifest import Manifest, flat
from framedream.jobs.pictures import pictures_of
from framedream.jobs.preflight import encoded_size, warn_of_room
from framedream.jobs.progress import Progress
from framedream.jobs.records import Record, Records
from framedream.jobs.video import Film, dream_video
from framedream.jobs.work import SUFFIX
from framedream.media import open_footage
from framedream.settings import OutputSettings, Settings

log = logging.getLogger("framedream")

_CALM = 20
"""A report is not written again before this many times as long as writing it took."""


@dataclass(frozen=True)
class BatchProgress:
    """Where a batch stands.

    Attributes:
        item: Number of the item at work, from 1.
        items: How many there are.
        name: What it is called.
        inner: Where the item itself stands; None when it begins or ends, and for stills.
        ended: Whether it has ended.
    """

    item: int
    items: int
    name: str
    inner: Progress | None = None
    ended: bool = False


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
        jobs_file: A TOML file of items with settings of their own; see `framedream.jobs.jobs_file`.
        progress: Called when an item begins, after each of its frames, and when it ends.
        work: Folder for the work folders of films. Default: each beside its film.
        restart: Make everything anew.
        stop: Asked after each frame; once it says True, the frame in hand is stored and the run ends.

    Raises:
        SettingsError: A preset, a setting or the jobs file cannot be used.
        InputError: There is nothing to do, or the weights are not to be had.
        OutputError: The results cannot be written there.
        LockedError: Another run is making them.
        Stopped: ``stop`` said so.
    """
    source, target = Path(source), Path(target)
    jobs = Path(jobs_file) if jobs_file is not None else None
    items = find_items(source, target, presets, values or {}, include=include, exclude=exclude, jobs_file=jobs)
    with Records(target) as records:
        for settings in {item.settings.dream: item.settings for item in items if not item.problem}.values():
            dreamer_for(settings)
        warn_of_room(target, sum(map(_size_of, items)))
        run = _Run(source, target, items, records, Path(work) if work is not None else None, restart, stop)
        return run.all(progress or (lambda _: None))


class _Run:
    """A batch at work."""

    def __init__(
        self,
        source: Path,
        target: Path,
        items: list[Item],
        records: Records,
        work: Path | None,
        restart: bool,
        stop: Callable[[], bool],
    ) -> None:
        self._source, self._target, self._items = source, target, items
        self._records, self._work, self._restart, self._stop = records, work, restart, stop
        self._told = [self._waiting(item) for item in items]
        self._began, self._clock = datetime.now().astimezone(), time.monotonic()
        self._next_report = 0.0

    def all(self, progress: Callable[[BatchProgress], None]) -> Batch:
        """Do every item; tell of each."""
        for number, item in enumerate(self._items):
            if self._stop():
                self._end()
            where = BatchProgress(number + 1, len(self._items), item.name)
            progress(where)
            self._told[number] = dataclasses.replace(self._told[number], state="running")
            self._report()
            try:
                self._told[number] = self._done(item, partial(_tell, progress, where))
            except Stopped as stopped:
                self._told[number] = dataclasses.replace(self._told[number], state="stopped", problem=str(stopped))
                self._end()
            except BaseException:
                with suppress(FramedreamError):
                    self._report(ended=True)
                raise
            progress(dataclasses.replace(where, ended=True))
        self._report(ended=True)
        return Batch(self._target, tuple(self._told), time.monotonic() - self._clock)

    def _end(self) -> NoReturn:
        """End the batch before it is complete."""
        self._report(ended=True)
        raise Stopped(
            f"{self._target}: stopped with {self._count('done', 'kept')} of {len(self._items)} items done; "
            "the same command goes on from there"
        ) from None

    def _done(self, item: Item, progress: Callable[[Progress], None]) -> ReportItem:
        """Do an item, and say what became of it."""
        waiting = self._waiting(item)
        if item.problem:
            return self._failed(item, f"{item.source}: {item.problem}", ())
        warnings: list[str] = []
        try:
            if item.target.suffix and item.target.is_dir():
                raise OutputError(f"{item.target}: a folder is in the way; remove or rename it")
            fingerprint = _fingerprint(item)
            record = None if self._restart else self._records.find(item.name, fingerprint, item.target)
            if record:
                return dataclasses.replace(waiting, state="kept", **record.told())

            def finished(film: Film) -> None:
                """Before the film's work folder goes, so that nothing is made twice."""
                nonlocal record
                record = Record(film.frames, film.seconds, tuple(warnings))
                self._records.add(item.name, fingerprint, item.target, record)

            with _heard(warnings):
                self._dreamed(item, progress, finished)
        except Stopped:
            raise
        except FramedreamError as error:
            return self._failed(item, str(error), warnings)
        except Exception as error:
            log.debug("%s", item.name, exc_info=True)
            return self._failed(
                item, f"{item.source}: a bug in framedream, sorry: {error!r}; dream it alone with --debug", warnings
            )
        assert record is not None
        return dataclasses.replace(waiting, state="done", **record.told() | self._pictures(item))

    def _dreamed(self, item: Item, progress: Callable[[Progress], None], finished: Callable[[Film], None]) -> None:
        """Make an item, and tell when it is there."""
        if item.kind == "still":
            began = time.monotonic()
            dream_image(item.source, item.target, item.settings)
            finished(Film(item.target, 1, 1, time.monotonic() - began))
        else:
            dream_video(
                item.source, item.target, _fitting(item), progress=progress, work=self._work_folder(item),
                restart=self._restart, stop=self._stop, finished_with=finished,
            )  # fmt: skip

    def _pictures(self, item: Item) -> dict[str, tuple[bytes, ...]]:
        """Pictures for the report; without them the item is finished all the same."""
        try:
            sources, dreams = pictures_of(item.source, item.target, item.settings)
            self._records.add_pictures(item.name, (sources, dreams))
        except Exception as error:
            log.info("%s: no pictures for the report (%s)", item.name, error)
            return {}
        return {"source_pictures": sources, "dreamed_pictures": dreams}

    def _work_folder(self, item: Item) -> Path | None:
        if self._work is None:
            return None
        path = self._work / item.target.relative_to(self._target)
        return path.with_name(path.name + SUFFIX)

    def _failed(self, item: Item, problem: str, warnings: Iterable[str]) -> ReportItem:
        log.warning("%s", problem)
        return dataclasses.replace(self._waiting(item), state="failed", problem=problem, warnings=tuple(warnings))

    def _waiting(self, item: Item) -> ReportItem:
        usual = flat(Settings())
        changed = {name: text for name, text in flat(item.settings).items() if text != usual[name]}
        path = item.target.relative_to(self._target).as_posix()
        return ReportItem(item.name, item.kind, item.preset, "waiting", path, changed)

    def _count(self, *states: str) -> int:
        return sum(item.state in states for item in self._told)

    def _report(self, *, ended: bool = False) -> None:
        began = time.monotonic()
        if not ended and began < self._next_report:
            return
        now = datetime.now().astimezone()
        report = Report(
            str(self._source), str(self._target), self._began, now, tuple(self._told), ended, version("framedream")
        )
        try:
            write_report(self._target, report)
        except OutputError as error:
            if ended:
                raise
            log.warning("%s", error)  # It is tried again after the next item, which may be made nevertheless.
        ended_at = time.monotonic()
        self._next_report = ended_at + _CALM * (ended_at - began) if ended_at - began > 0.1 else 0.0


def _size_of(item: Item) -> float:
    """Bytes that an item's film will have, about; 0 where that is little, or it cannot be read."""
    if item.problem or item.kind != "video":
        return 0
    try:
        footage = open_footage(item.source, item.settings.footage)
    except FramedreamError:
        return 0
    return encoded_size(item.target, footage.frame_count or 0, footage.height, footage.width)


def _tell(progress: Callable[[BatchProgress], None], where: BatchProgress, inner: Progress) -> None:
    progress(dataclasses.replace(where, inner=inner))


def _fitting(item: Item) -> Settings:
    """An item's settings, without codecs that films have and animated images do not."""
    is_animated = item.target.suffix.lower() in (".gif", ".webp", ".png", ".apng") or not item.target.suffix
    return dataclasses.replace(item.settings, output=OutputSettings()) if is_animated else item.settings


def _fingerprint(item: Item) -> str:
    """What must be the same for a finished item to be kept."""
    manifest = Manifest.of(item.source, item.target, item.settings)
    facts = [manifest.identity, manifest.settings, manifest.weights, manifest.source, manifest.target]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@contextmanager
def _heard(warnings: list[str]) -> Generator[None]:
    """Collect the warnings that are given meanwhile."""

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            warnings.append(record.getMessage())

    ear = Ear(logging.WARNING)
    log.addHandler(ear)
    try:
        yield
    finally:
        log.removeHandler(ear)
