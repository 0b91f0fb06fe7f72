"""What the tests of files and frames share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def bunny() -> Path:
    """A real clip: 640×360, 75 frames at 25 a second, H.264 with AAC sound in 5.1."""
    return Path(__file__).parents[2] / "samples" / "bunny.mp4"
