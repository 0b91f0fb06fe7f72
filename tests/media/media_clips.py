"""Small synthetic clips with known content, made without framedream's own writer."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

WIDTH, HEIGHT = 64, 48
EXACT = Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP | Interpolation.ACCURATE_RND | Interpolation.BICUBIC
SWSCALE_MATRIX = {1: 1, 6: 5, 9: 9}


def flat(color: int | Sequence[int], width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A picture of one color."""
    return np.full((height, width, 3), color, np.uint8)


def level_of(index: int) -> int:
    """The gray level that stands for a frame's number."""
    return 20 + 10 * index


def numbered(count: int, width: int = WIDTH, height: int = HEIGHT) -> list[np.ndarray]:
    """Pictures whose gray level tells their number; see `number_of`."""
    return [flat(level_of(index), width, height) for index in range(count)]


def number_of(pixels: np.ndarray) -> int:
    """Which of the `numbered` pictures this is."""
    return round((float(pixels.mean()) - 20) / 10)


def quadrants(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Red and green above, blue and white below: shows any turn or mirroring."""
    picture = flat(255, width, height)
    top, left = height // 2, width // 2
    picture[:top, :left] = (200, 30, 30)
    picture[:top, left:] = (30, 200, 30)
    picture[top:, :left] = (30, 30, 200)
    return picture


def write_video(
    path: Path,
    pictures: Sequence[np.ndarray],
    *,
    ticks: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 25),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    matrix: int | None = None,
    full_range: bool = False,
    tagged: bool = True,
    aspect: Fraction | None = None,
    rotation: float = 0,
    sound: str | None = None,
    sound_start: Fraction = Fraction(0),
    sound_tracks: int = 1,
    options: dict[str, str] | None = None,
    muxer: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Encode pictures (uint8 or uint16 RGB), and a tone if ``sound`` names an encoder."""
    height, width = pictures[0].shape[:2]
    usual = {"crf": "5", "preset": "ultrafast"} if codec in ("libx264", "libx265") else {}
    usual |= {"x265-params": "log-level=error"} if codec == "libx265" else {}
    with av.open(str(path), "w", container_options=muxer or {}) as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(
            codec, rate=25, width=width, height=height, time_base=time_base, options=usual | (options or {})
        )
        stream.pix_fmt = pixel_format
        stream.codec_context.time_base = time_base
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        if tagged and matrix:
            stream.codec_context.colorspace = matrix
            stream.codec_context.color_range = 2 if full_range else 1
        if rotation:
            stream.set_display_rotation(rotation)
        tracks = [_add_sound(container, sound) for _ in range(sound_tracks)] if sound else []
        for track in tracks:
            length = ((ticks or range(len(pictures)))[-1] + 1) * time_base
            _write_tone(container, track, sound_start, length)
        reformatter = VideoReformatter()
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb48le" if picture.dtype == np.uint16 else "rgb24")
            frame = reformatter.reformat(
                frame,
                format=pixel_format,
                dst_colorspace=SWSCALE_MATRIX[matrix or 6],
                src_color_range=ColorRange.JPEG,
                dst_color_range=ColorRange.JPEG if full_range else ColorRange.MPEG,
                interpolation=EXACT,
            )
            frame.pts, frame.time_base = (ticks[index] if ticks else index), time_base
            if not tagged:
                frame.colorspace, frame.color_range = 2, 0
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _add_sound(container, codec: str):
    stream = container.add_stream(codec, rate=48_000)
    stream.layout = "stereo"
    return stream


def _write_tone(container, stream, start: Fraction, length: Fraction) -> None:
    samples = int(length * 48_000)
    wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(samples) / 48_000)
    planes = np.stack([wave, wave]).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout="stereo")
    frame.sample_rate, frame.time_base = 48_000, Fraction(1, 48_000)
    frame.pts = int(start * 48_000)
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def decoded_sound(path: Path, track: int = 0) -> tuple[Fraction, np.ndarray]:
    """Start in seconds, and samples (channels × samples)."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=track))
    start = frames[0].pts * frames[0].time_base
    planar = [frame.to_ndarray().reshape(-1, frame.samples) for frame in frames]
    return start, np.concatenate(planar, axis=1)


def video_start(path: Path) -> Fraction:
    """Time of the first picture on the file's own clock, in seconds."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        return frame.pts * frame.time_base
