"""Draws a contact sheet: looks side by side with their flags, and strips of frames of moving looks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from framedream.errors import SettingsError
from framedream.media.color_conversion import to_bytes
from framedream.media.resizing import resize
from framedream.reports.canvas import Canvas
from framedream.reports.sheet import Sheet

_MARGIN, _GAP, _BETWEEN = 14, 10, 18
"""Pixels around the sheet, between pictures, and between rows."""

_FONT_SIZE, _LINE = 13, 17
"""Font size and line height in pixels."""

_BLACK, _GRAY, _EMPTY = "#000000", "#666666", 232
"""Colors of text, and the gray level of a missing picture."""

_LARGEST = 16_000
"""Longest side in pixels that every image format can hold."""


@dataclass(frozen=True, eq=False)
class Cell:
    """A picture with its caption.

    Attributes:
        label: The first, bold part of the caption.
        words: The rest of the caption; a flag stays with its value if there is room.
        picture: H×W×3 in levels 0…255; None if missing.
        note: Text in place of a missing picture, cut to fit.
    """

    label: str
    words: Sequence[str]
    picture: np.ndarray | None
    note: str = ""


@dataclass(frozen=True, eq=False)
class Strip:
    """Frames of a moving look.

    Attributes:
        label: The first, bold part of the caption.
        words: The rest of the caption.
        pictures: Frames, each H×W×3 in levels 0…255.
    """

    label: str
    words: Sequence[str]
    pictures: Sequence[np.ndarray]


def draw_contact_sheet(source: Cell, about: str, cells: Sequence[Cell], strips: Sequence[Strip], columns: int) -> Sheet:
    """Draw a source, its looks below it, and strips of moving looks below those.

    Args:
        source: The source; all cells have its size.
        about: Text beside it, if there is a second column.
        cells: The looks, row by row.
        strips: Strips of moving looks; may be empty.
        columns: Cells per row.

    Raises:
        SettingsError: The sheet would be too large for an image.
    """
    assert source.picture is not None
    height, width = source.picture.shape[:2]
    columns = max(min(columns, len(cells)), 1)
    inner = columns * (width + _GAP) - _GAP
    rows = [[source], *(cells[first : first + columns] for first in range(0, len(cells), columns))]
    parts: list[_CellRow | _StripRows] = [_CellRow(row, width, height) for row in rows]
    parts += [_StripRows(strip, 2 * columns, inner, height / width) for strip in strips]
    beside = wrap_words(about.split(), inner - width - 2 * _GAP) if columns > 1 else []
    heights = [max(parts[0].height, _LINE * len(beside)), *(part.height for part in parts[1:])]
    tops = list(itertools.accumulate((height + _BETWEEN for height in heights), initial=_MARGIN))
    _check(len(cells), columns, inner, tops[-1])
    page = Canvas(inner + 2 * _MARGIN, tops[-1] - _BETWEEN + _MARGIN)
    for part, top in zip(parts, tops, strict=False):
        part.draw(page, top)
    _draw_lines(page, beside, _MARGIN + width + 2 * _GAP, _MARGIN)
    return Sheet(page.pixels())


def check_fits(width: int, height: int, count: int, columns: int, *, max_side: int = _LARGEST) -> None:
    """Check that a sheet fits an image, before its pictures are made.

    Args:
        width: Width of a picture in pixels.
        height: Height of a picture in pixels.
        count: Number of looks.
        columns: Looks per row.
        max_side: Longest side in pixels that the sheet may have.

    Raises:
        SettingsError: It is too large, even without strips.
    """
    columns = max(min(columns, count), 1)
    rows = 1 - (-count // columns)
    _check(count, columns, columns * (width + _GAP), rows * (height + _LINE + _BETWEEN), max_side)


def _check(count: int, columns: int, width: int, height: int, max_side: int = _LARGEST) -> None:
    if max(width, height) > max_side:
        raise SettingsError(
            f"columns: {count} looks in rows of {columns} make a picture of {width}x{height} pixels; "
            "choose fewer looks, another --columns or a smaller --width"
        )


@dataclass(frozen=True, eq=False)
class _CellRow:
    """A row of cells with captions below them."""

    cells: Sequence[Cell]
    width: int
    picture_height: int

    @property
    def height(self) -> int:
        lines = max(len(_caption_lines(cell.label, cell.words, self.width)) for cell in self.cells)
        return self.picture_height + _LINE * lines

    def draw(self, page: Canvas, top: int) -> None:
        for place, cell in enumerate(self.cells):
            left, size = _MARGIN + place * (self.width + _GAP), (self.picture_height, self.width, 3)
            page.paste(np.full(size, _EMPTY, np.uint8) if cell.picture is None else to_bytes(cell.picture), left, top)
            note = wrap_words(cell.note.split(), self.width - 2 * _GAP)[: (self.picture_height - _GAP) // _LINE]
            _draw_lines(page, note, left + _GAP, top + _GAP // 2)
            _draw_caption(page, cell.label, cell.words, left, top + self.picture_height, self.width)


@dataclass(frozen=True, eq=False)
class _StripRows:
    """A strip below its caption, in evenly filled rows."""

    strip: Strip
    max_columns: int
    inner: int
    aspect: float

    @property
    def columns(self) -> int:
        """Pictures per row."""
        count = len(self.strip.pictures)
        return -(-count // -(-count // self.max_columns))

    @property
    def height(self) -> int:
        rows = -(-len(self.strip.pictures) // self.columns)
        return self._head + rows * (self._size[1] + _GAP) - _GAP

    @property
    def _head(self) -> int:
        return _LINE * len(_caption_lines(self.strip.label, self.strip.words, self.inner)) + _GAP // 2

    @property
    def _size(self) -> tuple[int, int]:
        width = (self.inner + _GAP) // self.columns - _GAP
        return width, max(1, round(width * self.aspect))

    def draw(self, page: Canvas, top: int) -> None:
        _draw_caption(page, self.strip.label, self.strip.words, _MARGIN, top, self.inner)
        width, height = self._size
        for place, picture in enumerate(self.strip.pictures):
            row, column = divmod(place, self.columns)
            left, upper = _MARGIN + column * (width + _GAP), top + self._head + row * (height + _GAP)
            page.paste(to_bytes(resize(np.asarray(picture, np.float32), width, height)), left, upper)


def wrap_words(words: Sequence[str], width: int) -> list[str]:
    """Wrap words into lines; a flag stays with its value if both fit, and a word that is too long is broken.

    Args:
        words: The words.
        width: Width of a line in pixels.
    """
    lines: list[str] = []
    for part in [piece for pair in _pair_flags(words) for piece in _break_word(pair, width)]:
        if lines and _fits(f"{lines[-1]} {part}", width):
            lines[-1] += f" {part}"
        else:
            lines.append(part)
    return lines


def _pair_flags(words: Sequence[str]) -> list[str]:
    pairs: list[str] = []
    for word in words:
        if pairs and pairs[-1].startswith("--") and " " not in pairs[-1] and not word.startswith("--"):
            pairs[-1] += f" {word}"
        else:
            pairs.append(word)
    return pairs


def _break_word(text: str, width: int) -> list[str]:
    if _fits(text, width):
        return [text]
    if " " in text:
        return [piece for word in text.split(" ") for piece in _break_word(word, width)]
    end = next((end for end in range(len(text) - 1, 1, -1) if _fits(text[:end], width)), 1)
    return [text[:end], *_break_word(text[end:], width)] if len(text) > 1 else [text]


def _fits(text: str, width: int) -> bool:
    return Canvas.text_width(text, _FONT_SIZE) <= width


def _indent(label: str) -> int:
    return Canvas.text_width(label, _FONT_SIZE, bold=True) + _GAP


def _caption_lines(label: str, words: Sequence[str], width: int) -> list[str]:
    """The lines beside a label; at least one."""
    return wrap_words(words, width - _indent(label)) or [""]


def _draw_caption(page: Canvas, label: str, words: Sequence[str], left: int, top: int, width: int) -> None:
    page.write(label, left, top + _LINE - 2, _FONT_SIZE, _BLACK, bold=True)
    _draw_lines(page, _caption_lines(label, words, width), left + _indent(label), top)


def _draw_lines(page: Canvas, lines: Sequence[str], left: int, top: int) -> None:
    for number, line in enumerate(lines, 1):
        page.write(line, left, top + number * _LINE - 2, _FONT_SIZE, _GRAY)
