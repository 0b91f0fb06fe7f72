"""Commands that make pictures."""

from __future__ import annotations

import logging
import shlex

import framedream
from framedream.cli.app import app
from framedream.cli.flags import (
    Dream,
    DreamFlags,
    FeatureFlags,
    Features,
    FootageFlags,
    ImagineFlags,
    Imagining,
    Look,
    LookFlags,
    Motion,
    MotionFlags,
    Preset,
    Previewed,
    PreviewFlags,
    Quiet,
    Run,
    RunFlags,
    environment_names,
    given,
    laboratory_settings,
    settings_of,
)
from framedream.cli.terminal import frame_bar, printable, show_log, step_bar
from framedream.config.feature_settings import FeatureSettings
from framedream.config.imagine_settings import ImagineSettings
from framedream.config.preview_settings import PreviewSettings

log = logging.getLogger(__name__)


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
    show_log(quiet)
    framedream.dream_image(source, target, settings, save_octaves=save_octaves)
    if not quiet:
        print(f"{target}: dreamed")


@app.command(sort_key=5)
def preview(
    source: str,
    target: str,
    /,
    *,
    preview: Previewed = PreviewFlags(),  # noqa: B008
    preset: Preset = "framedream",
    look: Look = LookFlags(),  # noqa: B008
    motion: Motion = MotionFlags(),  # noqa: B008
    quiet: Quiet = False,
) -> None:
    """Find a look: dream one frame in many ways, drawn as a sheet with the flags of each.

    The commands that dream all of the source in these ways are also printed, one in a line.

    Args:
        source: A video, a folder of images, an animated image or a still.
        target: The sheet: .png, .jpg, .webp or .tif.
        preset: What the looks start from: a look by name, or a .toml file; see `presets`.
        quiet: Say nothing but warnings and errors.
    """
    settings = laboratory_settings(PreviewSettings, preview)
    show_log(quiet)
    with frame_bar(quiet) as report:
        found = framedream.preview(source, target, settings, preset, given(look, motion), progress=report)
    if not quiet:
        kind, result = ("image", "out.png") if found.is_still else ("video", "out.mp4")
        for cell in found.cells:
            words = shlex.join(["python", "cli.py", kind, source, result, *cell.flags])
            print(f"{cell.number:2}  {printable(words)}")
        if named := environment_names():
            log.info("these commands are for a shell without %s", " and ".join(named))


@app.command(sort_key=6)
def features(
    source: str,
    target: str,
    /,
    *,
    features: Features = FeatureFlags(),  # noqa: B008
    npz: str | None = None,
    quiet: Quiet = False,
) -> None:
    """Draw what layers of a network see in an image: its feature maps.

    Above each map stand its channel and the range of its values, from the darkest to the brightest.

    Args:
        source: An image.
        target: The drawing: .png, .jpg, .webp or .tif.
        npz: File (.npz) that also gets all channels of these layers as arrays.
        quiet: Say nothing but warnings and errors.
    """
    settings = laboratory_settings(FeatureSettings, features)
    show_log(quiet)
    maps = framedream.feature_maps(source, target, settings, npz=npz)
    if not quiet:
        drawn = [
            f"{len(maps.channels[name])} of {array.shape[2]} channels of {name}" for name, array in maps.arrays.items()
        ]
        print(f"{target}: {', '.join(drawn)}")


@app.command(sort_key=7)
def imagine(
    target: str,
    /,
    *,
    imagining: Imagining = ImagineFlags(),  # noqa: B008
    quiet: Quiet = False,
) -> None:
    """Draw from nothing what a channel, a neuron, a layer or a class would like to see most.

    Several make a sheet of pictures, each with its name.

    Args:
        target: The picture: .png, .jpg, .webp or .tif.
        quiet: Say nothing but warnings and errors.
    """
    settings = laboratory_settings(ImagineSettings, imagining)
    show_log(quiet)
    with step_bar(quiet) as report:
        found = framedream.imagine(target, settings, progress=report)
    if not quiet:
        print(f"{target}: {', '.join(found.pictures)}")
