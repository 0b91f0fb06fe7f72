"""Commands that make pictures."""

from __future__ import annotations

import framedream
from framedream.commands.app import app
from framedream.flags import Dream, DreamFlags, FootageFlags, Preset, Quiet, Run, RunFlags, settings_of
from framedream.terminal import speak


@app.command(sort_key=4)
def image(
    source: str,
    target: str,
    /,
    *,
    preset: Preset = "framedream",
    save_octaves: str | None = None,
    dream: Dream = DreamFlags(),  # noqa: B008
    size: str | None = None,
    scale: float | None = None,
    mask: str | None = None,
    run: Run = RunFlags(),  # noqa: B008
    quiet: Quiet = False,
) -> None:
    """Dream a still image.

    Args:
        source: An image.
        target: The dream: .png, .jpg, .webp or .tif.
        preset: A look by name, or a .toml file; see `presets`.
        save_octaves: Folder that also gets the dream at each size.
        size: Dream at this size, as WIDTHxHEIGHT in pixels.
        scale: Dream at this multiple of the image's size.
        mask: A picture that says where the dream is seen: white all of it, black nothing.
        quiet: Say nothing but warnings and errors.
    """
    settings = settings_of(preset, dream, FootageFlags(size=size, scale=scale, mask=mask), run)
    speak(quiet)
    framedream.dream_image(source, target, settings, save_octaves=save_octaves)
    if not quiet:
        print(f"{target}: dreamed")
