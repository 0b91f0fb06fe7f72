"""Looks side by side: a contact sheet, with the flags under each, and strips of how some of them move."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from framedream.errors import SettingsError
from framedream.media.color_conversion import to_bytes
from framedream.media.read.footage import resize
from framedream.reports.canvas import Canvas
from framedream.reports.sheet import Sheet

_MARGIN, _GAP, _BETWEEN = 14, 10, 18
"""Pixels around the sheet, between pictures, and between rows."""

_LETTERS, _LINE = 13, 17
"""Size of letters, and from line to line, in pixels."""

_BLACK, _GRAY, _EMPTY = "#000000", "#666666", 232
"""Colors of words, and the gray of a picture that is not there."""

_LARGEST = 16_000
"""Width and height in pixels that every format of images can hold."""


@dataclass(frozen=True, eq=False)
class Cell:
    """A picture with its words.

    Attributes:
        label: What stands first, in heavy letters.
        words: What follows; a flag stays with its value where there is room.
        picture: H×W×3 in levels 0…255; None where there is none.
        note: Stands in its place, as much of it as fits.
    """

    label: str
    words: Sequence[str]
    picture: np.ndarray | None
    note: str = ""


@dataclass(frozen=True, eq=False)
class Strip:
    """How a look moves.

    Attributes:
        label: What stands first, in heavy letters.
        words: What follows.
        pictures: Moments, each H×W×3 in levels 0…255.
    """

    label: str
    words: Sequence[str]
    pictures: Sequence[np.ndarray]


def draw_contact_sheet(source: Cell, about: str, cells: Sequence[Cell], strips: Sequence[Strip], columns: int) -> Sheet:
    """Draw a source, below it what was made of it, and below that how some of it moves.

    Args:
        source: The source; all cells are of its size.
        about: What stands beside it, if there is a second column.
        cells: What was made of it, row after row.
        strips: What moves; may be none.
        columns: Cells in a row.

    Raises:
        SettingsError: The sheet would be too large for an image.
    """
    assert source.picture is not None
    height, width = source.picture.shape[:2]
    columns = max(min(columns, len(cells)), 1)
    inner = columns * (width + _GAP) - _GAP
    rows = [[source], *(cells[first : first + columns] for first in range(0, len(cells), columns))]
    parts: list[_Row | _Moments] = [_Row(row, width, height) for row in rows]
    parts += [_Moments(strip, 2 * columns, inner, height / width) for strip in strips]
    beside = wrapped(about.split(), inner - width - 2 * _GAP) if columns > 1 else []
    heights = [max(parts[0].height, _LINE * len(beside)), *(part.height for part in parts[1:])]
    tops = list(itertools.accumulate((height + _BETWEEN for height in heights), initial=_MARGIN))
    _check(len(cells), columns, inner, tops[-1])
    page = Canvas(inner + 2 * _MARGIN, tops[-1] - _BETWEEN + _MARGIN)
    for part, top in zip(parts, tops, strict=False):
        part.draw(page, top)
    _write(page, beside, _MARGIN + width + 2 * _GAP, _MARGIN)
    return Sheet(page.pixels())


def check_fits(width: int, height: int, count: int, columns: int) -> None:
    """See that a sheet is not too large for an image, before its pictures are made.

    Args:
        width: Width of a picture in pixels.
        height: Height of a picture in pixels.
        count: Number of pictures beside the source.
        columns: Pictures in a row.

    Raises:
        SettingsError: It is, even without what moves.
    """
    columns = max(min(columns, count), 1)
    rows = 1 - (-count // columns)
    _check(count, columns, columns * (width + _GAP), rows * (height + _LINE + _BETWEEN))


def _check(count: int, columns: int, width: int, height: int) -> None:
    if max(width, height) > _LARGEST:
        raise SettingsError(
            f"columns: {count} looks in rows of {columns} make a picture of {width}x{height} pixels; "
            "ask for fewer looks, for others in a row, or for a smaller width"
        )


@dataclass(frozen=True, eq=False)
class _Row:
    """Cells side by side, each with its words below it."""

    cells: Sequence[Cell]
    width: int
    picture_height: int

    @property
    def height(self) -> int:
        lines = max(len(_words(cell.label, cell.words, self.width)) for cell in self.cells)
        return self.picture_height + _LINE * lines

    def draw(self, page: Canvas, top: int) -> None:
        for place, cell in enumerate(self.cells):
            left, size = _MARGIN + place * (self.width + _GAP), (self.picture_height, self.width, 3)
            page.paste(np.full(size, _EMPTY, np.uint8) if cell.picture is None else to_bytes(cell.picture), left, top)
            note = wrapped(cell.note.split(), self.width - 2 * _GAP)[: (self.picture_height - _GAP) // _LINE]
            _write(page, note, left + _GAP, top + _GAP // 2)
            _label(page, cell.label, cell.words, left, top + self.picture_height, self.width)


@dataclass(frozen=True, eq=False)
class _Moments:
    """A strip under its words, in rows that are as full as each other."""

    strip: Strip
    most: int
    inner: int
    aspect: float

    @property
    def columns(self) -> int:
        """Pictures in a row."""
        count = len(self.strip.pictures)
        return -(-count // -(-count // self.most))

    @property
    def height(self) -> int:
        rows = -(-len(self.strip.pictures) // self.columns)
        return self._head + rows * (self._size[1] + _GAP) - _GAP

    @property
    def _head(self) -> int:
        return _LINE * len(_words(self.strip.label, self.strip.words, self.inner)) + _GAP // 2

    @property
    def _size(self) -> tuple[int, int]:
        width = (self.inner + _GAP) // self.columns - _GAP
        return width, max(1, round(width * self.aspect))

    def draw(self, page: Canvas, top: int) -> None:
        _label(page, self.strip.label, self.strip.words, _MARGIN, top, self.inner)
        width, height = self._size
        for place, picture in enumerate(self.strip.pictures):
            row, column = divmod(place, self.columns)
            left, upper = _MARGIN + column * (width + _GAP), top + self._head + row * (height + _GAP)
            page.paste(to_bytes(resize(np.asarray(picture, np.float32), width, height)), left, upper)


def wrapped(words: Sequence[str], width: int) -> list[str]:
    """Words in lines of a width: a flag with its value where both fit, broken where one alone does not.

    Args:
        words: The words.
        width: Width of a line in pixels.
    """
    lines: list[str] = []
    for part in [piece for pair in _pairs(words) for piece in _broken(pair, width)]:
        if lines and _fits(f"{lines[-1]} {part}", width):
            lines[-1] += f" {part}"
        else:
            lines.append(part)
    return lines


def _pairs(words: Sequence[str]) -> list[str]:
    pairs: list[str] = []
    for word in words:
        if pairs and pairs[-1].startswith("--") and " " not in pairs[-1] and not word.startswith("--"):
            pairs[-1] += f" {word}"
        else:
            pairs.append(word)
    return pairs


def _broken(text: str, width: int) -> list[str]:
    if _fits(text, width):
        return [text]
    if " " in text:
        return [piece for word in text.split(" ") for piece in _broken(word, width)]
    end = next((end for end in range(len(text) - 1, 1, -1) if _fits(text[:end], width)), 1)
    return [text[:end], *_broken(text[end:], width)] if len(text) > 1 else [text]


def _fits(text: str, width: int) -> bool:
    return Canvas.text_width(text, _LETTERS) <= width


def _indent(label: str) -> int:
    return Canvas.text_width(label, _LETTERS, bold=True) + _GAP


def _words(label: str, words: Sequence[str], width: int) -> list[str]:
    """The lines beside a label; one at least, where the label stands."""
    return wrapped(words, width - _indent(label)) or [""]


def _label(page: Canvas, label: str, words: Sequence[str], left: int, top: int, width: int) -> None:
    page.write(label, left, top + _LINE - 2, _LETTERS, _BLACK, bold=True)
    _write(page, _words(label, words, width), left + _indent(label), top)


def _write(page: Canvas, lines: Sequence[str], left: int, top: int) -> None:
    for number, line in enumerate(lines, 1):
        page.write(line, left, top + number * _LINE - 2, _LETTERS, _GRAY)
