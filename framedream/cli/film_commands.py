"""Commands that make films, and all that lies in a folder."""

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
    """Dream a film, with its sound and its timing.

    However the work at it ends, the same command goes on from there.

    Args:
        source: A video, a folder of images, or an animated GIF, WebP or PNG.
        target: The film: .mp4, .mov, .mkv, .webm, .ts, .gif, .webp, .png, or a folder for numbered PNGs.
        preset: A look by name, or a .toml file; see `presets`.
        work: Folder for the frames in the making; default: beside the film, removed at the end.
        restart: Begin anew, whatever the work folder holds.
        quiet: Say nothing but warnings and errors.
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
    """Dream all that lies in a folder, and report on it.

    Films, animations, stills and folders of numbered images are dreamed into a folder of the same
    tree. What fails is recorded, and the rest goes on; report.html among the results tells of all.
    However the work ends, the same command goes on from there.

    Args:
        source: A folder; all folders in it are read too.
        target: The folder of the results.
        include: Only what this fits, as in "*.mov" or "holiday/*"; may be given again.
        exclude: Nothing that this fits; may be given again.
        jobs_file: A .toml file with items that have settings of their own.
        preset: A look by name, or a .toml file; given again, each makes a tree of its own.
        work: Folder for frames in the making; default: beside each film, removed with its end.
        restart: Make everything anew.
        quiet: Say nothing but warnings and errors.
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
    """Fall into a still without end, or from one into the next.

    However the work at it ends, the same command goes on from there.

    Args:
        paths: One or several stills, and last the film. A still is an image, a video of which a frame is taken,
            or the word noise; the film is .mp4, .mov, .mkv, .webm, .gif, .webp, or a folder for numbered PNGs.
        preset: A look by name, or a .toml file; see `presets`.
        size: Size of the film, as WIDTHxHEIGHT in pixels; stills fill it and are cut to it.
        scale: Make the film this multiple of the first still's size.
        start: Which frame of a video is taken: seconds (2.5), a clock time (1:02.5), or a frame (62f).
        fps: Frames per second of the film (25 if not given).
        work: Folder for the frames in the making; default: beside the film, removed at the end.
        restart: Begin anew, whatever the work folder holds.
        quiet: Say nothing but warnings and errors.
    """
    if len(paths) < 2:
        raise SettingsError("zoom takes one still or more, and then the film, as in: zoom still.jpg zoom.mp4")
    part = FootageFlags(size=size, scale=scale, start=start, fps=fps)
    settings = settings_of(preset, dream, onward, part, zoom, change, output, run)
    show_log(quiet)
    with frame_bar(quiet) as report, stoppable() as stop:
        film = framedream.zoom(paths[:-1], paths[-1], settings, progress=report, work=work, restart=restart, stop=stop)
    if not quiet:
        _tell(film)


def _tell(film: framedream.Film) -> None:
    """What a command says of the film it made."""
    frames = "1 frame" if film.frames == 1 else f"{film.frames} frames"
    print(f"{film.path}: {frames} in {format_clock(film.seconds)}, {film.frames / film.seconds:.2f} frames per second")
