"""Writes the report of a batch as a page and as data."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from framedream.media.atomic_files import write_atomically
from framedream.media.color_conversion import to_bytes
from framedream.media.frames import check_pixels
from framedream.media.resizing import resize
from framedream.reports.formatting import format_setting, is_utf8, name_bytes, utf8_text
from framedream.reports.html_page import render_page
from framedream.reports.report_data import STATES, BatchReport, ItemState, ReportItem

__all__ = ["BatchReport", "ItemState", "ReportItem", "report_picture", "write_report"]

_MAX_WIDTH, _MAX_HEIGHT = 240, 320
_JPEG_QUALITY = 72


def write_report(folder: Path, report: BatchReport) -> None:
    r"""Write ``report.html`` and ``report.json``, each replaced only when complete.

    The page needs no other files. The data is one object with the keys

    - ``version``, ``source``, ``target``, ``began``, ``written`` (times as in ISO 8601), ``ended``;
    - ``totals``: the number of items in each state (``waiting``, ``running``, ``done``, ``kept``,
      ``failed``, ``stopped``), ``frames`` of all results, ``seconds`` that this run spent on items it
      finished, their ``frames_per_second`` or null;
    - ``items``: for each ``name``, ``kind``, ``preset``, ``state``, ``target`` (relative to this
      folder), ``settings`` (those that differ from the defaults, as on the command line), ``frames``, ``seconds`` (or
      null), ``warnings``, ``problem``.

    Bytes of a path or name that are not UTF-8 are written as ``\xff``; ``name_bytes``, ``target_bytes`` or
    ``source_bytes`` then holds all bytes in hexadecimal.

    Args:
        folder: The folder of the files; created if missing.
        report: The report to write.

    Raises:
        OutputError: The files cannot be written.
    """
    data = json.dumps(_data(report), ensure_ascii=False, allow_nan=False, indent=1)
    write_atomically(folder / "report.json", data.encode() + b"\n")
    write_atomically(folder / "report.html", render_page(report).encode())


def report_picture(pixels: np.ndarray) -> bytes:
    """Encode a thumbnail for a report.

    Args:
        pixels: RGB, H×W×3, in levels 0…255.

    Returns:
        A JPEG at most 240 pixels wide and 320 high.
    """
    check_pixels(pixels)
    height, width = pixels.shape[:2]
    scale = min(1.0, _MAX_WIDTH / width, _MAX_HEIGHT / height)
    small = resize(pixels.astype(np.float32, copy=False), max(1, round(width * scale)), max(1, round(height * scale)))
    file = io.BytesIO()
    Image.fromarray(to_bytes(small)).save(file, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return file.getvalue()


def _data(report: BatchReport) -> dict[str, Any]:
    return {
        "version": report.version,
        **_path("source", report.source),
        **_path("target", report.target),
        "began": report.began.isoformat(),
        "written": report.written.isoformat(),
        "ended": report.ended,
        "totals": {
            **{state: report.count(state) for state in STATES},
            "frames": report.frames,
            "seconds": _number(report.seconds),
            "frames_per_second": _number(report.speed),
        },
        "items": [_item(item) for item in report.items],
    }


def _item(item: ReportItem) -> dict[str, Any]:
    return {
        **_path("name", item.name),
        "kind": item.kind,
        "preset": utf8_text(item.preset),
        "state": item.state,
        **_path("target", item.target),
        "settings": _settings(item.settings),
        "frames": item.frames,
        "seconds": _number(item.seconds),
        "warnings": [utf8_text(warning) for warning in item.warnings],
        "problem": utf8_text(item.problem),
    }


def _settings(settings: Mapping[str, object]) -> dict[str, Any]:
    return {utf8_text(name): format_setting(value) for name, value in settings.items()}


def _path(key: str, name: str) -> dict[str, str]:
    return {key: utf8_text(name)} | ({} if is_utf8(name) else {f"{key}_bytes": name_bytes(name).hex()})


def _number(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
