"""Commands that make pictures: image, preview, features and imagine."""

from __future__ import annotations

import logging
import shlex

import framedream
from framedream.cli.app import app, program
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
        save_octaves: Folder for the dream at each octave size.
        size: Size of the dream, as WIDTHxHEIGHT in pixels.
        scale: Size of the dream, as a multiple of the image's size.
        mask: An image: white shows the dream, black shows the original, gray mixes both.
        quiet: Print only warnings and errors.
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
    """Find a look: dream one frame in many ways, on a sheet with the flags of each.

    Prints the commands that dream the whole source in these ways, one per line.

    Args:
        source: A video, a folder of images, an animated image or a still.
        target: The sheet: .png, .jpg, .webp or .tif.
        preset: The look to start from, by name, or a .toml file; see `presets`.
        quiet: Print only warnings and errors.
    """
    settings = laboratory_settings(PreviewSettings, preview)
    show_log(quiet)
    with frame_bar(quiet) as report:
        found = framedream.preview(source, target, settings, preset, given(look, motion), progress=report)
    if not quiet:
        kind, result = ("image", "out.png") if found.is_still else ("video", "out.mp4")
        for cell in found.cells:
            words = shlex.join([*program(), kind, source, result, *cell.flags])
            print(f"{cell.number:2}  {printable(words)}")
        if named := environment_names():
            log.info("run these commands in a shell without %s", " and ".join(named))


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
    """Draw the feature maps of a network for an image.

    The text above each map shows its channel and the range of its values, from darkest to brightest.

    Args:
        source: An image.
        target: The sheet: .png, .jpg, .webp or .tif.
        npz: A .npz file for all channels of these layers as arrays.
        quiet: Print only warnings and errors.
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
    """Draw the picture that a channel, a neuron, a layer or a class responds to most, starting from noise.

    Several pictures make a sheet with their names.

    Args:
        target: The picture: .png, .jpg, .webp or .tif.
        quiet: Print only warnings and errors.
    """
    settings = laboratory_settings(ImagineSettings, imagining)
    show_log(quiet)
    with step_bar(quiet) as report:
        found = framedream.imagine(target, settings, progress=report)
    if not quiet:
        print(f"{target}: {', '.join(found.pictures)}")
