"""Sound of any kind, and what else goes along: more tracks, subtitles, chapters, titles, fonts."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from matrix import CannotExist, frames, picture, through, write

SOUND = "sound"
EXTRAS = "subtitles, chapters, titles, fonts"
RATE = 48_000
FRAME = Fraction(1, 25)
COUNT = 25
CODECS = ("aac", "libmp3lame", "libopus", "libvorbis", "pcm_s16le", "flac", "ac3", "alac")


def clicks(start: Fraction, length: Fraction, channels: int = 2) -> np.ndarray:
    """A click every fifth of a second of the film's time."""
    samples = np.zeros((channels, int(length * RATE)), np.float32)
    for moment in range(10):
        at = int((Fraction(moment, 5) + Fraction(1, 10) - start) * RATE)
        if 0 <= at < samples.shape[1] - 480:
            samples[:, at : at + 480] = 0.7 * np.sin(np.arange(480) * 2 * np.pi * 1000 / RATE)
    return samples


def with_sound(codec: str, start: Fraction = Fraction(0), length: Fraction = Fraction(1), tracks: int = 1):
    """What adds tracks of clicks to a film in the making."""
    streams = []

    def prepare(container, stream) -> None:
        for number in range(tracks):
            try:
                track = container.add_stream(codec, rate=RATE)
            except ValueError as error:
                raise CannotExist(str(error)) from None
            track.layout = "stereo"
            track.metadata["language"] = ("eng", "fra")[number]
            streams.append(track)

    def finish(container) -> None:
        for track in streams:
            frame = av.AudioFrame.from_ndarray(clicks(start, length), format="fltp", layout="stereo")
            frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), int(start * RATE)
            container.mux(track.encode(frame))
            container.mux(track.encode(None))

    return {"prepare": prepare, "finish": finish}


def heard(path: Path, track: int = 0) -> list[float]:
    """When the clicks of a film are heard after its first picture, in seconds."""
    with av.open(str(path)) as container:
        first = next(container.decode(video=0))
        begin = first.pts * first.time_base
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=RATE)
        decoded = list(container.decode(audio=track))
        samples = np.concatenate([part.to_ndarray()[0] for frame in decoded for part in resampler.resample(frame)])
    start = decoded[0].pts * decoded[0].time_base
    loud = np.flatnonzero(np.abs(samples) > 0.2)
    onsets = loud[np.flatnonzero(np.diff(loud, prepend=-RATE) > RATE // 20)]
    return [float(start - begin) + onset / RATE for onset in onsets]


def packets(path: Path, track: int = 0) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=track) if packet.size]


@pytest.mark.parametrize("start", [Fraction(0), Fraction(1, 5)])
@pytest.mark.parametrize(("suffix", "codec"), list(itertools.product((".mp4", ".mov", ".mkv", ".avi", ".ts"), CODECS)))
def test_sound_stays_in_step(tmp_path, cell, suffix, codec, start):
    video = "mpeg4" if suffix == ".avi" else "libx264"
    try:
        source = write(
            tmp_path / f"a{suffix}", video, "yuv420p", pictures=[picture(number) for number in range(COUNT)],
            **with_sound(codec, start, Fraction(3, 5)),
        )  # fmt: skip
        wanted = heard(source)
    except (CannotExist, StopIteration, IndexError) as error:
        cell(SOUND, "no such file", str(error))
        pytest.skip(str(error))
    target = tmp_path / f"b{'.mp4' if suffix == '.avi' else suffix}"
    through(source, target)
    found = heard(target)
    assert len(found) == len(wanted) >= 2
    assert max(abs(a - b) for a, b in zip(found, wanted, strict=True)) < FRAME
    with av.open(str(source)) as before, av.open(str(target)) as after:
        same = before.streams.audio[0].codec_context.name == after.streams.audio[0].codec_context.name
    if same and codec.startswith("pcm"):
        # Plain samples are cut into packets otherwise.
        assert b"".join(packets(target)) == b"".join(packets(source))
    elif same and codec != "aac":
        assert packets(target) == packets(source)
    cell(SOUND)


@pytest.mark.parametrize("tracks", [0, 1, 2])
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".ts"])
def test_all_tracks_of_sound_are_there(tmp_path, cell, suffix, tracks):
    codec, video = ("libopus", "libvpx-vp9") if suffix == ".webm" else ("aac", "libx264")
    sound = with_sound(codec, tracks=tracks) if tracks else {}
    pictures = [picture(number) for number in range(COUNT)]
    source = write(tmp_path / f"a{suffix}", video, "yuv420p", pictures=pictures, **sound)
    footage, film = through(source, tmp_path / f"b{suffix}")
    assert (footage.format.sound is not None) == (film.format.sound is not None) == (tracks > 0)
    with av.open(str(film.path)) as container:
        assert len(container.streams.audio) == tracks
        if suffix != ".ts":
            assert [track.language for track in container.streams.audio] == ["eng", "fra"][:tracks]
    for track in range(tracks):
        for a, b in zip(heard(film.path, track), heard(source, track), strict=True):
            assert abs(a - b) < FRAME
    assert len(frames(film)) == COUNT
    cell(SOUND)


def test_languages_that_quicktime_knows_by_other_codes_are_kept(tmp_path, cell):
    def german(container, stream) -> None:
        sound["prepare"](container, stream)
        container.streams.audio[0].metadata["language"] = "deu"

    sound = with_sound("aac")
    source = write(tmp_path / "a.mkv", "libx264", "yuv420p", prepare=german, finish=sound["finish"])
    for name, language in (("b.mov", "ger"), ("b.mp4", "deu"), ("b.mkv", "deu")):
        through(source, tmp_path / name)
        with av.open(str(tmp_path / name)) as container:
            assert container.streams.audio[0].language == language
    cell(SOUND)


@pytest.mark.parametrize("late", [Fraction(0), Fraction(1, 2)])
@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".mp4"])
def test_pictures_that_begin_after_the_sound_are_no_damage(tmp_path, cell, caplog, suffix, late):
    count = 1 if not late else 8
    source = write(
        tmp_path / f"a{suffix}", "libx264", "yuv420p", pictures=[picture(number) for number in range(count)],
        ticks=[int(late * 25) + number for number in range(count)], **with_sound("aac", length=Fraction(3)),
    )  # fmt: skip
    footage, _ = through(source, tmp_path / "b.mp4")
    assert len(frames(footage)) == count
    assert caplog.text == ""
    cell(SOUND)


@pytest.mark.parametrize("target", ["b.gif", "b.webp", "b.png", "frames"])
def test_what_has_no_sound_says_so(tmp_path, cell, target, caplog):
    caplog.set_level("INFO", "framedream")
    source = write(tmp_path / "a.mp4", "libx264", "yuv420p", **with_sound("aac"))
    through(source, tmp_path / target)
    assert "sound; the film has none" in caplog.text
    cell(SOUND)


SUBTITLES = {".mkv": "subrip", ".mp4": "mov_text", ".mov": "mov_text", ".webm": "webvtt"}
TEXTS = [
    ("00:00:00,200 --> 00:00:00,600", "Hello <i>there</i>"),
    ("00:00:00,600 --> 00:00:01,000", "Second, line\nand more"),
]


def with_extras(tmp_path: Path, suffix: str):
    """What adds subtitles, chapters, titles and, to Matroska, a font."""
    script = tmp_path / "script.srt"
    script.write_text("".join(f"{number}\n{shown}\n{text}\n\n" for number, (shown, text) in enumerate(TEXTS, 1)))
    kept = []

    def prepare(container, stream) -> None:
        lines = av.open(str(script))
        source = lines.streams.subtitles[0]
        container.metadata.update({"title": "My film", "artist": "Me"})
        container.set_chapters(
            [
                {"id": number, "start": 500 * number, "end": 500 * (number + 1), "time_base": Fraction(1, 1000),
                 "metadata": {"title": title}}
                for number, title in enumerate(("One", "Two"))
            ]
        )  # fmt: skip
        if suffix == ".mkv":
            track = container.add_stream_from_template(source)
            container.add_attachment("font.ttf", "font/ttf", b"no real font")
        else:
            track = container.add_stream(SUBTITLES[suffix])
            source.codec_context.open(strict=False)
            track.codec_context.subtitle_header = source.codec_context.subtitle_header
        track.metadata["language"] = "eng"
        kept.extend([lines, source, track])

    def finish(container) -> None:
        lines, source, track = kept
        for packet in lines.demux(source):
            if packet.size:
                shown = packet
                if suffix != ".mkv":
                    shown = track.codec_context.encode_subtitle(source.codec_context.decode2(packet))
                    shown.pts = shown.dts = packet.pts
                    shown.duration, shown.time_base = packet.duration, packet.time_base
                shown.stream = track
                container.mux(shown)
        lines.close()

    return {"prepare": prepare, "finish": finish}


def subtitles(path: Path) -> list[tuple[float, float, str]]:
    """Start, length and text of a film's subtitles."""
    found = []
    with av.open(str(path)) as container:
        track = container.streams.subtitles[0]
        for packet in container.demux(track):
            for line in (track.codec_context.decode2(packet) or ()) if packet.size > 2 else ():
                text = line.ass.decode().split(",,", 1)[1].split(",,")[-1]
                found.append((float(packet.pts * packet.time_base), float(packet.duration * packet.time_base), text))
    return found


@pytest.mark.parametrize(("before", "after"), list(itertools.product(SUBTITLES, (*SUBTITLES, ".ts", ".gif"))))
def test_extras_go_along_where_there_is_room(tmp_path, cell, before, after, caplog):
    caplog.set_level("INFO", "framedream")
    video = "libvpx-vp9" if before == ".webm" else "libx264"
    pictures = [picture(number) for number in range(COUNT)]
    source = write(tmp_path / f"a{before}", video, "yuv420p", pictures=pictures, **with_extras(tmp_path, before))
    _, film = through(source, tmp_path / f"b{after}")
    if after in (".ts", ".gif"):
        assert after == ".gif" or "subtitles of" in caplog.text
        cell(EXTRAS)
        return
    lines = subtitles(film.path)
    assert [round(start, 2) for start, _, _ in lines] == [0.2, 0.6]
    assert [round(length, 2) for _, length, _ in lines] == [0.4, 0.4]
    assert ["Hello" in lines[0][2], "there" in lines[0][2], "Second, line\\Nand more" in lines[1][2]] == [True] * 3
    with av.open(str(film.path)) as container:
        assert {key.lower(): text for key, text in container.metadata.items()}["title"] == "My film"
        assert container.streams.subtitles[0].language == "eng"
        chapters = container.chapters()
        assert [chapter["metadata"]["title"] for chapter in chapters] == ["One", "Two"]
        assert [float(chapter["start"] * chapter["time_base"]) for chapter in chapters] == [0, 0.5]
        fonts = [stream.data for stream in container.streams if stream.type == "attachment"]
        assert fonts == ([b"no real font"] if before == after == ".mkv" else [])
    assert before != ".mkv" or after == ".mkv" or "attached files of" in caplog.text
    cell(EXTRAS)


def test_extras_of_a_part_are_those_of_that_part(tmp_path, cell):
    pictures = [picture(number) for number in range(COUNT)]
    source = write(tmp_path / "a.mkv", "libx264", "yuv420p", pictures=pictures, **with_extras(tmp_path, ".mkv"))
    _, film = through(source, tmp_path / "b.mp4", start="0.4", end="0.8")
    assert [(round(start, 2), round(length, 2)) for start, length, _ in subtitles(film.path)] == [(0, 0.2), (0.2, 0.2)]
    with av.open(str(film.path)) as container:
        found = [
            (float(each["start"] * each["time_base"]), float(each["end"] * each["time_base"]))
            for each in container.chapters()
        ]
    assert found == [(0, pytest.approx(0.1)), (pytest.approx(0.1), pytest.approx(0.4))]
    cell(EXTRAS)


def test_tracks_that_cannot_be_carried_are_told(tmp_path, cell, caplog):
    """A second track of pictures, sound of a codec that FFmpeg does not know, chapters where there are none."""
    caplog.set_level("INFO", "framedream")
    sound = with_sound("aac", tracks=2)
    second = []

    def prepare(container, stream) -> None:
        sound["prepare"](container, stream)
        second.append(container.add_stream("mpeg4", rate=25, width=64, height=64, pix_fmt="yuv420p"))
        container.set_chapters([{"id": 1, "start": 0, "end": 9, "time_base": Fraction(1, 25), "metadata": {}}])

    def finish(container) -> None:
        sound["finish"](container)
        frame = av.VideoFrame.from_ndarray((picture(0) >> 8).astype(np.uint8), format="rgb24")
        frame.pts, frame.time_base = 0, FRAME
        container.mux(second[0].encode(frame))
        container.mux(second[0].encode(None))

    source = write(tmp_path / "a.mp4", "libx264", "yuv420p", prepare=prepare, finish=finish)
    head, mark, rest = source.read_bytes().rpartition(b"mp4a")
    assert mark
    source.write_bytes(head + b"apac" + rest.replace(b"esds", b"dapa", 1))
    through(source, tmp_path / "b.ts")
    assert f"cannot hold chapters, further tracks of pictures, sound of unknown codec of {source}" in caplog.text
    caplog.clear()
    through(source, tmp_path / "b.mkv")
    assert f"b.mkv: cannot hold further tracks of pictures, sound of unknown codec of {source}" in caplog.text
    cell(EXTRAS)


def test_a_timecode_goes_along_without_a_note_unless_the_beginning_is_cut_off(tmp_path, cell, caplog):
    caplog.set_level("INFO", "framedream")

    def prepare(container, stream) -> None:
        stream.metadata["timecode"] = "01:00:00:00"

    source = write(tmp_path / "a.mov", "libx264", "yuv420p", prepare=prepare)
    through(source, tmp_path / "b.mov")
    with av.open(str(tmp_path / "b.mov")) as container:
        assert container.streams.video[0].metadata["timecode"] == "01:00:00:00"
    assert "cannot hold" not in caplog.text
    through(source, tmp_path / "c.mov", start="2f")
    assert f"c.mov: cannot hold timecode of {source}" in caplog.text
    cell(EXTRAS)
