"""Collects log messages while some work runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager

_package_logger = logging.getLogger("framedream")


@contextmanager
def capture_log(
    messages: list[str],
    *,
    level: int = logging.WARNING,
    this_thread_only: bool = False,
    exclusive: bool = False,
) -> Generator[None]:
    """Collect what framedream logs inside the context.

    Args:
        messages: Receives the text of each message.
        level: Lowest level to collect, such as `logging.INFO`.
        this_thread_only: Leave out what other threads log.
        exclusive: Keep the messages from all other handlers, so that nobody else shows them.
    """
    handler = _Collector(messages, level, threading.get_ident() if this_thread_only else None)
    logger = _package_logger
    before = logger.handlers[:], logger.propagate, logger.level
    if exclusive:
        logger.handlers[:] = []
        logger.propagate = False
    logger.addHandler(handler)
    if exclusive or not logger.isEnabledFor(level):
        logger.setLevel(level)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        if exclusive:
            logger.handlers[:], logger.propagate = before[:2]
        logger.setLevel(before[2])


class _Collector(logging.Handler):
    """Appends messages to a list."""

    def __init__(self, messages: list[str], level: int, thread: int | None) -> None:
        super().__init__(level)
        self._messages, self._thread = messages, thread

    def emit(self, record: logging.LogRecord) -> None:
        if self._thread is not None and record.thread != self._thread:
            return
        try:
            self._messages.append(record.getMessage())
        except Exception:
            self.handleError(record)
