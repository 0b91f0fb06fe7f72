"""Assembles films from encoded pieces; a film appears complete or not at all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from av.error import FFmpegError

from framedream.config.settings import OutputSettings
from framedream.errors import OutputError, SettingsError
from framedream.media.atomic_files import discard, prepare_output, publish
from framedream.media.containers import container_for
from framedream.media.frames import FilmFormat, Sound
from framedream.media.write.image_folder_writer import ImageFolderWriter
from framedream.media.write.muxing import FilmMuxer, IncludedStreams, rehearse_muxing
from framedream.media.write.output_spec import OutputSpec, hdr_refusal
from framedream.media.write.pieces import EncodedPieceWriter, Piece, PieceEncoder, PngPieceWriter

log = logging.getLogger(__name__)

_T = TypeVar("_T")

_DEFAULT_DURATION = Fraction(1, 25)


_STREAM_CHOICES: tuple[tuple[IncludedStreams, str], ...] = (
    (IncludedStreams(), ""),
    (IncludedStreams(extras=False), "the subtitles are damaged and cannot be written; the film has none"),
    (IncludedStreams("encoded"), "the sound is damaged and cannot be copied; framedream encodes it again"),
    (
        IncludedStreams("encoded", extras=False),
        "sound and subtitles are damaged; framedream encodes the sound again and leaves out the subtitles",
    ),
    (IncludedStreams("none"), "the sound is damaged and cannot be written; the film has none"),
    (IncludedStreams("none", extras=False), "neither sound nor subtitles can be written; the film has none"),
)
"""Streams to leave out of a film that cannot be written, tried in this order; each with the warning if it succeeds."""


class PieceFactory:
    """Makes the encoders of a film's pieces; does not touch the output.

    Args:
        path: See `FilmAssembler`.
        film_format: Size, rate, ticks, colors and sound of the film.
        settings: Codec, crf and pixel format. Default: those of the container.

    Attributes:
        path: The output.
        format: Size, rate, colors and sound of the film.
        spec: The specification of its file; None for a folder of PNGs.

    Raises:
        SettingsError: The suffix, codec, pixel format or crf cannot be used.
        InputError: The footage is HDR, which such a film cannot hold.
        OutputError: The pictures are too small for the encoder.
    """

    def __init__(self, path: Path | str, film_format: FilmFormat, settings: OutputSettings | None = None) -> None:
        name, self.path, settings = str(path), Path(path), settings or OutputSettings()
        self.format = film_format
        self.spec = None if is_folder_output(name) else OutputSpec.of(self.path, film_format, settings)
        if self.spec is None and film_format.color.hdr:
            raise hdr_refusal(self.path, film_format.color.hdr)
        if self.spec is None and replace(settings, compare="none") != OutputSettings():
            raise SettingsError(f"{path}: numbered PNGs have no codec, crf or pixel format; remove these flags")

    @property
    def keeps_alpha(self) -> bool:
        """Whether transparent parts stay transparent."""
        return self.format.has_alpha if self.spec is None else self.spec.keeps_alpha

    def set_sound(self, sound: Sound | None) -> None:
        """Replace the film's sound, before the film is assembled."""
        self.format = replace(self.format, sound=sound)
        if self.spec is not None:
            self.spec = replace(self.spec, format=self.format)

    def encoder(self) -> PieceEncoder:
        """Return a new encoder for a piece."""
        if self.spec is None:
            return PngPieceWriter(self.format.time_base, self.format.depth, keeps_alpha=self.keeps_alpha)
        if self.spec.is_stored_losslessly:
            return PngPieceWriter(self.format.time_base, self.spec.encoder.depth, keeps_alpha=self.keeps_alpha)
        return EncodedPieceWriter(self.spec)

    def try_encoder(self) -> None:
        """Check in memory that pictures of this format can be encoded and muxed; writes no file.

        Raises:
            SettingsError: The container cannot hold the codec.
            OutputError: The encoder does not accept such pictures.
        """
        try:
            if self.spec is not None and self.spec.container.animation:
                EncodedPieceWriter(self.spec).close()
            elif self.spec is not None:
                rehearse_muxing(self.spec)
        except (FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise OutputError(f"{self.path}: cannot be written ({reason}); choose another place or --codec") from error

    def frame_duration(self, times: Sequence[Fraction], index: int, own: Fraction | None) -> Fraction:
        """Return how long a frame is shown, in seconds: until the next one; the last one as long as is known.

        Args:
            times: Times of all frames, in seconds, rising.
            index: Number of the frame.
            own: The frame's own duration in seconds, if known.
        """
        if index + 1 < len(times):
            return times[index + 1] - times[index]
        usual = 1 / self.format.rate if self.format.rate else _DEFAULT_DURATION
        step = times[index] - times[index - 1] if index else usual
        return own or self.format.last_duration or step


class FilmAssembler(PieceFactory):
    """Assembles a film from pieces that were encoded one by one.

    Args:
        path: The suffix decides the container: .mp4, .m4v, .mov, .mkv, .webm or .ts; an animated .gif, .webp
            or .png; without suffix, or an existing folder, a folder of numbered PNGs. Missing
            parent folders are made. Times are kept exactly in .mp4, .m4v, .mov and .png, to the
            millisecond in .mkv, .webm and .webp, to the hundredth of a second in .gif.
        film_format: Size, rate, ticks, colors and sound of the film.
        settings: Codec, crf and pixel format. Default: those of the container.

    Raises:
        SettingsError: The suffix, codec, pixel format or crf cannot be used.
        OutputError: The film cannot be written there.
    """

    def __init__(self, path: Path | str, *, film_format: FilmFormat, settings: OutputSettings | None = None) -> None:
        super().__init__(path, film_format, settings)
        prepare_output(self.path)
        if self.spec is not None:
            self.try_encoder()
            self.spec.log_losses()
        elif film_format.sound is not None:
            log.info("%s: a folder of images cannot hold sound; the film has none", path)

    def check_vacant(self) -> None:
        """Check that the film replaces nothing but an older film.

        Raises:
            OutputError: The film is a folder of images, and a folder of that name is not empty.
        """
        if self.spec is not None:
            return
        if self.path.is_symlink() or self.path.is_mount():
            raise OutputError(
                f"{self.path}: is a link or a mount point, which a folder cannot replace; name a folder in it"
            )
        if self.path.is_dir() and any(self.path.iterdir()):
            raise OutputError(f"{self.path}: the folder is not empty; empty it, or name another one")

    def assemble(
        self,
        pieces: Iterable[Piece],
        *,
        between: Callable[[], None] = lambda: None,
        complete: Callable[[Path, int], None] = lambda part, frames: None,
    ) -> int:
        """Assemble the film; it appears, or replaces an older one, after its frames are counted.

        Args:
            pieces: All pieces in order; iterated twice.
            between: Called before each piece; an exception stops the work.
            complete: Called with the finished file or folder, still under its temporary name, and its
                number of frames; an exception stops the work.

        Returns:
            The number of frames.

        Raises:
            OutputError: The disk is full or refuses, or frames are missing in the finished film.
        """
        refused: OutputError | None = None
        for streams, warning in self._stream_choices():
            try:
                frames = self._assemble(pieces, streams, between, complete)
            except OutputError as error:
                # A refusal by the disk is an OSError; everything else is a refusal by FFmpeg.
                if isinstance(error.__cause__, OSError | None):
                    raise
                refused = refused or error
            else:
                if warning:
                    log.warning("%s: %s", self._source_of(streams), warning)
                return frames
        assert refused is not None
        raise refused

    def _assemble(
        self,
        pieces: Iterable[Piece],
        streams: IncludedStreams,
        between: Callable[[], None],
        complete: Callable[[Path, int], None],
    ) -> int:
        frames = 0
        target = self._catch_errors(lambda: self._target(pieces, streams))
        try:
            for piece in pieces:
                between()
                self._catch_errors(partial(target.add, piece))
                frames += len(piece.pictures)
            self._catch_errors(target.finish)
            count = self._catch_errors(target.count)
            if count != frames:
                raise OutputError(
                    f"{self.path}: {frames} frames were written but {count} are in the finished film; "
                    "check the disk, or choose another --codec"
                )
            complete(target.part, frames)
            self._catch_errors(lambda: publish(target.part, self.path))
        finally:
            target.close()
            discard(target.part)
        return frames

    def _stream_choices(self) -> Iterator[tuple[IncludedStreams, str]]:
        """Yield the streams to include, most first, each with its warning; streams may be damaged."""
        has_more = self.spec is not None and not self.spec.container.animation
        for streams, warning in _STREAM_CHOICES:
            less_sound, less_extras = streams.sound != "copied", not streams.extras
            applies = (self.format.sound or not less_sound) and (self.format.extras or not less_extras)
            if applies and (has_more or not warning):
                yield streams, warning

    def _source_of(self, streams: IncludedStreams) -> Path:
        """Return the file whose streams are left out."""
        source = self.format.extras if streams.sound == "copied" else self.format.sound
        return source.path if source else self.path

    def _target(self, pieces: Iterable[Piece], streams: IncludedStreams) -> _Target:
        if self.spec is None:
            return ImageFolderWriter(self.path)
        return FilmMuxer(self.spec, max((piece.delay for piece in pieces), default=0), streams)

    def _catch_errors(self, action: Callable[[], _T]) -> _T:
        try:
            return action()
        except (FFmpegError, OSError) as error:
            raise OutputError(
                f"{self.path}: writing failed ({error.strerror or error}); "
                "free some disk space or choose another place, and run the same command again"
            ) from error


class _Target(Protocol):
    """An unfinished film under its temporary name ``part``."""

    part: Path

    def add(self, piece: Piece) -> None: ...

    def finish(self) -> None: ...

    def close(self) -> None: ...

    def count(self) -> int: ...


def output_holds_sound(name: str) -> bool:
    """Whether an output of this name can have sound.

    Raises:
        SettingsError: The suffix is unknown.
    """
    return not is_folder_output(name) and container_for(Path(name)).sound_codec is not None


def is_folder_output(name: str) -> bool:
    """Whether an output of this name is a folder of images: no suffix, a trailing slash, or an existing folder."""
    return name.endswith(("/", "\\")) or Path(name).is_dir() or not Path(name).suffix
