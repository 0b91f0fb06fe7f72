"""How items of a batch are made: as what, where their work folders are, how large they become."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from framedream.batch.items import Item
from framedream.config.settings import OutputSettings, Settings
from framedream.errors import FramedreamError
from framedream.film.compositing import film_format
from framedream.film.preflight import estimate_film_bytes
from framedream.render.retimed_footage import open_retimed
from framedream.store.work_folder import SUFFIX


@dataclass(frozen=True)
class BatchLayout:
    """What the items of a batch have in common.

    Attributes:
        target: The folder of the results.
        work: Folder for the work folders of films; None puts each beside its film.
        restart: Whether everything is made anew.
    """

    target: Path
    work: Path | None
    restart: bool

    def work_folder(self, item: Item) -> Path | None:
        """The work folder of an item, if not the usual one."""
        if self.work is None:
            return None
        path = self.work / item.target.relative_to(self.target)
        return path.with_name(path.name + SUFFIX)


def usable_settings(item: Item) -> Settings:
    """An item's settings, without codecs that films have and animated images do not."""
    is_animated = item.target.suffix.lower() in (".gif", ".webp", ".png", ".apng") or not item.target.suffix
    return (
        item.settings
        if not is_animated
        else dataclasses.replace(item.settings, output=OutputSettings(compare=item.settings.output.compare))
    )


def estimate_size(item: Item) -> float:
    """Bytes that an item's film will have, about; 0 where that is little, or it cannot be read."""
    if item.problem or item.kind != "video":
        return 0
    try:
        footage = open_retimed(item.source, item.settings.footage)
    except FramedreamError:
        return 0
    return estimate_film_bytes(
        item.target, footage.frame_count or 0, footage.format.height, film_format(item.settings, footage).width
    )


def estimate_work(item: Item) -> float:
    """Pixels that are to be dreamed for an item, about; 0 if it cannot be read."""
    if item.problem:
        return 0
    try:
        if item.kind == "still":
            return float(item.source.stat().st_size)
        footage = open_retimed(item.source, item.settings.footage)
    except (FramedreamError, OSError):
        return 0
    return float(footage.frame_count or 0) * footage.format.height * footage.format.width
