"""What stands for the network in the workers of `benchmarks.workers`."""

from __future__ import annotations

import time

import numpy as np

from framedream.film import film_tasks
from framedream.jobs import dream_image as image
from framedream.workers.devices import Device

HEIGHT, WIDTH = 48, 64

STEP = 0.04
"""Seconds that the stand-in takes for an ascent step of a full frame, all octaves together."""


class Sleeping:
    """Stands for the network: takes its time, and changes little."""

    def dream(self, picture: np.ndarray, *, steps: int | None = None, **_: object) -> Sleeping:
        """Sleep for as long as so many steps take."""
        time.sleep(STEP * (13 if steps is None else steps) * picture.shape[0] * picture.shape[1] / HEIGHT / WIDTH)
        self.pixels = np.clip(picture + np.float32(1), 0, 255)
        self.losses = (1.0, 1.0)
        return self

    def strength(self, _: np.ndarray, **__: object) -> float:
        """Nothing that says anything."""
        return 0.0


def take(device: Device) -> None:
    """Put the stand-in into a worker process."""
    film_tasks.dreamer_for = image.dreamer_for = lambda *_: Sleeping()  # type: ignore[assignment, return-value]
