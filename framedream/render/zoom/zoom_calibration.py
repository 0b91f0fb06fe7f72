"""What the dream of a zoom is measured by: its stills, dreamed from nothing."""

from __future__ import annotations

import bisect
from dataclasses import dataclass

import numpy as np

from framedream.render.color_matching import match_color
from framedream.render.state_store import StateStore, calibration_name
from framedream.render.video.calibration import Dreamer
from framedream.render.video.calibration_intervals import SettingsAt
from framedream.render.video.render_state import RenderState
from framedream.render.video.strength_control import StrengthReference
from framedream.render.zoom.spectrum import Spectrum
from framedream.render.zoom.zoom_spec import PaddedFrame, ZoomSpec

_APART = 24
"""Every how many frames there is one where settings change."""


@dataclass(frozen=True)
class ZoomReference:
    """What a dream should be like.

    Attributes:
        reference: How strong.
        spectrum: How coarse and how fine, and of which color.
    """

    reference: StrengthReference
    spectrum: Spectrum

    def mixed(self, other: ZoomReference, share: float) -> ZoomReference:
        """Some of another, 0…1, and the rest of this."""
        return ZoomReference(self.reference.mixed(other.reference, share), self.spectrum.mixed(other.spectrum, share))


class ZoomCalibrator:
    """Those of one zoom: at each still, and where settings change every second; between them it changes gradually.

    Args:
        fall: The zoom.
        canvas: What of it is dreamed.
        dreamer: What dreams a single frame.
        look: The settings at each frame.
        store: Where what was found is kept.
    """

    def __init__(
        self, fall: ZoomSpec, canvas: PaddedFrame, dreamer: Dreamer, look: SettingsAt, store: StateStore
    ) -> None:
        self._fall, self._canvas, self._dreamer, self._look, self._store = fall, canvas, dreamer, look, store
        self._numbers = sorted({*fall.arrivals, *self._changing()})
        self._found: dict[int, ZoomReference] = {}

    def at(self, number: int) -> ZoomReference:
        """What the dream of a frame should be like; what tells it is dreamed if it has not been."""
        behind = bisect.bisect_right(self._numbers, number) - 1
        here, ahead = self._numbers[behind], self._numbers[min(behind + 1, len(self._numbers) - 1)]
        if here in (number, ahead):
            return self._of(here)
        return self._of(here).mixed(self._of(ahead), (number - here) / (ahead - here))

    def _of(self, number: int) -> ZoomReference:
        if self._fall.loop:
            number %= self._fall.frames
        if number not in self._found:
            stored = self._store.load(calibration_name(number))
            if stored is None:
                stored = self._dreamed(number)
                self._store.save(calibration_name(number), stored)
            self._found[number] = ZoomReference(RenderState.reference_of(stored), Spectrum.unpacked(stored))
        return self._found[number]

    def _dreamed(self, number: int) -> dict[str, np.ndarray]:
        arrivals = self._fall.arrivals
        nearest = min(range(len(arrivals)), key=lambda index: abs(arrivals[index] - number))
        still, settings = self._canvas.still(nearest % len(self._fall.stills)), self._look(number).dream
        dream = self._dreamer.dream(still, settings=settings)
        pixels = match_color(dream.pixels, still, settings.color)
        made_of = Spectrum(still.mean((0, 1), dtype=np.float64), Spectrum.of(pixels).deviations)
        reference = [self._dreamer.strength(pixels, settings=settings), *dream.losses]
        return made_of.packed() | {"reference": np.array(reference)}

    def _changing(self) -> list[int]:
        """Frames at which settings change, or are about to."""
        last = self._fall.frames - 1
        looks = {number: self._look(number).dream for number in sorted({*range(0, last, _APART), last})}
        numbers = list(looks)
        return [
            number
            for index, number in enumerate(numbers)
            if any(looks[near] != looks[number] for near in numbers[max(index - 1, 0) : index + 2])
        ]
