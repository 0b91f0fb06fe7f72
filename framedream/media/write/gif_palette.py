"""Quantizes pictures for GIF: 256 colors per picture, with dithering."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
from av.filter import Graph


class GifPalette:
    """Gives each picture a palette of its own (FFmpeg's palettegen and paletteuse).

    With a palette per picture, memory holds only a few frames however long the film is, and a dream's
    changing colors fit better than in a single palette.

    Args:
        size: Width and height in pixels.
        time_base: Seconds per tick of the frames' times.
        transparent: Whether one of the colors is transparent.

    Attributes:
        pixel_format: The pixel format of the pictures it takes.
    """

    def __init__(self, size: tuple[int, int], time_base: Fraction, *, transparent: bool = False) -> None:
        self.pixel_format = "rgba" if transparent else "rgb24"
        graph = Graph()
        source = graph.add_buffer(
            width=size[0], height=size[1], format=av.VideoFormat(self.pixel_format), time_base=time_base
        )
        split = graph.add("split")
        choose = graph.add("palettegen", f"stats_mode=single:reserve_transparent={int(transparent)}")
        use = graph.add("paletteuse", "new=1:dither=sierra2_4a")
        sink = graph.add("buffersink")
        source.link_to(split)
        split.link_to(use, 0, 0)
        split.link_to(choose, 1, 0)
        choose.link_to(use, 0, 1)
        use.link_to(sink)
        graph.configure()
        self._graph = graph

    def paint(self, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        """Take a frame; yield finished frames in pal8."""
        self._graph.push(frame)
        yield from self._ready()

    def flush(self) -> Iterator[av.VideoFrame]:
        """Yield the last frames."""
        self._graph.push(None)
        yield from self._ready()

    def _ready(self) -> Iterator[av.VideoFrame]:
        while True:
            try:
                yield self._graph.vpull()
            except (BlockingIOError, EOFError):
                return
