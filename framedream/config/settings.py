"""All settings, each defined once: the API, the flags, preset files and the manifest use these classes.

The dataclasses are frozen and check their values when they are created. The ``Attributes``
section of each docstring is also the help text of the flags.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from framedream.config.machine import GRID, parse_devices
from framedream.config.model_registry import DEFAULT_MODEL, find_model
from framedream.config.parsing import (
    Layers,
    Moment,
    Pair,
    Size,
    check,
    check_choices,
    coerce,
    parse_factor,
    parse_growth,
    parse_layers,
    parse_moment,
    parse_pair,
    parse_path,
    parse_rate,
    parse_scheduler,
    parse_seconds,
    parse_size,
    parse_speed,
    whole_number,
)
from framedream.config.presets import DEFAULT, read_preset
from framedream.config.timeline import Timeline, parse_timeline
from framedream.errors import SettingsError, nearest

SLOWEST, FASTEST = 0.05, 20.0
"""Limits of the factor by which a picture grows in a second."""

AS_TEXT = {"as_text": True}
"""Metadata of fields whose flags stay text, because the settings parse them, such as ``1.3/s``."""


@dataclass(frozen=True, kw_only=True)
class DreamSettings:
    """How one frame is dreamed.

    Attributes:
        model: The network that dreams; squeezenet is built in, see `models` for others.
        weights: Weights for the model instead of its own: weights or a whole model that Keras saved (.h5, .keras); for
            squeezenet also .npz.
        layers: The layers to excite, as LAYER=WEIGHT,…; see `layers MODEL`. Default: the network's default layers.
            LAYER:3 and LAYER:0-3+9 excite some channels, class:espresso a class of ImageNet; negative weights suppress.
        guide: An image; the dream moves towards its features.
        algorithm: framedream is the usual method; classic follows the code of the Keras book exactly.
        octaves: Number of sizes, from small to large; auto starts near 100 pixels.
        octave_scale: Ratio between the sizes of two octaves.
        steps: Ascent steps at each octave, for frames that have no seed from a previous frame.
        step_size: Mean change of a step, in levels of 255.
        gradient: Normalise the gradient by its mean magnitude or by its root mean square.
        smoothing: Sigma of the Gaussian blur of the gradient, in pixels: 0 for fine noise, 1 for clear figures.
        max_loss: Stop an octave when the objective exceeds this value.
        jitter: Largest random shift before each step, in pixels.
        color: keep restores the mean color of each frame, free does not, luma changes brightness only.
        random_seed: Seed of the random number generator; the same seed gives the same film.
        precision: Number format of the network; auto uses bfloat16 where the processor or GPU supports it.
    """

    model: str = DEFAULT_MODEL
    weights: Path | None = None
    layers: Layers = ()
    guide: Path | None = None
    algorithm: Literal["framedream", "classic"] = "framedream"
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
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"

    def __post_init__(self) -> None:
        coerce(self, layers=parse_layers, weights=parse_path, guide=parse_path)
        check_choices(self)
        entry = find_model(self.model)
        object.__setattr__(self, "model", entry.name)
        object.__setattr__(self, "layers", self.layers or parse_layers(entry.default_layers))
        check(self, "octaves", self.octaves == "auto" or 1 <= whole_number(self, "octaves") <= 32, "auto, or 1 to 32")
        check(self, "octave_scale", 1.05 <= self.octave_scale <= 4, "1.05 to 4")
        check(self, "steps", 0 <= self.steps <= 10_000, "0 to 10000")
        check(self, "step_size", 0 < self.step_size <= 255, "above 0, up to 255 levels")
        check(self, "smoothing", 0 <= self.smoothing <= 8, "0 to 8 pixels")
        check(self, "jitter", 0 <= self.jitter <= 512, "0 to 512 pixels")
        check(self, "random_seed", 0 <= self.random_seed < 2**31, "0 to 2147483647")
        if self.algorithm == "classic" and self.precision in ("bfloat16", "float16"):
            raise SettingsError("precision: the classic algorithm computes in float32; remove --precision")


@dataclass(frozen=True, kw_only=True)
class MotionSettings:
    """How the dream is carried from frame to frame.

    Attributes:
        flow: Optical flow method that carries the dream; none dreams every frame alone.
        passes: 2 dreams each shot backwards, then forwards, so that new areas are dreamed when they appear; 1 dreams
            forwards only.
        persistence: Share of the dream that is carried into the next frame, 0 to 1.
        follow_steps: Ascent steps at each octave, for frames seeded by the previous frame. framedream takes half as
            many larger steps; the backward pass takes them in two of three frames.
        follow_step_size: Mean change of each of these steps, in levels of 255; framedream adjusts it to keep the
            strength of the dream constant.
        young_step_size: Mean change of these steps in areas that have just come into view, in levels of 255.
        cuts: auto detects cuts, which no dream crosses; none treats the footage as one shot.
    """

    flow: Literal["dis", "farneback", "none"] = "dis"
    passes: int = 2
    persistence: float = 0.99
    follow_steps: int = 2
    follow_step_size: float = 1.0
    young_step_size: float = 8.0
    cuts: Literal["auto", "none"] = "auto"

    def __post_init__(self) -> None:
        coerce(self)
        check_choices(self)
        check(self, "passes", self.passes in (1, 2), "1 or 2")
        check(self, "persistence", 0 <= self.persistence <= 1, "0 to 1")
        check(self, "follow_steps", 0 <= self.follow_steps <= 10_000, "0 to 10000")
        for name in ("follow_step_size", "young_step_size"):
            check(self, name, 0 < getattr(self, name) <= 255, "above 0, up to 255 levels")


@dataclass(frozen=True, kw_only=True)
class FootageSettings:
    """The part of the footage to dream, its size, and where the dream is visible.

    Attributes:
        size: Size of the film, as WIDTHxHEIGHT in pixels.
        scale: Size of the film, as a multiple of the footage's size.
        start: Start time: seconds (2.5), a clock time (1:02.5) or a frame number (62f).
        end: End time, in the same forms; the frame at this time is not included.
        fps: Frames per second of the film; its length stays the same, and framedream interpolates or drops frames.
            Default: the footage's rate. For a folder of images, the rate of the footage (25 by default).
        slow_motion: Factor by which the film becomes longer, 1 to 64; framedream interpolates frames and stretches the
            sound at the same pitch.
        mask: An image, film or folder of images: white shows the dream, black shows the footage, gray mixes both.
    """

    size: Size | None = None
    scale: float | None = None
    start: Moment | None = None
    end: Moment | None = None
    fps: Fraction | None = None
    slow_motion: Fraction = Fraction(1)
    mask: Path | None = None

    def __post_init__(self) -> None:
        coerce(
            self, size=parse_size, start=parse_moment, end=parse_moment, fps=parse_rate, slow_motion=parse_factor,
            mask=parse_path,
        )  # fmt: skip
        if self.size is not None and self.scale is not None:
            raise SettingsError("size and scale cannot be combined; keep one of them")
        check(self, "size", self.size is None or min(self.size) >= 1, "WIDTHxHEIGHT in pixels, such as 1280x720")
        check(self, "scale", self.scale is None or 0 < self.scale <= 16, "above 0, up to 16")
        check(self, "slow_motion", 1 <= self.slow_motion <= 64, "1 to 64")


@dataclass(frozen=True, kw_only=True)
class ZoomSettings:
    """The camera path of a zoom. Speeds are per second, whatever the frame rate.

    Attributes:
        zoom: Factor by which the picture grows in a second, such as 1.3/s; values below 1 zoom out.
        rotate: Rotation in degrees per second, clockwise.
        pan: Movement of the view per second, right and down, as X,Y in fractions of width and height.
        center: Fixed point of zoom and rotation, as X,Y in fractions of width and height.
        ease: Seconds in which the motion starts, and stops, gently.
        duration: Length in seconds. Default: the length of the sound, or 10.
        loop: Make the last frame lead into the first.
    """

    zoom: float = field(default=1.3, metadata=AS_TEXT)
    rotate: float = field(default=0.0, metadata=AS_TEXT)
    pan: Pair = (0.0, 0.0)
    center: Pair = (0.5, 0.5)
    ease: Fraction = Fraction(0)
    duration: Fraction | None = None
    loop: bool = False

    def __post_init__(self) -> None:
        coerce(
            self, zoom=parse_growth, rotate=parse_speed, pan=parse_pair, center=parse_pair, ease=parse_seconds,
            duration=parse_seconds,
        )  # fmt: skip
        check(self, "zoom", SLOWEST <= self.zoom <= FASTEST, f"{SLOWEST:g}/s to {FASTEST:g}/s")
        check(self, "rotate", abs(self.rotate) <= 720, "-720 to 720 degrees a second")
        check(self, "pan", max(map(abs, self.pan)) <= 4, "-4,-4 to 4,4")
        check(self, "center", all(-1 <= share <= 2 for share in self.center), "-1,-1 to 2,2; 0.5,0.5 is the center")
        check(self, "duration", self.duration is None or self.duration > 0, "above 0 seconds")
        if self.loop and self.ease:
            raise SettingsError("ease: a loop has neither start nor end; remove --ease or --loop")


@dataclass(frozen=True, kw_only=True)
class ChangeSettings:
    """Settings that change over the film.

    Attributes:
        timeline: A .toml file with key frames of settings, and settings that follow the sound. It overrides flags.
        sound: A sound file whose loudness settings can follow; it becomes the sound of the film.
    """

    timeline: Timeline | None = field(default=None, metadata=AS_TEXT)
    sound: Path | None = None

    def __post_init__(self) -> None:
        coerce(self, timeline=parse_timeline, sound=parse_path)


@dataclass(frozen=True, kw_only=True)
class OutputSettings:
    """How the film is encoded.

    Attributes:
        codec: A purpose: web, edit (ProRes) or archive (FFV1); a codec: h264, hevc, av1, vp9, prores, dnxhr; or an
            encoder of FFmpeg, such as h264_nvenc. Default: depends on the suffix and the footage.
        crf: Constant rate factor: 0 is best, higher is smaller. For WebP, the quality is 100 minus this.
            Default: by codec.
        pixel_format: Pixel format of FFmpeg. Default: the most compatible one that keeps depth and alpha.
        compare: Show the footage too: side puts it to the left of the dream, wipe divides the frame by a line that
            moves back and forth.
    """

    codec: str | None = None
    crf: float | None = None
    pixel_format: str | None = None
    compare: Literal["none", "side", "wipe"] = "none"

    def __post_init__(self) -> None:
        coerce(self)
        check_choices(self)
        check(self, "crf", self.crf is None or 0 <= self.crf <= 63, "0 to 63")


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How the machine is used; except for `segment`, these settings change at most the last bits of a picture.

    Attributes:
        devices: Devices to use: auto (all GPUs, or the CPU), cpu, cpu:2 (two processes), gpu or gpu:0,1; see `devices`.
        threads: Processor threads of each worker. Default: an equal share of the cores.
        tile: Longest side of the tiles in which frames are dreamed, in pixels, a multiple of 64; auto uses whole frames
            if they are small enough and fit the memory.
        segment: Number of frames of the segments of long shots; auto uses 64 to 128, none does not divide shots.
        scheduler: Address of a running Dask scheduler, such as tcp://host:8786, whose workers do the work.
    """

    devices: str = "auto"
    threads: int | None = None
    tile: int | Literal["auto"] = "auto"
    segment: int | Literal["auto", "none"] = "auto"
    scheduler: str | None = None

    def __post_init__(self) -> None:
        coerce(self, devices=lambda text: str(parse_devices(text)), scheduler=parse_scheduler)
        usual = self.segment in ("auto", "none")
        check(
            self,
            "segment",
            usual or 8 <= whole_number(self, "segment") <= 1_000_000,
            "auto, none, or 8 frames and more",
        )
        check(
            self,
            "tile",
            self.tile == "auto" or (64 <= whole_number(self, "tile") <= 65_536 and self.tile % GRID == 0),
            f"auto, or a multiple of {GRID} pixels",
        )
        check(self, "threads", self.threads is None or 1 <= self.threads <= 1024, "1 to 1024")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of one film.

    Attributes:
        dream: How one frame is dreamed.
        motion: How a dream is carried from frame to frame.
        footage: The part of the footage to dream, its size, and where the dream is visible.
        zoom: The camera path of a zoom.
        change: Settings that change over the film.
        output: How the film is encoded.
        run: How the machine is used.
    """

    dream: DreamSettings = DreamSettings()
    motion: MotionSettings = MotionSettings()
    footage: FootageSettings = FootageSettings()
    zoom: ZoomSettings = ZoomSettings()
    change: ChangeSettings = ChangeSettings()
    output: OutputSettings = OutputSettings()
    run: RunSettings = RunSettings()

    def __post_init__(self) -> None:
        if self.change.timeline is None:
            return
        homes = setting_groups()
        base = replace(self, change=replace(self.change, timeline=None))

        def valued(name: str, value: Any) -> Any:
            return getattr(getattr(base.override({name: value}), homes[name]), name)

        timeline = self.change.timeline.checked(homes, valued)
        object.__setattr__(self, "change", replace(self.change, timeline=timeline))

    @classmethod
    def of(cls, preset: str | Path = DEFAULT, **values: Any) -> Settings:
        """Return the settings of a preset with some values replaced.

        Args:
            preset: Name of a preset, or a ``.toml`` file.
            values: Flat settings, such as ``Settings.of("framedream", steps=8, layers="fire5=1")``.

        Raises:
            SettingsError: The preset does not exist, a key is unknown, or a value is invalid.
        """
        stored = {key: value for key, value in read_preset(preset).items() if key != "description"}
        source = str(preset) if Path(preset).suffix == ".toml" else f"preset {preset}"
        return cls().override(stored, source=source).override(values)

    def override(self, values: Mapping[str, Any], *, source: str = "") -> Settings:
        """Return the settings with some values replaced.

        If ``values`` name another model and no layers, the new model's default layers replace
        the layers and weights of the old one.

        Args:
            values: Flat keys, such as ``{"steps": 8, "layers": "fire5=1"}``; hyphens may
                stand for underscores. Values of None are ignored.
            source: Where the values come from, for messages.

        Raises:
            SettingsError: A key is unknown, or a value cannot be used.
        """
        given = {key.replace("-", "_"): value for key, value in values.items() if value is not None}
        homes = setting_groups()
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


def setting_groups() -> dict[str, str]:
    """The names of all settings, each with the group of `Settings` that contains it."""
    return {
        inner.name: group.name
        for group in fields(Settings)
        for inner in fields(group.default)  # type: ignore[arg-type]
    }
