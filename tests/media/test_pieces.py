"""A film put together of pieces is the film of its frames, wherever it was cut and stored."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from media_clips import number_of, numbered

from framedream.config.settings import OutputSettings
from framedream.errors import OutputError
from framedream.media import FilmAssembler, FilmFormat, Frame, open_footage
from framedream.media.write.pieces import Piece

LIKE = FilmFormat(128, 96, time_base=Fraction(1, 600))
TICKS = np.cumsum([0] + [24, 24, 6, 48, 12] * 4)[:-1]


def pieces(film: FilmAssembler, cuts: list[int]) -> list[Piece]:
    """Twenty frames at uneven times, cut before the frames given."""
    times = [tick * LIKE.time_base for tick in TICKS.tolist()]
    found, encoder = [], film.encoder()
    for number, picture in enumerate(numbered(len(TICKS), LIKE.width, LIKE.height)):
        if number in cuts:
            found.append(encoder.finish())
            encoder = film.encoder()
        encoder.add(Frame(picture.astype(np.float32), times[number]), film.frame_duration(times, number, None))
    return [*found, encoder.finish()]


@pytest.mark.parametrize("cuts", [[], [1], [7, 8, 15], list(range(1, 20))], ids=["one", "two", "four", "each alone"])
@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", None), ("a.mov", None), ("a.mkv", None), ("a.webm", None), ("a.mp4", "libx265"), ("a.mp4", "libsvtav1"),
     ("a.mkv", "ffv1"), ("a.mov", "prores_ks"), ("a.mp4", "mpeg4"), ("a.gif", None),
     ("a.webp", None), ("frames", None)],
)  # fmt: skip
def test_frames_and_times_do_not_depend_on_the_cuts(tmp_path, name, codec, cuts):
    film = FilmAssembler(tmp_path / name, film_format=LIKE, settings=OutputSettings(codec=codec))
    stored = [Piece.unpacked(piece.packed()) for piece in pieces(film, cuts)]
    assert film.assemble(stored) == 20
    frames = list(open_footage(tmp_path / name).frames())
    assert [number_of(frame.pixels) for frame in frames] == list(range(20))
    if name == "frames":
        return
    slack = 0 if name in ("a.mp4", "a.mov", "a.gif") else Fraction(1, 1000)
    assert all(abs(frame.time - at * LIKE.time_base) <= slack for frame, at in zip(frames, TICKS.tolist(), strict=True))


def test_pictures_that_refer_to_later_ones_are_decoded_in_time(tmp_path):
    """x265 shows pictures in another order than it stores them, and each piece began its own times of decoding."""
    film = FilmAssembler(tmp_path / "a.mp4", film_format=LIKE, settings=OutputSettings(codec="libx265"))
    parts = pieces(film, [9, 11])
    assert max(piece.delay for piece in parts) > min(piece.delay for piece in parts)
    film.assemble(parts)
    with av.open(str(tmp_path / "a.mp4")) as written:
        packets = [packet for packet in written.demux(video=0) if packet.size]
    assert all(packet.dts <= packet.pts for packet in packets)
    decoded = [packet.dts for packet in packets]
    assert decoded == sorted(set(decoded))


def test_what_is_raised_between_pieces_leaves_nothing_and_can_be_repeated(tmp_path):
    film = FilmAssembler(tmp_path / "a.mp4", film_format=LIKE)
    parts = pieces(film, [7, 14])
    left = iter([None, None, KeyboardInterrupt])

    def stopped() -> None:
        if error := next(left):
            raise error

    with pytest.raises(KeyboardInterrupt):
        film.assemble(parts, between=stopped)
    assert not list(tmp_path.iterdir())
    assert film.assemble(parts) == 20


def test_a_film_that_misses_a_piece_of_its_file_is_not_published(tmp_path, monkeypatch):
    from framedream.media.write.muxing import FilmMuxer

    film = FilmAssembler(tmp_path / "a.mp4", film_format=LIKE)
    parts = pieces(film, [10])
    monkeypatch.setattr(FilmMuxer, "count", lambda self: 10)
    with pytest.raises(OutputError, match="20 frames were written but 10"):
        film.assemble(parts)
    assert not list(tmp_path.iterdir())


def test_nothing_that_makes_x264_differ_from_run_to_run_is_on(tmp_path):
    """One in some hundred runs differed with its macroblock tree; `benchmarks/encoders.py` shows it."""
    (piece,) = pieces(FilmAssembler(tmp_path / "a.mp4", film_format=LIKE), [])
    told = piece.pictures[0].data
    assert b"mbtree=0" in told
