"""DeepDream for moving pictures: dreams that stick to what moves.

The library is these functions, and settings that are checked where they are made::

    from framedream import Settings, dream_video

    dream_video("in.mp4", "out.mp4", Settings.of(preset="framedream", steps=8))

Importing it is cheap: TensorFlow is imported with the first picture that is dreamed.
"""

from __future__ import annotations

from importlib.metadata import version

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
