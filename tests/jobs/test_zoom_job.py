"""A zoom as a job: stills in, a film out, however often the work at it is stopped."""

from __future__ import annotations

import json
import logging
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from breaks import Break, breaking_at, names, read
from pictures import scene, write_clip
from PIL import Image
from sounds import clicks, heard_at, write_sound
from stand_in_cli import Restless
from stand_ins import Dreaming

import framedream
from benchmarks.film_writer import open_film
from framedream import Film, Progress, Settings, dream_video
from framedream.config.timeline import Keyframe, Timeline
from framedream.errors import InputError, LockedError, OutputError, SettingsError, Stopped
from framedream.film import film_job, preflight
from framedream.film.plan import Plan, PlanLimits
from framedream.jobs import dream_video as video
from framedream.jobs import zoom_film as job
from framedream.media import FilmAssembler, open_footage, read_image, write_image
from framedream.render.state_store import frame_name
from framedream.render.zoom import zoom_renderer as renderer
from framedream.store.work_folder import WorkFolder

zoom = job.zoom


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Pieces of five frames, so that a short zoom has several."""
    monkeypatch.setattr(Plan, "limits", PlanLimits(piece_frames=5))


@pytest.fixture
def dreams(monkeypatch) -> Restless:
    """Stands for the network in all runs of a test."""
    dreaming = Restless()
    monkeypatch.setattr(job, "dreamer_for", lambda _: dreaming)
    return dreaming


@pytest.fixture
def still(tmp_path) -> Path:
    write_image(tmp_path / "still.png", scene(48, 64))
    return tmp_path / "still.png"


@pytest.fixture
def seen(monkeypatch, dreams) -> list[renderer.ZoomSpec]:
    """What the renderer is given in each run."""
    falls = []
    render = renderer.render_zoom

    def watched(fall, *arguments):
        falls.append(fall)
        return render(fall, *arguments)

    monkeypatch.setattr(job, "render_zoom", watched)
    return falls


def times(path: Path) -> list[Fraction]:
    return [frame.time for frame in open_footage(path).frames()]


def run(still: Path, name: str = "zoom.mp4", **options) -> list[bytes]:
    settings = options.pop("settings", Settings.of(duration=1))
    zoom(still, still.with_name(name), settings, **options)
    return read(still.with_name(name))


# The film.


@pytest.mark.parametrize("name", ["zoom.mp4", "zoom.webm", "zoom.gif", "zoom.png", "frames"])
def test_a_zoom_has_frames_of_a_steady_rate_and_leaves_nothing_else(still, dreams, name):
    film = zoom(still, still.with_name(name), Settings.of(duration=0.48))
    assert film == Film(still.with_name(name), 12, 1, film.seconds)
    shown = times(still.with_name(name))
    assert all(abs(time - Fraction(number, 25)) <= Fraction(1, 1000) for number, time in enumerate(shown))
    assert len(shown) == 12
    assert names(still.parent) == {"still.png", name}


@pytest.mark.parametrize("name", ["zoom.gif", "zoom.webp", "zoom.png"])
def test_the_last_picture_of_a_loop_is_shown_as_long_as_the_others(still, dreams, name):
    zoom(still, still.with_name(name), Settings.of(duration=0.4, loop=True))
    with Image.open(still.with_name(name)) as image:
        shown = []
        for number in range(10):
            image.seek(number)
            image.load()
            shown.append(image.info["duration"])
    assert shown == [40] * 10


def test_it_is_a_function_of_the_library(still, dreams):
    assert framedream.zoom(str(still), str(still.with_name("zoom.mp4")), Settings.of(duration=0.2)).frames == 5


def test_a_zoom_with_the_real_network_grows_and_is_dreamed(still, dreamer, tmp_path):
    settings = Settings.of(duration=0.12, steps=3, follow_steps=1, octaves=1, size="96x72")
    zoom(still, tmp_path / "zoom.mkv", settings)
    frames = [frame.pixels for frame in open_footage(tmp_path / "zoom.mkv").frames()]
    assert len(frames) == 3
    assert dreamer.strength(frames[0]) > 1.2 * dreamer.strength(scene(72, 96))


@pytest.mark.parametrize(
    ("settings", "stills", "frames", "rate"),
    [
        ({}, 1, 250, 25),
        ({"loop": True}, 1, 250, 25),
        ({"fps": 10}, 1, 100, 10),
        ({"fps": "29.97", "duration": 1}, 1, 30, Fraction(30_000, 1001)),
        ({}, 2, 250, 25),
        ({"loop": True}, 2, 500, 25),
        ({}, 3, 500, 25),
        ({"duration": 0.01}, 1, 2, 25),
        ({"duration": 1.99, "fps": 2}, 1, 4, 2),
    ],
)
def test_length_and_rate(still, tmp_path, settings, stills, frames, rate):
    with job.ZoomJob([still] * stills, tmp_path / "zoom.mp4", Settings.of(**settings)) as made:
        assert (made.frames, made.format.rate) == (frames, rate)
        assert made.length == Fraction(frames) / rate
        assert len(made.plan.survey.times) == frames
        assert len(made.plan.parts) == 1


def test_a_zoom_is_as_long_as_its_sound_unless_a_length_is_given(still, tmp_path, dreams):
    sound = write_sound(tmp_path / "clicks.wav", clicks(0.8, [0.4]))
    assert len(run(still, settings=Settings.of(sound=sound))) == 20
    assert len(run(still, "other.mp4", settings=Settings.of(sound=sound, duration=0.4))) == 10


def test_the_renderer_is_told_of_all_there_is(still, seen):
    run(still, settings=Settings.of(duration=1, loop=True))
    (spec,) = seen
    assert (spec.frames, spec.rate, spec.loop, len(spec.stills)) == (25, 25, True, 1)
    assert spec.stills[0].dtype == np.float32
    assert spec.transform(0, 25).factor == pytest.approx(1.3)
    assert spec.transform(0, 25)(31.5 + 23.5j) == pytest.approx(31.5 + 23.5j)


# What a zoom falls into.


def test_several_stills_fill_the_size_of_the_first(tmp_path, still, seen):
    write_image(tmp_path / "wide.png", scene(48, 200))
    write_image(tmp_path / "small.png", scene(30, 20))
    zoom([still, tmp_path / "wide.png", tmp_path / "small.png"], tmp_path / "zoom.mp4", Settings.of(duration=0.4))
    assert [picture.shape for picture in seen[0].stills] == [(48, 64, 3)] * 3
    assert np.array_equal(seen[0].stills[1], read_image(tmp_path / "wide.png")[:, 68:132])


@pytest.mark.parametrize("settings", [{"size": "80x80"}, {"size": "50x90"}, {"size": "301x121"}, {"size": "32x24"}])
def test_circles_stay_circles_in_the_middle_of_any_size(tmp_path, seen, settings):
    y, x = np.mgrid[:120, :160]
    disk = np.where((x - 79.5) ** 2 + (y - 59.5) ** 2 < 30**2, 250.0, 10.0)
    write_image(tmp_path / "disk.png", np.repeat(disk[..., None], 3, axis=2))
    zoom(tmp_path / "disk.png", tmp_path / "zoom.mkv", Settings.of(duration=0.08, **settings))
    found = seen[0].stills[0].mean(axis=2) > 130
    height, width = found.shape
    assert (width, height) == tuple(map(int, settings["size"].split("x")))
    rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
    scale = max(width / 160, height / 120)
    assert abs(len(rows) - len(columns)) <= 1 + 0.02 * len(rows)
    assert abs(len(rows) - min(60 * scale, height)) <= 2
    assert abs(rows.mean() - (height - 1) / 2) <= 1
    assert abs(columns.mean() - (width - 1) / 2) <= 1


@pytest.mark.parametrize(
    ("source", "settings", "size"),
    [
        ((64, 48), {}, (64, 48)),
        ((65, 49), {}, (64, 48)),
        ((64, 48), {"scale": 1.5}, (96, 72)),
        ((65, 49), {"scale": 0.5}, (32, 24)),
        ((65, 49), {"size": "65x49"}, (65, 49)),
        ((2400, 1000), {}, (1920, 800)),
        ((1000, 2400), {}, (800, 1920)),
        ((2400, 1000), {"scale": 1}, (2400, 1000)),
    ],
)
def test_the_size_of_the_film(tmp_path, source, settings, size, caplog):
    write_image(tmp_path / "still.png", np.zeros((source[1], source[0], 3), np.float32))
    with (
        caplog.at_level(logging.INFO, "framedream"),
        job.ZoomJob([tmp_path / "still.png"], tmp_path / "zoom.mkv", Settings.of(duration=1, **settings)) as made,
    ):
        assert (made.format.width, made.format.height) == size
    assert ("--scale 1 keeps its size" in caplog.text) == (max(source) > 1920 and not settings)


def test_an_odd_edge_is_cut_off_and_the_rest_stays_as_sharp_as_it_was(tmp_path, seen):
    picture = np.random.default_rng(0).integers(0, 255, (49, 65, 3)).astype(np.float32)
    write_image(tmp_path / "still.png", picture)
    zoom(tmp_path / "still.png", tmp_path / "zoom.mkv", Settings.of(duration=0.08))
    assert np.array_equal(seen[0].stills[0], picture[:48, :64])


def test_a_turned_photograph_is_upright(tmp_path, seen):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, 32:] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # To be turned clockwise: the right side comes to be below.
    Image.fromarray(picture).save(tmp_path / "photo.jpg", exif=exif, quality=95)
    zoom(tmp_path / "photo.jpg", tmp_path / "zoom.mkv", Settings.of(duration=0.08))
    upright = seen[0].stills[0]
    assert upright.shape == (64, 48, 3)
    assert upright[:28].mean() < 10
    assert upright[36:].mean() > 190


def test_transparent_parts_are_black_with_a_note(tmp_path, seen, caplog):
    picture = np.full((48, 64, 4), 200, np.uint8)
    picture[:, :32, 3] = 0
    picture[:, 32:, 3] = 255
    Image.fromarray(picture).save(tmp_path / "still.png")
    with caplog.at_level(logging.INFO, "framedream"):
        zoom(tmp_path / "still.png", tmp_path / "zoom.mkv", Settings.of(duration=0.08))
    assert "transparent parts are shown over black" in caplog.text
    assert seen[0].stills[0][:, :32].max() == 0
    assert seen[0].stills[0][:, 32:].min() == 200


def test_an_image_may_have_any_name(tmp_path, seen):
    write_image(tmp_path / "still.png", scene(48, 64))
    (tmp_path / "still.png").rename(tmp_path / "still.photo")
    zoom(tmp_path / "still.photo", tmp_path / "zoom.mkv", Settings.of(duration=0.08))
    assert np.abs(seen[0].stills[0] - scene(48, 64)).mean() < 1


@pytest.mark.parametrize(
    ("kind", "start", "number"),
    [
        *(("clip.mp4", start, number) for start, number in [(None, 0), ("2f", 2), ("0.12", 3), ("0.13", 4)]),
        ("clip.gif", "0.12", 3),
        ("folder", None, 0),
        ("folder", "0.13", 4),
    ],
)
def test_of_a_film_the_frame_at_the_start_is_taken(tmp_path, seen, kind, start, number):
    pictures = [np.full((48, 64, 3), 40.0 * index + 20, np.float32) for index in range(6)]
    if kind == "folder":
        for index, picture in enumerate(pictures):
            write_image(tmp_path / "folder" / f"{index}.png", picture)
    else:
        write_clip(tmp_path / "clip.mp4", pictures)
        if kind == "clip.gif":
            clip = open_footage(tmp_path / "clip.mp4")
            with open_film(tmp_path / kind, film_format=clip.format) as film:
                for frame in clip.frames():
                    film.write(frame)
    settings = Settings.of(duration=0.08, fps=25).override({"start": start})
    zoom(tmp_path / kind, tmp_path / "zoom.mkv", settings)
    assert abs(seen[0].stills[0].mean() - (40 * number + 20)) < 4


def test_a_start_beyond_the_end_says_so(clip, tmp_path):
    with pytest.raises(InputError, match=r"clip\.mp4: start 9 is beyond the last frame .*; give an earlier --start"):
        zoom(clip, tmp_path / "zoom.mp4", Settings.of(start="9"))


def test_pixels_that_are_not_square_become_square(tmp_path, seen):
    y, x = np.mgrid[:64, :64]
    ellipse = np.where(((x - 31.5) / 10) ** 2 + ((y - 31.5) / 20) ** 2 < 1, 240, 20)
    write_clip(tmp_path / "wide.mp4", [np.repeat(ellipse[..., None], 3, axis=2)] * 2, aspect=2)
    zoom(tmp_path / "wide.mp4", tmp_path / "zoom.mkv", Settings.of(duration=0.08))
    found = seen[0].stills[0].mean(axis=2) > 130
    assert found.shape == (64, 128)
    assert abs(int(found.any(axis=0).sum()) - int(found.any(axis=1).sum())) <= 2


def test_noise_needs_no_file_and_follows_the_seed(tmp_path, seen, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, seed in (("a.mkv", 0), ("b.mkv", 0), ("c.mkv", 1)):
        zoom("noise", name, Settings.of(duration=0.08, random_seed=seed))
    a, b, c = (spec.stills[0] for spec in seen)
    assert a.shape == (360, 640, 3)
    assert np.array_equal(a, b)
    assert np.abs(a - c).mean() > 30
    zoom("noise", "d.mkv", Settings.of(duration=0.08, size="64x48"))
    assert seen[3].stills[0].shape == (48, 64, 3)


def test_noise_beside_a_still_has_its_size(still, seen):
    zoom(["noise", still], still.with_name("zoom.mkv"), Settings.of(duration=0.2))
    assert [picture.shape for picture in seen[0].stills] == [(48, 64, 3)] * 2


def test_a_file_that_is_called_noise_is_a_file(still, seen, monkeypatch):
    monkeypatch.chdir(still.parent)
    still.rename(still.parent / "noise")
    zoom("noise", "zoom.mkv", Settings.of(duration=0.08))
    assert seen[0].stills[0].shape == (48, 64, 3)


# Stopped and gone on with.


@pytest.mark.parametrize(
    ("name", "loop"), [("zoom.mp4", False), ("zoom.mp4", True), ("zoom.gif", True), ("zoom", False)]
)
def test_a_zoom_that_was_stopped_is_ended_by_the_same_call_and_is_the_same(still, dreams, name, loop):
    settings = Settings.of(duration=1, loop=loop)
    run(still, "whole" + name, settings=settings)
    expected = content(still.with_name("whole" + name))
    alone = len(dreams.steps)
    for count in (1, 2, 6, 7, 14, 26) if loop and name == "zoom.mp4" else (1, 7, 26):
        dreams.steps.clear()
        asked = []

        def stop(asked=asked, count=count) -> bool:
            asked.append(True)
            return len(asked) >= count

        with pytest.raises(Stopped, match=rf"{name}: stopped with \d+ of 25 frames done; run the same command again"):
            run(still, name, settings=settings, stop=stop)
        assert name + ".framedream" in names(still.parent)
        run(still, name, settings=settings)
        assert content(still.with_name(name)) == expected
        assert len(dreams.steps) <= alone
        remove(still.with_name(name))
    assert names(still.parent) == {"still.png", "whole" + name}


def content(path: Path) -> list[bytes]:
    """All bytes of a film."""
    return [item.read_bytes() for item in sorted(path.iterdir())] if path.is_dir() else [path.read_bytes()]


def remove(path: Path) -> None:
    if path.is_dir():
        for item in path.iterdir():
            item.unlink()
        path.rmdir()
    else:
        path.unlink()


def test_frames_are_released_when_their_piece_is_encoded(still, dreams, monkeypatch):
    most = []
    save = WorkFolder.save

    def watched(folder, name, arrays):
        save(folder, name, arrays)
        most.append(len(list((folder.path / "frames").glob("frame-*.npz"))))

    monkeypatch.setattr(WorkFolder, "save", watched)
    run(still, settings=Settings.of(duration=2))
    assert len(most) > 50
    assert max(most) <= 5 + 1 + 3 + 2


def test_a_damaged_piece_is_made_anew(still, dreams, monkeypatch):
    expected = run(still, "whole.mp4")
    with monkeypatch.context() as patch, pytest.raises(Break):
        patch.setattr(FilmAssembler, "assemble", lambda *_, **__: (_ for _ in ()).throw(Break))
        run(still)
    pieces = still.parent / "zoom.mp4.framedream" / "pieces"
    assert len(names(pieces)) == 5
    data = bytearray((pieces / "000002.npz").read_bytes())
    data[len(data) // 2] ^= 255
    (pieces / "000002.npz").write_bytes(data)
    with pytest.raises(OutputError, match=r"000002\.npz: is damaged; run the same command again"):
        run(still)
    assert run(still) == expected


def test_a_damaged_frame_is_dreamed_again(still, dreams):
    expected = run(still, "whole.mp4")
    with pytest.raises(Break):
        run(still, progress=breaking_at(14))
    for path in (still.parent / "zoom.mp4.framedream" / "frames").glob("*.npz"):
        path.write_bytes(path.read_bytes()[:-200])
    assert run(still) == expected


def test_a_damaged_frame_of_what_is_turned_into_is_dreamed_again(still, dreams):
    settings = Settings.of(duration=1, loop=True)
    expected = run(still, "whole.mp4", settings=settings)
    with pytest.raises(Break):
        run(still, settings=settings, progress=breaking_at(14 + 15))
    stored = sorted((still.parent / "zoom.mp4.framedream" / "frames").glob("return-*.npz"))
    assert len(stored) > 8
    stored[5].write_bytes(stored[5].read_bytes()[:-200])
    assert run(still, settings=settings) == expected


def test_progress_counts_frames_and_those_dreamed_beforehand(still, dreams):
    told = []
    zoom([still, still], still.with_name("zoom.mp4"), Settings.of(duration=0.2), progress=told.append)
    # Two frames on the way to the second still are dreamed beforehand, once the first of them is due.
    assert told == [
        *[Progress(number, 5, 0, 0) for number in (1, 2)],
        *[Progress(2, 5, 0, 0, beforehand=number) for number in (1, 2)],
        *[Progress(number, 5, 0, 0, beforehand=2) for number in (3, 4, 5)],
    ]


def test_a_run_that_goes_on_counts_from_where_it_was_and_says_so(still, dreams, caplog):
    told = []
    with pytest.raises(Break):
        run(still, progress=breaking_at(14))
    with caplog.at_level(logging.INFO, "framedream"):
        run(still, progress=told.append)
    assert told[0].frame >= 10
    assert told[-1].frame == told[-1].frames == 25
    assert "resuming from" in caplog.text


@pytest.mark.parametrize(
    ("settings", "change"),
    [
        ({"duration": 1, "zoom": 1.5}, "zoom 1.3 → 1.5"),
        ({"duration": 2}, "duration 1 → 2"),
        ({"duration": 1, "loop": True}, "loop False → True"),
        ({"duration": 1, "center": "0.2,0.5"}, "center 0.5,0.5 → 0.2,0.5"),
        ({"duration": 1, "random_seed": 3}, "random-seed 0 → 3"),
    ],
)
def test_another_setting_is_refused_with_the_difference(still, dreams, settings, change):
    with pytest.raises(Break):
        run(still, progress=breaking_at(3))
    with pytest.raises(SettingsError) as caught:
        run(still, settings=Settings.of(**settings))
    assert f"started with other settings ({change})" in str(caught.value)
    assert len(run(still, settings=Settings.of(**settings), restart=True)) == round(25 * settings["duration"])


def test_any_still_that_has_changed_is_refused_by_its_name(still, dreams, tmp_path):
    write_image(tmp_path / "other.png", scene(48, 64, seed=1))
    stills, target, settings = [still, tmp_path / "other.png"], tmp_path / "zoom.mp4", Settings.of(duration=1)
    with pytest.raises(Break):
        zoom(stills, target, settings, progress=breaking_at(3))
    with pytest.raises(InputError, match=r"other\.png: has replaced .*still\.png"):
        zoom(stills[::-1], target, settings)
    with pytest.raises(InputError, match=r"still\.png: the number of stills has changed from 2 to 1"):
        zoom(stills[:1], target, settings)
    os.utime(tmp_path / "other.png", (1, 1))
    with pytest.raises(InputError, match=r"other\.png: has changed since.* give --restart to start over"):
        zoom(stills, target, settings)


def test_a_sound_with_another_content_is_refused_and_one_that_only_moved_is_not(still, dreams, tmp_path):
    sound = write_sound(tmp_path / "a.wav", clicks(1, [0.5]))
    with pytest.raises(Break):
        run(still, settings=Settings.of(sound=sound), progress=breaking_at(3))
    (tmp_path / "b.wav").write_bytes(sound.read_bytes())
    write_sound(sound, clicks(1, [0.7]))
    with pytest.raises(SettingsError, match="the sound file changed"):
        run(still, settings=Settings.of(sound=sound))
    assert len(run(still, settings=Settings.of(sound=tmp_path / "b.wav"))) == 25


def test_a_video_is_not_gone_on_with_as_a_zoom_nor_the_other_way_round(clip, dreams, brightened, tmp_path):
    for first, second, change in ((dream_video, zoom, "video → zoom"), (zoom, dream_video, "zoom → video")):
        with pytest.raises(Break):
            first(clip, tmp_path / "film.mp4", progress=breaking_at(2))
        with pytest.raises(SettingsError, match=rf"started with other settings \({change}\)"):
            second(clip, tmp_path / "film.mp4")
        first(clip, tmp_path / "film.mp4", Settings.of(duration=0.2), restart=True)


def test_the_manifest_has_all_sources(still, dreams, tmp_path):
    with pytest.raises(Break):
        zoom(["noise", still], tmp_path / "zoom.mp4", progress=breaking_at(1))
    manifest = json.loads((tmp_path / "zoom.mp4.framedream" / "manifest.json").read_text())
    assert manifest["source"] == "noise"
    assert manifest["others"][0][0] == str(still)


def test_a_second_run_is_refused(still, dreams, tmp_path):
    tried = []

    def progress(_) -> None:
        if not tried:
            with pytest.raises(LockedError, match=r"zoom\.mp4: another run is making it"):
                run(still)
            tried.append(True)

    run(still, progress=progress)
    assert tried


def test_a_work_folder_may_be_elsewhere(still, dreams, tmp_path):
    with pytest.raises(Break):
        run(still, work=tmp_path / "deep" / "place", progress=breaking_at(3))
    assert (tmp_path / "deep" / "place" / "manifest.json").exists()
    run(still, work=tmp_path / "deep" / "place")
    assert not (tmp_path / "deep" / "place").exists()


def test_a_film_that_was_published_when_its_run_was_killed_is_left_as_it_is(still, dreams, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(WorkFolder, "remove", lambda folder: None)
        expected = run(still)
    dreams.steps.clear()
    assert run(still) == expected
    assert dreams.steps == []
    assert names(still.parent) == {"still.png", "zoom.mp4"}


# What is refused.


def test_nothing_that_is_read_is_written_over(still, tmp_path):
    sound = write_sound(tmp_path / "song.mkv", clicks(1, [0.5]))
    before = sound.read_bytes()
    with pytest.raises(OutputError, match="is the input itself"):
        zoom([still, still], still)
    with pytest.raises(OutputError, match="is the input itself"):
        zoom(still, sound, Settings.of(sound=sound))
    with pytest.raises(OutputError, match="is the input itself"):
        dream_video(still, sound, Settings.of(sound=sound))
    assert sound.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"bad\.png: does not exist; check the name"),
        (b"", r"bad\.png: cannot be read as an image; convert it to PNG or JPEG"),
        (b"no image" * 99, r"bad\.png: cannot be read as an image; convert it to PNG or JPEG"),
    ],
)
def test_a_bad_still_is_named_and_nothing_is_left(still, tmp_path, content, message):
    if content is not None:
        (tmp_path / "bad.png").write_bytes(content)
    before = names(tmp_path)
    with pytest.raises(InputError, match=message):
        zoom([still, tmp_path / "bad.png"], tmp_path / "zoom.mp4")
    assert names(tmp_path) == before


def test_a_still_that_breaks_off_is_named_and_nothing_is_left(still, dreams, tmp_path):
    still.write_bytes(still.read_bytes()[:-400])
    with pytest.raises(InputError, match=r"still\.png: the image is damaged"):
        zoom(still, tmp_path / "zoom.mp4")
    assert names(tmp_path) == {"still.png"}


def test_a_setting_that_cannot_be_used_leaves_nothing(still, tmp_path):
    with pytest.raises(SettingsError, match="has no layer 'fier7'"):
        zoom(still, tmp_path / "zoom.mp4", Settings.of(layers="fier7"))
    with pytest.raises(SettingsError, match=r"did you mean '\.mp4'"):
        zoom(still, tmp_path / "zoom.mp5")
    with pytest.raises(SettingsError, match="name a still, or noise"):
        zoom([], tmp_path / "zoom.mp4")
    assert names(tmp_path) == {"still.png"}


def test_a_film_too_large_for_the_memory_is_refused_before_a_pixel_is_read(still, tmp_path):
    with pytest.raises(InputError, match=r"still\.png: frames of 400000x300000 need about .*--scale or --size"):
        zoom(still, tmp_path / "zoom.mp4", Settings.of(size="400000x300000"))


def test_a_length_for_which_there_is_no_room_is_refused(still, tmp_path):
    with pytest.raises(OutputError, match="free some space"):
        zoom(still, tmp_path / "zoom.mp4", Settings.of(duration=10**9))
    assert names(tmp_path) == {"still.png"}


def test_the_frames_that_a_loop_turns_into_need_room_too(still, dreams, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(film_job, "check_disk_space", lambda *arguments: asked.append(arguments[-1]))
    run(still, settings=Settings.of(duration=8))
    run(still, "loop.mp4", settings=Settings.of(duration=8, loop=True))
    assert asked[:2] == [51, 51]
    # It grows from 0.15 of the frame: that takes 3.6 seconds of 1.3/s.
    assert asked[2] == 51
    assert 140 <= asked[3] <= 51 + 100


def test_a_key_beyond_the_end_of_a_loop_is_told_before_the_network_is_loaded(still, tmp_path, monkeypatch):
    monkeypatch.setattr(job, "dreamer_for", lambda _: pytest.fail("loaded"))
    timeline = Timeline((Keyframe(Fraction(5), (("steps", 3),)),))
    with pytest.raises(SettingsError, match="key at 5s: is not before the end of the loop, at 1s"):
        zoom(still, tmp_path / "zoom.mp4", Settings.of(duration=1, loop=True, timeline=timeline))
    assert names(tmp_path) == {"still.png"}


def test_an_image_too_large_to_be_read_is_refused_with_what_helps(still, tmp_path, monkeypatch):
    monkeypatch.setattr(preflight, "total_memory", lambda: 100_000)
    message = r"still\.png: an image of 64x48 needs about 123 kB of memory to be read, .*make a smaller copy"
    with pytest.raises(InputError, match=message):
        zoom(still, tmp_path / "zoom.mp4", Settings.of(size="16x12"))


def test_stills_that_are_kept_count_however_many_they_are(still, tmp_path, monkeypatch):
    monkeypatch.setattr(preflight, "total_memory", lambda: 2_000_000)
    with job.ZoomJob([still] * 5, tmp_path / "zoom.mp4", Settings.of(duration=1)):
        pass
    with pytest.raises(InputError, match=r"still\.png: frames of 64x48 need about 5 MB of memory"):
        job.ZoomJob([still] * 100, tmp_path / "zoom.mp4", Settings.of(duration=1))


def test_ten_minutes_of_the_fastest_fall_outwards_come_to_their_end(still, dreams, tmp_path):
    """The first still has shrunk by more than a number can say."""
    settings = Settings.of(duration=600, fps="0.5", zoom="0.05/s", size="32x24")
    assert zoom(still, tmp_path / "zoom.mkv", settings).frames == 300


def test_a_cluster_is_of_no_use(still, tmp_path):
    with pytest.raises(SettingsError, match=r"scheduler: .*leave --scheduler out"):
        zoom(still, tmp_path / "zoom.mp4", Settings.of(scheduler="tcp://farm:8786"))


# Sound.


@pytest.mark.parametrize(
    ("suffix", "sound", "codec"),
    [
        (".mp4", "s.wav", "pcm_s16le"),
        (".mp4", "s.mp3", "libmp3lame"),
        (".mkv", "s.wav", "pcm_s16le"),
        (".mov", "s.m4a", "aac"),
        (".webm", "s.m4a", "aac"),
    ],
)
def test_the_sound_begins_with_the_film_and_ends_with_it(still, dreams, tmp_path, suffix, sound, codec):
    path = write_sound(tmp_path / sound, clicks(3, [0.4, 1.2, 1.9, 2.5]), codec)
    zoom(still, tmp_path / f"zoom{suffix}", Settings.of(duration=2, fps=10, sound=path))
    heard, end = heard_at(tmp_path / f"zoom{suffix}")
    assert len(heard) == 3
    assert all(abs(at - time) < 0.01 for at, time in zip(heard, [0.4, 1.2, 1.9], strict=True))
    assert abs(end - 2) < 0.03
    assert times(tmp_path / f"zoom{suffix}")[0] == 0


def test_a_sound_shorter_than_the_film_ends_before_it(still, dreams, tmp_path):
    path = write_sound(tmp_path / "s.wav", clicks(1, [0.4]))
    zoom(still, tmp_path / "zoom.mp4", Settings.of(duration=2, fps=10, sound=path))
    assert len(times(tmp_path / "zoom.mp4")) == 20
    assert abs(heard_at(tmp_path / "zoom.mp4")[1] - 1) < 0.05


@pytest.mark.parametrize("name", ["zoom.gif", "frames"])
def test_where_there_can_be_no_sound_a_warning_says_so(still, dreams, tmp_path, caplog, name):
    path = write_sound(tmp_path / "s.wav", clicks(0.4, [0.2]))
    zoom(still, tmp_path / name, Settings.of(sound=path))
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert "s.wav silently; write .mp4" in warnings[0]


@pytest.fixture
def brightened(monkeypatch):
    monkeypatch.setattr(video, "dreamer_for", lambda _: Dreaming())


def test_a_sound_takes_the_place_of_that_of_the_footage(samples, tmp_path, brightened):
    path = write_sound(tmp_path / "s.wav", clicks(3, [0.3, 0.7, 2.5]))
    settings = Settings.of(start="1", end="2", scale=0.2, sound=path)
    dream_video(samples / "bunny.mp4", tmp_path / "film.mp4", settings)
    heard, end = heard_at(tmp_path / "film.mp4")
    assert len(heard) == 2
    assert all(abs(at - time) < 0.01 for at, time in zip(heard, [0.3, 0.7], strict=True))
    assert abs(end - 1) < 0.03


def test_footage_without_sound_gets_one_and_uneven_times_count(tmp_path, brightened):
    pictures = [scene(48, 64, (index, 0)) for index in range(5)]
    clip = write_clip(tmp_path / "clip.mp4", pictures, ticks=[0, 1, 4, 5, 11])
    path = write_sound(tmp_path / "s.wav", clicks(3, [0.2]))
    dream_video(clip, tmp_path / "film.mp4", Settings.of(sound=path))
    heard, end = heard_at(tmp_path / "film.mp4")
    assert abs(heard[0] - 0.2) < 0.01
    assert abs(end - 17 / 25) < 0.03


def test_a_sound_that_cannot_be_used_is_told_before_anything_is_dreamed(clip, still, tmp_path):
    for make, source in ((zoom, still), (dream_video, clip)):
        with pytest.raises(InputError, match=r"clip\.mp4: this file has no sound"):
            make(source, tmp_path / "film.mp4", Settings.of(sound=clip))
        with pytest.raises(InputError, match=r"gone\.wav: does not exist"):
            make(source, tmp_path / "film.mp4", Settings.of(sound=tmp_path / "gone.wav"))
    assert names(tmp_path) == {"clip.mp4", "still.png"}


def test_the_next_frame_is_asked_for_only_if_the_last_is_stored(still, dreams):
    """As the renderer expects: it goes on from what is in the store."""
    with pytest.raises(Break):
        run(still, progress=breaking_at(14))
    stored = names(still.parent / "zoom.mp4.framedream" / "frames")
    pieces = len(names(still.parent / "zoom.mp4.framedream" / "pieces"))
    assert f"{frame_name(pieces * 5 - 1)}.npz" in stored
