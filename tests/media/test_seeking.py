"""Video read from its middle on: the very frames that a pass from its beginning gives, jumped to where that is sure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from matrix import CannotExist, picture, write

from framedream.config.parsing import Moment
from framedream.config.settings import FootageSettings
from framedream.media import Footage, Frame, FrameIndex, open_footage
from framedream.media.read import seeking
from framedream.media.read import video_reader as video

COUNT, GROUP, RUN_UP = 72, 6, 4


@pytest.fixture(autouse=True)
def jumps_early(monkeypatch):
    """Short clips are jumped in, too."""
    monkeypatch.setattr(seeking, "_WORTH", 20)
    monkeypatch.setattr(seeking, "_RUN_UPS", (RUN_UP, 16))


@pytest.fixture
def decoded(monkeypatch) -> list[int]:
    """Counts the frames that are decoded: the last item, one for each pass."""
    passes: list[int] = []
    decode = video.decode

    def counting(*arguments) -> Iterator[av.VideoFrame]:
        passes.append(0)
        for frame in decode(*arguments):
            passes[-1] += 1
            yield frame

    monkeypatch.setattr(video, "decode", counting)
    return passes


def moving(number: int) -> np.ndarray:
    """A picture that differs from all others everywhere, so that none of it can be skipped."""
    shifted = np.roll(picture(number), 3 * number, 1)
    shifted[::2, ::3] = (number * 877) % 65_536
    return shifted


PICTURES = [moving(number) for number in range(COUNT)]


def clip(path: Path, codec: str = "libx264", *, group: int = GROUP, form: str = "yuv420p", **more) -> Path:
    """A clip with a key frame every few frames; cells that cannot exist are skipped."""

    def prepare(_, stream) -> None:
        stream.codec_context.gop_size = group
        if more_prepared:
            more_prepared(stream)

    more_prepared: Callable | None = more.pop("prepared", None)
    try:
        return write(path, codec, form, pictures=PICTURES, prepare=prepare, **more)
    except CannotExist as error:
        pytest.skip(str(error))


def seen_of(path: Path, **part) -> FrameIndex:
    """What a look through a clip sees."""
    footage = open_footage(path, FootageSettings(**part))
    indexer = footage.record_index()
    assert len(list(footage.times())) > 1
    seen = footage.frame_index or indexer.index()
    assert seen is not None
    return seen


def same(frames: list[Frame], others: list[Frame]) -> bool:
    return len(frames) == len(others) and all(
        (one.time, one.duration, one.pixels.tobytes()) == (other.time, other.duration, other.pixels.tobytes())
        for one, other in zip(frames, others, strict=True)
    )


def taken(footage: Footage, first: int, count: int) -> list[Frame]:
    frames = footage.frames(first)
    found = list(islice(frames, count))
    frames.close()
    return found


PLACES = (21, 33, 40, 47, 58, COUNT - 1)


def assert_same_from(path: Path, seen: FrameIndex, decoded: list[int]) -> list[int]:
    """Wherever one begins, frames are the same to the last bit; gives how many were decoded for each place."""
    whole, counts = list(open_footage(path).frames()), []
    assert len(whole) == COUNT
    for place in PLACES:
        footage = open_footage(path, frame_index=seen)
        decoded.clear()
        assert same(taken(footage, place, 3), whole[place : place + 3])
        counts.append(sum(decoded))
    return counts


KINDS = {
    "mp4": ("a.mp4", "libx264", {"bf": "3", "preset": "veryfast"}),
    "mp4 without B-frames": ("a.mp4", "libx264", {"bf": "0"}),
    "mov": ("a.mov", "libx264", {"bf": "3", "preset": "veryfast"}),
    "mkv": ("a.mkv", "libx264", {"bf": "3", "preset": "veryfast"}),
    "ts": ("a.ts", "libx264", {"bf": "3", "preset": "veryfast"}),
    "open groups in mp4": ("a.mp4", "libx264", {"bf": "3", "preset": "veryfast", "x264-params": "open-gop=1"}),
    "open groups in mkv": ("a.mkv", "libx264", {"bf": "3", "preset": "veryfast", "x264-params": "open-gop=1"}),
    "open groups in ts": ("a.ts", "libx264", {"bf": "3", "preset": "veryfast", "x264-params": "open-gop=1"}),
    "hevc": ("a.mp4", "libx265", {"x265-params": "log-level=none:open-gop=1:bframes=3:keyint=6:min-keyint=6"}),
    "hevc in mkv": ("a.mkv", "libx265", {"x265-params": "log-level=none:open-gop=1:bframes=3:keyint=6:min-keyint=6"}),
    "hevc in ts": ("a.ts", "libx265", {"x265-params": "log-level=none:open-gop=1:bframes=3:keyint=6:min-keyint=6"}),
    "mpeg-2 in ts": ("a.ts", "mpeg2video", {"bf": "2"}),
    "mpeg-2 in mkv": ("a.mkv", "mpeg2video", {"bf": "2"}),
    "mpeg-2 program stream": ("a.mpg", "mpeg2video", {"bf": "2"}),
    "mpeg-4": ("a.mp4", "mpeg4", {"bf": "2"}),
    "vp9": ("a.webm", "libvpx-vp9", {}),
    "vp8": ("a.webm", "libvpx", {"deadline": "realtime"}),
    "av1": ("a.mp4", "libsvtav1", {}),
    "prores": ("a.mov", "prores_ks", {}),
    "lossless": ("a.mkv", "ffv1", {}),
}
"""Footage in which one can jump."""


@pytest.mark.parametrize("kind", KINDS)
def test_frames_from_the_middle_on_are_the_same_and_those_before_are_not_decoded(tmp_path, decoded, kind):
    name, codec, options = KINDS[kind]
    form = "yuv422p10le" if codec == "prores_ks" else "yuv420p"
    path = clip(tmp_path / name, codec, form=form, options=options)
    counts = assert_same_from(path, seen_of(path), decoded)
    assert sum(counts) < sum(PLACES) / 3


def interlaced(stream) -> None:
    stream.codec_context.flags |= 0x20040000  # Interlaced motion estimation and DCT.


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.ts", "mpeg2video", {"bf": "2"}),
        ("a.mp4", "libx264", {"bf": "3", "preset": "veryfast", "x264-params": "tff=1"}),
        ("a.mkv", "libx264", {"bf": "3", "preset": "veryfast", "x264-params": "tff=1"}),
    ],
)
def test_interlaced_pictures_have_the_neighbours_that_they_are_made_whole_with(
    tmp_path, decoded, caplog, name, codec, options
):
    caplog.set_level(logging.INFO, "framedream")
    path = clip(tmp_path / name, codec, options=options, prepared=interlaced)
    counts = assert_same_from(path, seen_of(path), decoded)
    assert any("deinterlaces" in message for message in caplog.messages)
    assert sum(counts) < sum(PLACES) / 3


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_footage_of_a_varying_rate_is_read_from_the_middle_and_is_not_damaged(tmp_path, decoded, suffix, caplog):
    ticks = list(np.cumsum(np.arange(COUNT) % 5 * 3 + 1))
    path = clip(
        tmp_path / f"a{suffix}", options={"bf": "3", "preset": "veryfast"},
        ticks=[int(tick) for tick in ticks], time_base=Fraction(1, 100),
    )  # fmt: skip
    counts = assert_same_from(path, seen_of(path), decoded)
    assert sum(counts) < sum(PLACES) / 3
    assert not caplog.records


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_with_intra_refresh_frames_are_whole(tmp_path, decoded, suffix):
    """There is no picture that can be decoded alone, apart from the first: what follows a jump heals by and by."""
    options = {"bf": "0", "preset": "veryfast", "x264-params": "intra-refresh=1"}
    assert_same_from(path := clip(tmp_path / f"a{suffix}", options=options), seen_of(path), decoded)


@pytest.mark.parametrize("options", [{"bf": "0"}, {"bf": "3", "preset": "veryfast"}])
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_avi_has_the_times_that_its_frames_are_given(tmp_path, decoded, codec, options):
    if codec == "mpeg4":
        options = {"bf": options["bf"]}
    assert_same_from(path := clip(tmp_path / "a.avi", codec, options=options), seen_of(path), decoded)


@pytest.mark.parametrize(
    ("name", "codec", "form"),
    [
        ("a.avi", "rawvideo", "bgr24"),  # Upside down: lines lie in the memory from the last to the first.
        ("a.mkv", "ffv1", "bgra"),
        ("a.mkv", "ffv1", "yuva444p10le"),
        ("a.mov", "qtrle", "rgb24"),
        ("a.mkv", "ffv1", "gray16le"),
    ],
)
def test_other_pixel_formats_are_known_again(tmp_path, decoded, name, codec, form):
    path = clip(tmp_path / name, codec, form=form)
    counts = assert_same_from(path, seen_of(path), decoded)
    assert sum(counts) < sum(PLACES) / 3


def test_a_palette_is_known_again(tmp_path, decoded):
    """Pictures are the same but for their palettes."""
    path, numbers = tmp_path / "a.avi", np.arange(64 * 64).reshape(64, 64).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("zmbv", rate=25, width=64, height=64)
        stream.pix_fmt = "pal8"
        stream.codec_context.gop_size = GROUP
        for number in range(COUNT):
            palette = np.full((256, 4), 255, np.uint8)
            palette[:, 1:] = np.roll(np.arange(256), 3 * number)[:, None]
            container.mux(stream.encode(av.VideoFrame.from_ndarray((numbers, palette), format="pal8")))
        container.mux(stream.encode())
    assert len(set(seen_of(path).checksums)) == COUNT
    counts = assert_same_from(path, seen_of(path), decoded)
    assert counts[-1] < PLACES[-1] / 2


# Where one does not jump.


@pytest.fixture
def film(tmp_path) -> Path:
    return clip(tmp_path / "film.mp4", options={"bf": "3", "preset": "veryfast"})


def test_near_the_beginning_it_is_not_worth_it(film, decoded):
    footage = open_footage(film, frame_index=seen_of(film))
    decoded.clear()
    taken(footage, 19, 1)
    assert decoded == [20]


def test_without_anything_seen_all_is_decoded(film, decoded):
    footage = open_footage(film)
    decoded.clear()
    taken(footage, 40, 1)
    assert decoded == [41]


def damaged(path: Path) -> Path:
    """Some bytes in the middle are others."""
    data = bytearray(path.read_bytes())
    middle, noise = len(data) // 2, np.random.default_rng(0).bytes(len(data) // 10)
    data[middle : middle + len(noise)] = noise
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_damaged_films_are_decoded_from_their_beginning(tmp_path, decoded, suffix, caplog):
    path = damaged(clip(tmp_path / f"a{suffix}", options={"bf": "3", "preset": "veryfast"}))
    seen = seen_of(path)
    assert "damaged" in caplog.text
    assert len(seen.times) > 43 and not seen.checksums
    footage = open_footage(path, frame_index=seen)
    decoded.clear()
    taken(footage, 40, 1)
    assert len(decoded) == 1 and decoded[0] > 40


def test_times_that_do_not_match_are_not_believed(film, decoded):
    """As if times had been mended: each is a tick too late."""
    seen = seen_of(film)
    wrong = replace(seen, times=[time + Fraction(1, 90_000) for time in seen.times])
    counts = assert_same_from(film, wrong, decoded)
    assert all(count > place for count, place in zip(counts, PLACES, strict=True))


def test_no_frame_is_given_that_looks_otherwise_than_it_did(film, decoded):
    """The 42nd is not known again: from there on the film is decoded from its beginning, now and later."""
    seen, whole = seen_of(film), list(open_footage(film).frames())
    checksums = list(seen.checksums)
    checksums[42] ^= 1
    footage = open_footage(film, frame_index=replace(seen, checksums=checksums))
    decoded.clear()
    assert same(list(footage.frames(40)), whole[40:])
    assert len(decoded) == 2 and decoded[0] < 20 and decoded[1] == COUNT
    decoded.clear()
    assert same(list(footage.frames(60)), whole[60:])
    assert decoded == [COUNT]
    assert list(footage.times()) == [frame.time for frame in whole]


def test_another_film_of_the_same_times_is_not_taken_for_it(film, tmp_path, decoded):
    other = write(tmp_path / "other.mp4", "libx264", "yuv420p", pictures=PICTURES[::-1])
    assert_same_from(other, seen_of(film), decoded)


@pytest.mark.parametrize("suffix", [".h264", ".m2v"])
def test_streams_without_times_give_the_same_frames(tmp_path, decoded, suffix):
    codec = "libx264" if suffix == ".h264" else "mpeg2video"
    path = clip(tmp_path / f"a{suffix}", codec, options={"bf": "0"})
    assert_same_from(path, seen_of(path), decoded)


def test_a_film_whose_size_changes_gives_the_same_frames(tmp_path, decoded):
    small = [PICTURES[number][:48, :48] for number in range(COUNT // 2)]
    parts = [
        write(tmp_path / "one.ts", "libx264", "yuv420p", pictures=PICTURES[: COUNT // 2]),
        write(tmp_path / "two.ts", "libx264", "yuv420p", pictures=small, ticks=range(COUNT // 2, COUNT)),
    ]
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    seen, whole = seen_of(path), list(open_footage(path).frames())
    for place in (30, 50, len(whole) - 1):
        assert same(taken(open_footage(path, frame_index=seen), place, 3), whole[place : place + 3])


# A part that is cut out.


def moments(start: int | None, end: int | None) -> FootageSettings:
    return FootageSettings(
        start=None if start is None else Moment(frame=start), end=None if end is None else Moment(frame=end)
    )


@pytest.mark.parametrize(("start", "end"), [(40, 50), (40, None), (None, 50)])
def test_a_cut_is_found_once_and_handed_on(film, decoded, start, end):
    settings = moments(start, end)
    once = open_footage(film, settings)
    decoded.clear()
    again = open_footage(film, settings, once.frame_index)
    assert decoded == [1]  # What is looked at to see what it is.
    names = ("start", "frame_count", "format")
    assert [getattr(again, name) for name in names] == [getattr(once, name) for name in names]
    frames = list(open_footage(film).frames())[start or 0 : end]
    frames = [replace(frame, time=frame.time - frames[0].time) for frame in frames]
    for place in (0, 7):
        decoded.clear()
        assert same(list(again.frames(place)), frames[place:])
        if start:
            assert sum(decoded) <= len(frames) + 20
    assert list(again.times()) == [frame.time for frame in frames]


def test_a_cut_is_as_long_when_its_frames_are_not_known_again(film):
    settings = moments(40, 50)
    seen = open_footage(film, settings).frame_index
    assert seen is not None
    footage = open_footage(film, settings, seen.without_checksums())
    assert same(list(footage.frames()), list(open_footage(film, settings).frames()))


def test_recordings_in_one_file_whose_clocks_begin_anew_give_the_same_frames(tmp_path, decoded):
    halves = PICTURES[: COUNT // 2], PICTURES[COUNT // 2 :]
    parts = [
        write(tmp_path / f"{number}.ts", "libx264", "yuv420p", pictures=half) for number, half in enumerate(halves)
    ]
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    seen, whole = seen_of(path), list(open_footage(path).frames())
    for place in (25, 40, len(whole) - 1):
        assert same(taken(open_footage(path, frame_index=seen), place, 3), whole[place : place + 3])


def test_a_file_that_begins_late_or_is_trimmed_by_its_edit_list_is_jumped_in(tmp_path, decoded):
    late = clip(tmp_path / "late.mkv", options={"bf": "3", "preset": "veryfast"}, ticks=range(1000, 1000 + COUNT))
    assert sum(assert_same_from(late, seen_of(late), decoded)) < sum(PLACES) / 3
    trimmed = tmp_path / "trimmed.mp4"
    whole = clip(tmp_path / "a.mp4", options={"bf": "3", "preset": "veryfast"})
    with av.open(str(whole)) as source, av.open(str(trimmed), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.pts -= 4 * packet.duration
                packet.dts -= 4 * packet.duration
                packet.stream = stream
                target.mux(packet)
    seen, whole = seen_of(trimmed), list(open_footage(trimmed).frames())
    assert COUNT - 8 < len(whole) <= COUNT
    for place in (25, 40, 60):
        assert same(taken(open_footage(trimmed, frame_index=seen), place, 3), whole[place : place + 3])
