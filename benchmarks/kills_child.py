"""The command line under a trap, for `benchmarks.kills` (LOG STAGE AT ARGUMENT …)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kills import Trap
from framedream.cli.main import main as cli
from framedream.media import atomic_files as publish
from framedream.media.read import footage
from framedream.media.write import assembly as writing
from framedream.media.write.pieces import EncodedPieceWriter
from framedream.nn.ascent.dreamer import Dream, Dreamer
from framedream.store import frame_storage as storage
from framedream.store import work_folder as work


def main() -> None:
    """Run the command line."""
    log, stage, at, *arguments = sys.argv[1:]
    trap = Trap(stage, at)
    trap.watch("reading", footage, "resize")
    trap.watch("dreaming", Dreamer, "dream")
    trap.watch("storing", storage, "save_arrays")
    trap.watch("storing", publish, "sync")
    trap.watch("encoding", EncodedPieceWriter, "add")
    trap.watch("publishing", writing, "publish")
    trap.watch("publishing", work.WorkFolder, "remove")
    dream = Dreamer.dream

    def logged(self: Dreamer, image: np.ndarray, **options: Any) -> Dream:
        found = dream(self, image, **options)
        with Path(log).open("a") as file:
            file.write("dreamed\n")
        return found

    Dreamer.dream = logged  # type: ignore[method-assign]
    try:
        cli.main(arguments)
    finally:
        trap.write()


if __name__ == "__main__":
    main()
