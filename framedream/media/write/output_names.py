"""What results are called: a tree like the source's, in which no name is taken twice or too long."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from framedream.media.containers import CONTAINERS
from framedream.media.frames import FootageKind
from framedream.media.write.image_writer import WRITABLE

_LONGEST = 255 - len("..part-4194304")
"""Bytes of a name that leave room for those of temporary files and work folders."""


@dataclass(frozen=True)
class OutputName:
    """The name a result should have.

    Attributes:
        folder: Where it goes, relative to the target folder; empty for that folder itself.
        stem: Its name without suffix.
        suffix: Its suffix.
        lost_suffix: The source's suffix, where it is another.
        is_changed: Whether it is called otherwise than its source.
    """

    folder: str
    stem: str
    suffix: str
    lost_suffix: str = ""
    is_changed: bool = False

    def path(self, *, fully: bool = False, number: int = 1) -> PurePosixPath:
        """The path, with the lost suffix too if ``fully``, and with a number from 2 on."""
        stem = self.stem + (self.lost_suffix if fully else "") + (f"-{number}" if number > 1 else "")
        return PurePosixPath(self.folder, _shortened(stem, self.suffix))


def mirrored_name(name: str, kind: FootageKind) -> OutputName:
    """The name like a source's, with a suffix that can be written."""
    path = PurePosixPath(name)
    folder = "" if str(path.parent) == "." else str(path.parent)
    if kind == "images":
        return OutputName(folder, path.name, ".mp4", is_changed=True)
    if path.suffix.lower() in (WRITABLE if kind == "still" else CONTAINERS):
        return OutputName(folder, path.stem, path.suffix)
    return OutputName(folder, path.stem, ".png" if kind == "still" else ".mp4", path.suffix, is_changed=True)


def unique_paths(wishes: Sequence[OutputName]) -> list[PurePosixPath]:
    """A path for each wish, no two the same, not even where upper and lower case are.

    Of those that would be the same, the ones whose suffix changed keep their own in front of it
    (``a.avi.mp4``). What is still the same gets a number, in the order given, except that a
    name like its source's goes first.
    """
    counts = Counter(_key(wish.path()) for wish in wishes)
    fully = [counts[_key(wish.path())] > 1 for wish in wishes]
    wanted = [wish.path(fully=more) for wish, more in zip(wishes, fully, strict=True)]
    reserved = {_key(path) for path in wanted}
    taken = {_key(parent) for path in wanted for parent in path.parents}
    paths = list(wanted)
    for index in sorted(range(len(wishes)), key=lambda index: (wishes[index].is_changed, index)):
        number = 1
        while (key := _key(paths[index])) in taken or (number > 1 and key in reserved):
            number += 1
            paths[index] = wishes[index].path(fully=fully[index], number=number)
        taken.add(key)
    return paths


def _key(path: PurePosixPath) -> str:
    return unicodedata.normalize("NFC", str(path)).casefold()


def _shortened(stem: str, suffix: str) -> str:
    """A name that fits; of a long one the beginning, and a hash to tell it from others."""
    if len(os.fsencode(stem + suffix)) <= _LONGEST:
        return stem + suffix
    mark = "-" + hashlib.sha256(os.fsencode(stem + suffix)).hexdigest()[:8]
    room = _LONGEST - len(os.fsencode(mark + suffix))
    while len(os.fsencode(stem)) > room:
        stem = stem[:-1]
    return stem + mark + suffix
