"""The report in a real browser: on a telephone's width nothing sticks out, and links and pictures work."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from pictures import scene

from framedream.reports.batch_report import BatchReport, ReportItem, report_picture, write_report

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium (apt-get install chromium)")

NAMES = [
    "x" * 250 + ".mov",
    'it\'s "so" #1?.mov',
    "100%41 & <b>.mov",
    "a:b.mov",
    "line\nbreak.mov",
    " .mov",
    "b\\c.mov",
    os.fsdecode(b"caf\xe9.mov"),
]
WRAPPER = """<!DOCTYPE html><iframe src="report.html" style="width:{width}px;height:900px;border:0"></iframe>
<script>
addEventListener("load", () => {{
  const page = document.querySelector("iframe").contentDocument, all = selector => [...page.querySelectorAll(selector)];
  const seen = {{
    width: page.documentElement.scrollWidth,
    height: page.documentElement.scrollHeight,
    columns: getComputedStyle(page.querySelector("article:has(img)")).gridTemplateColumns.split(" ").length,
    links: all("article a").map(link => link.href),
    widths: all("img").map(image => image.naturalWidth),
    ground: getComputedStyle(page.body).backgroundColor,
    outside: all("body *").filter(one => one.getBoundingClientRect().right > {width}).map(one => one.outerHTML),
  }};
  document.body.innerHTML = "<pre></pre>";
  document.querySelector("pre").textContent = JSON.stringify(seen);
}});
</script>
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dreamed")
    pictures = tuple(report_picture(scene(135, 240, seed=seed)) for seed in range(3))
    settings = {"weights": Path("w" * 300), "layers": tuple((f"fire{index}", 1.0) for index in range(40))}
    ways = {"kind": "video", "preset": "p" * 250, "settings": settings, "frames": 12345678, "seconds": 1e7}
    looks = {"source_pictures": pictures, "dreamed_pictures": pictures}
    items = [ReportItem(name=name, state="done", target=name, **ways, **looks) for name in NAMES]
    said = "no" * 200
    bad = ReportItem("y" * 250, "video", "peacock", "failed", "y", problem=f"{said}; {said}", warnings=(said,))
    now = datetime(2026, 11, 22)
    write_report(folder, BatchReport("s" * 300, "t" * 300, now, now, (*items, bad), True, "0.1.0"))
    return folder


def look(folder: Path, scratch: Path, width: int, *flags: str) -> dict:
    """Show the report in a frame of some width, and measure it there."""
    (folder / "wrapper.html").write_text(WRAPPER.format(width=width))
    command = [
        CHROMIUM,
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--allow-file-access-from-files"),
        *(f"--user-data-dir={scratch}", "--virtual-time-budget=5000", *flags),
        *("--dump-dom", (folder / "wrapper.html").as_uri()),
    ]
    shown = subprocess.run(command, capture_output=True, timeout=120, check=True).stdout.decode()
    found = re.search("<pre>(.*)</pre>", shown, re.DOTALL)
    assert found, shown
    return json.loads(html.unescape(found[1]))


def test_on_a_telephone_nothing_sticks_out_and_all_is_in_one_column(folder, tmp_path):
    seen = look(folder, tmp_path, 360)
    assert seen["outside"] == []
    assert seen["width"] <= 360
    assert seen["columns"] == 1
    assert seen["widths"] == [240] * 6 * len(NAMES)
    linked = [unquote_to_bytes(urlsplit(link).path) for link in seen["links"]]
    assert linked == [os.fsencode(folder / name) for name in NAMES]
    assert not any(urlsplit(link).query or urlsplit(link).fragment for link in seen["links"])


def test_on_a_desk_pictures_stand_beside_the_words_and_the_dark_is_dark(folder, tmp_path):
    light = look(folder, tmp_path / "light", 1200)
    dark = look(folder, tmp_path / "dark", 1200, "--blink-settings=preferredColorScheme=0")
    assert light["outside"] == [] and light["columns"] == 2
    assert sum(map(int, re.findall(r"\d+", light["ground"]))) > 600
    assert sum(map(int, re.findall(r"\d+", dark["ground"]))) < 150
