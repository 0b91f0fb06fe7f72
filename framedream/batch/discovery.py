"""What footage lies in a folder and in those below it; looked at by name, hardly ever opened."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from framedream.errors import InputError
from framedream.media.frames import FootageKind
from framedream.media.read.image_reader import READABLE, read_image_info
from framedream.media.read.image_sequence_reader import natural_key

_FILMS = """
    3g2 3gp 3gpp amv asf avi divx drc dv dvr-ms dif evo f4v fli flc flv gxf h264 264 h265 265 hevc insv ismv ivf
    lrv m1v m2p m2t m2ts m2v m4v mjpeg mjpg mk3d mkv mod mov mp2v mp4 mp4v mpe mpeg mpg mpv mts mxf nsv nut obu
    ogm ogv qt rec rm rmvb roq swf tod tp trp ts viv vob vro webm wmv wtv xvid y4m yuv
"""
_PLAYLISTS = "asx ffcat ffconcat m3u m3u8 mpd pls ram sdp smil wpl xspf"

VIDEOS = frozenset(f".{suffix}" for suffix in f"{_FILMS} {_PLAYLISTS}".split())
"""Suffixes taken for films. Lists of films are among them: opening one says why it is refused."""

_ANIMATED = frozenset({".gif", ".webp", ".png", ".apng", ".avif"})
_RARELY_ANIMATED = ".png"
_WORK_FOLDER = ".framedream"
_FEWEST_IMAGES = 5
"""Fewer numbered images than this are stills, not a clip."""


@dataclass(frozen=True)
class FoundFootage:
    """Something that can be dreamed, or looks as if it could.

    Attributes:
        name: Path relative to the folder that was searched, with slashes; of that folder, its name.
        path: The file, or the folder of numbered images.
        kind: What it is, going by its name; `kind_of` looks closer at stills.
        problem: Why it cannot be read, if so: cause; cure.
        images: Names of the images of a folder that is a clip.
    """

    name: str
    path: Path
    kind: FootageKind
    problem: str = ""
    images: tuple[str, ...] = ()

    @property
    def is_unseen_folder(self) -> bool:
        """Whether it is a folder of which nobody knows what is in it."""
        return self.kind == "images" and not self.images


def find_footage(root: Path) -> list[FoundFootage]:
    """Everything below a folder that can be dreamed, in natural order, however the disk lists it.

    Hidden files, work folders and files that are not footage are skipped. A link out of the
    folder, into nothing or in a circle is found with its problem; a link to a folder inside is
    passed over, since that is found where it lies.

    Raises:
        InputError: The folder itself cannot be listed.
    """
    found: list[FoundFootage] = []
    folders = [root]
    real_root = Path(os.path.realpath(root))
    while folders:
        folder = folders.pop()
        try:
            entries = _entries(folder)
        except OSError as error:
            if folder == root:
                raise InputError(f"{root}: cannot be read ({error.strerror}); check its permissions") from None
            problem = f"the folder cannot be read ({error.strerror}); check its permissions"
            found.append(FoundFootage(_relative(folder, root), folder, "images", problem))
            continue
        inner = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
        folders += [path for path in inner if not path.name.endswith(_WORK_FOLDER)]
        rest = [entry for entry in entries if not entry.is_dir(follow_symlinks=False)]
        looked_at = (_look(entry, root, real_root) for entry in rest)
        found += _with_clip(folder, root, [item for item in looked_at if item])
    return sorted(found, key=lambda item: natural_path_key(item.name))


def natural_path_key(name: str) -> list[object]:
    """What a path is sorted by: part by part, each in natural order."""
    return [natural_key(PurePosixPath(part)) for part in name.split("/")]


def kind_of(found: FoundFootage) -> FootageKind:
    """The kind of what was found; images that may move are looked into."""
    if found.kind == "still" and not found.problem and _is_animated(found.path):
        return "animation"
    return found.kind


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as listed:
        return sorted((entry for entry in listed if entry.name[0] != "."), key=lambda entry: entry.name)


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _look(entry: os.DirEntry[str], root: Path, real_root: Path) -> FoundFootage | None:
    """A file or link, if it is footage or may be."""
    path = Path(entry.path)
    suffix = path.suffix.lower()
    kind: FootageKind = "still" if suffix in READABLE else "video"
    is_footage = suffix in READABLE or suffix in VIDEOS
    is_folder, problem = _follow(path, real_root) if entry.is_symlink() else (False, "")
    # A link into nothing may have led to a folder if its name has no suffix.
    may_be_folder = is_folder or (is_folder is None and not suffix)
    if not (is_footage or may_be_folder) or (is_folder and not problem):
        return None
    return FoundFootage(_relative(path, root), path, "images" if may_be_folder else kind, problem or _not_a_file(path))


def _follow(link: Path, real_root: Path) -> tuple[bool | None, str]:
    """Whether a link leads to a folder (None if nowhere), and why it is not read, if so."""
    try:
        end = Path(os.path.realpath(link, strict=True))
        is_folder = end.is_dir()
    except OSError as error:
        return None, f"it is a link that leads nowhere ({error.strerror}); mend or remove it"
    if end.is_relative_to(real_root):
        return is_folder, ""
    return is_folder, f"it is a link out of the source folder, to {end}, and not followed; put a copy in its place"


def _not_a_file(path: Path) -> str:
    """Why something cannot be opened as a file, or nothing."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return f"it cannot be looked at ({error.strerror}); check its permissions"
    return "" if stat.S_ISREG(mode) else "it is a pipe, a socket or a device, not a file; remove it or name files only"


def _with_clip(folder: Path, root: Path, found: list[FoundFootage]) -> list[FoundFootage]:
    """The same, or one clip in the place of images that are numbered alike."""
    images = [item for item in found if item.kind == "still"]
    if not _is_clip(images):
        return found
    bad = next((item for item in images if item.problem), None)
    problem = f"its image {bad.path.name} cannot be read: {bad.problem}" if bad else ""
    name = (root.resolve().name or "clip") if folder == root else _relative(folder, root)
    clip = FoundFootage(name, folder, "images", problem, tuple(item.path.name for item in images))
    return [clip, *(item for item in found if item.kind != "still")]


def _is_clip(images: list[FoundFootage]) -> bool:
    names = [item.path.name for item in images]
    if len(names) < _FEWEST_IMAGES or not _numbered_alike(names):
        return False
    likely = images[:1] if images[0].path.suffix.lower() == _RARELY_ANIMATED else images
    return not any(kind_of(item) == "animation" for item in likely)


def _numbered_alike(names: list[str]) -> bool:
    """Whether names differ in one number and in nothing else."""
    parts = [re.split("([0-9]+)", name) for name in names]
    if len({len(row) for row in parts}) > 1:
        return False
    differing = [column for column in range(len(parts[0])) if len({row[column] for row in parts}) > 1]
    return len(differing) == 1 and differing[0] % 2 == 1


def _is_animated(path: Path) -> bool:
    if path.suffix.lower() not in _ANIMATED:
        return False
    try:
        return read_image_info(path).pictures > 1
    except Exception:
        # A damaged file can make a decoder raise anything; the error is reported when the file is dreamed.
        return False
