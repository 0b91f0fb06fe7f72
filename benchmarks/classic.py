"""The classic algorithm against the published one, restated in `tests/dream/published.py`.

    python -m benchmarks.vgg vgg16-hed.weights.h5
    python -m benchmarks.classic vgg16-hed.weights.h5 samples/astronaut.png

Prints for both classic presets, and each octave, both losses and how alike the pictures are in dB. VGG16 has the
weights of the file; InceptionV3 has random ones, which go through a file as Keras publishes it.
"""

from __future__ import annotations

import math
import sys
import tempfile
from pathlib import Path

import numpy as np

from framedream.config.settings import Settings
from framedream.media import read_image, resize
from framedream.nn.ascent.dreamer import Dreamer
from framedream.nn.runtime import keras, tf

sys.path.append(str(Path(__file__).parents[1] / "tests" / "dream"))

from keras_files import save_weights
from published import published_dream

SIZE = 227
"""Of the pictures, in pixels: odd, and three octaves large."""


def compare(preset: str, file: Path, model: keras.Model, picture: np.ndarray) -> None:
    """Print a line for each octave of a preset."""
    dreamer = Dreamer(Settings.of(preset, weights=file).dream)
    look, (matrix, offset) = dreamer.settings, dreamer.network.input_transform()
    assert look.octaves != "auto"
    # To the last bit: after twenty steps a difference of 1e-5 here is one of 30 dB.
    seen = np.asarray(dreamer.network.preprocess(tf.constant(picture)[tf.newaxis]))[0]
    published = published_dream(
        model, dict(look.layers), seen,
        step=look.step_size * matrix.sum() / 3, octaves=look.octaves, octave_scale=look.octave_scale,
        iterations=look.steps, max_loss=look.max_loss,
    )  # fmt: skip
    pictures, losses = dreamer.octaves(picture), dreamer.dream(picture).losses
    for mine, loss, its, published_loss in zip(pictures, losses, published.images, published.losses, strict=True):
        shown = np.clip((its - offset) @ np.linalg.inv(matrix), 0, 255)
        error = np.square(mine - shown).mean()
        alike = 10 * math.log10(255**2 / error) if error else math.inf
        height, width = mine.shape[:2]
        print(f"{preset:18}{width}x{height}  loss {loss:.5g} and {published_loss:.5g}  {alike:.0f} dB", flush=True)


def main(file: Path, still: Path) -> None:
    """Compare both presets."""
    picture = resize(read_image(still), SIZE, SIZE)
    vgg = keras.applications.VGG16(weights=None, include_top=False)
    vgg.load_weights(file)
    compare("classic-vgg", file, vgg, picture)
    keras.utils.set_random_seed(1)
    keras.backend.clear_session()
    inception = keras.applications.InceptionV3(weights=None, include_top=False)
    with tempfile.TemporaryDirectory() as folder:
        name = "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
        compare("classic-inception", save_weights(inception, Path(folder) / name), inception, picture)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
