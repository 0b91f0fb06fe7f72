"""The commands, and nothing else: words in, settings out, errors as one line."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import signal
import sys
from collections.abc import Callable, Generator
from dataclasses import Field, fields, make_dataclass
from pathlib import Path
from types import FrameType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NoReturn,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from cyclopts import App, CycloptsError, Group, Parameter

import framedream
from framedream.catalog import MODELS, find_model
from framedream.errors import FramedreamError, ItemsFailed, Stopped
from framedream.settings import AS_TEXT, RunSettings, Settings
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


def _flags(group: str) -> Any:
    """The flags of one group of settings: as its dataclass, but nothing is given until it is given."""
    settings = getattr(Settings(), group)
    hints = get_type_hints(type(settings))
    flags = []
    for item in fields(settings):
        default = getattr(settings, item.name)
        shown = (lambda _, value=default: value) if isinstance(default, int | float | str) else False
        parameter = Parameter(show_default=shown)
        flags.append((item.name, Annotated[_flag_type(item, hints[item.name]) | None, parameter], None))
    about = {"__doc__": type(settings).__doc__, "__module__": __name__}
    return make_dataclass(f"{group.title()}Flags", flags, frozen=True, kw_only=True, namespace=about)


def _flag_type(item: Field[Any], hint: Any) -> Any:
    """Types that settings parse themselves are plain text on the command line."""
    if item.metadata == AS_TEXT:
        return str
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    known = [part for part in parts if part in (bool, int, float, str, Path) or get_origin(part) is Literal]
    return Union[tuple(known)] if known else str  # noqa: UP007


def _group(number: int, flags: Any) -> Any:
    title = flags.__name__.removesuffix("Flags")
    return Annotated[flags, Parameter(name="*", group=Group(title, sort_key=number))]


DreamFlags, MotionFlags, FootageFlags, OutputFlags, RunFlags = map(
    _flags, ("dream", "motion", "footage", "output", "run")
)
if TYPE_CHECKING:
    Dream: TypeAlias = Any
    Motion: TypeAlias = Any
    Footage: TypeAlias = Any
    Output: TypeAlias = Any
    Run: TypeAlias = Any
else:
    Dream, Motion, Footage, Output, Run = map(
        _group, range(1, 6), (DreamFlags, MotionFlags, FootageFlags, OutputFlags, RunFlags)
    )
Preset = Annotated[str, Parameter(env_var="FRAMEDREAM_PRESET", show_env_var=False)]
Presets = Annotated[list[str] | None, Parameter(env_var="FRAMEDREAM_PRESET", show_env_var=False, show_default=False)]
Quiet = Annotated[bool, Parameter(negative=(), show_default=False)]
Work = Annotated[str | None, Parameter(group=Group("Run", sort_key=5), show_default=False)]
Restart = Annotated[bool, Parameter(group=Group("Run", sort_key=5), negative=(), show_default=False)]


@app.command(sort_key=1)
def video(
    source: str,
    target: str,
    /,
    *,
    preset: Preset = "framedream",
    dream: Dream = DreamFlags(),  # noqa: B008
    motion: Motion = MotionFlags(),  # noqa: B008
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
    settings = _settings(preset, dream, motion, footage, output, run)
    speak(quiet)
    with bar(quiet) as report, _stoppable() as stop:
        film = framedream.dream_video(source, target, settings, progress=report, work=work, restart=restart, stop=stop)
    if not quiet:
        frames = "1 frame" if film.frames == 1 else f"{film.frames} frames"
        rate = film.frames / film.seconds
        print(f"{film.path}: {frames} in {clock(film.seconds)}, {rate:.2f} frames per second")


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
    values = _given(dream, motion, footage, output, run)
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
    settings = _settings(preset, dream, FootageFlags(size=size, scale=scale), run)
    speak(quiet)
    framedream.dream_image(source, target, settings, save_octaves=save_octaves)
    if not quiet:
        print(f"{target}: dreamed")


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


def _settings(preset: str, *groups: Any) -> Settings:
    return Settings.of(preset).override(_environment(), source="environment").override(_flags_given(*groups))


def _flags_given(*groups: Any) -> dict[str, Any]:
    flags = {item.name: getattr(group, item.name) for group in groups for item in fields(group)}
    return {name: value for name, value in flags.items() if value is not None}


def _given(*groups: Any) -> dict[str, Any]:
    """What the environment and the flags say together, for presets that are not known yet."""
    flags, environment = _flags_given(*groups), _environment()
    Settings().override(environment, source="environment")
    for name, others in _BEATS.items():
        if name in flags:
            environment = {other: value for other, value in environment.items() if other not in others}
    return environment | flags


_BEATS = {"size": ("scale",), "scale": ("size",), "model": ("layers", "weights")}
"""Flags that make values of the environment meaningless."""


def _environment() -> dict[str, int | float | str]:
    """Settings given as ``FRAMEDREAM_STEP_SIZE=2``; numbers are read as numbers."""
    given: dict[str, int | float | str] = {}
    for name, text in os.environ.items():
        key = name.removeprefix("FRAMEDREAM_").lower()
        if key != name.lower() and key != "preset":
            given[key] = _number(text)
    return given


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text
