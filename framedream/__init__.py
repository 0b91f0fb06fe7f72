"""DeepDream for moving pictures: dreams that stick to what moves.

The library is these functions, and settings that are checked where they are made::

    from framedream import Settings, dream_video

    dream_video("in.mp4", "out.mp4", Settings.of(preset="framedream", steps=8))

Importing it is cheap: TensorFlow is imported with the first picture that is dreamed.
"""

from __future__ import annotations

from importlib.metadata import version

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
from framedream.gallery.sheet import Sheet
from framedream.gallery.show import show
from framedream.jobs.batch import Batch, dream_folder
from framedream.jobs.features import FeatureMaps, feature_maps
from framedream.jobs.here import Film
from framedream.jobs.image import dream_image, load_image
from framedream.jobs.imagine import Imagination, imagine
from framedream.jobs.preview import Preview, PreviewCell, preview
from framedream.jobs.probe import Probe, probe
from framedream.jobs.progress import BatchProgress, Progress
from framedream.jobs.video import dream_video
from framedream.jobs.zoom import zoom
from framedream.laboratory import FeatureSettings, ImagineSettings, PreviewSettings
from framedream.presets import preset_names
from framedream.settings import (
    ChangeSettings,
    DreamSettings,
    FootageSettings,
    MotionSettings,
    OutputSettings,
    RunSettings,
    Settings,
    ZoomSettings,
)
from framedream.values import Moment

__version__ = version("framedream")

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
    "Imagination",
    "ImagineSettings",
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
