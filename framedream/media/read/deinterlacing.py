"""Deinterlaces footage: one progressive frame for each interlaced one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import av
from av.filter import Graph

from framedream.media.once_logger import OnceLogger


def deinterlace(frames: Iterable[av.VideoFrame], notes: OnceLogger) -> Iterator[av.VideoFrame]:
    """Deinterlace interlaced frames with FFmpeg's bwdif filter; progressive frames pass unchanged.

    Args:
        frames: Frames in display order.
        notes: Logs once if any frame is interlaced.

    Yields:
        As many frames, with the same times.
    """
    filter_: _Filter | None = None
    for frame in frames:
        if filter_ is not None and not filter_.fits(frame):
            yield from filter_.flush()
            filter_ = None
        if filter_ is None and frame.interlaced_frame:
            notes.info("is interlaced; framedream deinterlaces each frame")
            filter_ = _Filter(frame)
        if filter_ is None:
            yield frame
        else:
            yield from filter_.take(frame)
    if filter_ is not None:
        yield from filter_.flush()


class _Filter:
    def __init__(self, like: av.VideoFrame) -> None:
        self._format = _format(like)
        self._waiting: deque[av.VideoFrame] = deque()
        graph = Graph()
        full = like.color_range == 2
        source = graph.add(
            "buffer",
            f"video_size={like.width}x{like.height}:pix_fmt={like.format.name}:time_base=1/1:"
            f"colorspace={like.colorspace}:range={2 if full else 1}",
        )
        work = graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
        sink = graph.add("buffersink")
        source.link_to(work)
        work.link_to(sink)
        graph.configure()
        self._graph = graph

    def fits(self, frame: av.VideoFrame) -> bool:
        return _format(frame) == self._format

    def take(self, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        self._waiting.append(frame)
        self._graph.vpush(frame)
        yield from self._ready()

    def flush(self) -> Iterator[av.VideoFrame]:
        self._graph.vpush(None)
        yield from self._ready()

    def _ready(self) -> Iterator[av.VideoFrame]:
        while True:
            try:
                whole = self._graph.vpull()
            except (BlockingIOError, EOFError):
                return
            shown = self._waiting.popleft()
            whole.pts, whole.dts = shown.pts, shown.dts
            whole.time_base, whole.duration = shown.time_base, shown.duration
            yield whole


def _format(frame: av.VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name
