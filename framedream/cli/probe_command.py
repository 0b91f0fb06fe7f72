"""The command probe."""

from __future__ import annotations

import framedream
from framedream.cli.app import app
from framedream.cli.flags import Footage, FootageFlags, Output, OutputFlags, Preset, settings_of
from framedream.cli.terminal import printable


@app.command(sort_key=9)
def probe(
    source: str,
    target: str | None = None,
    /,
    *,
    preset: Preset = "framedream",
    cuts: str | None = None,
    footage: Footage = FootageFlags(),  # noqa: B008
    output: Output = OutputFlags(),  # noqa: B008
) -> None:
    """Show what a file contains, frame by frame, and what framedream would make of it.

    Args:
        source: A video, an animated GIF, WebP or PNG, a still, or a folder of images.
        target: The film to plan. Default: one of the same format beside the source.
        preset: A look by name, or a .toml file; see `presets`.
        cuts: auto detects cuts, which decodes every picture; none reads only the timestamps.
    """
    settings = settings_of(preset, footage, output)
    if cuts is not None:
        settings = settings.override({"cuts": cuts})
    for line in str(framedream.probe(source, target, settings)).splitlines():
        print(printable(line))
