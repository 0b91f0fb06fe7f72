"""What the tests of files and frames share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def bunny() -> Path:
    """A real clip: 640×360, 75 frames at 25 a second, H.264 with AAC sound in 5.1."""
    return Path(__file__).parents[2] / "samples" / "bunny.mp4"


@pytest.fixture
def cell(record_property) -> Callable[..., None]:
    """Notes what became of a cell of the matrix, for the table at the end of the tests."""

    def note(axis: str, outcome: str = "passed", reason: str = "") -> None:
        record_property("cell", [axis, outcome, reason])

    return note
