"""`probe` tells what framedream sees, and what it would make of it."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from pictures import pan, write_clip

from framedream import Settings, probe
from framedream.cli.main import main
from framedream.errors import InputError
from framedream.media import write_image


def rows(found) -> dict[str, str]:
    return dict(found.rows)


def test_a_real_clip_is_told_track_by_track(samples):
    told = rows(probe(samples / "bunny.mp4"))
    assert told["container"].startswith("QuickTime / MOV, 3.00 seconds")
    assert told["video"] == "#0 h264, High, 640x360, yuv420p, its colors not said"
    assert told["audio"] == "#1 aac, 48000 Hz, 5.1"
    assert told["pictures"] == "640x360, upright, square pixels, 8 bits"
    assert told["color"] == "matrix BT.601, limited range, primaries BT.709, transfer BT.601"
    assert told["times"] == "75 frames from 0.000 to 2.960 seconds, 25 a second, constant"
    assert told["cuts"] == "none"
    assert told["would be"] == "dreamed as 75 frames of 640x360, 1 shot, 1 segment"


def test_what_would_be_written_follows_the_settings(samples):
    source = samples / "bunny.mp4"
    found = probe(source, "x.webm", Settings.of(start="1", end="2", scale=0.5))
    written = [words for what, words in found.rows if what == "written"]
    assert written == ["x.webm: libvpx-vp9, yuv420p, 320x180, crf 24, 8 bits", "sound: aac encoded as libopus"]
    assert len(found.times) == 25
    slow = rows(probe(source, "x.mov", Settings.of(slow_motion=2, codec="edit")))
    assert slow["times"].startswith("149 frames from 0.000 to 5.920 seconds")
    assert slow["written"] == "sound: aac encoded as aac"
    assert rows(probe(source, "frames/"))["written"] == "frames: numbered PNGs, 8 bits"


def test_cuts_are_told(tmp_path):
    one, other = (
        255 - picture if bright else picture for bright, picture in ((0, pan(1, 48, 64)[0]), (1, pan(1, 48, 64)[0]))
    )
    path = write_clip(tmp_path / "a.mp4", [one] * 8 + [other] * 8)
    told = rows(probe(path))
    assert told["cuts"] == "1, at 8f (0.32)"
    assert "2 shots" in told["would be"]
    assert rows(probe(path, None, Settings.of(cuts="none")))["cuts"] == "not looked for"


def test_varying_times_are_told(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25, time_base=Fraction(1, 1000))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
        for number, tick in enumerate((0, 40, 100, 110, 400)):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 40 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = tick, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert rows(probe(path))["times"] == (
        "5 frames from 0.000 to 0.400 seconds, 10 a second on average, varying: 10.0 to 290.0 ms apart"
    )


def test_notes_and_refusals_are_told_and_nothing_is_written(tmp_path):
    path = tmp_path / "hdr.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p10le"
        stream.codec_context.color_primaries, stream.codec_context.color_trc = 9, 16
        stream.codec_context.colorspace = 9
        frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), format="rgb24")
        container.mux(stream.encode(frame.reformat(format="yuv420p10le")))
        container.mux(stream.encode(None))
    told = rows(probe(path, tmp_path / "x" / "y.gif"))
    assert "transfer PQ (HDR)" in told["color"]
    assert "needs 10 bits" in told["refused"]
    assert told["times"] == "1 frame"
    assert [item.name for item in tmp_path.iterdir()] == ["hdr.mkv"]


def test_alpha_is_told_and_what_becomes_of_it(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgra"
        frame = av.VideoFrame.from_ndarray(np.full((48, 64, 4), 90, np.uint8), format="rgba")
        container.mux(stream.encode(frame.reformat(format="bgra")))
        container.mux(stream.encode(None))
    kept, lost = rows(probe(path, "x.webm")), rows(probe(path, "x.mp4"))
    assert kept["pictures"].endswith("8 bits, with alpha")
    assert kept["written"].endswith("8 bits, with alpha")
    assert "note" not in kept
    assert lost["note"] == "transparent parts are shown over black"


def test_images_are_told_too(tmp_path, samples):
    assert rows(probe(samples / "astronaut.png"))["pictures"] == "512x512, upright, square pixels, 8 bits"
    with pytest.raises(InputError, match="there is no such file"):
        probe(tmp_path / "none.mp4")


def test_the_folder_one_is_in_can_be_looked_at(tmp_path, monkeypatch):
    (tmp_path / "stills").mkdir()
    write_image(tmp_path / "stills" / "1.png", pan(1, 48, 64)[0])
    monkeypatch.chdir(tmp_path / "stills")
    told = rows(probe("."))
    assert told["container"] == "folder of 1 image"
    assert str(tmp_path / "stills-dream.mp4") in told["written"]
    assert str(tmp_path / "stills-dream.mp4") in rows(probe(tmp_path / "stills"))["written"]


def test_the_command_prints_it(samples, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["probe", str(samples / "bunny.mp4"), "x.mkv", "--cuts", "none", "--codec", "archive"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].endswith("bunny.mp4")
    assert "  written    x.mkv: ffv1, bgr0, 640x360, 8 bits" in out
    assert "  cuts       not looked for" in out


def test_a_compared_film_is_told_as_wide_as_it_would_be(samples):
    told = dict(reversed(probe(samples / "bunny.mp4", "x.mkv", Settings.of(compare="side", cuts="none")).rows))
    assert told["written"].startswith("x.mkv: libx264, yuv420p, 1280x360")
    assert told["would be"].startswith("dreamed as 75 frames of 640x360")


def test_a_codec_that_the_film_cannot_hold_is_told_as_refused(samples):
    told = rows(probe(samples / "bunny.mp4", "x.mov", Settings.of(codec="av1", cuts="none")))
    assert ".mov files cannot hold libsvtav1" in told["refused"]


def test_alpha_that_is_kept_is_not_told_to_be_laid_over_black(tmp_path):
    from PIL import Image

    picture = np.full((16, 24, 4), 200, np.uint8)
    picture[:8, :, 3] = 0
    frames = [Image.fromarray(picture), Image.fromarray(255 - picture[..., ::-1])]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], duration=50, lossless=True)
    assert "note" not in rows(probe(tmp_path / "a.webp"))
    assert "over black" in rows(probe(tmp_path / "a.webp", "x.mp4"))["note"]
