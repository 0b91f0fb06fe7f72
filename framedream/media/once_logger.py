"""Notes and warnings that are logged once, however many frames cause them."""

from __future__ import annotations

import logging
from pathlib import Path

log = logging.getLogger(__name__)


class OnceLogger:
    """Notes and warnings about one file, each said once.

    Args:
        path: The file they are about.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._said: set[str] = set()

    def info(self, text: str) -> None:
        """Note something that is well, but good to know."""
        self._say(logging.INFO, text)

    def warning(self, text: str) -> None:
        """Say that something is lost or damaged."""
        self._say(logging.WARNING, text)

    def _say(self, level: int, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            log.log(level, "%s: %s", self._path, text)
