"""Frames, one by one, into a film that appears only when it is complete."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from framedream.config.settings import OutputSettings
from framedream.errors import OutputError
from framedream.media.frames import FilmFormat, Frame
from framedream.media.write.assembly import FilmAssembler
from framedream.media.write.pieces import Piece, PieceEncoder

_PIECE = 250
"""Frames that `FilmWriter` encodes as one piece."""


class FilmWriter:
    """Takes a film's frames one by one; the film appears only when it is complete and its frames are counted.

    As a context manager it finishes on a normal exit, and leaves nothing on any other::

        with open_film(path, film_format=footage.format) as film:
            for frame in footage.frames():
                film.write(frame)

    The encoded film waits in memory. A film that is worked at for hours is kept on disk, see
    `FilmAssembler`.

    Args:
        film: What puts it together.
        film_format: What it must keep of its footage.
    """

    def __init__(self, film: FilmAssembler, film_format: FilmFormat) -> None:
        self.path = film.path
        self.frames_written = 0
        self._film, self.film_format = film, film_format
        self._pieces: list[Piece] = []
        self._waiting: list[Frame] = []
        self._open = True
        self._encoder: PieceEncoder | None = None

    def write(self, frame: Frame) -> None:
        """Take the next frame.

        Args:
            frame: Of the film's size, and later than the one before it. Its pixels must not be
                changed afterwards: a frame is encoded when the next one shows how long it lasts.

        Raises:
            ValueError: Its size or time is wrong, or the film is finished.
        """
        self._check(frame)
        self._waiting.append(frame)
        if len(self._waiting) == 3:
            self._encode(1)

    def finish(self) -> None:
        """Complete the film and give it its name; nothing happens if that was done before.

        Raises:
            OutputError: No frame was written, the disk is full or refuses, or frames are missing
                in the finished film.
        """
        if not self._open:
            return
        self._open = False
        if not self._waiting:
            raise OutputError(f"{self.path}: the input has no frames, so framedream makes no film; check the input")
        self._encode(len(self._waiting))
        self._end_piece()
        self._film.assemble(self._pieces)

    def abort(self) -> None:
        """Forget what was written; a finished film stays."""
        self._open = False
        self._pieces, self._waiting, self._encoder = [], [], None

    def __enter__(self) -> FilmWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.abort()

    def _check(self, frame: Frame) -> None:
        if not self._open:
            raise ValueError(f"{self.path}: the film is finished; no frame can be added")
        expected = (self.film_format.height, self.film_format.width, 3)
        if frame.pixels.shape != expected:
            raise ValueError(f"{self.path}: frames are {expected}; received {frame.pixels.shape}")
        if self._waiting and frame.time <= self._waiting[-1].time:
            raise ValueError(f"{self.path}: frames come in order; received {frame.time} after {self._waiting[-1].time}")

    def _encode(self, count: int) -> None:
        times = [frame.time for frame in self._waiting]
        for index, frame in enumerate(self._waiting[:count]):
            if self._encoder is None:
                self._encoder = self._film.encoder()
            self._encoder.add(frame, self._film.frame_duration(times, index, frame.duration))
            self.frames_written += 1
            if self.frames_written % _PIECE == 0:
                self._end_piece()
        del self._waiting[:count]

    def _end_piece(self) -> None:
        if self._encoder is not None:
            self._pieces.append(self._encoder.finish())
            self._encoder = None


def open_film(path: Path | str, *, film_format: FilmFormat, settings: OutputSettings | None = None) -> FilmWriter:
    """Begin a film whose frames are at hand; arguments and errors are those of `FilmAssembler`.

    Raises:
        OutputError: Also if it is to be a folder, and there is one with something in it.
    """
    film = FilmAssembler(path, film_format=film_format, settings=settings)
    film.check_vacant()
    return FilmWriter(film, film_format)
