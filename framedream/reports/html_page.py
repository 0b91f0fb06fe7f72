"""Renders the report as one HTML page without scripts or other files."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape
from importlib import resources

from framedream.reports.formatting import (
    format_count,
    format_duration,
    format_rate,
    format_setting,
    format_time,
    printable_text,
    relative_link,
)
from framedream.reports.report_data import BatchReport, ItemState, ReportItem

_REFRESH = 30
_SIGNS: dict[ItemState, str] = {
    "waiting": "○",
    "running": "◐",
    "done": "✓",
    "kept": "✓",
    "failed": "✕",
    "stopped": "■",
}
_EXPLAINED: dict[ItemState, str] = {
    "waiting": "not started yet",
    "running": "being dreamed",
    "done": "finished by this run",
    "kept": "finished by an earlier run",
    "failed": "did not succeed",
    "stopped": "started, not finished",
}
_ORDER: tuple[ItemState, ...] = ("done", "kept", "failed", "stopped", "running", "waiting")
_ALWAYS_COUNTED = ("done", "kept", "failed", "waiting")
_MOMENTS = {1: ("",), 2: (", start", ", end"), 3: (", start", ", middle", ", end")}
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def render_page(report: BatchReport) -> str:
    """Render the page of a report."""
    style = (resources.files("framedream.reports") / "page.css").read_text(encoding="utf-8")
    refresh = "" if report.ended else f'<meta http-equiv="refresh" content="{_REFRESH}">\n'
    numbered = list(enumerate(report.items, 1))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
{refresh}<title>{_title(report)}</title>
<style>
{style}</style>
</head>
<body>
<main>
<header>
{_header(report)}
{_bar(report)}
{_totals(report)}
</header>
{_failures([(number, item) for number, item in numbered if item.state == "failed"])}
<section aria-label="All items">
{_joined(_item(number, item) for number, item in numbered)}
</section>
<footer>framedream {_text(report.version)}; as data: <a href="report.json">report.json</a></footer>
</main>
</body>
</html>
"""


def _text(text: str) -> str:
    return escape(printable_text(text))


def _name(text: str) -> str:
    """A name that cannot turn the text around it from right to left."""
    return f"<bdi>{_text(text)}</bdi>"


def _joined(parts: Iterable[str]) -> str:
    return "\n".join(part for part in parts if part)


def _title(report: BatchReport) -> str:
    failed = f", {report.count('failed')} failed" if report.count("failed") else ""
    done = report.count("done") + report.count("kept")
    return f"{done} of {len(report.items)} dreamed{failed} · {_text(report.target)}"


def _header(report: BatchReport) -> str:
    if report.ended:
        state = '<p class="run">The run has ended.</p>'
    else:
        state = f'<p class="run live">Still running; this page refreshes itself every {_REFRESH} seconds.</p>'
    began, written = (
        f'<time datetime="{time.isoformat()}">{format_time(time)}</time>' for time in (report.began, report.written)
    )
    return f"""<h1>{_name(report.target)}</h1>
<p class="from">from {_name(report.source)} · started {began} · updated {written}</p>
{state}"""


def _bar(report: BatchReport) -> str:
    """A progress bar; the totals below give the same numbers."""
    parts = [(state, report.count(state)) for state in _ORDER]
    spans = "".join(f'<span class="{state}" style="flex-grow:{number}"></span>' for state, number in parts if number)
    return f'<div class="bar" aria-hidden="true">{spans}</div>'


def _totals(report: BatchReport) -> str:
    counts = [
        (f"{_SIGNS[state]} {state}", f"{report.count(state):,}", state if report.count(state) else "none")
        for state in _ORDER
        if state in _ALWAYS_COUNTED or report.count(state)
    ]
    tiles = "".join(f'<div class="{kind}"><dt>{label}</dt><dd>{number}</dd></div>' for label, number, kind in counts)
    speed = f", {format_rate(report.speed)} frames per second" if report.speed else ""
    frames = format_count(report.frames, "frame")
    work = f"{frames} dreamed; {format_duration(report.seconds)} of dreaming in this run{speed}"
    return f'<dl class="totals">{tiles}</dl>\n<p class="sum">{work}</p>'


def _failures(failed: list[tuple[int, ReportItem]]) -> str:
    if not failed:
        return ""
    links = _joined(
        f'<li><a href="#item-{number}">{_name(item.name)}</a><span>{_text(_cause(item)[0])}</span></li>'
        for number, item in failed
    )
    return f"""<section class="failures" aria-labelledby="failures">
<h2 id="failures">{len(failed)} failed</h2>
<ul>
{links}
</ul>
</section>"""


def _cause(item: ReportItem) -> tuple[str, str]:
    """Cause and cure of a failure."""
    cause, _, cure = item.problem.rpartition("; ")
    return (cause, cure) if cause else (cure, "")


def _item(number: int, item: ReportItem) -> str:
    name = _name(item.name)
    title = f'<a href="{escape(relative_link(item.target))}">{name}</a>' if item.is_finished else name
    pictures = _strip("footage", item.source_pictures) + _strip("dream", item.dreamed_pictures)
    inner = [
        f'<p class="state"><span class="badge">{_SIGNS[item.state]} {item.state}</span> {_EXPLAINED[item.state]}</p>',
        f"<h2>{title}</h2>",
        _ways(item),
        _work(item),
        _problem(item),
        _warnings(item),
    ]
    shown_pictures = f'\n<div class="pictures">{pictures}</div>' if pictures else ""
    return f"""<article id="item-{number}" class="{item.state}">
<div class="about">
{_joined(inner)}
</div>{shown_pictures}
</article>"""


def _ways(item: ReportItem) -> str:
    """The kind, preset and settings of an item."""
    settings = (
        f"<li><span>{_text(name.replace('_', '-'))}</span> {_text(str(format_setting(value)))}</li>"
        for name, value in item.settings.items()
    )
    ways = [f"<li>{_text(item.kind)}</li>", f"<li><span>preset</span> {_name(item.preset)}</li>", *settings]
    return f'<ul class="ways">{"".join(ways)}</ul>'


def _work(item: ReportItem) -> str:
    parts = []
    if item.frames is not None:
        parts.append(format_count(item.frames, "frame"))
    if item.seconds is not None:
        parts.append(f"in {format_duration(item.seconds)}")
    if item.speed is not None:
        parts.append(f"· {format_rate(item.speed)} frames per second")
    return f'<p class="work">{" ".join(parts)}</p>' if parts else ""


def _problem(item: ReportItem) -> str:
    if not item.problem:
        return ""
    cause, cure = _cause(item)
    to_do = f"<p><strong>What to do</strong> {_text(cure)}</p>" if cure else ""
    return f'<div class="problem"><p><strong>Cause</strong> {_text(cause)}</p>{to_do}</div>'


def _warnings(item: ReportItem) -> str:
    lines = "".join(f"<li><strong>Warning</strong> {_text(warning)}</li>" for warning in item.warnings)
    return f'<ul class="warnings">{lines}</ul>' if lines else ""


def _strip(label: str, pictures: tuple[bytes, ...]) -> str:
    """A row of pictures with its label."""
    if not pictures:
        return ""
    moments = _MOMENTS.get(len(pictures), ("",) * len(pictures))
    images = "".join(
        f'<img alt="{label}{moment}" src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}">'
        for moment, jpeg in zip(moments, pictures, strict=True)
    )
    return f'<div class="strip"><p>{label}</p>{images}</div>'
