"""The containers by file suffix: their muxers, codecs and what they can hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framedream.errors import SettingsError, nearest

_MP4_SOUND = ("aac", "mp3", "ac3", "eac3", "opus", "flac", "alac")
_MOV_SOUND = (
    "aac", "mp3", "ac3", "eac3", "alac", "adpcm_ima_qt", "pcm_alaw", "pcm_mulaw", "pcm_s16le", "pcm_s16be",
    "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be", "pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be",
)  # fmt: skip


@dataclass(frozen=True)
class Container:
    """A container format.

    Attributes:
        format: FFmpeg's muxer.
        codec: Default video codec.
        deep: Default video codec for more than 8 bits.
        transparent: Default video codec for alpha; None if transparent parts are composited over black.
        sound: Audio codecs that are copied; None for all that the muxer accepts.
        sound_codec: Encoder for other audio; None if the container cannot hold sound.
        keeps_early_sound: Whether sound before the film's start can be stored as such. Codecs
            like AAC need a packet to warm up; elsewhere it would delay the whole picture.
        subtitles: Subtitle codecs that are copied.
        subtitle_codec: Encoder for other text subtitles; None if the container cannot hold them.
        chapters: Whether the container has chapters.
        options: Options of the muxer.
        animation: Whether it is an animated image.
    """

    format: str
    codec: str
    deep: str | None = None
    transparent: str | None = None
    sound: tuple[str, ...] | None = ()
    sound_codec: str | None = None
    keeps_early_sound: bool = False
    subtitles: tuple[str, ...] = ()
    subtitle_codec: str | None = None
    chapters: bool = False
    options: dict[str, str] = field(default_factory=dict)
    animation: bool = False


_MKV_SUBTITLES = ("subrip", "ass", "webvtt", "dvd_subtitle", "hdmv_pgs_subtitle", "dvb_subtitle")
_QUICKTIME: dict[str, Any] = {
    "keeps_early_sound": True, "subtitles": ("mov_text",), "subtitle_codec": "mov_text", "chapters": True,
    "options": {"movflags": "+faststart"},
}  # fmt: skip
_MP4 = Container("mp4", "libx264", "libx265", None, _MP4_SOUND, "aac", **_QUICKTIME)
_TS = Container("mpegts", "libx264", "libx265", None, ("aac", "mp2", "mp3", "ac3", "eac3", "opus"), "aac")
_APNG = Container("apng", "apng", transparent="apng", options={"plays": "0"}, animation=True)

CONTAINERS = {
    ".mp4": _MP4,
    ".m4v": _MP4,
    ".mov": Container("mov", "libx264", "libx265", "prores_ks", _MOV_SOUND, "aac", **_QUICKTIME),
    ".mkv": Container(
        "matroska",
        "libx264",
        "libx265",
        "ffv1",
        None,
        "aac",
        subtitles=_MKV_SUBTITLES,
        subtitle_codec="subrip",
        chapters=True,
    ),
    ".webm": Container(
        "webm",
        "libvpx-vp9",
        "libsvtav1",
        "libvpx-vp9",
        ("opus", "vorbis"),
        "libopus",
        subtitles=("webvtt",),
        subtitle_codec="webvtt",
        chapters=True,
    ),
    ".ts": _TS,
    ".mts": _TS,
    ".m2ts": _TS,
    ".gif": Container("gif", "gif", transparent="gif", options={"loop": "0"}, animation=True),
    ".webp": Container("webp", "libwebp_anim", transparent="libwebp_anim", options={"loop": "0"}, animation=True),
    ".png": _APNG,
    ".apng": _APNG,
}
"""Containers by suffix."""


def container_for(path: Path) -> Container:
    """Return the container for a file's suffix.

    Raises:
        SettingsError: The suffix is unknown.
    """
    try:
        return CONTAINERS[path.suffix.lower()]
    except KeyError:
        known = nearest(path.suffix, CONTAINERS)
        raise SettingsError(f"{path}: framedream cannot write films with the suffix '{path.suffix}'{known}") from None


_IN_QUICKTIME = {
    "deu": "ger", "nld": "dut", "swe": "sve", "ell": "gre", "isl": "ice", "zho": "chi", "sqi": "alb", "fas": "iri",
}  # fmt: skip
"""Languages for which QuickTime uses another code of ISO 639-2, or its own."""


def track_names(container: Container, known: dict[str, str]) -> dict[str, str]:
    """Return a track's language and title as the container spells them.

    Args:
        container: The container of the film.
        known: The metadata of the source track.
    """
    names = {"language": known.get("language", ""), "title": known.get("title") or known.get("name", "")}
    if container.format == "mov":
        names["language"] = _IN_QUICKTIME.get(names["language"], names["language"])
    return {key: text for key, text in names.items() if text}
