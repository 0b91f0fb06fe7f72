"""The command line with a stand-in for the network: what it dreams depends on all that came before.

    python tests/stand_in_cli.py LOG SECONDS ARGUMENT …

Every dream takes SECONDS, and is noted as a line in LOG when it is finished.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
from stand_ins import Dreaming

from framedream.batch import dream_folder as batch
from framedream.config.settings import DreamSettings
from framedream.jobs import dream_video as video
from framedream.jobs import zoom_film as zoom


class Restless(Dreaming):
    """Adds grain that depends on what it is given; its strength steers."""

    def __init__(self, log: Path | None = None, seconds: float = 0.0) -> None:
        self._log, self._seconds = log, seconds
        super().__init__(strength=lambda image: float(image.std()))

    def dream(self, image: np.ndarray, settings: DreamSettings | None = None, **options):
        grain = np.random.default_rng(0).uniform(-1, 1, image.shape).astype(np.float32)
        self.from_nothing = lambda number: 14 * grain
        self.on = lambda image, size: 38 * size * grain + 0.1 * (128 * grain + 128 - image)
        time.sleep(self._seconds)
        dream = super().dream(image, settings, **options)
        if self._log:
            with self._log.open("a") as file:
                file.write("dreamed\n")
        return dream


if __name__ == "__main__":
    log, seconds, *arguments = sys.argv[1:]
    video.dreamer_for = batch.dreamer_for = zoom.dreamer_for = lambda settings: Restless(Path(log), float(seconds))
    os.environ.setdefault("FRAMEDREAM_DEVICES", "cpu")
    from framedream.cli.main import main

    main(arguments)
