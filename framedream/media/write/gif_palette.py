"""Colors for GIF: 256 of them, chosen anew for each picture, the rest made of dots."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
from av.filter import Graph


class GifPalette:
    """Paints pictures with a palette of their own (FFmpeg's palettegen and paletteuse).

    A palette for each picture needs no second look at the film, so memory holds a few frames
    however long it is, and a dream's changing colors are met better than by one for all.

    Args:
        size: Width and height in pixels.
        time_base: Seconds per tick of the frames' times.
        transparent: Whether one of the colors is none at all.

    Attributes:
        pixel_format: That of the pictures it takes.
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
        """Take a frame; give those that are ready, in pal8."""
        self._graph.push(frame)
        yield from self._ready()

    def rest(self) -> Iterator[av.VideoFrame]:
        """Give the last frames."""
        self._graph.push(None)
        yield from self._ready()

    def _ready(self) -> Iterator[av.VideoFrame]:
        while True:
            try:
                yield self._graph.vpull()
            except (BlockingIOError, EOFError):
                return
