"""Writing films: frames in, a complete film under its own name out, or nothing at all."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from av.error import FFmpegError
from numpy.typing import NDArray

from framedream.errors import OutputError, SettingsError
from framedream.media.film import FilmFile
from framedream.media.frames import FilmLike, Frame
from framedream.media.publish import discard, part_path, prepare, publish
from framedream.media.recipes import container_for, encoder_for
from framedream.media.stills import save_image
from framedream.settings import OutputSettings

log = logging.getLogger("framedream")

_USUAL_DURATION = Fraction(1, 25)


class FilmWriter:
    """Takes a film's frames; the film appears only when it is complete and its frames are counted.

    As a context manager it finishes on a normal exit, and removes what it wrote on any other::

        with open_film(path, like=footage) as film:
            for frame in footage.frames():
                film.write(frame)

    Args:
        path: The film's name.
        like: What it must keep of its footage.
        target: The file or folder that is written.
    """

    def __init__(self, path: Path, like: FilmLike, target: _Target) -> None:
        self.path = path
        self.frames_written = 0
        self._like, self._target = like, target
        self._held: Frame | None = None
        self._step: Fraction | None = None
        self._open = True

    def write(self, frame: Frame) -> None:
        """Take the next frame.

        Args:
            frame: Of the film's size, and later than the one before it. Its pixels must not be
                changed afterwards: a frame is written when the next one shows how long it lasts.

        Raises:
            ValueError: Its size or time is wrong, or the film is finished.
            OutputError: The disk is full or refuses.
        """
        self._check(frame)
        if self._held is not None:
            self._step = frame.time - self._held.time
            self._add(self._held, self._step)
        self._held = frame

    def finish(self) -> None:
        """Complete the film and give it its name; nothing happens if that was done before.

        Raises:
            OutputError: No frame was written, the disk is full or refuses, or frames are missing
                in the finished film.
        """
        if not self._open:
            return
        try:
            if self._held is None:
                raise OutputError(f"{self.path}: no frames were given, so no film is made; check the input")
            self._add(self._held, self._last_duration(self._held))
            self._guarded(self._target.finish)
            self._open = False
            self._guarded(self._publish)
        finally:
            self.abort()

    def abort(self) -> None:
        """Stop, and remove what was written; a finished film stays."""
        self._open = False
        self._target.close()
        discard(self._target.part)

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
        expected = (self._like.height, self._like.width, 3)
        if frame.pixels.shape != expected:
            raise ValueError(f"{self.path}: frames are {expected}; received {frame.pixels.shape}")
        if self._held is not None and frame.time <= self._held.time:
            raise ValueError(f"{self.path}: frames come in order; received {frame.time} after {self._held.time}")

    def _last_duration(self, frame: Frame) -> Fraction:
        usual = 1 / self._like.rate if self._like.rate else _USUAL_DURATION
        return frame.duration or self._like.last_duration or self._step or usual

    def _add(self, frame: Frame, duration: Fraction) -> None:
        self._guarded(self._target.add, frame.pixels, frame.time, duration)
        self.frames_written += 1

    def _publish(self) -> None:
        count = self._target.count()
        if count != self.frames_written:
            raise OutputError(
                f"{self.path}: {self.frames_written} frames were written but {count} are in the finished film; "
                "check the disk, or choose another --codec"
            )
        publish(self._target.part, self.path)

    def _guarded(self, action: Any, *values: Any) -> None:
        try:
            action(*values)
        except (FFmpegError, OSError) as error:
            raise OutputError(
                f"{self.path}: writing failed ({error.strerror or error}); "
                "make room on the disk or choose another place, and run again"
            ) from error


class _Target(Protocol):
    """A film in the making, under its temporary name ``part``."""

    part: Path

    def add(self, pixels: NDArray[Any], time: Fraction, duration: Fraction) -> None: ...

    def finish(self) -> None: ...

    def close(self) -> None: ...

    def count(self) -> int: ...


class ImageFolder:
    """Numbered PNGs being written into a folder with a temporary name.

    Args:
        path: The name the folder will have.

    Raises:
        OutputError: There is something in that place.
    """

    def __init__(self, path: Path) -> None:
        if path.is_dir() and any(path.iterdir()):
            raise OutputError(f"{path}: the folder is not empty; empty it or name another")
        self.part = part_path(path)
        discard(self.part)
        self.part.mkdir()
        self._count = 0

    def add(self, pixels: NDArray[Any], time: Fraction, duration: Fraction) -> None:
        """Write a picture; its time is not kept."""
        self._count += 1
        save_image(self.part / f"{self._count:06d}.png", pixels, ".png")

    def finish(self) -> None:
        """Nothing is left to be written."""

    def close(self) -> None:
        """Nothing is open."""

    def count(self) -> int:
        """Pictures in the folder."""
        return sum(1 for _ in self.part.glob("*.png"))


def open_film(path: Path | str, *, like: FilmLike, settings: OutputSettings | None = None) -> FilmWriter:
    """Begin a film; where the output exists already, it is replaced only when the new one is complete.

    Args:
        path: The suffix decides the form: .mp4, .m4v, .mov, .mkv or .webm; an animated .gif, .webp
            or .png; without suffix, or an existing folder, a folder of numbered PNGs. Missing
            parent folders are made. Times are kept exactly in .mp4, .m4v, .mov and .png, to the
            millisecond in .mkv, .webm and .webp, to the hundredth of a second in .gif.
        like: Footage or `FilmFormat`: size, rate, ticks, colors and sound of the film.
        settings: Codec, crf and pixel format. Default: the usual ones.

    Raises:
        SettingsError: The suffix, codec, pixel format or crf cannot be used.
        OutputError: It cannot be written there.
    """
    name, path, settings = str(path), Path(path), settings or OutputSettings()
    is_folder = is_folder_name(name)
    if not is_folder:
        container = container_for(path)
        encoder_for(path, container, settings)
    elif settings != OutputSettings():
        raise SettingsError(f"{path}: numbered PNGs take no codec, crf or pixel format; leave them out")
    prepare(path)
    try:
        target: _Target = ImageFolder(path) if is_folder else FilmFile(path, like, settings)
    except (FFmpegError, OSError, ValueError) as error:
        discard(part_path(path))
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"{path}: cannot be written ({reason}); choose another place or --codec") from error
    except BaseException:
        discard(part_path(path))
        raise
    if is_folder:
        _note_losses(path, like)
    return FilmWriter(path, like, target)


def is_folder_name(name: str) -> bool:
    """Whether an output of this name is a folder of images: no suffix, a slash at its end, or an existing folder."""
    return name.endswith(("/", "\\")) or Path(name).is_dir() or not Path(name).suffix


def _note_losses(path: Path, like: FilmLike) -> None:
    if like.sound is not None:
        log.info("%s: a folder of images has no sound; it is left out", path)
