"""What the tests of jobs share."""

from __future__ import annotations

from pathlib import Path

import pytest
from pictures import pan, write_clip
from stand_in_cli import Restless

from framedream.jobs import batch, plan
from framedream.jobs import video as job
from framedream.render import windows


@pytest.fixture
def shot_in_windows(tmp_path, monkeypatch) -> Path:
    """A shot of 26 frames, 80×64, in windows of six frames and pieces of five."""
    monkeypatch.setattr(windows, "_LONGEST", 6)
    monkeypatch.setattr(windows, "_SHORTEST", 6)
    monkeypatch.setattr(plan, "_PIECE", 5)
    return write_clip(tmp_path / "clip.mp4", pan(26, 64, 80, step=(1.3, 0.4)))


@pytest.fixture
def dreamed_of_all(monkeypatch) -> Restless:
    """Stands for the network in films, batches and stills of a test."""
    dreaming = Restless()
    for room in (job, batch):
        monkeypatch.setattr(room, "dreamer_for", lambda _: dreaming)
    monkeypatch.setattr("framedream.jobs.image.dreamer_for", lambda _: dreaming)
    return dreaming
