"""The gallery: every preset, and every layer of the built-in network, on the same two stills.

    python -m benchmarks.gallery [--vgg FILE] [--inception FILE] [--folder FOLDER]

Writes a page that GitHub shows (`README.md`) with its pictures into `samples/gallery/`. The weights of
VGG16 and InceptionV3 are for the presets on these networks; without a file such a preset is only
named. `python -m benchmarks.vgg FILE` writes weights of VGG16.
"""

from __future__ import annotations

import argparse
import io
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.films import eight_bit
from framedream import Settings, preset_names
from framedream.config.command_line import DREAM, to_flags
from framedream.config.presets import read_preset
from framedream.media import read_image, resize_to_fill
from framedream.nn.ascent.dreamer import Dreamer
from framedream.nn.network.layers import describe_layers
from framedream.render.color_matching import match_color

FOLDER = Path("samples/gallery")
WIDTH, HEIGHT = 240, 160
"""Pixels of each of the two stills."""

LIMIT = 1_500_000
"""Bytes that all pictures may have together."""

_STEP_SIZES = {
    "conv1": 0.8, "pool1": 0.8, "fire2": 1.0, "fire3": 1.2, "pool3": 1.2, "fire4": 1.5, "fire5": 1.6, "pool5": 1.6,
    "fire6": 2.0, "fire7": 2.5, "fire8": 3.0, "fire9": 2.5, "conv10": 2.5,
}  # fmt: skip
"""What suits the layers of a block: little near the image, where every step shows; as in the presets."""

_GROUPS = {
    "Near the image: contrast, edges and dots": ("conv1", "pool1", "fire2"),
    "Bands and beads": ("fire3", "pool3", "fire4"),
    "Curls, feathers and rings": ("fire5", "pool5"),
    "Eyes and fur": ("fire6", "fire7"),
    "Heads and whole animals": ("fire8", "fire9", "conv10"),
}
"""Blocks of layers that look alike."""

_INTRODUCTION = f"""# Gallery

Every preset, and every layer of the built-in network, on the same two stills at {WIDTH}×{HEIGHT} pixels, frames dreamed
from nothing. Each is had with the flags that stand with it, as in

    python cli.py image samples/china.jpg dream.png --size {WIDTH}x{HEIGHT} --layers fire5 --step-size 1.6

For a film, scale `--follow-step-size` and `--young-step-size` as you scale `--step-size`;
`python cli.py preview in.mp4 sheet.png --layers fire5,fire6 --strengths 0.5,1` does, and prints the command.
"""


@dataclass(frozen=True)
class Entry:
    """What the page shows of a look.

    Attributes:
        name: Its name.
        flags: What gives it, as a shell takes it.
        about: What is said of it.
        picture: Both stills side by side, H×W×3 in levels; None if its network has no weights here.
    """

    name: str
    flags: str
    about: str = ""
    picture: np.ndarray | None = None


def main() -> None:
    """Dream them all and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vgg", type=Path, metavar="FILE", help="weights of VGG16")
    parser.add_argument("--inception", type=Path, metavar="FILE", help="weights of InceptionV3")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the page goes")
    arguments = parser.parse_args()
    weights = {"vgg16": arguments.vgg, "inception_v3": arguments.inception}
    stills = two_stills()
    presets = [preset_entry(name, stills, weights) for name in preset_names()]
    layers = layer_entries(stills)
    source = Entry("source", "", "The two stills.", np.concatenate(stills, axis=1))
    quality = write_pictures(arguments.folder, [source, *presets, *layers], LIMIT)
    (arguments.folder / "README.md").write_text(page(source, presets, layers), encoding="utf-8")
    print(f"{arguments.folder}: {len(presets)} presets, {len(layers)} layers, quality {quality}")


def two_stills() -> list[np.ndarray]:
    """The pagoda, and the upper part of the astronaut."""
    astronaut = read_image("samples/astronaut.png")
    upper = astronaut[: astronaut.shape[1] * HEIGHT // WIDTH]
    return [resize_to_fill(picture, WIDTH, HEIGHT) for picture in (read_image("samples/china.jpg"), upper)]


def preset_entry(name: str, stills: Sequence[np.ndarray], weights: dict[str, Path | None]) -> Entry:
    """A preset; without a picture where its network has no weights here."""
    about, settings = str(read_preset(name)["description"]), Settings.of(name)
    flags, model = f"--preset {name}", settings.dream.model
    if model in weights:
        file = weights[model]
        if file is None:
            return Entry(name, flags, f"{about} It needs the weights of {model}, which were not at hand here.")
        settings = settings.override({"weights": file})
        flags, about = f"{flags} --weights {shlex.quote(file.name)}", f"{about} Here with the weights in {file.name}."
    return Entry(name, flags, about, dreamed(Dreamer(settings.dream), settings, stills))


def layer_entries(stills: Sequence[np.ndarray]) -> list[Entry]:
    """All layers of the built-in network, from the image on."""
    names = [layer.name for layer in describe_layers("squeezenet")]
    dreamer = Dreamer(Settings.of(layers=dict.fromkeys(names, 1.0)).dream)
    found = []
    for name in names:
        settings = Settings.of(layers=name, step_size=_STEP_SIZES[block(name)])
        flags = shlex.join(to_flags(settings, groups=DREAM)) or f"--layers {name}"
        found.append(Entry(name, flags, picture=dreamed(dreamer, settings, stills)))
    return found


def block(layer: str) -> str:
    """What a layer is part of, as ``fire5`` for ``fire5_expand1x1``."""
    return layer.partition("_")[0]


def dreamed(dreamer: Dreamer, settings: Settings, stills: Iterable[np.ndarray]) -> np.ndarray:
    """Stills dreamed as the command ``image`` does, side by side."""
    look = settings.dream
    pictures = [match_color(dreamer.dream(still, look).pixels, still, look.color) for still in stills]
    return np.concatenate(pictures, axis=1)


def write_pictures(folder: Path, entries: Sequence[Entry], limit: int) -> int:
    """Write JPEGs of the best quality with which all of them stay within a number of bytes; others go.

    Returns:
        That quality.

    Raises:
        ValueError: They are too large at any quality.
    """
    shown = {entry.name: eight_bit(entry.picture) for entry in entries if entry.picture is not None}
    for quality in range(95, 29, -3):
        files = {name: jpeg(picture, quality) for name, picture in shown.items()}
        if sum(map(len, files.values())) <= limit:
            break
    else:
        raise ValueError(f"{folder}: over {limit} bytes at any quality")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.jpg"):
        old.unlink()
    for name, data in files.items():
        (folder / f"{name}.jpg").write_bytes(data)
    return quality


def jpeg(picture: np.ndarray, quality: int) -> bytes:
    """A picture as a JPEG."""
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "JPEG", quality=quality, optimize=True)
    return data.getvalue()


def page(source: Entry, presets: Sequence[Entry], layers: Sequence[Entry]) -> str:
    """The page, in Markdown."""
    parts = [_INTRODUCTION, _shown(source), "## Presets\n", _table(presets, _described)]
    parts.append("## Layers of the built-in network, from the image on\n")
    for title, blocks in _GROUPS.items():
        parts += [f"### {title}\n", _table([entry for entry in layers if block(entry.name) in blocks], _named)]
    return "\n".join(parts)


def _shown(entry: Entry) -> str:
    return f"![{entry.name}]({entry.name}.jpg)\n"


def _described(entry: Entry) -> str:
    picture = "" if entry.picture is None else f"<br>![{entry.name}]({entry.name}.jpg)"
    return f"**{entry.name}**: {entry.about}<br>`{entry.flags}`{picture}"


def _named(entry: Entry) -> str:
    return f"![{entry.name}]({entry.name}.jpg)<br>`{entry.flags}`"


def _table(entries: Sequence[Entry], cell: Callable[[Entry], str]) -> str:
    """Two looks in a row."""
    cells = [cell(entry) for entry in entries]
    cells += [""] * (len(cells) % 2)
    rows = [f"| {left} | {right} |" for left, right in zip(cells[::2], cells[1::2], strict=True)]
    return "\n".join(["| | |", "|---|---|", *rows, ""])


if __name__ == "__main__":
    main()
