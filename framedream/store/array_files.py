"""Files of arrays that are there as a whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from framedream.media import Piece
from framedream.media.atomic_files import write_durably


def load_arrays(path: Path) -> dict[str, NDArray[Any]] | None:
    """The arrays of a file by name, or None if it is missing or damaged.

    Raises:
        OSError: It is there and cannot be read.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        return None
    except OSError:
        raise
    except Exception:
        # A checksum fails, or a flipped bit asks for what zip files have no more: anything can come.
        return None


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays by name; they are on the disk when this returns.

    Raises:
        OSError: The disk is full or refuses.
    """
    write_durably(path, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]


class PieceStore(Protocol):
    """Where a film's pieces are kept."""

    def load_piece(self, number: int) -> Piece:
        """A stored piece."""
        ...


class StoredPieces(Iterable[Piece]):
    """The first pieces of a store, each read when it is needed, as often as they are gone through.

    Args:
        store: Where they are.
        count: How many there are.
    """

    def __init__(self, store: PieceStore, count: int) -> None:
        self._store, self._count = store, count

    def __iter__(self) -> Iterator[Piece]:
        return map(self._store.load_piece, range(self._count))
