"""Small files of every kind that framedream reads, and of kinds that point to other files, for `benchmarks.fuzz`."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from benchmarks.film_writer import open_film
from framedream.config.settings import OutputSettings
from framedream.media import FilmFormat, Frame

WIDTH, HEIGHT, FRAMES = 64, 48, 8

CANARY = "canary"
"""What files are called that no seed but a pointing one names."""

_FILMS: dict[str, dict[str, Any]] = {
    "h264.mp4": {"codec": "libx264", "sound": "aac", "rotation": 90},
    "edited.mp4": {"codec": "libx264", "sound": "aac", "late": 3, "options": {"bf": "2", "preset": "medium"}},
    "fragments.mp4": {"codec": "libx264", "muxer": {"movflags": "frag_keyframe+empty_moov"}},
    "first.mp4": {"codec": "libx264", "sound": "libmp3lame", "muxer": {"movflags": "faststart"}},
    "h264.mkv": {"codec": "libx264", "sound": "libopus", "subtitles": True},
    "h264.ts": {"codec": "libx264", "sound": "mp2"},
    "h264.flv": {"codec": "libx264", "sound": "aac"},
    "hevc.mp4": {"codec": "libx265", "pixel_format": "yuv420p10le", "options": {"x265-params": "log-level=error"}},
    "hevc.mkv": {"codec": "libx265", "sound": "ac3", "options": {"x265-params": "log-level=error"}},
    "vp9.webm": {"codec": "libvpx-vp9", "sound": "libopus", "options": {"cpu-used": "8"}},
    "vp8.webm": {"codec": "libvpx"},
    "prores.mov": {"codec": "prores_ks", "pixel_format": "yuv422p10le", "sound": "pcm_s16le"},
    "mjpeg.avi": {"codec": "mjpeg", "pixel_format": "yuvj420p", "sound": "pcm_s16le"},
    "mjpeg.mov": {"codec": "mjpeg", "pixel_format": "yuvj420p", "sound": "aac", "rotation": 180},
    "mpeg4.avi": {"codec": "mpeg4", "sound": "libmp3lame"},
    "mpeg2.mpg": {"codec": "mpeg2video", "sound": "mp2"},
    "mpeg2.mxf": {"codec": "mpeg2video"},
    "ffv1.mkv": {"codec": "ffv1", "pixel_format": "yuv444p", "sound": "flac"},
    "png.mov": {"codec": "png", "pixel_format": "rgba"},
    "raw.avi": {"codec": "rawvideo", "pixel_format": "yuv420p", "size": (32, 24)},
    "raw.y4m": {"codec": "wrapped_avframe", "pixel_format": "yuv420p", "size": (32, 24)},
}

_STILLS: dict[str, tuple[str, dict[str, Any]]] = {
    "still.png": ("RGB", {}),
    "clear.png": ("RGBA", {}),
    "palette.png": ("P", {}),
    "deep.png": ("I;16", {}),
    "still.jpg": ("RGB", {"quality": 60}),
    "progressive.jpg": ("L", {"progressive": True}),
    "still.tiff": ("RGB", {"compression": "tiff_lzw"}),
    "deflated.tif": ("RGB", {"compression": "tiff_adobe_deflate"}),
    "deep.tif": ("I;16", {}),
    "still.bmp": ("RGB", {}),
    "still.ppm": ("RGB", {}),
    "still.webp": ("RGB", {"quality": 50}),
    "still.jp2": ("RGB", {"irreversible": True, "quality_mode": "rates", "quality_layers": [10]}),
    "still.avif": ("RGB", {}),
    "still.gif": ("P", {}),
}

_ANIMATIONS: dict[str, dict[str, Any]] = {
    "animated.gif": {},
    "animated.webp": {},
    "lossless.webp": {"lossless": True},
    "animated.png": {},
    "animated.apng": {},
    "animated.avif": {},
}

TEXTS = {
    "list.ffconcat": "ffconcat version 1.0\nfile canary.mp4\nduration 1\nfile {folder}/canary.mp4\n",
    "list.mp4": "ffconcat version 1.0\nfile canary.mp4\n",
    "list.m3u8": "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\ncanary.ts\n#EXT-X-ENDLIST\n",
    "far.m3u8": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9\nfile:{folder}/canary.m3u8\n",
    "film.mkv": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile://{folder}/canary.ts\n#EXT-X-ENDLIST\n",
    "list.m3u": "#EXTM3U\ncanary.mp4\n{folder}/canary.mp4\n",
    "film.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="0" '
    'bandwidth="9"><BaseURL>canary.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>\n',
    "film.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=film\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
    "a=rtpmap:96 H264/90000\na=control:canary.mp4\n",
    "film.asx": '<asx version="3.0"><entry><ref href="canary.mp4"/></entry></asx>\n',
    "film.xspf": '<playlist version="1"><trackList><track><location>canary.mp4</location></track></trackList>'
    "</playlist>\n",
    "film.smil": '<smil><body><video src="canary.mp4"/></body></smil>\n',
    "film.rt": '<window><a href="canary.mp4">film</a></window>\n',
    "film.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48"><image href="canary.png" '
    'width="64" height="48"/></svg>\n',
    "film.avs": 'AVISource("canary.avi")\n',
    "film.vpy": 'import vapoursynth as vs\nvs.core.ffms2.Source("canary.mp4").set_output()\n',
    "film.idx": "# VobSub index file, v7 (do not modify this line!)\nsize: 64x48\nid: en, index: 0\n"
    "timestamp: 00:00:00:000, filepos: 000000000\n",
    "film.cue": 'FILE "canary.wav" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
    "film.edl": "# mpv EDL v0\ncanary.mp4,0,1\n",
    "frames%03d.dpx": "SDPX",
    "frames*.dpx": "SDPX",
    "frames%03d.png": "none",
    "film.txt": "canary.mp4\n",
}
"""Names and contents of files that point to others, or mean to."""


def write_seeds(folder: Path) -> dict[str, bytes]:
    """Make all seeds.

    Args:
        folder: Where the files lie that pointing seeds name.

    Returns:
        Their names and contents.
    """
    seeds = dict(_films(folder))
    for name, (mode, options) in _STILLS.items():
        seeds[name] = _saved(name, [_picture(0, mode)], **options)
    for name, options in _ANIMATIONS.items():
        pictures = [_picture(number) for number in range(FRAMES)]
        seeds[name] = _saved(name, pictures, save_all=True, append_images=pictures[1:], duration=40, **options)
    seeds |= _bombs(seeds)
    for name, text in TEXTS.items():
        seeds[name] = text.format(folder=folder).encode()
    seeds["linked.mkv"] = _linked(seeds["h264.mkv"])
    seeds["elsewhere.mov"] = _referring(seeds["mjpeg.mov"], folder)
    return seeds


def write_canaries(folder: Path, seeds: dict[str, bytes]) -> list[str]:
    """Put files beside the input which nothing may open.

    Args:
        folder: Where.
        seeds: What they are made of.

    Returns:
        Their names.
    """
    contents = {
        ".mp4": "h264.mp4", ".ts": "h264.ts", ".mkv": "h264.mkv", ".avi": "mjpeg.avi", ".png": "still.png",
        ".m3u8": "list.m3u8", ".mov": "prores.mov", ".wav": "list.m3u",
    }  # fmt: skip
    named = {f"{CANARY}{suffix}": seeds[name] for suffix, name in contents.items()}
    named |= {f"frames{number:03d}{suffix}": seeds["still.png"] for number in range(3) for suffix in (".dpx", ".png")}
    named["film.sub"] = seeds["mpeg2.mpg"]
    for name, data in named.items():
        (folder / name).write_bytes(data)
    return list(named)


def _films(folder: Path) -> Iterator[tuple[str, bytes]]:
    for name, recipe in _FILMS.items():
        path = folder / f"seed-{name}"
        _write_film(path, **recipe)
        yield name, path.read_bytes()
        path.unlink()
    for name in ("av1.mp4", "av1.webm"):
        path = folder / f"seed-{name}"
        _write_av1(path)
        yield name, path.read_bytes()
        path.unlink()


def _write_av1(path: Path) -> None:
    # By framedream itself, which knows how to keep this encoder from taking all of the machine.
    with open_film(path, film_format=FilmFormat(WIDTH, HEIGHT), settings=OutputSettings(codec="libsvtav1")) as film:
        for number in range(FRAMES):
            film.write(Frame(np.asarray(_picture(number), np.float32), Fraction(number, 25)))


def _write_film(
    path: Path,
    codec: str,
    *,
    pixel_format: str = "yuv420p",
    size: tuple[int, int] = (WIDTH, HEIGHT),
    sound: str = "",
    subtitles: bool = False,
    rotation: int = 0,
    late: int = 0,
    options: dict[str, str] | None = None,
    muxer: dict[str, str] | None = None,
) -> None:
    with (
        av.open(str(path), "w", container_options=muxer or {}, format=_FORMATS.get(path.suffix)) as output,
        av.open(io.BytesIO(_SUBTITLES), format="srt") as texts,
    ):
        usual = {"preset": "ultrafast"} if codec in ("libx264", "libx265") else {}
        film: Any = output.add_stream(codec, rate=25, width=size[0], height=size[1], options=usual | (options or {}))
        film.pix_fmt = pixel_format
        if rotation:
            film.set_display_rotation(rotation)
        track: Any = output.add_stream(sound, rate=48_000) if sound else None
        if track is not None:
            track.layout = "stereo"
        written: Any = output.add_stream_from_template(texts.streams[0]) if subtitles else None
        for number in range(FRAMES):
            frame = av.VideoFrame.from_image(_picture(number).resize(size))
            frame = frame.reformat(format=pixel_format)
            frame.pts, frame.time_base = number + late, Fraction(1, 25)
            output.mux(film.encode(frame))
        output.mux(film.encode(None))
        if track is not None:
            output.mux(_tone(track))
        for packet in texts.demux() if written else ():
            if packet.dts is not None:
                packet.stream = written
                output.mux(packet)


_SUBTITLES = b"1\n00:00:00,000 --> 00:00:00,200\nwords\n\n"

_FORMATS = {".mpg": "vob", ".y4m": "yuv4mpegpipe"}


def _tone(track: Any) -> list[Any]:
    wave = 0.3 * np.sin(np.arange(48_000 * FRAMES // 25) * 0.06)
    frame = av.AudioFrame.from_ndarray(np.stack([wave, wave]).astype(np.float32), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts = 48_000, 0
    return [*track.encode(frame), *track.encode(None)]


def _picture(number: int, mode: str = "RGB") -> Image.Image:
    """Something that moves on a ramp, with some grain."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    ramp = np.stack([rows * 5, columns * 4, rows * 2 + columns], axis=2) % 256
    ramp[10:26, 4 * number : 4 * number + 12] = (240, 60, 30)
    grain = np.random.default_rng(number).integers(0, 12, ramp.shape)
    pixels = np.clip(ramp + grain, 0, 255).astype(np.uint8)
    if mode == "I;16":
        return Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    return Image.fromarray(pixels).convert(mode)


def _saved(name: str, pictures: list[Image.Image], **options: Any) -> bytes:
    file = io.BytesIO()
    kinds = {".jpg": "JPEG", ".tif": "TIFF", ".apng": "PNG", ".jp2": "JPEG2000"}
    suffix = Path(name).suffix
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = {"exif": exif} if suffix in (".jpg", ".png", ".webp") else {}
    pictures[0].save(file, format=kinds.get(suffix, suffix[1:].upper()), **turned, **options)
    return file.getvalue()


def _bombs(seeds: dict[str, bytes]) -> dict[str, bytes]:
    """Files of some bytes that say they hold gigapixels, and one of many pictures."""
    png, gif, bmp = (bytearray(seeds[f"still.{kind}"]) for kind in ("png", "gif", "bmp"))
    webp, avi = bytearray(seeds["lossless.webp"]), bytearray(seeds["raw.avi"])
    struct.pack_into(">II", png, 16, 30_000, 30_000)
    struct.pack_into(">I", png, 29, zlib.crc32(png[12:29]))
    struct.pack_into("<HH", gif, 6, 65_535, 65_535)
    struct.pack_into("<ii", bmp, 18, 30_000, 30_000)
    struct.pack_into("<II", webp, webp.index(b"VP8X") + 12, 0xFFFFFF, 0x00FFFF)
    struct.pack_into("<ii", avi, avi.index(b"strf") + 12, 32_767, 32_767)
    dots = [Image.fromarray(np.full((4, 4, 3), number % 250, np.uint8)) for number in range(500)]
    many = _saved("many.gif", dots, save_all=True, append_images=dots[1:], duration=40)
    named = {"png": png, "gif": gif, "bmp": bmp, "webp": webp, "avi": avi}
    return {f"bomb.{kind}": bytes(data) for kind, data in named.items()} | {"many.gif": many}


def _linked(film: bytes) -> bytes:
    """A Matroska file that says in which file it goes on, where it said what wrote it."""
    at = film.index(b"\x57\x41", film.index(b"\x15\x49\xa9\x66"))
    size = film[at + 2] & 0x7F
    name = b"canary.mkv".ljust(size - 1, b"\0")
    return film[:at] + b"\x3e\x83\xbb" + bytes([0x80 | (size - 1)]) + name + film[at + 3 + size :]


def _referring(film: bytes, folder: Path) -> bytes:
    """A QuickTime file whose pictures are said to lie in another file, by its name and its whole path."""
    name, path = b"canary.mov", str(folder / "canary.mov").encode()
    alias = bytes(10) + bytes([4]) + b"disk".ljust(27, b"\0") + bytes(12) + bytes([len(name)]) + name.ljust(63, b"\0")
    alias += bytes(16) + struct.pack(">HH", 1, 1) + bytes(16) + struct.pack(">HH", 2, len(path)) + path
    alias += bytes(len(path) % 2) + struct.pack(">HH", 0xFFFF, 0)
    entry = struct.pack(">I4sI", 12 + len(alias), b"alis", 0) + alias
    at = film.index(b"url \0\0\0\1", film.index(b"dref")) - 4
    data = bytearray(film[:at] + entry + film[at + 12 :])
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        place = film.rindex(box, 0, at) - 4
        data[place : place + 4] = struct.pack(">I", struct.unpack_from(">I", data, place)[0] + len(entry) - 12)
    return bytes(data)
