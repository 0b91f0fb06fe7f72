"""Films appear complete or not at all, with the times, size, shape and metadata they should have."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from media_clips import flat, number_of, numbered, quadrants, write_video

from benchmarks.film_writer import open_film
from framedream.config.settings import FootageSettings, OutputSettings
from framedream.errors import InputError, OutputError, SettingsError
from framedream.media import FilmAssembler, FilmFormat, Frame, open_footage
from framedream.media.write.codecs import can_open_encoder, working_hardware_encoders

FILMS = ["a.mp4", "a.m4v", "a.mov", "a.mkv", "a.webm", "a.gif", "a.webp", "a.png", "a.apng", "folder"]
LIKE = FilmFormat(64, 48)


def write(path: Path, count: int = 6, like: FilmFormat = LIKE, **settings) -> Path:
    with open_film(path, film_format=like, settings=OutputSettings(**settings)) as film:
        for index, picture in enumerate(numbered(count, like.width, like.height)):
            film.write(Frame(picture.astype(np.float32), index * like.time_base))
    return path


def rewrite(source: Path, target: Path, **settings) -> list[Fraction]:
    """Copy footage frame by frame; returns the times written."""
    footage = open_footage(source)
    times = []
    with open_film(target, film_format=footage.format, settings=OutputSettings(**settings)) as film:
        for frame in footage.frames():
            film.write(frame)
            times.append(frame.time)
    return times


def times(path: Path) -> list[Fraction]:
    return [frame.time for frame in open_footage(path).frames()]


def durations(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [packet.duration * packet.time_base for packet in container.demux(video=0) if packet.size]


@pytest.mark.parametrize("name", FILMS)
def test_every_kind_of_film_holds_the_frames_given(tmp_path, name):
    footage = open_footage(write(tmp_path / name))
    assert [number_of(frame.pixels) for frame in footage.frames()] == list(range(6))
    assert times(tmp_path / name) == [Fraction(index, 25) for index in range(6)]
    assert [item.name for item in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", FILMS)
def test_one_frame_is_a_film(tmp_path, name):
    assert len(times(write(tmp_path / name, count=1))) == 1


@pytest.mark.parametrize(
    ("codec", "name"),
    [("libx265", "a.mp4"), ("ffv1", "a.mkv"), ("prores_ks", "a.mov"), ("libsvtav1", "a.mp4"), ("mpeg4", "a.mp4")],
)
def test_other_codecs_work_by_their_name(tmp_path, codec, name, capfd):
    path = write(tmp_path / name, like=FilmFormat(128, 96), codec=codec)
    assert len(times(path)) == 6
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.codec.canonical_name in {"hevc", "ffv1", "prores", "av1", "mpeg4"}
        assert codec != "libx265" or stream.codec_context.codec_tag == "hvc1"
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("name", "codec", "wanted"),
    [
        ("a.mp4", "web", ("h264", "yuv420p")), ("a.webm", "web", ("vp9", "yuv420p")),
        ("a.mov", "edit", ("prores", "yuv422p10le")), ("a.mkv", "archive", ("ffv1", "gbrp10le")),
        ("a.mov", "dnxhr", ("dnxhd", "yuv422p10le")), ("a.mp4", "h264", ("h264", "yuv420p10le")),
        ("a.mp4", "hevc", ("hevc", "yuv420p10le")), ("a.mkv", "av1", ("av1", "yuv420p10le")),
        ("a.mp4", None, ("hevc", "yuv420p10le")), ("a.webm", None, ("av1", "yuv420p10le")),
    ],
)  # fmt: skip
def test_codecs_by_purpose_and_by_name_keep_depth_as_far_as_they_can(tmp_path, name, codec, wanted):
    path = write(tmp_path / name, like=FilmFormat(256, 128, depth=10), codec=codec)
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.codec.canonical_name, context.pix_fmt) == wanted
    assert [number_of(frame.pixels) for frame in open_footage(path).frames()] == list(range(6))


@pytest.mark.parametrize(("codec", "profile"), [("edit", "HQ"), ("prores", "HQ"), ("dnxhr", "DNXHR HQ")])
def test_codecs_for_editors_have_their_profiles(tmp_path, codec, profile):
    path = write(tmp_path / "a.mov", like=FilmFormat(256, 128), codec=codec)
    with av.open(str(path)) as container:
        assert container.streams.video[0].profile == profile


def test_what_a_codec_cannot_keep_is_told(tmp_path, caplog):
    with caplog.at_level(logging.INFO, "framedream"):
        write(tmp_path / "a.mp4", like=FilmFormat(128, 96, depth=10), codec="web")
        write(tmp_path / "b.mp4", like=FilmFormat(128, 96, depth=12), codec="h264")
    assert "libx264 keeps 8 of 10 bits" in caplog.text
    assert "libx264 keeps 10 of 12 bits" in caplog.text


def test_hardware_encoders_are_listed_if_they_can_be_opened():
    listed = working_hardware_encoders()
    assert all(can_open_encoder(name) for name in listed)
    assert can_open_encoder("libx264")
    every = working_hardware_encoders(can_open=lambda name: True)
    assert set(listed) <= set(every)
    assert not any(name.startswith("lib") for name in every)
    assert ("h264_nvenc" in av.codecs_available) == ("h264_nvenc" in every)


@pytest.mark.skipif("h264_nvenc" not in av.codecs_available, reason="this FFmpeg has no hardware encoders")
def test_a_hardware_encoder_that_is_not_there_is_one_line(tmp_path):
    """Where there is a card, it works."""
    try:
        path = write(tmp_path / "a.mp4", like=FilmFormat(256, 128), codec="h264_nvenc", crf=20)
    except OutputError as error:
        assert "h264_nvenc needs a GPU and a driver that are missing" in str(error)
        assert "\n" not in str(error)
    else:
        assert len(times(path)) == 6


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are listed by Linux only")
def test_no_encoder_makes_the_process_real_time(tmp_path):
    """SVT-AV1 does so when root runs it, and then nothing else on the machine gets any time."""
    settings = OutputSettings(codec="libsvtav1")
    film = FilmAssembler(tmp_path / "a.mp4", film_format=FilmFormat(128, 96), settings=settings)
    encoder = film.encoder()
    encoder.add(Frame(flat(9, 128, 96), Fraction(0)), Fraction(1, 25))
    policies = {os.sched_getscheduler(int(task.name)) for task in Path("/proc/self/task").iterdir()}
    encoder.finish()
    assert policies == {os.SCHED_OTHER}


def test_crf_rules_the_quality_of_webp_too(tmp_path):
    sizes = []
    noise = np.random.default_rng(0).uniform(0, 255, (LIKE.height, LIKE.width, 3)).astype(np.float32)
    for crf in (None, 10, 60):
        path = tmp_path / f"{crf}.webp"
        with open_film(path, film_format=LIKE, settings=OutputSettings(crf=crf)) as film:
            for index in range(3):
                film.write(Frame(np.roll(noise, index, 1), Fraction(index, 25)))
        sizes.append(path.stat().st_size)
    assert sizes[0] == sizes[1] > 1.5 * sizes[2]


@pytest.mark.parametrize("crf", [0, 40])
def test_crf_rules_the_quality(tmp_path, crf):
    path = tmp_path / "a.mp4"
    noise = np.random.default_rng(0).uniform(0, 255, (48, 64, 3)).astype(np.float32)
    with open_film(path, film_format=LIKE, settings=OutputSettings(crf=crf, pixel_format="yuv444p")) as film:
        film.write(Frame(noise, Fraction(0)))
    error = np.abs(next(open_footage(path).frames()).pixels - noise).mean()
    assert error < 2 if crf == 0 else error > 10


@pytest.mark.parametrize(
    ("time_base", "ticks"),
    [
        (Fraction(1, 90_000), [0, 3003, 6006, 9009]),
        (Fraction(1, 600), [0, 7, 50, 51, 400]),
        (Fraction(1, 12_800), [512, 1024, 1600, 9000]),
    ],
)
@pytest.mark.parametrize("name", ["b.mp4", "b.mov", "b.mkv", "b.webm"])
def test_times_of_a_varying_rate_are_kept(tmp_path, time_base, ticks, name):
    source = write_video(tmp_path / "a.mp4", numbered(len(ticks)), ticks=ticks, time_base=time_base)
    expected = rewrite(source, tmp_path / name)
    tolerance = 0 if name in ("b.mp4", "b.mov") else Fraction(1, 1000)
    found = times(tmp_path / name)
    assert len(found) == len(expected)
    assert all(abs(a - b) <= tolerance for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("rate", [Fraction(30_000, 1001), Fraction(24_000, 1001), Fraction(60), Fraction(25, 2)])
def test_broadcast_rates_are_exact(tmp_path, rate):
    path = write(tmp_path / "a.mp4", like=FilmFormat(64, 48, rate))
    assert times(path) == [index / rate for index in range(6)]
    assert open_footage(path).format.rate == rate


def test_the_last_frame_is_shown_as_long_as_the_others(tmp_path):
    assert (
        durations(write(tmp_path / "a.mp4", like=FilmFormat(64, 48, time_base=Fraction(1, 12_800)), count=3))
        == [Fraction(1, 12_800)] * 3
    )
    source = write_video(tmp_path / "b.mp4", numbered(4), ticks=[0, 512, 1024, 1536], time_base=Fraction(1, 12_800))
    rewrite(source, tmp_path / "c.mp4")
    assert sum(durations(tmp_path / "c.mp4")) == Fraction(4, 25)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_pixel_aspect_is_written(tmp_path, name, caplog):
    path = write(tmp_path / name, like=FilmFormat(64, 48, sample_aspect=Fraction(16, 11)))
    assert open_footage(path).format.sample_aspect == Fraction(16, 11)
    assert not caplog.records


@pytest.mark.parametrize("name", ["a.webm", "a.gif"])
def test_a_lost_pixel_aspect_is_told_with_the_cure(tmp_path, name, caplog):
    write(tmp_path / name, like=FilmFormat(64, 48, sample_aspect=Fraction(3, 2)))
    assert "give --size 96x48" in caplog.text


def test_odd_sizes_are_padded_with_the_edge_where_colors_need_it(tmp_path, caplog):
    like = FilmFormat(63, 47)
    with caplog.at_level(logging.INFO, "framedream"):
        footage = open_footage(write(tmp_path / "a.mp4", like=like))
    assert (footage.format.width, footage.format.height) == (64, 48)
    assert "64x48" in caplog.text
    last = next(footage.frames()).pixels
    assert np.abs(last[-1, -1] - last[20, 20]).max() <= 1


@pytest.mark.parametrize(
    ("name", "settings"),
    [("a.webm", {}), ("a.mkv", {"codec": "ffv1"}), ("a.mp4", {"pixel_format": "yuv444p"}), ("a.gif", {}),
     ("a.png", {}), ("a.webp", {}), ("folder", {})],
)  # fmt: skip
def test_odd_sizes_stay_where_they_can(tmp_path, name, settings):
    footage = open_footage(write(tmp_path / name, like=FilmFormat(63, 47), **settings))
    assert (footage.format.width, footage.format.height) == (63, 47)


def test_an_error_on_the_way_leaves_nothing_and_keeps_the_old_film(tmp_path):
    for name in FILMS[:-1]:
        (tmp_path / name).write_bytes(b"the film of yesterday")
        with pytest.raises(KeyError), open_film(tmp_path / name, film_format=LIKE) as film:
            film.write(Frame(flat(9), Fraction(0)))
            film.write(Frame(flat(9), Fraction(1, 25)))
            raise KeyError
        assert (tmp_path / name).read_bytes() == b"the film of yesterday"
    assert sorted(item.name for item in tmp_path.iterdir()) == sorted(FILMS[:-1])


@pytest.mark.parametrize("name", ["a.mp4", "folder"])
def test_a_film_is_seen_only_when_complete_and_replaces_the_old_one_then(tmp_path, name):
    if name == "a.mp4":
        (tmp_path / name).write_bytes(b"old")
    film = open_film(tmp_path / name, film_format=LIKE)
    for index, picture in enumerate([flat(index) for index in range(60)]):
        film.write(Frame(picture, Fraction(index, 25)))
        assert not (tmp_path / name).exists() or (tmp_path / name).read_bytes() == b"old"
    film.finish()
    film.finish()
    assert len(times(tmp_path / name)) == 60
    assert film.frames_written == 60


@pytest.mark.parametrize(("name", "files"), [("a.mp4", 1), ("frames", 7)])
def test_a_film_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch, name, files):
    synced = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append("file"), fsync(descriptor)))
    monkeypatch.setattr(Path, "replace", lambda part, path: (synced.append("name"), replace(part, path)))
    write(tmp_path / name)
    assert synced == ["file"] * files + ["name", "file"]


def test_a_film_without_frames_is_an_error(tmp_path):
    with pytest.raises(OutputError, match="no frames"), open_film(tmp_path / "a.mp4", film_format=LIKE):
        pass
    assert not list(tmp_path.iterdir())


def test_a_film_that_lost_frames_is_not_published(tmp_path, monkeypatch):
    from framedream.media.write.muxing import FilmMuxer

    monkeypatch.setattr(FilmMuxer, "count", lambda self: 5)
    with pytest.raises(OutputError, match="6 frames were written but 5"):
        write(tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())


def test_parent_folders_are_made(tmp_path):
    assert times(write(tmp_path / "new" / "deep" / "a.mp4"))


def test_what_a_killed_process_left_is_cleared(tmp_path):
    killed = subprocess.Popen([sys.executable, "-c", ""])
    killed.wait()
    left = tmp_path / f".a.mp4.part-{killed.pid}"
    other = tmp_path / f".b.mp4.part-{killed.pid}"
    running = tmp_path / f".a.mp4.part-{os.getppid()}"
    for item in (left, other, running):
        item.write_bytes(b"half a film")
    write(tmp_path / "a.mp4")
    assert not left.exists()
    assert other.exists()
    assert running.exists()


def test_a_place_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file" / "a.mp4", Path("/proc/a.mp4"), Path("/proc/frames")):
        with pytest.raises(OutputError, match="cannot be written"):
            open_film(path, film_format=LIKE)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.gif", "folder"])
def test_a_full_disk_is_an_output_error_and_leaves_nothing(tmp_path, name):
    """A limit on file sizes stands for the full disk: writes fail in the same way."""
    script = f"""
import resource, signal, sys
import numpy as np
from fractions import Fraction
from framedream.errors import OutputError
from benchmarks.film_writer import open_film
from framedream.media import FilmFormat, Frame
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
noise = np.random.default_rng(0).uniform(0, 255, (30, 120, 160, 3)).astype(np.float32)
try:
    with open_film({str(tmp_path / name)!r}, film_format=FilmFormat(160, 120)) as film:
        for index, picture in enumerate(noise):
            film.write(Frame(picture, Fraction(index, 25)))
except OutputError as error:
    print(error)
    sys.exit(5)
"""
    root = Path(__file__).parents[2]
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=root)
    assert result.returncode == 5, result.stderr
    assert name in result.stdout
    assert not list(tmp_path.iterdir())


def test_a_folder_that_holds_something_is_refused(tmp_path):
    (tmp_path / "frames").mkdir()
    write(tmp_path / "frames")
    assert sorted(item.name for item in (tmp_path / "frames").iterdir())[::5] == ["000001.png", "000006.png"]
    with pytest.raises(OutputError, match="not empty"):
        open_film(tmp_path / "frames", film_format=LIKE)


def test_a_name_that_ends_in_a_slash_is_a_folder(tmp_path):
    with open_film(f"{tmp_path}/frames.v2/", film_format=LIKE) as film:
        film.write(Frame(quadrants(), Fraction(0)))
    assert [item.name for item in (tmp_path / "frames.v2").iterdir()] == ["000001.png"]


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("a.mp5", {}, "did you mean '.mp4'"),
        ("a.mp4", {"codec": "x264"}, "did you mean 'h264'"),
        ("a.mp4", {"codec": "aac"}, "is not a video encoder"),
        ("a.mp4", {"pixel_format": "yuv240p"}, "did you mean 'yuv420p'"),
        ("a.webm", {"codec": "libx264"}, "suffix .mkv"),
        ("a.mkv", {"codec": "ffv1", "crf": 5}, "no constant rate factor"),
        ("a.gif", {"codec": "libx264"}, "remove --codec"),
        ("frames", {"crf": 5}, "remove these flags"),
        ("a.mp4", {"codec": "edit"}, "edit does not fit into .mp4 files; use the suffix .mov or .mkv"),
        ("a.webm", {"codec": "archive"}, "suffix .mkv"),
        ("a.mov", {"codec": "archive"}, "archive does not fit into .mov files; use the suffix .mkv"),
        ("a.mkv", {"codec": "dnxhr"}, "cannot hold dnxhd; give the output the suffix .mov"),
        ("a.mov", {"codec": "av1"}, ".mov files cannot hold libsvtav1; give the output the suffix .mkv"),
        ("a.mov", {"codec": "vp9"}, ".mov files cannot hold libvpx-vp9"),
        ("a.ts", {"codec": "prores"}, ".ts files cannot hold prores_ks"),
        ("a.ts", {"codec": "vp9"}, ".ts files cannot hold libvpx-vp9"),
    ],
)
def test_settings_that_do_not_fit_are_refused_with_the_cure(tmp_path, name, settings, message):
    with pytest.raises(SettingsError) as caught:
        open_film(tmp_path / name, film_format=LIKE, settings=OutputSettings(**settings))
    assert message in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_frames_of_wrong_size_or_order_are_refused(tmp_path):
    film = open_film(tmp_path / "a.mp4", film_format=LIKE)
    film.write(Frame(flat(9), Fraction(1)))
    with pytest.raises(ValueError, match="frames are"):
        film.write(Frame(flat(9, 32, 32), Fraction(2)))
    with pytest.raises(ValueError, match="in order"):
        film.write(Frame(flat(9), Fraction(1)))
    film.abort()
    with pytest.raises(ValueError, match="finished"):
        film.write(Frame(flat(9), Fraction(3)))
    assert not list(tmp_path.iterdir())


def test_a_frame_checks_itself():
    with pytest.raises(ValueError, match="H×W×3"):
        Frame(np.zeros((4, 4), np.float32), Fraction(0))


@pytest.mark.parametrize("name", ["b.gif", "b.webp", "b.png"])
def test_animations_keep_uneven_durations_to_the_last_and_repeat(tmp_path, name):
    ticks = [0, 4, 10, 90]
    source = open_footage(write_video(tmp_path / "a.mp4", numbered(4), ticks=ticks, time_base=Fraction(1, 100)))
    film_format = replace(source.format, last_duration=Fraction(30, 100))
    with open_film(tmp_path / name, film_format=film_format) as film:
        for frame in source.frames():
            film.write(Frame(frame.pixels, frame.time))
    written = open_footage(tmp_path / name)
    assert [frame.duration * 100 for frame in written.frames()] == [4, 6, 80, 30]
    from PIL import Image

    with Image.open(tmp_path / name) as image:
        assert image.info["loop"] == 0


def test_frames_within_one_hundredth_of_a_second_are_moved_apart_in_a_gif(tmp_path):
    ticks = [0, 33, 37, 100, 104, 109, 150]
    source = write_video(tmp_path / "a.mkv", numbered(7), ticks=ticks, time_base=Fraction(1, 1000))
    rewrite(source, tmp_path / "b.gif")
    footage = open_footage(tmp_path / "b.gif")
    assert [number_of(frame.pixels) for frame in footage.frames()] == list(range(7))
    assert [time * 100 for time in footage.times()] == [0, 3, 4, 10, 11, 12, 15]


def test_a_gif_of_more_frames_than_it_can_count_is_refused_before_any_work(tmp_path, caplog):
    with pytest.raises(OutputError, match=r"the film has 120 frames a second; write \.webp, or give --fps 50"):
        write(tmp_path / "a.gif", like=FilmFormat(64, 48, rate=Fraction(120)))
    assert not list(tmp_path.iterdir())
    write(tmp_path / "a.gif", like=FilmFormat(64, 48, rate=Fraction(60)))
    assert "more than 50 frames a second too slowly" in caplog.text


def test_a_gif_looks_like_its_pictures(tmp_path):
    ramp = np.linspace(0, 255, 64, dtype=np.float32)
    picture = np.stack(np.broadcast_arrays(ramp[None], ramp[:48, None], 128), axis=-1)
    with open_film(tmp_path / "a.gif", film_format=LIKE) as film:
        for index in range(3):
            film.write(Frame(np.ascontiguousarray(np.roll(picture, index, 1), np.float32), Fraction(index, 25)))
    for index, frame in enumerate(open_footage(tmp_path / "a.gif").frames()):
        assert np.abs(frame.pixels - np.roll(picture, index, 1)).mean() < 6


def test_a_cut_part_is_written_from_zero(tmp_path):
    source = write_video(tmp_path / "a.mp4", numbered(10))
    footage = open_footage(source, FootageSettings(start="4f", end="8f"))
    with open_film(tmp_path / "b.mp4", film_format=footage.format) as film:
        for frame in footage.frames():
            film.write(frame)
    assert [number_of(frame.pixels) for frame in open_footage(tmp_path / "b.mp4").frames()] == [4, 5, 6, 7]
    assert times(tmp_path / "b.mp4")[0] == 0


def test_reading_back_a_missing_film_says_so(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        open_footage(tmp_path / "a.mp4")


def test_uneven_times_leave_the_last_frame_its_time(tmp_path):
    path = tmp_path / "film.mp4"
    starts = [Fraction(0), Fraction(2, 20), Fraction(3, 20), Fraction(7, 20)]
    with open_film(path, film_format=FilmFormat(64, 48, rate=Fraction(20), last_duration=Fraction(2, 20))) as film:
        for index, start in enumerate(starts):
            film.write(Frame(np.full((48, 64, 3), 60 * index, np.float32), start))
    with av.open(str(path)) as written:
        assert Fraction(written.duration, av.time_base) == Fraction(9, 20)
