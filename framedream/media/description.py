"""Describes a file in words: its tracks, its colors, and the film it would become."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.subtitles.stream import SubtitleStream
from av.video.stream import VideoStream

from framedream.media.audio.audio_feed import is_copied
from framedream.media.color_conversion import UNSPECIFIED, ColorTags
from framedream.media.containers import Container
from framedream.media.frames import Sound
from framedream.media.read.demuxing import open_video
from framedream.media.write.assembly import PieceFactory

_MATRICES = {1: "BT.709", 4: "FCC", 5: "BT.601", 6: "BT.601", 7: "SMPTE 240M", 9: "BT.2020"}
_PRIMARIES = {
    1: "BT.709", 4: "BT.470 M", 5: "PAL", 6: "NTSC", 7: "SMPTE 240M", 9: "BT.2020", 11: "DCI-P3", 12: "Display P3",
}  # fmt: skip
_TRANSFERS = {
    1: "BT.709", 4: "gamma 2.2", 5: "gamma 2.8", 6: "BT.601", 7: "SMPTE 240M", 8: "linear", 13: "sRGB", 14: "BT.2020",
    15: "BT.2020", 16: "PQ (HDR)", 18: "HLG (HDR)",
}  # fmt: skip
"""Names of the code points of ITU-T H.273."""

_DESCRIBED_OPTIONS = ("profile", "crf", "cq", "quality")
"""Encoder options that the description names."""

Row = tuple[str, str]
"""Label and text of a line."""


def describe_file(path: Path) -> list[Row]:
    """Describe a video file's container and tracks.

    Raises:
        InputError: The file cannot be read.
    """
    with open_video(path) as container:
        rows = [("container", ", ".join(_container(container)))]
        rows += [(stream.type, f"#{stream.index} " + ", ".join(_track(stream))) for stream in container.streams]
        chapters = len(container.chapters())
        if chapters:
            rows.append(("chapters", str(chapters)))
        title = {key.lower(): text for key, text in container.metadata.items()}.get("title")
        if title:
            rows.append(("title", title))
    return rows


def describe_color(tags: ColorTags) -> str:
    """Describe how colors are expressed."""
    words = [
        f"matrix {_MATRICES.get(tags.matrix, tags.matrix)}",
        f"{'full' if tags.full_range else 'limited'} range",
        f"primaries {_PRIMARIES.get(tags.primaries, tags.primaries)}",
        f"transfer {_TRANSFERS.get(tags.transfer, tags.transfer)}",
    ]
    if tags.hdr_metadata and tags.hdr_metadata.content:
        words.append("up to {} cd/m², {} in the mean".format(*tags.hdr_metadata.content))
    return ", ".join(words)


def describe_film(factory: PieceFactory) -> Iterator[str]:
    """Describe a film's file, and what happens to the sound."""
    spec, film_format = factory.spec, factory.format
    if spec is None:
        alpha = ", with alpha" if factory.keeps_alpha else ""
        yield f"{factory.path}: numbered PNGs, {16 if film_format.depth > 8 else 8} bits{alpha}"
        return
    encoder = spec.encoder
    words = [f"{spec.path}: {encoder.codec}", encoder.pixel_format, "{}x{}".format(*spec.size)]
    words += [f"{name} {value}" for name, value in encoder.options.items() if name in _DESCRIBED_OPTIONS]
    words += [f"{encoder.depth} bits"] + (["with alpha"] if spec.keeps_alpha else [])
    yield ", ".join(words)
    if film_format.sound is not None:
        yield "sound: " + ", ".join(_sound(film_format.sound, spec.container))


def _sound(sound: Sound, container: Container) -> Iterator[str]:
    if container.sound_codec is None:
        yield "left out"
        return
    with open_video(sound.path, "sound") as source:
        for track in source.streams.audio:
            codec = track.codec_context.codec.canonical_name if track.codec_context else ""
            if sound.stretch == 1 and codec and is_copied(codec, container):
                yield f"{codec} copied"
            else:
                yield f"{codec or 'a track of unknown codec'} encoded as {container.sound_codec}"


def _container(container: InputContainer) -> Iterator[str]:
    yield container.format.long_name
    if container.duration is not None:
        yield f"{container.duration / av.time_base:.2f} seconds"
    yield f"{container.size / 1e6:.1f} MB"


def _track(stream: Stream) -> Iterator[str]:
    if stream.codec_context is None:
        yield stream.metadata.get("handler_name", "of no known kind")
        return
    yield stream.codec_context.codec.canonical_name
    if isinstance(stream, VideoStream):
        yield from _video(stream)
    if isinstance(stream, AudioStream):
        yield f"{stream.rate} Hz"
        yield stream.layout.name
    if isinstance(stream, AudioStream | SubtitleStream):
        if stream.language and stream.language != "und":
            yield stream.language
        if stream.start_time and stream.time_base:
            yield f"from {float(stream.start_time * stream.time_base):.3f} seconds"


def _video(stream: VideoStream) -> Iterator[str]:
    context = stream.codec_context
    if stream.profile:
        yield str(stream.profile)
    yield f"{context.width}x{context.height}"
    yield context.pix_fmt or "of unknown pixel format"
    if context.colorspace == UNSPECIFIED and not (context.format and context.format.is_rgb):
        yield "its colors not said"
    if stream.disposition & Disposition.attached_pic:
        yield "a cover picture"
    if context.field_order > 1:
        yield "interlaced"
