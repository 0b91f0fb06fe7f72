"""Importing the library is cheap, and every exported name is there when it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import framedream


def test_import_loads_no_heavy_library():
    heavy = "{'av', 'cv2', 'matplotlib', 'numpy', 'scenedetect', 'tensorflow'}"
    code = f"import sys, framedream; print(sorted({heavy} & set(sys.modules)), framedream.Settings.__name__)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown == "[] Settings\n"


def test_every_exported_name_can_be_imported_and_is_listed():
    assert set(framedream.__all__) <= set(dir(framedream))
    for name in framedream.__all__:
        assert getattr(framedream, name) is not None


@pytest.mark.parametrize("name", ["dream_video", "feature_maps", "imagine", "preview", "probe", "zoom"])
def test_jobs_are_functions_even_after_their_modules_are_imported(name):
    import framedream.jobs.feature_maps
    import framedream.jobs.imagine
    import framedream.jobs.preview
    import framedream.jobs.probe

    assert callable(getattr(framedream, name))


def test_an_unknown_name_raises_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'dream_vidoe'"):
        framedream.dream_vidoe  # noqa: B018
