"""What the tests of the matrix share: footage of every kind with known content, and a way through a film.

Each test of a cell notes it with the fixture ``cell``; the table at the end of the tests counts them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import ColorRange, VideoReformatter
from media_clips import EXACT, SWSCALE_MATRIX

from benchmarks.film_writer import open_film
from framedream.config.settings import FootageSettings, OutputSettings
from framedream.media import Footage, Frame, open_footage
from framedream.media.write.assembly import PieceFactory
from framedream.media.write.video_encoder import keep_scheduling

# SVT-AV1 reads it once, when it is first used; it would talk on stderr.
os.environ.setdefault("SVT_LOG", "1")

WIDTH, HEIGHT = 64, 64
COLORS = ((200, 40, 40), (40, 180, 50), (50, 50, 190))
"""Above left, above right and below left; below right a gray tells the frame's number."""

GRAYS = [30, 60, 90, 120, 150, 180, 210, 240]

QUICK = {
    "libx264": {"preset": "ultrafast", "crf": "8"},
    "libx265": {"preset": "ultrafast", "crf": "8", "x265-params": "log-level=none"},
    "libvpx-vp9": {"cpu-used": "8", "deadline": "realtime", "crf": "10"},
    "libsvtav1": {"preset": "12", "crf": "20"},
    "mjpeg": {"qmin": "1", "qmax": "2"},
}
"""Options with which encoders take no time and lose little."""


class CannotExist(Exception):
    """The muxer or encoder refuses to make such a file."""


def picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A frame: H×W×3, uint16, 0…65535; which way up it is and its number can be seen."""
    whole = np.zeros((height, width, 3), np.uint16)
    top, left = (height + 1) // 2, (width + 1) // 2
    for (y, x), color in zip(((0, 0), (0, left), (top, 0)), COLORS, strict=True):
        whole[y : y + top, x : x + left] = np.array(color) * 257
    whole[top:, left:] = GRAYS[number % len(GRAYS)] * 257
    return whole


def corners(pixels: np.ndarray) -> np.ndarray:
    """Mean colors in the middle of the quarters: 4×3."""
    height, width = pixels.shape[:2]
    found = []
    for y in (height // 4, height * 3 // 4):
        for x in (width // 4, width * 3 // 4):
            patch = pixels[
                max(0, y - height // 12) : y + height // 12 + 1, max(0, x - width // 12) : x + width // 12 + 1
            ]
            found.append(patch.mean((0, 1)))
    return np.array(found)


def expected(number: int) -> np.ndarray:
    """The corners of a frame."""
    return np.array([*COLORS, [GRAYS[number % len(GRAYS)]] * 3], float)


def write(
    path: Path,
    codec: str,
    pixel_format: str,
    *,
    pictures: Sequence[np.ndarray] | None = None,
    ticks: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 25),
    rate: Fraction | int = 25,
    options: dict[str, str] | None = None,
    muxer: dict[str, str] | None = None,
    matrix: int | None = 1,
    full_range: bool = False,
    primaries: int = 1,
    transfer: int = 1,
    prepare: Callable[[av.container.OutputContainer, av.VideoStream], None] = lambda container, stream: None,
    finish: Callable[[av.container.OutputContainer], None] = lambda container: None,
    shaped: Callable[[av.VideoFrame], av.VideoFrame] = lambda frame: frame,
) -> Path:
    """Encode pictures (uint16, H×W×3 or 4, 0…65535) into a container.

    Raises:
        CannotExist: Muxer or encoder refuse.
    """
    pictures = [picture(number) for number in range(6)] if pictures is None else pictures
    form, is_rgba = av.VideoFormat(pixel_format), pictures[0].shape[2] == 4
    full = full_range or form.is_rgb or pixel_format.startswith("yuvj")
    with keep_scheduling(), _made(path), av.open(str(path), "w", container_options=muxer or {}) as container:
        try:
            stream = container.add_stream(
                codec, rate=rate, time_base=time_base, options=QUICK.get(codec, {}) | (options or {})
            )
        except ValueError as error:
            raise CannotExist(str(error)) from None
        stream.width, stream.height = pictures[0].shape[1::-1]
        stream.pix_fmt = pixel_format
        context = stream.codec_context
        context.time_base = time_base
        if matrix is not None:
            context.colorspace = 0 if form.is_rgb else matrix
            context.color_range = 2 if full else 1
            context.color_primaries, context.color_trc = primaries, transfer
        prepare(container, stream)
        reformatter = VideoReformatter()
        for index, pixels in enumerate(pictures):
            if pixel_format.startswith("gray"):
                pixels = _gray(pixels, full)
            frame = reformatter.reformat(
                av.VideoFrame.from_ndarray(pixels, format="rgba64le" if is_rgba else "rgb48le"),
                format=pixel_format,
                dst_colorspace=SWSCALE_MATRIX[matrix or 6],
                src_color_range=ColorRange.JPEG,
                dst_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
                interpolation=EXACT,
            )
            if matrix is not None:
                frame.colorspace, frame.color_range = context.colorspace, context.color_range
                frame.color_primaries, frame.color_trc = primaries, transfer
            frame = shaped(frame)
            frame.pts, frame.time_base = (ticks[index] if ticks else index), time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        finish(container)
    with av.open(str(path)) as container:
        if not any(stream.codec_context for stream in container.streams.video):
            raise CannotExist(f"{path.suffix}: {codec} becomes data of no known kind")
    return path


def _gray(pixels: np.ndarray, full: bool) -> np.ndarray:
    """BT.709's luma in the range asked for: swscale knows neither for gray."""
    luma = pixels @ np.array([0.2126, 0.7152, 0.0722])
    return np.repeat((luma if full else 16 * 257 + luma * 219 / 255).astype(np.uint16)[..., None], 3, axis=2)


@contextmanager
def _made(path: Path):
    try:
        yield
    except (FFmpegError, OSError, ValueError) as error:
        path.unlink(missing_ok=True)
        raise CannotExist(f"{path.suffix}: {error}") from None


def through(source: Path, target: Path, settings: OutputSettings | None = None, **part) -> tuple[Footage, Footage]:
    """Footage, and the film that its frames become as if nothing were dreamed of."""
    footage = open_footage(source, FootageSettings(**part))
    footage.keeps_alpha = PieceFactory(target, footage.format, settings).keeps_alpha
    with open_film(target, film_format=footage.format, settings=settings) as film:
        for frame in footage.frames():
            film.write(frame)
    return footage, open_footage(target)


def frames(footage: Footage) -> list[Frame]:
    """All frames."""
    footage.keeps_alpha = footage.format.has_alpha
    return list(footage.frames())


def times(footage: Footage) -> list[Fraction]:
    """When they are shown."""
    return [frame.time for frame in footage.frames()]
