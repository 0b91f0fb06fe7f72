"""Every setting, said once: the API, the flags, preset files and the manifest read from here.

The dataclasses are frozen and check themselves where they are made. The ``Attributes``
section of each docstring is also the help text of the flags.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

from framedream.catalog import find_model
from framedream.errors import SettingsError, nearest
from framedream.machine import parse_devices
from framedream.presets import DEFAULT, read_preset

Layers = tuple[tuple[str, float], ...]
"""Layer names with their coefficients, as in ``fire5=0.5,fire7=1``."""

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True)
class Moment:
    """A point in a film: a time in seconds, or the number of a frame.

    Attributes:
        seconds: Time from the film's start, or None if a frame is meant.
        frame: Index of a frame, counted from 0, or None if a time is meant.
    """

    seconds: Fraction | None = None
    frame: int | None = None

    def __str__(self) -> str:
        return f"{self.frame}f" if self.seconds is None else f"{float(self.seconds):g}"


def parse_layers(value: str | Mapping[str, float] | Layers) -> Layers:
    """Read ``"fire5=0.5,fire7=1"``, a mapping, or pairs; a name alone has weight 1.

    Raises:
        SettingsError: A weight is not a number, or a name stands twice.
    """
    if isinstance(value, str):
        terms = [term.partition("=") for term in value.split(",") if term.strip()]
        pairs: list[tuple[str, Any]] = [(name.strip(), text.strip() if sign else 1.0) for name, sign, text in terms]
    else:
        pairs = list(value.items()) if isinstance(value, Mapping) else list(value)
    layers = []
    for name, weight in pairs:
        try:
            number = float(weight)
        except (TypeError, ValueError):
            raise SettingsError(f"layers: weight '{weight}' of '{name}' is not a number; write {name}=0.5") from None
        if not name or not math.isfinite(number):
            raise SettingsError(f"layers: '{name}={weight}' is no layer with a weight; write layers as a=1,b=0.5")
        layers.append((name, number))
    if len({name for name, _ in layers}) < len(layers):
        raise SettingsError(f"layers: a layer stands twice in '{value}'; keep one of them")
    return tuple(layers)


def parse_size(value: str | Size) -> Size:
    """Read ``"1280x720"`` or a pair of whole numbers."""
    if not isinstance(value, str):
        width, height = value
        return int(width), int(height)
    parts = re.fullmatch(r"(\d+)[x×](\d+)", value.strip())
    if not parts:
        raise SettingsError(f"size: '{value}' is not WIDTHxHEIGHT in pixels, as in 1280x720")
    return int(parts[1]), int(parts[2])


def parse_moment(value: str | float | Fraction | Moment) -> Moment:
    """Read seconds (``2.5``), a clock time (``1:02.5``, ``0:01:02.5``) or a frame (``62f``)."""
    if isinstance(value, Moment):
        return value
    text = str(value).strip().removesuffix("s")
    if re.fullmatch(r"\d+f", text):
        return Moment(frame=int(text[:-1]))
    if not re.fullmatch(r"(\d+:){0,2}(\d+\.?\d*|\.\d+)", text):
        raise SettingsError(f"'{value}' is no moment; write seconds (2.5), a clock time (1:02.5) or a frame (62f)")
    seconds = Fraction(0)
    for part in text.split(":"):
        seconds = seconds * 60 + Fraction(part)
    return Moment(seconds=seconds)


def parse_rate(value: str | float | Fraction) -> Fraction:
    """Read frames per second: ``25``, ``30000/1001``, ``29.97`` (taken as 30000/1001)."""
    try:
        rate = Fraction(value) if isinstance(value, str) else Fraction(value).limit_denominator(100_000)
    except (ValueError, ZeroDivisionError):
        raise SettingsError(f"fps: '{value}' is no frame rate; write 25, 29.97 or 30000/1001") from None
    if not 0 < rate <= 1000:
        raise SettingsError(f"fps: {value} is not above 0 and up to 1000 frames per second")
    ntsc = Fraction(round(rate) * 1000, 1001)
    return ntsc if abs(rate - ntsc) < Fraction(1, 200) and rate != round(rate) else rate


def parse_scheduler(value: str) -> str:
    """Read the address of a Dask scheduler: ``tcp://host:8786``, or with ``tls``, ``ucx`` and the like."""
    host = r"(\[[0-9A-Fa-f:.]+(%\w+)?\]|[^\s/:@\[\]]+)"
    parts = re.fullmatch(rf"(?!https?:)[a-z][a-z0-9+.-]*://{host}:(?P<port>[0-9]{{1,5}})", str(value).strip())
    if not parts or not 1 <= int(parts["port"]) <= 65_535:
        raise SettingsError(
            f"scheduler: '{value}' is no address of a Dask scheduler; write it as tcp://host:8786, "
            "as the scheduler says when it starts"
        )
    return parts[0]


def _parse_path(value: str | Path) -> Path:
    return Path(value).expanduser()


def _coerce(settings: Any, **parsers: Callable[[Any], Any]) -> None:
    """Bring text and near types (from flags, TOML, notebooks) to each field's own type."""
    hints = get_type_hints(type(settings))
    for item in fields(settings):
        value = getattr(settings, item.name)
        if value is None:
            continue
        if item.name in parsers:
            value = _parsed(item.name, value, parsers[item.name])
        elif float in (get_args(hints[item.name]) or (hints[item.name],)):
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise SettingsError(f"{item.name}: {value!r} is not a number")
            value = float(value)
        elif hints[item.name] in (int, int | None):
            value = _int(settings, item.name)
        elif not isinstance(value, str) and not (int in get_args(hints[item.name]) and isinstance(value, int)):
            raise SettingsError(f"{item.name}: {value!r} is not a text")
        object.__setattr__(settings, item.name, value)


def _parsed(name: str, value: Any, parse: Callable[[Any], Any]) -> Any:
    try:
        return parse(value)
    except (TypeError, ValueError, OverflowError):
        raise SettingsError(f"{name}: {value!r} cannot be used; write it as the flag --{name} is written") from None


def _int(settings: Any, name: str) -> int:
    value = getattr(settings, name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise SettingsError(f"{name}: {value!r} is not a whole number")
    return value


def _check(settings: Any, name: str, good: bool, accepted: str) -> None:
    if not good:
        raise SettingsError(f"{name}: {getattr(settings, name)} is out of range; accepted: {accepted}")


def _check_choices(settings: Any) -> None:
    for name, hint in get_type_hints(type(settings)).items():
        choices = get_args(hint)
        value = getattr(settings, name)
        if choices and all(isinstance(choice, str) for choice in choices) and value not in choices:
            raise SettingsError(f"{name}: '{value}' is not one of {', '.join(choices)}{nearest(str(value), choices)}")


@dataclass(frozen=True, kw_only=True)
class DreamSettings:
    """How one frame is dreamed.

    Attributes:
        model: The network that dreams: squeezenet is built in; see `models` for the others.
        weights: A weights file for the model (.h5, .weights.h5 or .npz) instead of its own.
        layers: What to excite, as LAYER=WEIGHT,…; see `layers MODEL`. Default: the model's own.
        octaves: Number of sizes, small to large; auto starts near 100 pixels.
        octave_scale: Ratio of one octave's size to the one before it.
        steps: Ascent steps at each octave, for frames dreamed from nothing.
        step_size: Mean change a step makes, in levels of 255.
        gradient: What a gradient is divided by: its mean magnitude or its root mean square.
        smoothing: Blur of the gradient, as a sigma in pixels: 0 for fine noise, 1 for clear figures.
        max_loss: Stop an octave once the objective is above this.
        jitter: Largest random shift before each step, in pixels.
        color: Keep the mean color of each frame, leave it free, or dream in luma only.
        random_seed: Seed of all randomness: same seed, same film.
    """

    model: str = "squeezenet"
    weights: Path | None = None
    layers: Layers = ()
    octaves: int | Literal["auto"] = "auto"
    octave_scale: float = 1.4
    steps: int = 13
    step_size: float = 2.5
    gradient: Literal["mean", "rms"] = "mean"
    smoothing: float = 1.0
    max_loss: float | None = None
    jitter: int = 16
    color: Literal["keep", "free", "luma"] = "keep"
    random_seed: int = 0

    def __post_init__(self) -> None:
        _coerce(self, layers=parse_layers, weights=_parse_path)
        _check_choices(self)
        entry = find_model(self.model)
        object.__setattr__(self, "model", entry.name)
        object.__setattr__(self, "layers", self.layers or parse_layers(entry.start))
        _check(self, "octaves", self.octaves == "auto" or 1 <= _int(self, "octaves") <= 32, "auto, or 1 to 32")
        _check(self, "octave_scale", 1.05 <= self.octave_scale <= 4, "1.05 to 4")
        _check(self, "steps", 0 <= self.steps <= 10_000, "0 to 10000")
        _check(self, "step_size", 0 < self.step_size <= 255, "above 0, up to 255 levels")
        _check(self, "smoothing", 0 <= self.smoothing <= 8, "0 to 8 pixels")
        _check(self, "jitter", 0 <= self.jitter <= 512, "0 to 512 pixels")
        _check(self, "random_seed", 0 <= self.random_seed < 2**31, "0 to 2147483647")


@dataclass(frozen=True, kw_only=True)
class MotionSettings:
    """How a dream is carried from frame to frame.

    Attributes:
        flow: Optical flow that carries the dream; none dreams every frame alone.
        passes: 2 dreams each shot backwards, then forwards, so that nothing comes into view
            pale; 1 forwards only.
        persistence: Share of the dream that is carried into the next frame.
        follow_steps: Ascent steps at each octave, for frames seeded by the one before; half
            as many in the pass backwards.
        follow_step_size: Mean change one of these steps makes, in levels of 255; the program
            takes larger or smaller ones to hold the strength of the dream.
        young_step_size: The same where the picture has just come into view.
        cuts: Look for cuts, so that no dream crosses one; none takes all as one shot.
    """

    flow: Literal["dis", "farneback", "none"] = "dis"
    passes: int = 2
    persistence: float = 0.98
    follow_steps: int = 2
    follow_step_size: float = 1.0
    young_step_size: float = 8.0
    cuts: Literal["auto", "none"] = "auto"

    def __post_init__(self) -> None:
        _coerce(self)
        _check_choices(self)
        _check(self, "passes", self.passes in (1, 2), "1 or 2")
        _check(self, "persistence", 0 <= self.persistence <= 1, "0 to 1")
        _check(self, "follow_steps", 0 <= self.follow_steps <= 10_000, "0 to 10000")
        for name in ("follow_step_size", "young_step_size"):
            _check(self, name, 0 < getattr(self, name) <= 255, "above 0, up to 255 levels")


@dataclass(frozen=True, kw_only=True)
class FootageSettings:
    """Which part of the footage is taken, and at what size.

    Attributes:
        size: Dream at this size, as WIDTHxHEIGHT in pixels.
        scale: Dream at this multiple of the footage's size.
        start: Where to begin: seconds (2.5), a clock time (1:02.5), or a frame (62f).
        end: Where to stop, in the same ways; this moment itself is left out.
        fps: Frames per second of a folder of images (25 if not given).
    """

    size: Size | None = None
    scale: float | None = None
    start: Moment | None = None
    end: Moment | None = None
    fps: Fraction | None = None

    def __post_init__(self) -> None:
        _coerce(self, size=parse_size, start=parse_moment, end=parse_moment, fps=parse_rate)
        if self.size is not None and self.scale is not None:
            raise SettingsError("size and scale were both given; keep one of them")
        _check(self, "size", self.size is None or min(self.size) >= 1, "WIDTHxHEIGHT in pixels, as in 1280x720")
        _check(self, "scale", self.scale is None or 0 < self.scale <= 16, "above 0, up to 16")


@dataclass(frozen=True, kw_only=True)
class OutputSettings:
    """How the film is encoded.

    Attributes:
        codec: Video codec, as FFmpeg names it; default: the usual one for the file's suffix.
        crf: Constant rate factor: 0 is lossless, higher is smaller. Default: by codec.
        pixel_format: Pixel format, as FFmpeg names it. Default: the most compatible one.
    """

    codec: str | None = None
    crf: float | None = None
    pixel_format: str | None = None

    def __post_init__(self) -> None:
        _coerce(self)
        _check(self, "crf", self.crf is None or 0 <= self.crf <= 63, "0 to 63")


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How the machine is used; but for `segment`, nothing here changes a picture.

    Attributes:
        devices: What works: auto (all GPUs, else the CPU), cpu, cpu:2 (two processes), gpu or gpu:0,1; see `devices`.
        threads: Processor threads of a worker. Default: an even share of the cores.
        segment: Frames of the segments that long shots are divided into; auto: 64 to 128; none: shots stay whole.
        scheduler: Address of a running Dask scheduler, as tcp://host:8786, whose workers do the work.
    """

    devices: str = "auto"
    threads: int | None = None
    segment: int | Literal["auto", "none"] = "auto"
    scheduler: str | None = None

    def __post_init__(self) -> None:
        _coerce(self, devices=lambda text: str(parse_devices(text)), scheduler=parse_scheduler)
        usual = self.segment in ("auto", "none")
        _check(self, "segment", usual or 8 <= _int(self, "segment") <= 1_000_000, "auto, none, or 8 frames and more")
        _check(self, "threads", self.threads is None or 1 <= self.threads <= 1024, "1 to 1024")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of one film.

    Attributes:
        dream: How one frame is dreamed.
        motion: How a dream is carried from frame to frame.
        footage: Which part of the footage is taken, and at what size.
        output: How the film is encoded.
        run: How the machine is used.
    """

    dream: DreamSettings = DreamSettings()
    motion: MotionSettings = MotionSettings()
    footage: FootageSettings = FootageSettings()
    output: OutputSettings = OutputSettings()
    run: RunSettings = RunSettings()

    @classmethod
    def of(cls, preset: str | Path = DEFAULT, **values: Any) -> Settings:
        """Settings of a preset, with some values replaced.

        Args:
            preset: Name of a preset, or a ``.toml`` file.
            values: Flat settings, as in ``Settings.of("framedream", steps=8, layers="fire5=1")``.

        Raises:
            SettingsError: There is no such preset, a key is unknown, or a value cannot be used.
        """
        stored = {key: value for key, value in read_preset(preset).items() if key != "description"}
        source = str(preset) if Path(preset).suffix == ".toml" else f"preset {preset}"
        return cls().override(stored, source=source).override(values)

    def override(self, values: Mapping[str, Any], *, source: str = "") -> Settings:
        """Settings with some values replaced.

        A model brings its own layers: where ``values`` name another model and no layers,
        the layers and weights of the model before it are dropped.

        Args:
            values: Flat keys, such as ``{"steps": 8, "layers": "fire5=1"}``; hyphens may
                stand for underscores. Nothing is done for a value of None.
            source: Where the values come from, for messages.

        Raises:
            SettingsError: A key is unknown, or a value cannot be used.
        """
        given = {key.replace("-", "_"): value for key, value in values.items() if value is not None}
        homes = setting_homes()
        named = f"{source}: " if source else ""
        for key in given:
            if key not in homes:
                raise SettingsError(f"{named}unknown setting '{key}'{nearest(key, homes)}")
        if "size" in given and "scale" not in given:
            given["scale"] = None
        elif "scale" in given and "size" not in given:
            given["size"] = None
        try:
            if "model" in given and DreamSettings(model=given["model"]).model != self.dream.model:
                given = {"layers": (), "weights": None} | given
            groups = {
                group: replace(getattr(self, group), **{key: given[key] for key in given if homes[key] == group})
                for group in {homes[key] for key in given}
            }
        except SettingsError as error:
            raise SettingsError(f"{named}{error}") from None
        return replace(self, **groups)


def setting_homes() -> dict[str, str]:
    """Flat setting names, each with the group of `Settings` that holds it."""
    return {
        inner.name: group.name
        for group in fields(Settings)
        for inner in fields(group.default)  # type: ignore[arg-type]
    }
