"""The commands, and nothing else: words in, settings out, errors as one line."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import signal
import sys
from collections.abc import Callable, Generator
from types import FrameType
from typing import NoReturn

from cyclopts import App, CycloptsError

import framedream
from framedream.catalog import MODELS, find_model
from framedream.errors import FramedreamError, ItemsFailed, SettingsError, Stopped
from framedream.flags import (
    Change,
    ChangeFlags,
    Dream,
    DreamFlags,
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
from framedream.settings import RunSettings
from framedream.terminal import bar, bars, clock, gigabytes, printable, speak, table

_USAGE, _INTERRUPTED, _TERMINATED = 2, 130, 143

log = logging.getLogger("framedream")

app = App(
    name="framedream",
    help="DeepDream for moving pictures: dreams that stick to what moves.\n\n"
    "A flag such as --step-size can also be given as FRAMEDREAM_STEP_SIZE in the environment, or as step-size "
    "in a preset file; --debug shows where an error comes from.",
    version=framedream.__version__,
    help_format="plaintext",
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)


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
        target: The film: .mp4, .mov, .mkv, .webm, .gif, .webp, or a folder for numbered PNGs.
        preset: A look by name, or a .toml file; see `presets`.
        work: Folder for the frames in the making; default: beside the film, removed at the end.
        restart: Begin anew, whatever the work folder holds.
        quiet: Say nothing but warnings and errors.
    """
    settings = settings_of(preset, dream, motion, change, footage, output, run)
    speak(quiet)
    with bar(quiet) as report, _stoppable() as stop:
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
    speak(quiet)
    with bars(quiet) as report, _stoppable() as stop:
        batch = framedream.dream_folder(
            source, target, preset or (), values, include=include or (), exclude=exclude or (), jobs_file=jobs_file,
            progress=report, work=work, restart=restart, stop=stop,
        )  # fmt: skip
    page = batch.target / "report.html"
    if batch.failed:
        raise ItemsFailed(f"{len(batch.failed)} of {len(batch.items)} items failed; {page} has the reasons")
    if not quiet:
        items = "1 item" if len(batch.items) == 1 else f"{len(batch.items)} items"
        print(f"{page}: {items} in {clock(batch.seconds)}")


@app.command(sort_key=3)
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
        quiet: Say nothing but warnings and errors.
    """
    settings = settings_of(preset, dream, FootageFlags(size=size, scale=scale), run)
    speak(quiet)
    framedream.dream_image(source, target, settings, save_octaves=save_octaves)
    if not quiet:
        print(f"{target}: dreamed")


@app.command(sort_key=4)
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
    output: Output = OutputFlags(),  # noqa: B008
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
    speak(quiet)
    with bar(quiet) as report, _stoppable() as stop:
        film = framedream.zoom(paths[:-1], paths[-1], settings, progress=report, work=work, restart=restart, stop=stop)
    if not quiet:
        _tell(film)


@app.command(sort_key=5)
def presets() -> None:
    """List the looks that come with framedream."""
    from framedream.presets import preset_names, read_preset

    table([(name, str(read_preset(name).get("description", ""))) for name in preset_names()])


@app.command(sort_key=6)
def models() -> None:
    """List the networks that can dream; * marks good ones to start with."""
    rows = [("", "model", "weights", "starts with")]
    for entry in MODELS.values():
        size = f"{entry.parameters * 4:.0f} MB" if entry.builder else "built in"
        rows.append(("*" if entry.recommended else "", entry.name, size, entry.start))
    table(rows)


@app.command(sort_key=7)
def layers(model: str = "squeezenet", /) -> None:
    """List the layers of a network; * marks those it starts with.

    Args:
        model: A network of `models`.
    """
    name = find_model(model).name
    from framedream.dream.models import describe_layers

    rows = [("", "layer", "kind", "pixels a cell", "channels")]
    for layer in describe_layers(name):
        rows.append(("*" if layer.start else "", layer.name, layer.kind, str(layer.stride), str(layer.channels)))
    table(rows)


@app.command(sort_key=8)
def devices() -> None:
    """List what can work, and what --devices auto takes for a long film."""
    from framedream.jobs.devices import describe, devices_of, find_gpus
    from framedream.machine import processor_name, total_memory, usable_cores

    speak(quiet=False)
    cores, memory = usable_cores(), total_memory()
    rows = [("cpu", processor_name(), gigabytes(memory), "1 core" if cores == 1 else f"{cores} cores")]
    rows += [(f"gpu:{number}", gpu.name, gigabytes(gpu.memory), "") for number, gpu in enumerate(find_gpus())]
    table(rows)
    print(f"auto takes: {describe(devices_of(RunSettings()))}")


def _tell(film: framedream.Film) -> None:
    """What a command says of the film it made."""
    frames = "1 frame" if film.frames == 1 else f"{film.frames} frames"
    print(f"{film.path}: {frames} in {clock(film.seconds)}, {film.frames / film.seconds:.2f} frames per second")


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and exit with the code that says how it ended (the README lists them)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.exit(_run([argument for argument in arguments if argument != "--debug"], debug))


def _run(arguments: list[str], debug: bool) -> int:
    signal.signal(signal.SIGTERM, _terminated)
    try:
        app(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        return _failed(f"{' '.join(str(error).split())} (see --help)", _USAGE)
    except FramedreamError as error:
        if debug:
            raise
        return _failed(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _failed("interrupted; nothing was written", _INTERRUPTED)
    except _Terminated:
        return _failed("terminated; nothing was written", _TERMINATED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except Exception as error:
        if debug:
            raise
        return _failed(f"a bug in framedream, sorry: {error!r}; run again with --debug and report it", 1)
    return 0


@contextlib.contextmanager
def _stoppable() -> Generator[Callable[[], bool]]:
    """While frames are made, the first signal asks to stop and the second stops at once.

    Yields:
        Whether it was asked to stop.
    """
    received: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        # Written past Python's own streams: a handler may come while they are being written to.
        if len(received) == 1:
            os.write(2, b"\nframedream: stopping after the frame in hand; once more to stop now\n")
        else:
            os.write(2, b"\nframedream: stopped; the same command goes on with what is stored\n")
            os._exit(128 + number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(received)
    except Stopped as stopped:
        stopped.exit_code = 128 + received[0]
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Terminated(BaseException):
    pass


def _terminated(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise _Terminated


def _failed(message: str, code: int) -> int:
    print(f"framedream: {printable(' '.join(message.split()))}", file=sys.stderr)
    return code
