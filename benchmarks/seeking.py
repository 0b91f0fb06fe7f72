"""What it takes to read some frames of a long film: from its beginning on, and jumped to.

    python -m benchmarks.seeking [--frames 30000] [--places 100 5000 20000]

A worker that makes a part of a film reads it from that part's first frame on. It knows what the look
through the film saw of each frame; here the film is looked through first, too.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
import zlib
from contextlib import closing
from pathlib import Path

import av
import cv2

from benchmarks.clips import SAMPLES
from benchmarks.films import RATE, eight_bit
from framedream.media import FrameIndex, open_footage

SUFFIXES = (".mp4", ".mkv", ".ts")

_SIZE = 320, 180
_TAKEN = 100
"""Frames that are read at each place."""

_OPTIONS = {"preset": "ultrafast", "bf": "3"}


def long_film(path: Path, frames: int) -> Path:
    """Write so many frames of the sample clip, there and back, by H.264 with a key frame every ten seconds."""
    shown = (frame.pixels for frame in open_footage(SAMPLES / "bunny.mp4").frames())
    small = [eight_bit(cv2.resize(pixels, _SIZE, interpolation=cv2.INTER_AREA)) for pixels in shown]
    pictures = [av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p") for picture in small]
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=RATE, width=_SIZE[0], height=_SIZE[1], options=_OPTIONS)
        stream.pix_fmt = "yuv420p"
        endless = itertools.cycle([*pictures, *pictures[-2:0:-1]])
        for number, picture in enumerate(itertools.islice(endless, frames)):
            picture.pts = number
            film.mux(stream.encode(picture))
        film.mux(stream.encode())
    return path


def wrapped(film: Path, path: Path) -> Path:
    """The same packets in another container."""
    with av.open(str(film)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return path


def look(film: Path) -> tuple[FrameIndex | None, float, float]:
    """What is seen of a film, the seconds that takes, and those of the same pass when nothing is noted."""
    seconds = []
    for is_noted in (False, True):
        footage = open_footage(film)
        indexer = footage.record_index() if is_noted else None
        began = time.perf_counter()
        for _ in footage.times():
            pass
        seconds.append(time.perf_counter() - began)
    assert indexer is not None
    return indexer.index(), seconds[1], seconds[0]


def read(film: Path, place: int, seen: FrameIndex | None) -> tuple[int, float]:
    """A checksum of the frames at a place, and the seconds in which they were read; the file is opened anew."""
    began, checksum = time.perf_counter(), 0
    with closing(open_footage(film, frame_index=seen).frames(place)) as frames:
        for frame in itertools.islice(frames, _TAKEN):
            checksum = zlib.crc32(frame.pixels.tobytes(), checksum)
    return checksum, time.perf_counter() - began


def main() -> None:
    """Time each container and place."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=30_000)
    parser.add_argument("--places", type=int, nargs="+", default=[100, 5_000, 20_000])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        first = long_film(Path(name, "film.mp4"), given.frames)
        for suffix in SUFFIXES:
            film = first if suffix == first.suffix else wrapped(first, first.with_suffix(suffix))
            seen, noted, plain = look(film)
            print(f"{suffix[1:]}: looked through in {noted:.1f} s, nothing noted in {plain:.1f} s", flush=True)
            for place in given.places:
                (slow, before), (quick, after) = read(film, place, None), read(film, place, seen)
                alike = "the same" if slow == quick else "NOT the same"
                print(
                    f"  {_TAKEN} frames from {place:6}: from the beginning {before:6.2f} s, jumped {after:5.2f} s, "
                    f"{before / after:5.1f} times as fast, {alike} to the last bit",
                    flush=True,
                )  # fmt: skip


if __name__ == "__main__":
    main()
