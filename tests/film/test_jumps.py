"""What was seen of footage is handed on: parts begin in the middle of it, and the film is the same."""

from __future__ import annotations

import json
import pickle
import zlib
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from breaks import Break, breaking_at, read
from pictures import pan, write_clip
from stand_in_cli import Restless

from framedream import Settings, dream_video
from framedream.config.parsing import Moment
from framedream.film import film_tasks
from framedream.film.film_tasks import FilmTasks, SurveyTask
from framedream.film.footage_job import FootageJob
from framedream.film.plan import Plan
from framedream.film.survey import Survey, survey_from_record, survey_to_record
from framedream.jobs import dream_video as job
from framedream.jobs import preview_scene as scene
from framedream.media import FrameIndex
from framedream.media.read import seeking
from framedream.media.read import video_reader as video
from framedream.workers.tasks import Outcome

COUNT, WORTH = 60, 12


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """A shot with a key frame every five frames, so that there is always one to jump to."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return write_clip(path, pan(COUNT, 48, 64, step=(1.3, 0.4)), group=5)


@pytest.fixture(autouse=True)
def jumping(short, monkeypatch):
    """Windows of six frames, pieces of five, and jumps over twelve."""
    monkeypatch.setattr(seeking, "_WORTH", WORTH)
    monkeypatch.setattr(seeking, "_RUN_UPS", (4,))
    for room in (job, film_tasks):
        monkeypatch.setattr(room, "dreamer_for", lambda *_: Restless())


@pytest.fixture(scope="module")
def expected(clip, short_limits, tmp_path_factory) -> list[bytes]:
    """The whole film's frames, read from its beginning."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Plan, "limits", short_limits)
        patch.setattr(job, "dreamer_for", lambda _: Restless())
        return film(clip, tmp_path_factory.mktemp("whole") / "whole.mp4")


@pytest.fixture
def decoded(monkeypatch) -> list[int]:
    """How many frames are decoded in each pass."""
    passes: list[int] = []
    decode = video.decode

    def counting(*arguments) -> Iterator:
        passes.append(0)
        at = len(passes) - 1
        for frame in decode(*arguments):
            passes[at] += 1
            yield frame

    monkeypatch.setattr(video, "decode", counting)
    return passes


def never(monkeypatch) -> None:
    """All is read from its beginning."""
    monkeypatch.setattr(seeking, "_WORTH", 10_000)


def film(clip: Path, target: Path, progress=None, **values) -> list[bytes]:
    values = {"segment": 8, "devices": "cpu"} | values
    dream_video(clip, target, Settings.of(**values), progress=progress)
    return read(target)


CASES = {
    "a cut": {"start": Moment(frame=21), "end": Moment(seconds=Fraction("1.8"))},
    "slow motion": {"slow_motion": 2, "start": Moment(frame=46)},
    "another rate of a cut": {"fps": Fraction(12), "start": Moment(frame=31)},
    "a mask and a cut": {"mask": "clip", "start": Moment(frame=30), "end": Moment(frame=45)},
}


@pytest.mark.parametrize(
    "case",
    ["a cut", "slow motion", "a mask and a cut", pytest.param("another rate of a cut", marks=pytest.mark.full)],
)
def test_the_film_is_the_same_and_less_is_decoded(clip, tmp_path, monkeypatch, decoded, case):
    values = CASES[case] | ({"mask": clip} if "mask" in CASES[case] else {})
    jumping = film(clip, tmp_path / "jumping.mp4", **values)
    few, decoded[:] = sum(decoded), []
    never(monkeypatch)
    assert film(clip, tmp_path / "film.mp4", **values) == jumping
    assert few < sum(decoded)


def run_tasks(clip: Path, target: Path, **values) -> list[bytes]:
    """The film as tasks make it, each in a process of its own for all it knows."""
    with FootageJob(clip, target, Settings.of(segment=8, **values)) as made:
        tasks = FilmTasks(made)
        while not tasks.is_finished:
            task = pickle.loads(pickle.dumps(tasks.next_task()))
            tasks.finish(task, Outcome("done", task.run()))
        tasks.stop()
        made.assemble(lambda: None)
        made.folder.remove()
    return read(target)


@pytest.fixture
def passes(monkeypatch) -> Counter:
    """Passes over a video by where they begin: a number, or "all" for one from its beginning."""
    found: Counter = Counter()
    begun, whole = video.VideoReader._decode_from, video.VideoReader._decode

    def beginning(source, first, stop):
        found[first] += 1
        return begun(source, first, stop)

    def decoding(source, stop=None, *, quiet=False):
        found["all"] += stop != 1
        return whole(source, stop, quiet=quiet)

    monkeypatch.setattr(video.VideoReader, "_decode_from", beginning)
    monkeypatch.setattr(video.VideoReader, "_decode", decoding)
    return found


@pytest.mark.parametrize("case", ["whole", "a mask", pytest.param("a cut", marks=pytest.mark.full)])
def test_parts_are_told_what_was_seen_and_begin_where_they_are(clip, tmp_path, passes, case):
    values = {"a cut": {"start": Moment(frame=21), "end": Moment(frame=50)}, "a mask": {"mask": clip}}.get(case, {})
    frames = run_tasks(clip, tmp_path / "tasks.mp4", **values)
    from_middle = {first: count for first, count in passes.items() if first != "all" and first >= WORTH}
    assert len(from_middle) > 3
    # Those that begin near the beginning; and that which finds a cut, or looks at a mask.
    near = sum(count for first, count in passes.items() if first != "all" and first < WORTH)
    assert passes["all"] == near + bool(values)
    assert frames == film(clip, tmp_path / "film.mp4", **values)


def test_a_run_that_goes_on_knows_what_was_seen(clip, expected, tmp_path, decoded):
    with pytest.raises(Break):
        film(clip, tmp_path / "film.mp4", progress=breaking_at(80))
    decoded.clear()
    assert film(clip, tmp_path / "film.mp4") == expected
    assert max(decoded[:-1]) < COUNT  # The last pass is that of `read`.


def test_work_begun_by_an_earlier_version_goes_on(clip, expected, tmp_path):
    """Its journal says nothing of what was seen."""
    with pytest.raises(Break):
        film(clip, tmp_path / "film.mp4", progress=breaking_at(80))
    journal = tmp_path / "film.mp4.framedream" / "journal"
    lines = []
    for line in journal.read_bytes().splitlines():
        record = json.loads(line.partition(b" ")[2])
        assert "seen" in record or record["kind"] != "survey"
        record.pop("seen", None)
        text = json.dumps(record, separators=(",", ":")).encode()
        lines.append(b"%08x %s\n" % (zlib.crc32(text), text))
    journal.write_bytes(b"".join(lines))
    assert film(clip, tmp_path / "film.mp4") == expected


def test_what_was_seen_is_noted_exactly():
    seen = FrameIndex(
        7, [Fraction(number * 1001, 30_000) for number in range(5)], [1, 2**32 - 1, 3, 4, 5], Fraction(1, 7)
    )
    mask = FrameIndex(0, [Fraction(0), Fraction(1, 1000)])
    survey = Survey([Fraction(0), Fraction(1, 25)], [1], 48, 64, seen, mask)
    noted = json.loads(json.dumps(survey_to_record(survey, Fraction(1, 25))))
    found = survey_from_record(noted, Fraction(1, 25), 48, 64)
    assert (found.times, found.cuts) == (survey.times, survey.cuts)
    for one, other in ((found.frame_index, seen), (found.mask_index, mask)):
        assert one is not None
        assert (one.first, one.times, list(one.checksums), one.end) == (
            other.first, other.times, list(other.checksums), other.end,
        )  # fmt: skip


def test_a_survey_of_a_cut_does_not_read_what_lies_in_front_again(clip, tmp_path, decoded):
    with FootageJob(clip, tmp_path / "film.mp4", Settings.of(start=Moment(frame=40), end=Moment(frame=50))) as made:
        task = FilmTasks(made).next_task()
        assert isinstance(task, SurveyTask)
        decoded.clear()
        assert len(task.run().times) == 10
        assert max(decoded) <= 25


def test_a_preview_looks_for_its_frame_once(clip, decoded):
    whole = scene.PreviewScene.of(clip, None, 64, Moment(frame=50))
    assert len(whole.around()) > 10
    assert [count for count in decoded if count > 40] == [COUNT]
