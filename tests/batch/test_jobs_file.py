"""A jobs file says what of a folder is dreamed and how; what is wrong in it is said with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from framedream.batch.items import find_items
from framedream.config.settings import Settings
from framedream.errors import InputError, SettingsError


@pytest.fixture
def run(tmp_path):
    """Finds the items of a small folder with a jobs file."""
    clips = tmp_path / "clips"
    for name in ("a.mov", "day/b.mov", "day/c.png", "take[1].mov"):
        (clips / name).parent.mkdir(parents=True, exist_ok=True)
        (clips / name).touch()

    def find(text: str, presets=(), values=None, **options):
        (tmp_path / "batch.toml").write_text(text)
        jobs_file = tmp_path / "batch.toml"
        return find_items(clips, tmp_path / "out", presets, values or {}, jobs_file=jobs_file, **options)

    return find


def table(items, tmp_path: Path) -> list[tuple[str, str]]:
    return [(item.name, item.target.relative_to(tmp_path / "out").as_posix()) for item in items]


def test_settings_above_the_tables_are_for_all(run):
    items = run('preset = "peacock"\nsteps = 3\nfollow-steps = 1')
    assert [item.name for item in items] == ["a.mov", "day/b.mov", "day/c.png", "take[1].mov"]
    assert {item.settings for item in items} == {Settings.of("peacock", steps=3, follow_steps=1)}


def test_with_tables_only_what_they_list_is_done(run, tmp_path):
    items = run(
        'steps = 3\n[[item]]\nsource = "day/*.mov"\nsteps = 4\n[[item]]\nsource = "a.mov"\ntarget = "best/x.webm"\n'
    )
    assert table(items, tmp_path) == [("day/b.mov", "day/b.mov"), ("a.mov", "best/x.webm")]
    assert [item.settings.dream.steps for item in items] == [4, 3]


def test_a_table_may_name_a_folder_and_its_results_go_to_another(run, tmp_path):
    items = run('[[item]]\nsource = "day/"\ntarget = "night"')
    assert table(items, tmp_path) == [("day/b.mov", "night/b.mov"), ("day/c.png", "night/c.png")]
    items = run('[[item]]\nsource = "*.mov"\ntarget = "films"')
    assert table(items, tmp_path)[:2] == [("a.mov", "films/a.mov"), ("day/b.mov", "films/day/b.mov")]


def test_a_target_without_suffix_is_a_folder_of_images(run, tmp_path):
    assert table(run('[[item]]\nsource = "a.mov"\ntarget = "frames"'), tmp_path) == [("a.mov", "frames")]


def test_a_name_with_brackets_is_that_file(run):
    assert [item.name for item in run('[[item]]\nsource = "take[1].mov"')] == ["take[1].mov"]


def test_a_film_listed_twice_is_done_twice_unless_all_is_the_same(run, tmp_path):
    text = '[[item]]\nsource = "a.mov"\nsteps = {}\n[[item]]\nsource = "a.mov"\nsteps = 4'
    assert table(run(text.format(3)), tmp_path) == [("a.mov", "a.mov"), ("a.mov (2)", "a-2.mov")]
    assert table(run(text.format(4)), tmp_path) == [("a.mov", "a.mov")]


def test_several_presets_of_a_table_make_a_tree_each(run, tmp_path):
    items = run('preset = "eyes"\n[[item]]\nsource = "a.mov"\n[[item]]\nsource = "day"\npresets = ["peacock", "eyes"]')
    assert table(items, tmp_path) == [
        ("a.mov", "a.mov"),
        ("peacock/day/b.mov", "peacock/day/b.mov"),
        ("peacock/day/c.png", "peacock/day/c.png"),
        ("eyes/day/b.mov", "eyes/day/b.mov"),
        ("eyes/day/c.png", "eyes/day/c.png"),
    ]
    assert items[0].settings == Settings.of("eyes")


def test_flags_beat_the_jobs_file(run):
    (item,) = run(
        'preset = "eyes"\nsteps = 3\n[[item]]\nsource = "a.mov"\npreset = "bubbles"\nsteps = 4\nscale = 2.0',
        presets=["peacock"],
        values={"steps": 5, "size": "64x48", "scale": None},
    )
    assert item.preset == "peacock"
    assert item.settings == Settings.of("peacock", steps=5, size="64x48")


def test_globs_choose_among_what_the_tables_list(run):
    assert [item.name for item in run('[[item]]\nsource = "day"', exclude=["*.png"])] == ["day/b.mov"]


def test_a_model_in_a_table_brings_its_own_layers(run):
    items = run('layers = "fire5=1"\n[[item]]\nsource = "a.mov"\nmodel = "vgg16"')
    assert items[0].settings == Settings.of(model="vgg16")


def test_preset_and_weights_files_are_looked_for_beside_the_jobs_file(run, tmp_path):
    (tmp_path / "mine.toml").write_text("steps = 3")
    (tmp_path / "net.npz").touch()
    items = run('preset = "mine.toml"\nweights = "net.npz"')
    assert items[0].settings.dream.steps == 3
    assert items[0].settings.dream.weights == tmp_path / "net.npz"
    (tmp_path / "course.toml").write_text("[[key]]\nat = 0\nsteps = 3")
    (tmp_path / "track.wav").touch()
    change = run('timeline = "course.toml"\nsound = "track.wav"')[0].settings.change
    assert change.timeline is not None
    assert change.sound == tmp_path / "track.wav"
    assert run('weights = "elsewhere.npz"')[0].settings.dream.weights == Path("elsewhere.npz")


@pytest.mark.parametrize("path", ["../a.mov", "/etc/passwd", "day/../../x.mov", "x\\u0000.mov"])
@pytest.mark.parametrize("key", ["source", "target"])
def test_paths_that_lead_out_are_refused(run, key, path):
    other = {"source": "target", "target": "source"}[key]
    with pytest.raises(SettingsError, match=rf"batch\.toml, \[\[item\]\] 1: {key} .* leads out"):
        run(f'[[item]]\n{key} = "{path}"\n{other} = "a.mov"')


def test_a_table_that_fits_nothing_is_named(run):
    with pytest.raises(InputError, match=r"batch\.toml, \[\[item\]\] 2: nothing .* 'b\.mov/x'"):
        run('[[item]]\nsource = "a.mov"\n[[item]]\nsource = "b.mov/x"')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stpes = 3", r"batch\.toml: unknown key 'stpes'; did you mean 'steps'"),
        ('[[item]]\nsorce = "a.mov"\nsource = "a.mov"', r"\[\[item\]\] 1: unknown key 'sorce'; did you mean 'source'"),
        ('[[items]]\nsource = "a.mov"', r"unknown key 'items'; did you mean 'item'"),
        ("steps = -1", r"batch\.toml: steps: -1 is out of range"),
        ('[[item]]\nsource = "a.mov"\nsteps = "3"', r"\[\[item\]\] 1: steps: '3' is not a whole number"),
        ('preset = "peacok"\n[[item]]\nsource = "a.mov"', r"batch\.toml, \[\[item\]\] 1: preset: .*'peacock'"),
        ('preset = "eyes"\npresets = ["eyes"]', "both given"),
        ("preset = 3", "preset is not a name or"),
        ("presets = []", "preset is not a name or"),
        ("step-size = 1\nstep_size = 2", "step_size is set twice"),
        ('[item]\nsource = "a.mov"', r"write \[\[item\]\]"),
        ("item = []", r"write \[\[item\]\]"),
        ("[[item]]\nsteps = 3", "source is missing"),
        ("[[item]]\nsource = 3", "source is missing or no text"),
        ("steps = 3\nlayers = ", r"batch\.toml, line 2: is not valid TOML"),
        ('steps = 3\n\nlayers = """', r"batch\.toml, line 3: is not valid TOML"),
        ('[[item]]\nsource = "a.mov"\ntarget = "a.mpv"', r"\[\[item\]\] 1: target: .*'\.mpv'; did you mean '\.mp4'"),
        ('[[item]]\nsource = "day/c.png"\ntarget = "c"', r"\[\[item\]\] 1: target: c: framedream cannot write images"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(run, text, words):
    with pytest.raises(SettingsError, match=words):
        run(text)


def test_a_jobs_file_that_cannot_be_read_is_said(run, tmp_path):
    (tmp_path / "bytes.toml").write_bytes(b"\xff")
    for name, words in (("nowhere.toml", "cannot be read"), ("bytes.toml", "not UTF-8")):
        with pytest.raises(SettingsError, match=rf"{name}: .*{words}"):
            find_items(tmp_path / "clips", tmp_path / "out", [], {}, jobs_file=tmp_path / name)
