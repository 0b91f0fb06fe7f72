"""Work done ahead of time in a thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

T = TypeVar("T")

_END = object()


def prefetch(items: Iterable[T], depth: int) -> Generator[T]:
    """Go through items in a thread, staying a few ahead of whoever takes them.

    What the thread raises is raised here, in its place. Once the iterator is closed or
    left, the thread stops at its next item and the items' own generator is closed.

    Args:
        items: Gone through once, in the thread.
        depth: The most items that wait.
    """
    waiting: queue.Queue[tuple[object, BaseException | None]] = queue.Queue(depth)
    left = threading.Event()

    def put(item: object, error: BaseException | None = None) -> None:
        while not left.is_set():
            try:
                return waiting.put((item, error), timeout=0.1)
            except queue.Full:
                continue

    def work() -> None:
        iterator = iter(items)
        try:
            for item in iterator:
                put(item)
                if left.is_set():
                    return
            put(_END)
        except BaseException as error:
            put(_END, error)
        finally:
            if hasattr(iterator, "close"):
                iterator.close()

    thread = threading.Thread(target=work, name="framedream-ahead", daemon=True)
    thread.start()
    try:
        while True:
            item, error = waiting.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item  # type: ignore[misc]
    finally:
        left.set()
        thread.join()
