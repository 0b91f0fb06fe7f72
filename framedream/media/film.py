"""Film files through FFmpeg: encoded pictures put together with exact times, sound beside them."""

from __future__ import annotations

import contextlib
from collections import deque
from io import BytesIO
from typing import Literal, cast

import av
import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream
from PIL import Image

from framedream.media.encoding import FilmForm, PictureStream
from framedream.media.pieces import Piece
from framedream.media.publish import part_path
from framedream.media.sound import SoundFeed, has_room_for_sound

Keeping = Literal["copied", "encoded", "none"]
"""How a film comes to its sound: with the packets of its footage where it can hold them, with new ones, or not."""


class FilmFile:
    """A film file being put together of pieces, under a temporary name.

    Args:
        form: What it is to be.
        delay: The largest of its pieces' delays.
        keeping: How its sound is kept, if there is any.

    Raises:
        SettingsError: The container cannot hold the codec.
        OutputError: It cannot be written.
    """

    def __init__(self, form: FilmForm, delay: int, keeping: Keeping = "copied") -> None:
        self.part = part_path(form.path)
        self._form, self._delay = form, delay
        self._decoding_times: deque[int] = deque()
        self._begun = False
        self._sound: SoundFeed | None = None
        self._output = self._open()
        try:
            self._pictures = PictureStream(form, self._output)
            sound = form.like.sound if keeping != "none" else None
            if sound is not None and has_room_for_sound(form.container, form.path):
                copied = keeping == "copied"
                self._sound = SoundFeed(sound, self._output, form.container, form.path, copied=copied)
            self._output.start_encoding()
        except BaseException:
            self.close()
            raise

    def add(self, piece: Piece) -> None:
        """Add the next piece of the film.

        Raises:
            OSError: The disk is full or refuses.
        """
        if self._form.container.animation:
            self._paint(piece)
        else:
            self._splice(piece)

    def finish(self) -> None:
        """Write what is left, and close the file.

        Raises:
            OSError: The disk is full or refuses.
        """
        if self._form.container.animation:
            for packet in self._pictures.rest():
                self._mux(packet)
        if self._sound is not None:
            self._sound.finish()
        self._output.close()
        self.close()

    def close(self) -> None:
        """Let go of all files, finished or not."""
        if self._sound is not None:
            self._sound.close()
        with contextlib.suppress(FFmpegError, OSError):
            self._output.close()

    def count(self) -> int:
        """Frames in the finished file, opened anew."""
        if self._form.container.animation:
            suffix = self._form.path.suffix[1:].lower().replace("apng", "png")
            with Image.open(self.part, formats=[suffix]) as image:
                return getattr(image, "n_frames", 1)
        with av.open(f"file:{self.part}") as written:
            return sum(1 for packet in written.demux(video=0) if packet.size)

    def _open(self) -> OutputContainer:
        container, like = self._form.container, self._form.like
        options = dict(container.options)
        if container.format in ("gif", "apng") and like.last_duration:
            # These muxers know how long the last picture is shown only if they are told at first.
            key, unit = ("final_delay", 100) if container.format == "gif" else ("final_delay", 1)
            last = like.last_duration * unit
            options[key] = str(round(last)) if unit == 100 else f"{last.numerator}/{last.denominator}"
        return av.open(f"file:{self.part}", "w", format=container.format, container_options=options)

    def _paint(self, piece: Piece) -> None:
        """Encode the pictures of a piece, which an animated image keeps as they are until now."""
        base = self._form.like.time_base
        for picture in piece.pictures:
            with Image.open(BytesIO(picture.data), formats=["PNG"]) as image:
                pixels = np.asarray(image)
            for packet in self._pictures.encode(pixels, picture.pts * base, picture.duration * base):
                self._mux(packet)

    def _splice(self, piece: Piece) -> None:
        """Take a piece as it was encoded; times of decoding are made anew, since each piece began its own.

        The n-th picture is decoded when the one shown ``delay`` pictures earlier is shown.
        """
        shown = sorted(picture.pts for picture in piece.pictures)
        if not self._begun:
            self._decoding_times.extend(range(shown[0] - self._delay, shown[0]))
            self._begun = True
        self._decoding_times.extend(shown)
        for picture in piece.pictures:
            packet = cast("Packet[VideoStream]", Packet(picture.data))
            packet.time_base = self._form.like.time_base
            packet.pts, packet.dts = picture.pts, self._decoding_times.popleft()
            packet.duration, packet.is_keyframe = picture.duration, picture.is_key
            self._mux(packet)

    def _mux(self, packet: Packet[VideoStream]) -> None:
        packet.stream = self._pictures.stream
        if self._sound is not None and packet.dts is not None:
            self._sound.feed(packet.dts * packet.time_base)
        self._output.mux(packet)
