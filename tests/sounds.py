"""Sounds whose content is known exactly."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

RATE = 44_100


def seconds(length: float) -> np.ndarray:
    """The time of each sample."""
    return np.arange(round(length * RATE)) / RATE


def clicks(length: float, times: list[float]) -> np.ndarray:
    """Short bursts of noise."""
    sound = np.zeros(round(length * RATE))
    burst = 0.8 * np.random.default_rng(0).uniform(-1, 1, 60)
    for time in times:
        at = round(time * RATE)
        sound[at : at + 60] = burst[: len(sound) - at]
    return sound


def write_sound(path: Path, sound: np.ndarray, codec: str = "pcm_s16le") -> Path:
    """Write samples of −1…1 as a mono file."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.layout = "mono"
        samples = np.rint(sound * 32_767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), 0
        for part in av.AudioResampler(format=stream.codec_context.format.name, layout="mono", rate=RATE).resample(
            frame
        ):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


def heard_at(path: Path) -> tuple[list[float], float]:
    """When clicks begin in a file, and when its sound ends, in seconds after the first picture if there is one."""
    with av.open(str(path)) as container:
        shown = next(container.decode(video=0), None) if container.streams.video else None
        start = float(shown.pts * shown.time_base) if shown else 0.0
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    sound = np.concatenate([np.atleast_2d(frame.to_ndarray()).reshape(-1, frame.samples)[0] for frame in frames])
    loud = np.abs(sound.astype(float)) > 0.3 * np.abs(sound.astype(float)).max()
    rate, begin = frames[0].sample_rate, float(frames[0].pts * frames[0].time_base) - start
    at = np.flatnonzero(loud)
    first = at[np.diff(at, prepend=-rate) > rate // 10] if len(at) else at
    return [begin + number / rate for number in first.tolist()], begin + len(sound) / rate
