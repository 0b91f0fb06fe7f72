"""Footage of any kind through a whole film job: depth, alpha and high dynamic range survive the dreaming itself."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from breaks import Break, breaking_at
from stand_ins import Dreaming

from framedream import Settings, dream_video
from framedream.errors import InputError
from framedream.jobs import dream_video as job
from framedream.media import open_footage

HEIGHT, WIDTH = 64, 96


@pytest.fixture
def unchanged(monkeypatch):
    """A dream that makes frames lighter as a whole, which keeping their mean color undoes."""
    monkeypatch.setattr(job, "dreamer_for", lambda _: Dreaming())


def ramp(number: int, alpha: bool = False) -> np.ndarray:
    """A picture of 16 bits whose levels lie between those of 8; with alpha its right half is half seen."""
    columns = 8000 + 40 * (np.arange(WIDTH) + number)
    picture = np.repeat(np.repeat(columns[None, :, None], HEIGHT, 0), 3, 2).astype(np.uint16)
    if not alpha:
        return picture
    plane = np.full((HEIGHT, WIDTH, 1), 65535, np.uint16)
    plane[:, WIDTH // 2 :] = 30_000
    return np.concatenate([picture, plane], axis=2)


def write(path: Path, pixel_format: str, *, count: int = 6, alpha: bool = False, transfer: int = 1) -> Path:
    """Lossless footage of ramps."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25, width=WIDTH, height=HEIGHT)
        stream.pix_fmt = pixel_format
        stream.codec_context.color_primaries, stream.codec_context.color_trc = (9, transfer) if transfer > 1 else (1, 1)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(ramp(number, alpha), format="rgba64le" if alpha else "rgb48le")
            frame = frame.reformat(format=pixel_format)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def frames(path: Path, *, alpha: bool = False):
    footage = open_footage(path)
    footage.keeps_alpha = alpha
    return list(footage.frames())


def off(one, other) -> float:
    """Largest mean difference of two films' frames, in levels."""
    return max(float(np.abs(a.pixels - b.pixels).mean()) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("bits", "close"), [(10, 0.15), (12, 0.05), (16, 0.01)])
def test_the_whole_path_keeps_the_depth(tmp_path, unchanged, bits, close):
    """Rounded to 8 bits anywhere, frames would be a quarter of a level off."""
    source = write(tmp_path / "a.mkv", f"gbrp{bits}le")
    film = dream_video(source, tmp_path / "b.mkv", Settings.of(codec="archive"))
    assert off(frames(film.path), frames(source)) < close
    with av.open(str(film.path)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == f"gbrp{bits}le"


def test_deep_images_become_deep_images(tmp_path, unchanged):
    (tmp_path / "in").mkdir()
    for number in range(3):
        assert cv2.imwrite(str(tmp_path / "in" / f"{number}.png"), ramp(number))
    dream_video(tmp_path / "in", tmp_path / "out")
    for number, path in enumerate(sorted((tmp_path / "out").iterdir())):
        made = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert made.dtype == np.uint16
        assert np.abs(made.astype(float) - ramp(number)).mean() < 3


def test_a_stopped_film_of_deep_frames_goes_on_as_if_it_had_not(tmp_path, unchanged):
    source = write(tmp_path / "a.mkv", "gbrap12le", alpha=True)
    whole = dream_video(source, tmp_path / "whole.mkv", Settings.of(codec="ffv1"))
    with pytest.raises(Break):
        dream_video(source, tmp_path / "again.mkv", Settings.of(codec="ffv1"), progress=breaking_at(9))
    again = dream_video(source, tmp_path / "again.mkv", Settings.of(codec="ffv1"))
    for one, other in zip(frames(whole.path, alpha=True), frames(again.path, alpha=True), strict=True):
        assert np.array_equal(one.pixels, other.pixels)
        assert np.array_equal(one.alpha, other.alpha)


@pytest.mark.parametrize(("name", "values"), [("b.mkv", {}), ("b.mov", {}), ("b.webm", {}), ("frames", {}),
                                              ("b.mkv", {"slow_motion": 2}), ("b.mkv", {"scale": 0.5})])  # fmt: skip
def test_alpha_goes_along(tmp_path, unchanged, name, values):
    source = write(tmp_path / "a.mkv", "gbrap10le", alpha=True)
    film = dream_video(source, tmp_path / name, Settings.of(**values))
    made = frames(film.path, alpha=True)
    assert len(made) == (11 if values.get("slow_motion") else 6)
    for frame in made:
        width = frame.alpha.shape[1]
        assert frame.alpha[:, : width // 2 - 6].mean() == pytest.approx(255, abs=1)
        assert frame.alpha[:, width // 2 + 6 :].mean() == pytest.approx(30_000 / 257, abs=1.5)


@pytest.mark.parametrize(("compare", "wide"), [("side", 2), ("wipe", 1)])
def test_compared_films_keep_alpha(tmp_path, unchanged, compare, wide):
    source = write(tmp_path / "a.mkv", "gbrap10le", alpha=True)
    film = dream_video(source, tmp_path / "b.mkv", Settings.of(compare=compare))
    for frame in frames(film.path, alpha=True):
        assert frame.alpha.shape == (HEIGHT, wide * WIDTH)
        assert np.array_equal(frame.alpha[:, -WIDTH:], frames(source, alpha=True)[0].alpha)


@pytest.mark.parametrize("devices", ["cpu", "cpu:2"])
def test_alpha_that_is_lost_is_told_once_whoever_works(tmp_path, kept_workers, caplog, devices):
    caplog.set_level("INFO", "framedream")
    source = write(tmp_path / "a.mkv", "gbrap12le", count=4, alpha=True)
    dream_video(source, tmp_path / "b.mp4", Settings.of(devices=devices))
    assert caplog.text.count("transparent parts are shown over black") == 1


def test_workers_see_what_one_process_sees(tmp_path, kept_workers):
    source = write(tmp_path / "a.mkv", "gbrap12le", count=20, alpha=True)
    films = [
        dream_video(source, tmp_path / name, Settings.of(segment=8, devices=devices))
        for name, devices in (("one.mkv", "cpu"), ("two.mkv", "cpu:2"))
    ]
    for one, other in zip(*(frames(film.path, alpha=True) for film in films), strict=True):
        assert np.array_equal(one.pixels, other.pixels)
        assert np.array_equal(one.alpha, other.alpha)


def test_high_dynamic_range_is_dreamed_in_ten_bits_or_refused_before_any_work(tmp_path, unchanged):
    source = write(tmp_path / "a.mkv", "yuv420p10le", transfer=16)
    film = dream_video(source, tmp_path / "b.mp4")
    with av.open(str(film.path)) as container:
        frame = next(container.decode(video=0))
        assert (frame.color_trc, frame.color_primaries, frame.format.name) == (16, 9, "yuv420p10le")
    assert off(frames(film.path), frames(source)) < 0.6
    with pytest.raises(InputError, match="needs 10 bits"):
        dream_video(source, tmp_path / "b.gif")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a.mkv", "b.mp4"]


def test_steps_of_a_ramp_stay_even(tmp_path, unchanged):
    """No banding: neighbouring columns of a ten-bit film differ by the ramp's step, not by whole levels."""
    source = write(tmp_path / "a.mkv", "gbrp10le")
    film = dream_video(source, tmp_path / "b.mkv", Settings.of(codec="archive"))
    row = frames(film.path)[0].pixels[30, :, 1]
    steps = [float(later - earlier) for earlier, later in itertools.pairwise(row)]
    assert max(steps) < 0.6
