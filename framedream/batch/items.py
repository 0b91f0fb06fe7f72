"""What there is to do in a folder: each clip and still once for each preset, with a name for its result."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from framedream.batch.discovery import FoundFootage, find_footage, kind_of
from framedream.batch.jobs_file import JobOrder, read_jobs_file
from framedream.batch.selection import is_chosen, is_mask, select
from framedream.config.presets import DEFAULT
from framedream.config.settings import Settings
from framedream.errors import InputError, OutputError, SettingsError
from framedream.film.compositing import mask_paths
from framedream.media.containers import container_for
from framedream.media.frames import FootageKind
from framedream.media.write.image_writer import check_image_name
from framedream.media.write.output_names import OutputName, mirrored_name, unique_paths


@dataclass(frozen=True)
class Item:
    """One thing to dream.

    Attributes:
        name: What it is called in the batch, where no other has this name: its path in the source
            folder, after the preset's name if there are several presets. It may hold any
            character a file's name can, and bytes that are not UTF-8 as lone surrogates.
        source: A file, or a folder of numbered images.
        target: The film, image or folder to make.
        kind: What it is; ``images`` is a folder of numbered images.
        preset: The preset, as it was given.
        settings: All settings.
        problem: Why it cannot be done at all, if so: cause; cure.
    """

    name: str
    source: Path
    target: Path
    kind: FootageKind
    preset: str
    settings: Settings
    problem: str = ""


@dataclass(frozen=True)
class _Look:
    """A preset with its settings, and the folder that its results go to."""

    preset: str
    settings: Settings
    folder: str


@dataclass(frozen=True)
class _Task:
    """What was found, with one way to dream it."""

    name: str
    found: FoundFootage
    kind: FootageKind
    look: _Look
    wish: OutputName


def find_items(
    source: Path,
    target: Path,
    presets: Sequence[str],
    values: Mapping[str, Any],
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    jobs_file: Path | None = None,
) -> list[Item]:
    """Find what there is to do, and settle how each thing is done and what its result is called.

    The same tree on the disk gives the same items. Masks are not dreamed. Nothing is written.

    Args:
        source: The folder that is searched, with all in it.
        target: The folder of the results; need not be there yet.
        presets: Names or ``.toml`` files, instead of those of the jobs file; several give a
            tree each, ``target/<preset>/…``. None for the jobs file's, or the default.
        values: Flat settings that beat those of presets and jobs file.
        include: Only what one of these globs fits, by its path in the folder or by its own name, or
            that lies in a folder which one fits. ``*`` stands for slashes too.
        exclude: Nothing that one of these globs fits, in the same ways.
        jobs_file: A TOML file; see `framedream.batch.jobs_file`.

    Raises:
        SettingsError: A preset, a setting or the jobs file cannot be used.
        InputError: The source is not a folder, it has no footage, or an item of the jobs
            file is not to be found.
        OutputError: The target is not a folder, or one of the folders contains the other.
    """
    _check_source(source)
    _check_target(source, target)
    orders = read_jobs_file(jobs_file) if jobs_file else [JobOrder()]
    looks = [_looks(order, presets, values) for order in orders]
    masks = {Path(os.path.realpath(path)) for ways in looks for look in ways for path in mask_paths(look.settings)}
    found = find_footage(source)
    tasks: dict[_Task, None] = {}
    for order, ways in zip(orders, looks, strict=True):
        named = select(order, found)
        # A mask does not count as footage, unless the jobs file names it.
        footage = [item for item in named if item.name == order.source or not is_mask(item, masks)]
        chosen = [item for item in footage if is_chosen(item, include, exclude)]
        kinds = [kind_of(item) for item in chosen]
        for look in ways:
            for item, kind in zip(chosen, kinds, strict=True):
                wish = _wish(order, len(named) == 1, item, kind, look.folder)
                # A dict and no list: what is asked for twice in the same way is done once.
                tasks[_Task(str(PurePosixPath(look.folder, item.name)), item, kind, look, wish)] = None
    if not tasks:
        raise InputError(f"{source}: {_nothing_to_do(found)}")
    return _items(list(tasks), target)


def _items(tasks: list[_Task], target: Path) -> list[Item]:
    names = _numbered(task.name for task in tasks)
    paths = unique_paths([task.wish for task in tasks])
    return [
        Item(name, task.found.path, target / path, task.kind, task.look.preset, task.look.settings, task.found.problem)
        for name, task, path in zip(names, tasks, paths, strict=True)
    ]


def _numbered(names: Iterable[str]) -> list[str]:
    """The same, with a number behind those that come again."""
    names = list(names)
    given, taken = set(names), set[str]()
    for index, name in enumerate(names):
        number = 1
        while names[index] in taken or (number > 1 and names[index] in given):
            number += 1
            names[index] = f"{name} ({number})"
        taken.add(names[index])
    return names


def _check_source(source: Path) -> None:
    try:
        if not source.is_dir():
            known = "is not a folder; name a folder, or use the command video or image" if source.exists() else None
            raise InputError(f"{source}: {known or 'this folder does not exist; check the name'}")
    except OSError as error:
        raise InputError(f"{source}: cannot be looked at ({error.strerror}); check the path") from None


def _check_target(source: Path, target: Path) -> None:
    try:
        there_already = next(path for path in (target, *target.parents) if os.path.lexists(path))
        if not there_already.is_dir():
            raise OutputError(f"{there_already}: is not a folder; name a new folder for the results")
        here, there = Path(os.path.realpath(source)), Path(os.path.realpath(target))
        if _holds(here, there):
            raise OutputError(f"{target}: lies in the folder that is read; put the output beside it")
        if _holds(there, here):
            raise OutputError(f"{target}: holds the folder that is read; put the output beside it")
    except OSError as error:
        raise OutputError(f"{target}: cannot be looked at ({error.strerror}); check the path") from None


def _holds(outer: Path, inner: Path) -> bool:
    """Whether a folder is another, or has it in it, by whatever name."""
    above = (inner, *inner.parents)
    return outer in above or (outer.exists() and any(path.exists() and path.samefile(outer) for path in above))


def _looks(order: JobOrder, presets: Sequence[str], values: Mapping[str, Any]) -> list[_Look]:
    """The ways one order is dreamed, with all settings checked."""
    names = [str(name) for name in presets or order.presets or (DEFAULT,)]
    stems = [Path(name).stem if name.endswith(".toml") else name for name in names]
    folders = [stem.casefold() for stem in stems]
    where = f"{order.label}: " if order.label and not presets else ""
    for index, folder in enumerate(folders):
        if folder in folders[:index]:
            raise SettingsError(f"{where}preset: two are called '{stems[index]}'; keep one, or rename its file")
        if folder.startswith("."):
            raise SettingsError(f"{where}preset: '{names[index]}' begins with a dot; rename the file")
    single = len(names) == 1
    return [
        _Look(name, _settings(name, order, values, where), "" if single else stem)
        for name, stem in zip(names, stems, strict=True)
    ]


def _settings(preset: str, order: JobOrder, values: Mapping[str, Any], where: str) -> Settings:
    try:
        settings = Settings.of(preset)
    except SettingsError as error:
        raise SettingsError(f"{where}{error}") from None
    for label, given in order.values:
        settings = settings.override(given, source=label)
    return settings.override(values)


def _wish(order: JobOrder, is_alone: bool, item: FoundFootage, kind: FootageKind, folder: str) -> OutputName:
    """The name for a result: like its source's, or the target of the order, or in that as a folder."""
    if order.target is None:
        return _within(folder, mirrored_name(item.name, kind))
    if not is_alone or item.name != order.source:
        inner = item.name.removeprefix(f"{order.source}/")
        return _within(str(PurePosixPath(folder, order.target)), mirrored_name(inner, kind))
    path = PurePosixPath(order.target)
    _check_suffix(path, kind, order.label)
    return _within(folder, OutputName(str(path.parent), path.stem, path.suffix))


def _within(folder: str, wish: OutputName) -> OutputName:
    inner = PurePosixPath(folder, wish.folder)
    return OutputName(str(inner), wish.stem, wish.suffix, wish.lost_suffix, wish.is_changed)


def _check_suffix(path: PurePosixPath, kind: FootageKind, label: str) -> None:
    """See that the target of a jobs file names something that can be written."""
    try:
        if kind == "still":
            check_image_name(Path(path))
        elif path.suffix:
            container_for(Path(path))
    except SettingsError as error:
        raise SettingsError(f"{label}: target: {error}") from None


def _nothing_to_do(found: list[FoundFootage]) -> str:
    if found:
        return "nothing in it is left by --include and --exclude, and masks are not dreamed; check them"
    return "this folder has no footage; put films, images or animations there, or name another folder"
