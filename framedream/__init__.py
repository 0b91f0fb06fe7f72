"""DeepDream for moving pictures: dreams that stick to what moves.

The library is these functions, and settings that are checked where they are made::

    from framedream import Settings, dream_video

    dream_video("in.mp4", "out.mp4", Settings.of(preset="framedream", steps=8))

Importing it is cheap: each name below is imported when it is first used, and TensorFlow when the first
picture is dreamed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from framedream.batch.dream_folder import Batch, dream_folder
    from framedream.config.feature_settings import FeatureSettings
    from framedream.config.imagine_settings import ImagineSettings
    from framedream.config.parsing import Moment
    from framedream.config.presets import preset_names
    from framedream.config.preview_settings import PreviewSettings
    from framedream.config.settings import (
        ChangeSettings,
        DreamSettings,
        FootageSettings,
        MotionSettings,
        OutputSettings,
        RunSettings,
        Settings,
        ZoomSettings,
    )
    from framedream.errors import (
        DeviceError,
        FramedreamError,
        InputError,
        LockedError,
        OutputError,
        SettingsError,
        Stopped,
        WeightsError,
    )
    from framedream.film.local_runner import Film
    from framedream.film.progress import BatchProgress, Progress
    from framedream.jobs.dream_image import dream_image, load_image
    from framedream.jobs.dream_video import dream_video
    from framedream.jobs.feature_maps import FeatureMaps, feature_maps
    from framedream.jobs.imagine import ImaginedPictures, imagine
    from framedream.jobs.preview import Preview, PreviewCell, preview
    from framedream.jobs.probe import Probe, probe
    from framedream.jobs.zoom_film import zoom
    from framedream.reports.sheet import Sheet
    from framedream.reports.side_by_side import show

    __version__: str

__all__ = [
    "Batch",
    "BatchProgress",
    "ChangeSettings",
    "DeviceError",
    "DreamSettings",
    "FeatureMaps",
    "FeatureSettings",
    "Film",
    "FootageSettings",
    "FramedreamError",
    "ImagineSettings",
    "ImaginedPictures",
    "InputError",
    "LockedError",
    "Moment",
    "MotionSettings",
    "OutputError",
    "OutputSettings",
    "Preview",
    "PreviewCell",
    "PreviewSettings",
    "Probe",
    "Progress",
    "RunSettings",
    "Settings",
    "SettingsError",
    "Sheet",
    "Stopped",
    "WeightsError",
    "ZoomSettings",
    "__version__",
    "dream_folder",
    "dream_image",
    "dream_video",
    "feature_maps",
    "imagine",
    "load_image",
    "preset_names",
    "preview",
    "probe",
    "show",
    "zoom",
]

_EXPORTS = {
    "batch.dream_folder": (
        "Batch",
        "dream_folder",
    ),
    "config.feature_settings": ("FeatureSettings",),
    "config.imagine_settings": ("ImagineSettings",),
    "config.parsing": ("Moment",),
    "config.presets": ("preset_names",),
    "config.preview_settings": ("PreviewSettings",),
    "config.settings": (
        "ChangeSettings",
        "DreamSettings",
        "FootageSettings",
        "MotionSettings",
        "OutputSettings",
        "RunSettings",
        "Settings",
        "ZoomSettings",
    ),
    "errors": (
        "DeviceError",
        "FramedreamError",
        "InputError",
        "LockedError",
        "OutputError",
        "SettingsError",
        "Stopped",
        "WeightsError",
    ),
    "film.local_runner": ("Film",),
    "film.progress": (
        "BatchProgress",
        "Progress",
    ),
    "jobs.dream_image": (
        "dream_image",
        "load_image",
    ),
    "jobs.dream_video": ("dream_video",),
    "jobs.feature_maps": (
        "FeatureMaps",
        "feature_maps",
    ),
    "jobs.imagine": (
        "ImaginedPictures",
        "imagine",
    ),
    "jobs.preview": (
        "Preview",
        "PreviewCell",
        "preview",
    ),
    "jobs.probe": (
        "Probe",
        "probe",
    ),
    "jobs.zoom_film": ("zoom",),
    "reports.sheet": ("Sheet",),
    "reports.side_by_side": ("show",),
}
"""Modules of this package, with the names that they export."""

_MODULES = {name: module for module, names in _EXPORTS.items() for name in names}


def __getattr__(name: str) -> object:
    """Import an exported name when it is first used (PEP 562)."""
    value: object
    if name == "__version__":
        from importlib.metadata import version

        value = version("framedream")
    elif name in _MODULES:
        value = getattr(importlib.import_module(f"framedream.{_MODULES[name]}"), name)
    else:
        raise AttributeError(f"module 'framedream' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
