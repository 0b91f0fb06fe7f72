"""Log messages collected while something runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager

log = logging.getLogger("framedream")


@contextmanager
def capture_warnings(warnings: list[str], *, here: bool = False, level: int = logging.WARNING) -> Generator[None]:
    """Collect the warnings that are given meanwhile, or only those that are given in this thread.

    Args:
        warnings: Where they are put.
        here: Whether only those of this thread are.
        level: From which level on; notes are `logging.INFO`.
    """
    thread = threading.get_ident()

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if not here or record.thread == thread:
                warnings.append(record.getMessage())

    collector, before = Collector(level), log.level
    log.addHandler(collector)
    if not log.isEnabledFor(level):
        log.setLevel(level)
    try:
        yield
    finally:
        log.removeHandler(collector)
        log.setLevel(before)
