"""Commands that make films: video, folder and zoom."""

from __future__ import annotations

import framedream
from framedream.cli.app import app, stoppable
from framedream.cli.flags import (
    Change,
    ChangeFlags,
    Dream,
    DreamFlags,
    Encoding,
    EncodingFlags,
    Footage,
    FootageFlags,
    Motion,
    MotionFlags,
    Onward,
    OnwardFlags,
    Output,
    OutputFlags,
    Preset,
    Presets,
    Quiet,
    Restart,
    Run,
    RunFlags,
    Work,
    Zoom,
    ZoomFlags,
    given,
    settings_of,
)
from framedream.cli.terminal import batch_bars, frame_bar, show_log
from framedream.errors import ItemsFailed, SettingsError
from framedream.reports.formatting import format_clock


@app.command(sort_key=1)
def video(
    source: str,
    target: str,
    /,
    *,
    preset: Preset = "framedream",
    dream: Dream = DreamFlags(),  # noqa: B008
    motion: Motion = MotionFlags(),  # noqa: B008
    change: Change = ChangeFlags(),  # noqa: B008
    footage: Footage = FootageFlags(),  # noqa: B008
    output: Output = OutputFlags(),  # noqa: B008
    run: Run = RunFlags(),  # noqa: B008
    work: Work = None,
    restart: Restart = False,
    quiet: Quiet = False,
) -> None:
    """Dream a film and keep its sound and timing.

    If the work is interrupted, run the same command again to resume it.

    Args:
        source: A video, a folder of images, or an animated GIF, WebP or PNG.
        target: The film: .mp4, .mov, .mkv, .webm, .ts, .gif, .webp, .png, or a folder for numbered PNGs.
        preset: A look by name, or a .toml file; see `presets`.
        work: Folder for unfinished frames. Default: beside the film; framedream removes it at the end.
        restart: Start from the beginning and ignore the work folder.
        quiet: Print only warnings and errors.
    """
    settings = settings_of(preset, dream, motion, change, footage, output, run)
    show_log(quiet)
    with frame_bar(quiet) as report, stoppable() as stop:
        film = framedream.dream_video(source, target, settings, progress=report, work=work, restart=restart, stop=stop)
    if not quiet:
        _tell(film)


@app.command(sort_key=2)
def folder(
    source: str,
    target: str,
    /,
    *,
    include: list[str] | None = None,
    exclude: list[str] | None = None,
    jobs_file: str | None = None,
    preset: Presets = None,
    dream: Dream = DreamFlags(),  # noqa: B008
    motion: Motion = MotionFlags(),  # noqa: B008
    footage: Footage = FootageFlags(),  # noqa: B008
    output: Output = OutputFlags(),  # noqa: B008
    run: Run = RunFlags(),  # noqa: B008
    work: Work = None,
    restart: Restart = False,
    quiet: Quiet = False,
) -> None:
    """Dream everything in a folder, with a report.

    Dreams films, animations, stills and folders of numbered images into the same folder structure.
    If an item fails, the others continue; report.html in the target folder shows all of them.
    If the work is interrupted, run the same command again to resume it.

    Args:
        source: A folder, with all folders in it.
        target: The folder for the results.
        include: Only items that match this glob, such as "*.mov" or "holiday/*"; can be repeated.
        exclude: No items that match this glob; can be repeated.
        jobs_file: A .toml file with settings for single items.
        preset: A look by name, or a .toml file; if repeated, each look gets a folder structure of its own.
        work: Folder for unfinished frames. Default: beside each film; framedream removes it at the end.
        restart: Make everything again.
        quiet: Print only warnings and errors.
    """
    values = given(dream, motion, footage, output, run)
    show_log(quiet)
    with batch_bars(quiet) as report, stoppable() as stop:
        batch = framedream.dream_folder(
            source, target, preset or (), values, include=include or (), exclude=exclude or (), jobs_file=jobs_file,
            progress=report, work=work, restart=restart, stop=stop,
        )  # fmt: skip
    page = batch.target / "report.html"
    if batch.failed:
        raise ItemsFailed(f"{len(batch.failed)} of {len(batch.items)} items failed; {page} has the reasons")
    if not quiet:
        items = "1 item" if len(batch.items) == 1 else f"{len(batch.items)} items"
        print(f"{page}: {items} in {format_clock(batch.seconds)}")


@app.command(sort_key=3)
def zoom(
    *paths: str,
    preset: Preset = "framedream",
    dream: Dream = DreamFlags(),  # noqa: B008
    onward: Onward = OnwardFlags(),  # noqa: B008
    zoom: Zoom = ZoomFlags(),  # noqa: B008
    change: Change = ChangeFlags(),  # noqa: B008
    size: str | None = None,
    scale: float | None = None,
    start: str | None = None,
    fps: str | None = None,
    output: Encoding = EncodingFlags(),  # noqa: B008
    run: Run = RunFlags(),  # noqa: B008
    work: Work = None,
    restart: Restart = False,
    quiet: Quiet = False,
) -> None:
    """Zoom into a still without end, or from one still into the next.

    If the work is interrupted, run the same command again to resume it.

    Args:
        paths: One or more stills, then the film. A still is an image, a video (see --start), or the word noise.
            The film is .mp4, .mov, .mkv, .webm, .gif, .webp, or a folder for numbered PNGs.
        preset: A look by name, or a .toml file; see `presets`.
        size: Size of the film, as WIDTHxHEIGHT in pixels; stills are scaled and cropped to it.
        scale: Size of the film, as a multiple of the first still's size.
        start: The frame of a video to use: seconds (2.5), a clock time (1:02.5) or a frame number (62f).
        fps: Frames per second of the film. Default: 25.
        work: Folder for unfinished frames. Default: beside the film; framedream removes it at the end.
        restart: Start from the beginning and ignore the work folder.
        quiet: Print only warnings and errors.
    """
    if len(paths) < 2:
        raise SettingsError("zoom needs one or more stills, then the film, for example: zoom still.jpg zoom.mp4")
    part = FootageFlags(size=size, scale=scale, start=start, fps=fps)
    settings = settings_of(preset, dream, onward, part, zoom, change, output, run)
    show_log(quiet)
    with frame_bar(quiet) as report, stoppable() as stop:
        film = framedream.zoom(paths[:-1], paths[-1], settings, progress=report, work=work, restart=restart, stop=stop)
    if not quiet:
        _tell(film)


def _tell(film: framedream.Film) -> None:
    """Print a line about a finished film."""
    frames = "1 frame" if film.frames == 1 else f"{film.frames} frames"
    print(f"{film.path}: {frames} in {format_clock(film.seconds)}, {film.frames / film.seconds:.2f} frames per second")
