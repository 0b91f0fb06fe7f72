"""Sound of any rate, layout and kind of samples is kept as far as the film's container and encoder can."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from matrix import picture, through, write

LONG = Fraction(1)


def footage(
    path: Path,
    codec: str,
    rate: int = 48_000,
    layout: str = "stereo",
    parts: Sequence[tuple[Fraction, Fraction]] = ((Fraction(0), LONG),),
) -> Path:
    """A film of one second with a tone, in parts that begin somewhere and are so long, in seconds."""
    tracks: list[av.AudioStream] = []

    def prepare(container, stream) -> None:
        track = container.add_stream(codec, rate=rate)
        track.layout = layout
        tracks.append(track)

    def finish(container) -> None:
        for begin, length in parts:
            tone = 0.3 * np.sin(np.arange(int(length * rate)) * 2 * np.pi * 440 / rate)
            channels = len(av.AudioLayout(layout).channels)
            # One plane: PyAV looks beyond the end of eight.
            samples = np.repeat(tone[:, None], channels, axis=1).reshape(1, -1).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="flt", layout=layout)
            frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), int(begin * rate)
            container.mux(tracks[0].encode(frame))
        container.mux(tracks[0].encode(None))

    pictures = [picture(number) for number in range(25)]
    return write(path, "libx264", "yuv420p", pictures=pictures, prepare=prepare, finish=finish)


def track_of(path: Path) -> tuple[str, int, int]:
    """Codec, rate and number of channels."""
    with av.open(str(path)) as container:
        context = container.streams.audio[0].codec_context
        return context.codec.canonical_name, context.sample_rate, context.channels


def loud(path: Path, rate: int = 48_000) -> tuple[float, float]:
    """From when to when there is sound, in seconds after the first picture."""
    with av.open(str(path)) as container:
        first = next(container.decode(video=0))
        begin = first.pts * first.time_base
    with av.open(str(path)) as container:
        resampler, heard = av.AudioResampler(format="flt", layout="mono", rate=rate), []
        for frame in container.decode(audio=0):
            at = frame.pts * frame.time_base - begin
            for part in resampler.resample(frame):
                found = np.flatnonzero(np.abs(part.to_ndarray()[0]) > 0.02)
                heard += [float(at) + index / rate for index in found[[0, -1]]] if len(found) else []
    return min(heard), max(heard)


@pytest.mark.parametrize("name", ["b.mp4", "b.ts"])
def test_a_rate_that_an_encoder_does_not_take_is_lowered_with_a_note(tmp_path, name, caplog):
    caplog.set_level("INFO", "framedream")
    through(footage(tmp_path / "a.mkv", "pcm_s24le", rate=192_000), tmp_path / name)
    assert track_of(tmp_path / name) == ("aac", 96_000, 2)
    assert "it is encoded as aac, at 96000 Hz" in caplog.text
    assert "damaged" not in caplog.text


@pytest.mark.parametrize(("layout", "channels"), [("quad", 4), ("5.0", 5), ("7.1", 8)])
@pytest.mark.parametrize("name", ["b.mp4", "b.webm"])
def test_encoded_sound_keeps_its_channels(tmp_path, name, layout, channels):
    through(footage(tmp_path / "a.mkv", "pcm_s16le", layout=layout), tmp_path / name)
    assert track_of(tmp_path / name)[2] == channels


def test_channels_that_an_encoder_does_not_take_are_mixed_with_a_note(tmp_path, caplog):
    caplog.set_level("INFO", "framedream")
    through(footage(tmp_path / "a.mkv", "pcm_s16le", layout="7.1.4"), tmp_path / "b.mp4")
    assert track_of(tmp_path / "b.mp4")[2] == 6
    assert "it is encoded as aac, in 5.1" in caplog.text


@pytest.mark.parametrize("codec", ["pcm_f32le", "pcm_s32be", "pcm_alaw", "adpcm_ima_qt"])
def test_quicktime_sound_stays_as_it_is_in_quicktime(tmp_path, codec):
    through(footage(tmp_path / "a.mov", codec), tmp_path / "b.mov")
    assert track_of(tmp_path / "b.mov")[0] == codec


@pytest.mark.parametrize(("codec", "layout"), [("flac", "stereo"), ("flac", "7.1"), ("aac", "7.1")])
@pytest.mark.parametrize("name", ["b.mov", "b.webm"])
def test_encoded_sound_of_a_part_begins_and_ends_with_it(tmp_path, name, codec, layout):
    """Frames of FLAC are 4096 samples long; none is left out because it begins before the part."""
    source = footage(tmp_path / "a.mkv", codec, layout=layout)
    through(source, tmp_path / name, start="0.12", end="0.6")
    begin, end = loud(tmp_path / name)
    assert abs(begin) < 0.01
    assert abs(end - 0.48) < 0.03


@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_s24le", "pcm_f32le"])
def test_gaps_in_plain_samples_are_silent_where_they_cannot_be_said(tmp_path, codec):
    parts = [(Fraction(0), Fraction(1, 5)), (Fraction(7, 10), Fraction(1, 5))]
    source = footage(tmp_path / "a.mkv", codec, parts=parts)
    through(source, tmp_path / "b.mov")
    begin, end = loud(tmp_path / "b.mov")
    assert abs(begin) < 0.01
    assert abs(end - 0.9) < 0.01


def test_plain_samples_of_matroska_are_cut_between_samples(tmp_path):
    """Its packets count milliseconds, of which none has a whole number of samples."""
    source = footage(tmp_path / "a.mkv", "pcm_s24le", rate=44_100)
    through(source, tmp_path / "b.mkv", end="0.5")
    with av.open(str(tmp_path / "b.mkv")) as container:
        sizes = [packet.size for packet in container.demux(audio=0) if packet.size]
    assert all(size % 6 == 0 for size in sizes)
    assert abs(sum(sizes) / 6 - 0.52 * 44_100) < 10
