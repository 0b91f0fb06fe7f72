"""Writes numbered PNGs into a folder."""

from __future__ import annotations

from pathlib import Path

from framedream.media.atomic_files import discard, temporary_path
from framedream.media.write.pieces import Piece


class ImageFolderWriter:
    """Writes numbered PNGs into a folder under a temporary name.

    Args:
        path: The final name of the folder.

    Raises:
        OSError: The folder cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.part = temporary_path(path)
        discard(self.part)
        self.part.mkdir()
        self._count = 0

    def add(self, piece: Piece) -> None:
        """Write the pictures of a piece; their times are dropped."""
        for picture in piece.pictures:
            self._count += 1
            (self.part / f"{self._count:06d}.png").write_bytes(picture.data)

    def finish(self) -> None:
        """Do nothing: every picture is already written."""

    def close(self) -> None:
        """Do nothing: no file is open."""

    def count(self) -> int:
        """Return the number of pictures in the folder."""
        return sum(1 for _ in self.part.glob("*.png"))
