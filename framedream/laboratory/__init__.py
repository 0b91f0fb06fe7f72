"""Settings of the laboratory: commands that look into a network, or for a look.

As in `framedream.settings`, the dataclasses are frozen and check themselves, and the
``Attributes`` of their docstrings are the help of the flags.
"""

from framedream.laboratory.features import FeatureSettings
from framedream.laboratory.imagine import ImagineSettings
from framedream.laboratory.preview import PreviewSettings

__all__ = ["FeatureSettings", "ImagineSettings", "PreviewSettings"]
