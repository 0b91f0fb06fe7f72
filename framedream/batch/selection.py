"""Which of what was found is meant: by path, by folder, by glob."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from framedream.batch.discovery import FoundFootage
from framedream.batch.jobs_file import EVERYTHING, JobOrder
from framedream.errors import InputError


def select(order: JobOrder, found: list[FoundFootage]) -> list[FoundFootage]:
    """What an order names: a path, all in a folder, or whatever fits a glob.

    Raises:
        InputError: Nothing is called so.
    """
    if order.source == EVERYTHING:
        return found
    named = [item for item in found if item.name == order.source or item.name.startswith(f"{order.source}/")]
    fitting = named or [item for item in found if matches_glob(item, order.source)]
    if not fitting:
        raise InputError(f"{order.label}: nothing in the source folder is called '{order.source}'; check the path")
    return fitting


def is_chosen(item: FoundFootage, include: Sequence[str], exclude: Sequence[str]) -> bool:
    """Whether an item is to be done: one of the globs to include fits, if there are any, and none to exclude."""
    if any(matches_glob(item, glob) for glob in exclude):
        return False
    # What is in a folder that cannot be seen may have been meant.
    return not include or item.is_unseen_folder or any(matches_glob(item, glob) for glob in include)


def is_mask(item: FoundFootage, masks: Collection[Path]) -> bool:
    """Whether an item is a mask, or one of the images of a mask; such are not dreamed.

    Args:
        item: What was found.
        masks: The masks, without links.
    """
    path = Path(os.path.realpath(item.path))
    return any(mask in (path, *path.parents) for mask in masks)


def matches_glob(item: FoundFootage, glob: str) -> bool:
    """Whether a glob fits an item's path or name, a folder it lies in, or all images of a clip."""
    glob = glob.removeprefix("./").rstrip("/")
    path = PurePosixPath(item.name)
    if any(fnmatchcase(str(part), glob) or fnmatchcase(part.name, glob) for part in (path, *path.parents[:-1])):
        return True
    names = [(str(path / image), image) for image in item.images]
    return bool(names) and all(fnmatchcase(full, glob) or fnmatchcase(image, glob) for full, image in names)
