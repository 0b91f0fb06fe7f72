"""A folder becomes items: all footage in it, each with a kind, its settings and a name for its result."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from framedream.batch import discovery as tree
from framedream.batch.items import find_items
from framedream.config.settings import Settings
from framedream.errors import InputError, OutputError, SettingsError


@pytest.fixture
def source(tmp_path) -> Path:
    (tmp_path / "clips").mkdir()
    return tmp_path / "clips"


def fill(folder: Path, *names: str | bytes) -> None:
    """Empty files, with the folders they lie in."""
    for name in names:
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def save(path: Path, pictures: int = 1) -> None:
    """An image, or an animated one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [Image.fromarray(np.full((4, 4, 3), 40 * index, np.uint8)) for index in range(pictures)]
    images[0].save(path, save_all=pictures > 1, append_images=images[1:])


def items_of(source: Path, presets=(), values=None, **options):
    return find_items(source, source.parent / "dreamed", presets, values or {}, **options)


def names(items) -> list[str]:
    return [item.name for item in items]


def targets(items, source: Path) -> dict[str, str]:
    return {item.name: item.target.relative_to(source.parent / "dreamed").as_posix() for item in items}


def test_everything_below_is_found_in_natural_order_and_its_tree_mirrored(source):
    fill(source, "10.mov", "2.mov", "holiday/day 10/a.mp4", "holiday/day 2/b.mkv", "photo.jpg")
    items = items_of(source)
    assert names(items) == ["2.mov", "10.mov", "holiday/day 2/b.mkv", "holiday/day 10/a.mp4", "photo.jpg"]
    assert items[2].source == source / "holiday/day 2/b.mkv"
    assert items[2].target == source.parent / "dreamed/holiday/day 2/b.mkv"
    assert [item.kind for item in items] == ["video"] * 4 + ["still"]
    assert {item.preset for item in items} == {"framedream"}
    assert items[0].settings == Settings()
    assert not any(item.problem for item in items)


def test_hidden_files_work_folders_and_what_is_no_footage_are_passed_over(source):
    fill(source, "a.mov", ".b.mov", ".git/c.mov", "a.mov.framedream/0001.png", "notes.txt", "sound.wav", "mov")
    assert names(items_of(source)) == ["a.mov"]


@pytest.mark.parametrize("suffix", ["mp4", "MTS", "m2ts", "ts", "vob", "dv", "mxf", "y4m", "wmv", "3gp", "flv"])
def test_films_go_by_their_suffix_even_if_they_are_text(source, suffix):
    (source / f"a.{suffix}").write_text("no film")
    assert [item.kind for item in items_of(source)] == ["video"]


@pytest.mark.parametrize("suffix", ["m3u8", "m3u", "ffconcat", "ffcat", "mpd", "sdp", "pls"])
def test_lists_of_films_are_items_that_will_say_why_they_fail(source, suffix):
    fill(source, f"list.{suffix}")
    assert names(items_of(source)) == [f"list.{suffix}"]


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "apng", "avif"])
def test_an_image_that_moves_is_an_animation(source, suffix):
    save(source / f"moves.{suffix}", pictures=3)
    save(source / f"rests.{suffix}")
    assert {item.name.split(".")[0]: item.kind for item in items_of(source)} == {"moves": "animation", "rests": "still"}


def test_a_damaged_image_is_a_still_until_it_is_opened(source):
    (source / "bad.gif").write_bytes(b"GIF89a\x04\x00\x04\x00\xf0")
    (source / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    assert [item.kind for item in items_of(source)] == ["still", "still"]


def test_a_folder_of_numbered_images_is_one_clip(source):
    fill(source, *(f"shot/take2_{index}.png" for index in range(8, 13)), "shot/sound.wav", "shot/extra/b.mov")
    items = items_of(source)
    assert [(item.name, item.kind) for item in items] == [("shot", "images"), ("shot/extra/b.mov", "video")]
    assert items[0].source == source / "shot"
    assert targets(items, source)["shot"] == "shot.mp4"


@pytest.mark.parametrize(
    "files",
    [
        ["f1.png", "f2.png", "f3.png", "f4.png"],
        ["f1.png", "f2.png", "f3.png", "f4.png", "cover.png"],
        ["f1.png", "f2.png", "f3.png", "f4.png", "f5.jpg"],
        ["f1.png", "f2.png", "f3.png", "f4.png", "g5.png"],
        ["a1.png", "b1.png", "c1.png", "d1.png", "e1.png"],
        ["f1_1.png", "f2_1.png", "f3_1.png", "f4_1.png", "f4_2.png"],
    ],
    ids=["few", "one without number", "two suffixes", "two names", "one number", "two numbers"],
)
def test_images_not_numbered_alike_are_stills(source, files):
    fill(source, *(f"shot/{name}" for name in files))
    assert {item.kind for item in items_of(source)} == {"still"}
    assert len(items_of(source)) == len(files)


def test_numbered_animations_are_no_clip(source):
    for index in range(5):
        save(source / f"loops/{index}.gif", pictures=1 if index == 0 else 2)
    assert [item.kind for item in items_of(source)] == ["still"] + ["animation"] * 4


def test_the_searched_folder_may_itself_be_a_clip(source):
    fill(source, *(f"{index:04}.jpg" for index in range(5)))
    assert targets(items_of(source), source) == {"clips": "clips.mp4"}
    fill(source, *(f"clips/{index:04}.jpg" for index in range(5)))
    assert targets(items_of(source), source) == {"clips": "clips.mp4", "clips (2)": "clips-2.mp4"}
    fill(source, *(f"clips (2)/{index:04}.jpg" for index in range(5)))
    assert [(item.name, item.source.name) for item in items_of(source)] == [
        ("clips", "clips"),
        ("clips (3)", "clips"),
        ("clips (2)", "clips (2)"),
    ]


def test_suffixes_that_cannot_be_written_are_changed(source):
    save(source / "still.gif")
    save(source / "moves.gif", pictures=2)
    fill(source, "film.avi", "scan.jp2", "old.MPG", "shout.MOV", "photo.JPG")
    assert targets(items_of(source), source) == {
        "film.avi": "film.mp4",
        "moves.gif": "moves.gif",
        "old.MPG": "old.mp4",
        "photo.JPG": "photo.JPG",
        "scan.jp2": "scan.png",
        "shout.MOV": "shout.MOV",
        "still.gif": "still.png",
    }


def test_results_of_one_name_are_told_apart_whatever_order_the_disk_lists(source, monkeypatch):
    fill(source, "a.avi", "a.mp4", "A.MP4", "a.mpg", "b.wmv", "b.flv", "c.avi")
    expected = {
        "a.avi": "a.avi.mp4",
        "A.MP4": "A.MP4",
        "a.mp4": "a-2.mp4",
        "a.mpg": "a.mpg.mp4",
        "b.flv": "b.flv.mp4",
        "b.wmv": "b.wmv.mp4",
        "c.avi": "c.mp4",
    }
    assert targets(items_of(source), source) == expected
    entries = tree._entries
    monkeypatch.setattr(tree, "_entries", lambda folder: entries(folder)[::-1])
    assert targets(items_of(source), source) == expected


def test_a_link_out_of_the_folder_is_a_problem_and_not_followed(source, tmp_path):
    fill(tmp_path, "far/secret.mov", "far/secret.txt")
    (source / "file.mov").symlink_to(tmp_path / "far/secret.mov")
    (source / "text.txt").symlink_to(tmp_path / "far/secret.txt")
    (source / "folder").symlink_to(tmp_path / "far")
    items = items_of(source)
    assert [(item.name, item.kind) for item in items] == [("file.mov", "video"), ("folder", "images")]
    assert all("link out of the source folder" in item.problem for item in items)


def test_links_inside_the_folder_count_once(source):
    fill(source, "day/a.mov")
    (source / "again").symlink_to(source / "day")
    (source / "day/up").symlink_to(source)
    (source / "b.mov").symlink_to("day/a.mov")
    assert [(item.name, item.problem) for item in items_of(source)] == [("b.mov", ""), ("day/a.mov", "")]


def test_links_into_nothing_and_in_a_circle_are_problems(source):
    for name in ("gone.mov", "gone", "gone.txt"):
        (source / name).symlink_to("nowhere")
    (source / "circle").symlink_to("circle")
    items = items_of(source)
    assert names(items) == ["circle", "gone", "gone.mov"]
    assert all("leads nowhere" in item.problem for item in items)


def test_a_searched_folder_may_be_reached_by_a_link(source, tmp_path):
    fill(source, "a.mov", "day/b.mov")
    (source / "l.mov").symlink_to(source / "a.mov")
    (tmp_path / "link").symlink_to(source)
    items = items_of(tmp_path / "link")
    assert [(item.name, item.problem) for item in items] == [("a.mov", ""), ("day/b.mov", ""), ("l.mov", "")]


def test_a_clip_with_an_image_from_elsewhere_is_a_problem(source, tmp_path):
    fill(source, *(f"shot/{index}.png" for index in range(5)))
    fill(tmp_path, "secret.png")
    (source / "shot/5.png").symlink_to(tmp_path / "secret.png")
    (item,) = items_of(source)
    assert item.kind == "images"
    assert "5.png" in item.problem and "link out" in item.problem


def test_pipes_and_sockets_are_problems_and_never_opened(source, monkeypatch):
    os.mkfifo(source / "pipe.png")
    os.mkfifo(source / "notes.txt")
    monkeypatch.chdir(source)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.mov")
        items = items_of(source)
    assert names(items) == ["pipe.png", "socket.mov"]
    assert all("not a file" in item.problem for item in items)


def test_a_folder_that_cannot_be_listed_is_a_problem(source, monkeypatch):
    fill(source, "a.mov", "private/b.mov")
    entries = tree._entries

    def refuse(folder):
        if folder.name == "private":
            raise PermissionError(13, "Permission denied")
        return entries(folder)

    monkeypatch.setattr(tree, "_entries", refuse)
    items = items_of(source)
    assert names(items) == ["a.mov", "private"]
    assert items[1].problem == "the folder cannot be read (Permission denied); check its permissions"
    assert names(items_of(source, include=["*.mov"])) == ["a.mov", "private"]
    assert names(items_of(source, exclude=["private"])) == ["a.mov"]


def test_any_name_a_file_can_have_is_kept(source):
    odd = [b"a b.mov", b'it\'s "so".mov', b"line\nbreak.mov", b"-\xff.mov", b"[1].mov", b"$(x);&#?%.mov", b" .mov"]
    fill(source, *odd)
    items = items_of(source)
    assert {os.fsencode(item.target.name) for item in items} == set(odd)
    assert {os.fsencode(item.source.name) for item in items} == set(odd)


def test_names_leave_room_for_those_of_temporary_files(source):
    fill(
        source, "x" * 251 + ".avi", "x" * 250 + "y.avi", "ü" * 125 + ".mov", b"\xff" * 240 + b".mov", "y" * 237 + ".mov"
    )
    items = items_of(source)
    made = [os.fsencode(item.target.name) for item in items]
    assert max(map(len, made)) == 255 - len(".framedream...")
    assert len(set(made)) == 5
    assert b"y" * 237 + b".mov" in made
    assert all(name.endswith((b".mp4", b".mov")) for name in made)
    assert any(name.startswith(b"\xff" * 200) for name in made)
    assert all("\ufffd" not in item.target.name for item in items)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"include": ["*.mov"]}, ["a.mov", "day/b.mov"]),
        ({"include": ["day"]}, ["day/b.mov", "day/c.png", "day/shot"]),
        ({"include": ["day/"]}, ["day/b.mov", "day/c.png", "day/shot"]),
        ({"include": ["day/?.*"]}, ["day/b.mov", "day/c.png"]),
        ({"include": ["a.*", "c.*"]}, ["a.mov", "day/c.png"]),
        ({"include": ["*.jpg"]}, ["day/shot"]),
        ({"exclude": ["day"]}, ["a.mov"]),
        ({"exclude": ["*.png", "*.jpg"]}, ["a.mov", "day/b.mov"]),
        ({"exclude": ["3.jpg", "*.mov"]}, ["day/c.png", "day/shot"]),
        ({"include": ["day"], "exclude": ["*.mov", "shot"]}, ["day/c.png"]),
    ],
)
def test_globs_choose_by_path_by_name_and_by_folder(source, options, expected):
    fill(source, "a.mov", "day/b.mov", "day/c.png", *(f"day/shot/{index}.jpg" for index in range(5)))
    assert names(items_of(source, **options)) == expected


def test_several_presets_make_a_tree_each(source, tmp_path):
    fill(source, "day/a.mov")
    (tmp_path / "mine.toml").write_text("steps = 3")
    items = items_of(source, ["peacock", str(tmp_path / "mine.toml")], {"scale": 0.5})
    assert targets(items, source) == {"peacock/day/a.mov": "peacock/day/a.mov", "mine/day/a.mov": "mine/day/a.mov"}
    assert items[0].settings == Settings.of("peacock", scale=0.5)
    assert items[1].settings == Settings.of(steps=3, scale=0.5)
    assert [item.preset for item in items] == ["peacock", str(tmp_path / "mine.toml")]


def test_one_preset_makes_no_tree_of_its_own(source):
    fill(source, "a.mov")
    assert targets(items_of(source, ["peacock"]), source) == {"a.mov": "a.mov"}


@pytest.mark.parametrize("second", ["eyes", "Eyes.toml", "...toml"])
def test_presets_whose_trees_cannot_be_told_apart_are_refused(source, second):
    fill(source, "a.mov")
    with pytest.raises(SettingsError, match=r"two are called|begins with a dot"):
        items_of(source, ["eyes", second])


def test_presets_and_settings_are_checked_before_anything_is_looked_for(source, tmp_path):
    (tmp_path / "bad.toml").write_text("stpes = 3")
    with pytest.raises(SettingsError, match=r"bad\.toml: unknown setting 'stpes'; did you mean 'steps'"):
        items_of(source, ["peacock", str(tmp_path / "bad.toml")])
    with pytest.raises(SettingsError, match="no 'peacok'; did you mean 'peacock'"):
        items_of(source, ["peacok"])
    with pytest.raises(SettingsError, match=r"^steps: -1 is out of range"):
        items_of(source, [], {"steps": -1})


@pytest.mark.parametrize("target", ["clips", "clips/dreamed", "link", "link/deep/dreamed", "clips/../clips/x"])
def test_results_inside_the_source_are_refused(source, tmp_path, target):
    fill(source, "a.mov")
    (tmp_path / "link").symlink_to(source)
    with pytest.raises(OutputError, match="put the output beside it"):
        find_items(source, tmp_path / target, [], {})
    assert list(source.iterdir()) == [source / "a.mov"]


def test_results_inside_the_source_by_another_name_of_it_are_refused(source, tmp_path, monkeypatch):
    """As on disks where upper and lower case are one, and with folders mounted twice."""
    fill(source, "a.mov")
    (tmp_path / "CLIPS").symlink_to(source)
    monkeypatch.setattr(os.path, "realpath", os.path.abspath)
    with pytest.raises(OutputError, match="put the output beside it"):
        find_items(source, tmp_path / "CLIPS" / "dreamed", [], {})


def test_a_source_inside_the_results_is_refused(source, tmp_path):
    fill(source, "a.mov")
    with pytest.raises(OutputError, match="holds the folder that is read; put the output beside it"):
        find_items(source, tmp_path, [], {})


def test_a_target_that_is_a_file_is_refused(source, tmp_path):
    fill(tmp_path, "clips/a.mov", "dreamed")
    for name, words in (
        ("dreamed", "is not a folder"),
        ("dreamed/deep", "is not a folder"),
        ("x" * 300, "looked at"),
    ):
        with pytest.raises(OutputError, match=words):
            find_items(source, tmp_path / name, [], {})


def test_folders_may_be_named_from_where_one_stands(source, monkeypatch):
    fill(source, "day/a.mov")
    (source / "l.mov").symlink_to("day/a.mov")
    monkeypatch.chdir(source)
    items = find_items(Path(), Path("../dreamed"), [], {})
    assert [(item.name, item.target.as_posix(), item.problem) for item in items] == [
        ("day/a.mov", "../dreamed/day/a.mov", ""),
        ("l.mov", "../dreamed/l.mov", ""),
    ]


def test_a_source_that_is_no_folder_is_refused(source, tmp_path):
    fill(tmp_path, "film.mov")
    for name, words in (
        ("film.mov", "is not a folder"),
        ("nowhere", "this folder does not exist"),
        ("x" * 300, "looked at"),
    ):
        with pytest.raises(InputError, match=words):
            find_items(tmp_path / name, tmp_path / "dreamed", [], {})


def test_nothing_to_do_is_an_error(source):
    with pytest.raises(InputError, match="this folder has no footage"):
        items_of(source)
    fill(source, "a.mov")
    with pytest.raises(InputError, match="left by --include and --exclude"):
        items_of(source, include=["*.mp4"])
