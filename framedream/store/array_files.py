"""Files of arrays, written completely or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from framedream.media import Piece
from framedream.media.atomic_files import write_durably


def load_arrays(path: Path) -> dict[str, NDArray[Any]] | None:
    """Load the arrays of a file.

    Args:
        path: The file.

    Returns:
        The arrays by name; None if the file is missing or damaged.

    Raises:
        OSError: The file exists but cannot be read.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        return None
    except OSError:
        raise
    except Exception:
        # A damaged file can make the ZIP and NumPy readers raise almost anything.
        return None


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Save arrays; they are on the disk when this returns.

    Args:
        path: The file; replaced if it exists.
        arrays: The arrays by name.

    Raises:
        OSError: The disk is full or cannot be written.
    """
    write_durably(path, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]


class PieceStore(Protocol):
    """A storage of encoded pieces."""

    def load_piece(self, number: int) -> Piece:
        """Load a piece."""
        ...


class StoredPieces(Iterable[Piece]):
    """The first pieces of a storage, loaded one by one at each iteration.

    Args:
        store: The storage.
        count: Number of pieces.
    """

    def __init__(self, store: PieceStore, count: int) -> None:
        self._store, self._count = store, count

    def __iter__(self) -> Iterator[Piece]:
        return map(self._store.load_piece, range(self._count))
