"""The morning report says what became of each item, whatever its name, and is always whole."""

from __future__ import annotations

import io
import json
import os
import re
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
from pictures import scene
from PIL import Image

from framedream.errors import OutputError
from framedream.reports.batch_report import BatchReport, ReportItem, report_picture, write_report

ODD_NAMES = ['it\'s "so".mov', "a#b?c&amp;%41.mov", "<img src=x onerror=alert(1)>.mov", "a:b.mov", "line\nbreak.mov"]
NOT_UTF8 = os.fsdecode(b"caf\xe9 \xff.mov")
VOID = {"meta", "img"}


def item(name: str = "a.mov", state: str = "done", **values) -> ReportItem:
    return ReportItem(**({"kind": "video", "preset": "peacock", "target": name} | values), name=name, state=state)


def report(*items: ReportItem, ended: bool = True) -> BatchReport:
    began, written = datetime(2026, 11, 21, 22, 4), datetime(2026, 11, 22, 6, 31)
    return BatchReport("clips", "dreamed", began, written, items, ended, "0.1.0")


class Page(HTMLParser):
    """A page as its elements, with the text of each and all attributes; fails where tags do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(folder: Path, *items: ReportItem, ended: bool = True) -> Page:
    write_report(folder, report(*items, ended=ended))
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def data_of(folder: Path, *items: ReportItem) -> dict:
    write_report(folder, report(*items))

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads((folder / "report.json").read_bytes().decode("utf-8"), parse_constant=refuse)


def test_an_item_is_told_in_full(tmp_path):
    pictures = tuple(report_picture(np.full((8, 8, 3), level, np.float32)) for level in (0, 90, 180))
    settings = {"step_size": 2.0, "layers": (("fire5", 0.5), ("fire7", 1.0)), "size": (1280, 720)}
    page = page_of(
        tmp_path,
        item(
            settings=settings,
            frames=1200,
            seconds=600.0,
            warnings=("two frames are missing",),
            source_pictures=pictures,
            dreamed_pictures=pictures,
        ),
    )
    for words in ("a.mov", "done", "preset peacock", "step-size 2.0", "layers fire5=0.5,fire7=1", "size 1280x720"):
        assert words in page.text
    assert "1,200 frames in 10:00 · 2.00 frames per second" in page.text
    assert "Warning two frames are missing" in page.text
    labels = [f"{row}, {moment}" for row in ("footage", "dream") for moment in ("start", "middle", "end")]
    assert [image["alt"] for image in page.all("img")] == labels
    assert all(image["src"].startswith("data:image/jpeg;base64,") for image in page.all("img"))


def test_a_failure_stands_first_with_its_cause_and_leads_to_what_to_do(tmp_path):
    page = page_of(tmp_path, item(), item("b.mov", "failed", problem="b; c.mov: is empty (0; 0); copy it again"))
    assert page.text.index("1 failed") < page.text.index("a.mov")
    assert {"href": "#item-2"} in page.all("a")
    assert [attributes["id"] for attributes in page.all("article")] == ["item-1", "item-2"]
    assert "Cause b; c.mov: is empty (0; 0) What to do copy it again" in page.text


def test_only_what_is_there_is_linked(tmp_path):
    states = ("waiting", "running", "done", "kept", "failed", "stopped")
    page = page_of(tmp_path, *(item(f"{state}.mov", state) for state in states))
    links = [attributes["href"] for attributes in page.all("a")]
    assert [link for link in links if link.endswith(".mov")] == ["done.mov", "kept.mov"]
    assert all(f"{state} " in page.text for state in states)


@pytest.mark.parametrize("name", [*ODD_NAMES, NOT_UTF8, "\u202egnp.mov", "-.mov"])
def test_any_name_makes_a_page_that_is_whole_and_a_link_that_leads_to_the_file(tmp_path, name):
    page = page_of(tmp_path, item(f"day 1/{name}"), item(name, "failed", problem=f"{name}: no film; look at {name}"))
    (link,) = [attributes["href"] for attributes in page.all("a") if attributes["href"].startswith("day")]
    assert unquote_to_bytes(link) == os.fsencode(f"day 1/{name}")
    assert re.fullmatch(r"[\w./%~-]+", link, re.ASCII)
    assert not page.all("script")
    assert not [attributes for _, attributes in page.elements if any(key.startswith("on") for key in attributes)]


def test_signs_that_cannot_be_seen_are_made_visible(tmp_path):
    page = page_of(tmp_path, item("a\nb\x07.mov"), item(NOT_UTF8))
    assert "a↵b\\x07.mov" in page.text
    assert r"caf\xe9 \xff.mov" in page.text


def test_the_page_needs_nothing_beside_it_and_says_so_to_the_browser(tmp_path):
    page = page_of(tmp_path, item(source_pictures=(report_picture(np.zeros((4, 4, 3))),)))
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "link", "iframe", "object", "embed"})
    assert (
        "url(" not in (tmp_path / "report.html").read_text() and "@import" not in (tmp_path / "report.html").read_text()
    )
    metas = page.all("meta")
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in metas
    assert any("default-src 'none'" in str(meta.get("content")) for meta in metas)
    assert page.all("html") == [{"lang": "en"}]


def test_while_the_run_goes_on_the_page_refreshes_itself_and_says_so(tmp_path):
    refresh = {"http-equiv": "refresh", "content": "30"}
    running = page_of(tmp_path, item(), ended=False)
    assert refresh in running.all("meta") and "refreshes itself every 30 seconds" in running.text
    ended = page_of(tmp_path, item(), ended=True)
    assert refresh not in ended.all("meta") and "The run has ended" in ended.text


def test_totals_count_states_and_the_work_of_this_run(tmp_path):
    items = (
        item("a", frames=100, seconds=50.0),
        item("b", frames=20, seconds=10.0),
        item("c", "kept", frames=1000, seconds=1.0),
        item("d", "failed", frames=7, seconds=5.0),
        item("e", "waiting"),
    )
    totals = data_of(tmp_path, *items)["totals"]
    states = {"waiting": 1, "running": 0, "done": 2, "kept": 1, "failed": 1, "stopped": 0}
    assert totals == states | {"frames": 1120, "seconds": 60.0, "frames_per_second": 2.0}
    page = page_of(tmp_path, *items)
    assert "1,120 frames dreamed; 1:00 of dreaming in this run, 2.00 frames per second" in page.text
    assert "✓ done 2 ✓ kept 1 ✕ failed 1 ○ waiting 1" in page.text
    assert page.all("title") and "3 of 5 dreamed, 1 failed" in page.text


def test_the_data_say_the_same_without_pictures(tmp_path):
    settings = {"layers": (("fire5", 0.5),), "octaves": "auto", "weights": Path("w.npz"), "scale": float("inf")}
    data = data_of(tmp_path, item(settings=settings, frames=3, seconds=float("nan"), warnings=("w",), problem="p; q"))
    assert data["items"] == [
        {
            "name": "a.mov",
            "kind": "video",
            "preset": "peacock",
            "state": "done",
            "target": "a.mov",
            "settings": {"layers": "fire5=0.5", "octaves": "auto", "weights": "w.npz", "scale": "inf"},
            "frames": 3,
            "seconds": None,
            "warnings": ["w"],
            "problem": "p; q",
        }
    ]
    assert (data["began"], data["ended"], data["version"]) == ("2026-11-21T22:04:00", True, "0.1.0")


def test_names_that_are_no_utf8_are_in_the_data_byte_for_byte(tmp_path):
    (told,) = data_of(tmp_path, item(NOT_UTF8, warnings=(NOT_UTF8,), problem=NOT_UTF8))["items"]
    assert told["name"] == r"caf\xe9 \xff.mov"
    assert bytes.fromhex(told["name_bytes"]) == bytes.fromhex(told["target_bytes"]) == b"caf\xe9 \xff.mov"
    assert "name_bytes" not in data_of(tmp_path, item("café\n.mov"))["items"][0]


def test_an_empty_report_is_whole(tmp_path):
    assert "0 frames dreamed" in page_of(tmp_path / "new" / "folder").text


def test_a_report_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    write_report(tmp_path, report(item()))
    before = (tmp_path / "report.json").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match=r"report\.json: cannot be written \(No space left on device\); check"):
            write_report(tmp_path, report(item("other.mov")))
    assert (tmp_path / "report.json").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json"]


def test_a_report_that_cannot_be_written_says_where(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"file/report\.json: cannot be written"):
        write_report(tmp_path / "file", report())
    (tmp_path / "report.html").mkdir()
    with pytest.raises(OutputError, match=r"report\.html: cannot be written"):
        write_report(tmp_path, report())


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1080, 1920), (240, 135)),
        ((1920, 1080), (180, 320)),
        ((30, 40), (40, 30)),
        ((1, 4000), (240, 1)),
    ],
)
def test_a_picture_is_a_small_jpeg_of_the_same_look(size, expected):
    pixels = np.full((*size, 3), (200.0, 100.0, 50.0))
    jpeg = Image.open(io.BytesIO(report_picture(pixels)))
    assert (jpeg.format, jpeg.mode, jpeg.size) == ("JPEG", "RGB", expected)
    assert np.abs(np.asarray(jpeg, float) - (200, 100, 50)).max() < 4


def test_a_picture_is_small_and_takes_any_levels():
    levels = scene(270, 480) * 1.5 - 60
    assert len(report_picture(levels)) < 15_000
    assert report_picture(np.clip(levels, 0, 255).astype(np.uint8))
    with pytest.raises(ValueError, match="H×W×3"):
        report_picture(levels[..., 0])
