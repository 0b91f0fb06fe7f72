"""Numbered PNGs in a folder."""

from __future__ import annotations

from pathlib import Path

from framedream.media.atomic_files import discard, temporary_path
from framedream.media.write.pieces import Piece


class ImageFolderWriter:
    """Numbered PNGs being written into a folder with a temporary name.

    Args:
        path: The name the folder will have.

    Raises:
        OSError: It cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.part = temporary_path(path)
        discard(self.part)
        self.part.mkdir()
        self._count = 0

    def add(self, piece: Piece) -> None:
        """Write the pictures of a piece; their times are not kept."""
        for picture in piece.pictures:
            self._count += 1
            (self.part / f"{self._count:06d}.png").write_bytes(picture.data)

    def finish(self) -> None:
        """Nothing is left to be written."""

    def close(self) -> None:
        """Nothing is open."""

    def count(self) -> int:
        """Pictures in the folder."""
        return sum(1 for _ in self.part.glob("*.png"))
