"""The command line under a trap, for `benchmarks.kills` (LOG STAGE AT ARGUMENT …)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kills import Trap
from framedream import cli
from framedream.dream.dreamer import Dream, Dreamer
from framedream.jobs import storage, work
from framedream.media import footage, publish, writing
from framedream.media.pieces import CodedPiece


def main() -> None:
    """Run the command line."""
    log, stage, at, *arguments = sys.argv[1:]
    trap = Trap(stage, at)
    trap.watch("reading", footage, "resize")
    trap.watch("dreaming", Dreamer, "dream")
    trap.watch("storing", storage, "save_arrays")
    trap.watch("storing", publish, "sync")
    trap.watch("encoding", CodedPiece, "add")
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
