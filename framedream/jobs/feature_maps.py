"""Draws what layers of a network respond to in an image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from framedream.config.feature_settings import USUAL_TOP, FeatureSettings
from framedream.config.settings import FootageSettings
from framedream.errors import OutputError, SettingsError
from framedream.film.film_job import check_output_path
from framedream.jobs.dream_image import read_at_size
from framedream.media import check_image_name
from framedream.media.atomic_files import write_atomically
from framedream.reports.feature_map_sheet import LayerMaps, draw_feature_maps, find_colormap
from framedream.reports.sheet import Sheet


@dataclass(frozen=True, eq=False)
class FeatureMaps:
    """Activations of layers for an image; a notebook shows the sheet.

    Attributes:
        arrays: All activations of each layer, under its name: h×w×C float32.
        channels: The drawn channels of each layer, in order.
        sheet: The drawn sheet.
    """

    arrays: Mapping[str, np.ndarray] = field(repr=False)
    channels: Mapping[str, tuple[int, ...]]
    sheet: Sheet

    def _repr_png_(self) -> bytes:
        return self.sheet._repr_png_()


def feature_maps(
    source: np.ndarray | Path | str,
    target: Path | str | None = None,
    settings: FeatureSettings | None = None,
    *,
    npz: Path | str | None = None,
) -> FeatureMaps:
    """Draw the activations of a network's layers for an image.

    Args:
        source: A file, or H×W×3 RGB in levels 0…255 of any number type.
        target: Where to write the sheet, if anywhere; the suffix names the format.
        settings: Which channels of which layers, and how they are drawn.
        npz: File for all channels of these layers, as one array per layer name.

    Raises:
        SettingsError: A setting cannot be used, such as a layer the model does not have.
        InputError: The image cannot be read, or the weights are not available.
        OutputError: The sheet or the arrays cannot be written.
    """
    settings = settings or FeatureSettings()
    _check_names(target, npz, settings.weights)
    find_colormap(settings.colormap)
    image = read_at_size(source, (target, npz), FootageSettings(size=settings.size, scale=settings.scale))
    # Imported late: TensorFlow takes seconds to import, and bad input should fail before that.
    from framedream.nn.visualization.feature_activations import compute_activations

    arrays = compute_activations(image, settings.model, settings.layers, settings.weights)
    channels = {name: _select_channels(name, array, settings) for name, array in arrays.items()}
    drawn = [LayerMaps(name, array, channels[name]) for name, array in arrays.items()]
    sheet = draw_feature_maps(drawn, settings.columns, settings.colormap)
    if npz is not None:
        write_atomically(Path(npz), lambda file: np.savez(file, allow_pickle=False, **arrays))
    if target is not None:
        sheet.save(target)
    return FeatureMaps(arrays, channels, sheet)


def _check_names(target: Path | str | None, npz: Path | str | None, weights: Path | None) -> None:
    if target is not None:
        check_image_name(Path(target))
    if npz is not None and Path(npz).suffix.lower() != ".npz":
        raise SettingsError(f"npz: {npz} does not end in .npz; give it that suffix")
    if target is not None and npz is not None and Path(target).resolve() == Path(npz).resolve():
        raise OutputError(f"{npz}: is also the file of the sheet; give --npz another name")
    if npz is not None and weights is not None:
        check_output_path(weights, Path(npz))


def _select_channels(layer: str, array: np.ndarray, settings: FeatureSettings) -> tuple[int, ...]:
    """The channels of a layer to draw, in order."""
    count = array.shape[2]
    asked, top = settings.channels, settings.top
    if asked is None:
        asked, top = "all", top or USUAL_TOP
    candidates = np.arange(count) if asked == "all" else np.array(asked)
    if candidates.max() >= count:
        raise SettingsError(
            f"channels: {layer} of {settings.model} has channels 0 to {count - 1}; "
            f"channel {candidates.max()} does not exist"
        )
    if top is not None:
        strength = np.square(array[..., candidates], dtype=np.float64).mean((0, 1))
        candidates = candidates[np.argsort(-strength, kind="stable")[:top]]
    return tuple(candidates.tolist())
