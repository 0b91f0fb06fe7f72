"""The pictures of the README, made by the program itself.

    python -m benchmarks.pictures

Writes into `samples/dreamed/`: the sample clip dreamed, a strip of it beside its source and
beside frames dreamed alone, the sample stills dreamed, and a sheet of all built-in looks.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.sheets import labelled, strip
from framedream import Settings, dream_image, dream_video, preset_names
from framedream.media import open_footage, read_image, resize, write_image

SAMPLES = Path("samples")
DREAMED = SAMPLES / "dreamed"
MOMENTS = (12, 37, 70)


def main() -> None:
    """Make them all."""
    clip_and_strip()
    for still in ("astronaut.png", "hubble.jpg"):
        dream_image(SAMPLES / still, DREAMED / f"{Path(still).stem}.jpg")
    looks()


def clip_and_strip() -> None:
    """Rows: three moments. Columns: source, each frame alone, framedream."""
    clip = SAMPLES / "bunny.mp4"
    dream_video(clip, DREAMED / "bunny.mp4", Settings.of(crf=23))
    with tempfile.TemporaryDirectory() as folder:
        for flow in ("dis", "none"):
            dream_video(clip, Path(folder, flow), Settings.of(flow=flow))
        columns = [moments(clip), moments(Path(folder, "none")), moments(Path(folder, "dis"))]
    write_image(DREAMED / "strip.jpg", strip(columns, 426, 240))


def moments(footage: Path) -> list[np.ndarray]:
    """Three frames of a clip."""
    return [frame.pixels for index, frame in enumerate(open_footage(footage).frames()) if index in MOMENTS]


def looks() -> None:
    """Every preset of the built-in network on one still, named."""
    still = resize(read_image(SAMPLES / "china.jpg"), 426, 284)
    cells = []
    for name in preset_names():
        settings = Settings.of(name)
        if settings.dream.model == "squeezenet":
            cells.append(labelled(dream_image(still, settings=settings), name))
    cells += [labelled(still, "source")] * (-len(cells) % 3)
    write_image(
        DREAMED / "looks.jpg", np.concatenate([np.concatenate(cells[i : i + 3], 1) for i in range(0, len(cells), 3)])
    )


if __name__ == "__main__":
    main()
