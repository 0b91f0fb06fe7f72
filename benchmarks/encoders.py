"""Whether encoders give the same bytes for the same pictures, however busy the machine is.

    python -m benchmarks.encoders [--codecs libx264 libx265 …] [--runs 1500] [--seconds 120]

A film that was stopped and gone on with is byte for byte the uninterrupted one only if they
do. x264's macroblock tree, for one, differs in some of a thousand runs; so it is off.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import tempfile
import threading
import time
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from framedream.config.settings import OutputSettings
from framedream.media import FilmAssembler, FilmFormat

SUFFIXES = {"libvpx-vp9": ".webm", "libvpx": ".webm", "prores_ks": ".mov", "ffv1": ".mkv", "mjpeg": ".mkv"}
"""Where a codec does not go into .mp4."""


def pictures(count: int = 12, height: int = 64, width: int = 80) -> list[np.ndarray]:
    """Panning noise with a cut near its end, all of it hard to encode."""
    random = np.random.default_rng(0)
    large = random.uniform(0, 255, (height + 2 * count, width + 2 * count, 3)).astype(np.float32)
    large, fixed = cv2.GaussianBlur(large, (0, 0), 3) * 3 - 255, random.uniform(-14, 14, (height, width, 3))
    found = [large[number : number + height, 2 * number : 2 * number + width] for number in range(count)]
    found[-4:] = [picture[::-1] * 0.3 for picture in found[-4:]]
    return [np.clip(picture + fixed, 0, 255).astype(np.float32) for picture in found]


def results(codec: str, runs: int, seconds: float) -> collections.Counter[str]:
    """How often each result came out."""
    film = FilmAssembler(
        Path(tempfile.gettempdir(), f"encoders{SUFFIXES.get(codec, '.mp4')}"),
        film_format=FilmFormat(80, 64),
        settings=OutputSettings(codec=codec),
    )
    shown, found = pictures(), collections.Counter[str]()
    began = time.monotonic()
    while found.total() < runs and time.monotonic() - began < seconds:
        encoder = film.encoder()
        for number, picture in enumerate(shown):
            encoder.add(picture, Fraction(number, 25), Fraction(1, 25))
        data = b"".join(each.data for each in encoder.finish().pictures)
        found[hashlib.sha256(data).hexdigest()[:8]] += 1
    return found


def keep_busy() -> None:
    """Take time from the encoders' threads at odd moments."""
    random = np.random.default_rng(1)
    while True:
        random.random(100_000).sort()


def main() -> None:
    """Stress each codec."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = ["libx264", "libx265", "libvpx-vp9", "libvpx", "libsvtav1", "prores_ks", "mpeg4", "ffv1", "mjpeg"]
    parser.add_argument("--codecs", nargs="+", default=usual)
    parser.add_argument("--runs", type=int, default=1500)
    parser.add_argument("--seconds", type=float, default=120)
    given = parser.parse_args()
    for _ in range(4):
        threading.Thread(target=keep_busy, daemon=True).start()
    for codec in given.codecs:
        found = results(codec, given.runs, given.seconds)
        print(f"{codec:12} {found.total():5} runs, {len(found)} different {dict(found)}", flush=True)


if __name__ == "__main__":
    main()
