"""Logs notes and warnings about a file once, however many frames cause them."""

from __future__ import annotations

import logging
from pathlib import Path

log = logging.getLogger(__name__)


class OnceLogger:
    """Logs each note and warning about a file once.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._said: set[str] = set()

    def info(self, text: str) -> None:
        """Log a note about something that is harmless."""
        self._say(logging.INFO, text)

    def warning(self, text: str) -> None:
        """Log a warning about something that is lost or damaged."""
        self._say(logging.WARNING, text)

    def _say(self, level: int, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            log.log(level, "%s: %s", self._path, text)
