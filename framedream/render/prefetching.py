"""Runs an iterator ahead of its consumer, in a thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

T = TypeVar("T")

_END = object()

FRAMES_AHEAD = 3
"""How many frames are usually prefetched."""


def prefetch(items: Iterable[T], depth: int) -> Generator[T]:
    """Iterate in a thread, a few items ahead of the consumer.

    An exception of the thread is raised here, in its place. Once the generator is closed,
    the thread stops at its next item and closes the items' own generator.

    Args:
        items: Iterated once, in the thread.
        depth: The most items that are buffered.
    """
    buffer: queue.Queue[tuple[object, BaseException | None]] = queue.Queue(depth)
    closed = threading.Event()

    def put(item: object, error: BaseException | None = None) -> None:
        while not closed.is_set():
            try:
                return buffer.put((item, error), timeout=0.1)
            except queue.Full:
                continue

    def work() -> None:
        iterator = iter(items)
        try:
            for item in iterator:
                put(item)
                if closed.is_set():
                    return
            put(_END)
        except BaseException as error:
            put(_END, error)
        finally:
            if hasattr(iterator, "close"):
                iterator.close()

    thread = threading.Thread(target=work, name="framedream-prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item, error = buffer.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item  # type: ignore[misc]
    finally:
        closed.set()
        thread.join()
