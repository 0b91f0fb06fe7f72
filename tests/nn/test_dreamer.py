"""A dreamer dreams frames of any size, the same frame the same way, with the network's real weights."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import pytest
from pictures import noise, scene

from framedream.config.settings import DreamSettings
from framedream.errors import DeviceError, InputError, OutOfMemory, SettingsError
from framedream.media import resize
from framedream.nn.ascent import tile_fitter
from framedream.nn.ascent.dreamer import Dreamer
from framedream.nn.ascent.tile_fitter import TileFitter
from framedream.nn.ascent.tiles import map_tiles, tiled_gradient, whole_gradient
from framedream.nn.network.trained_network import Network, find_definition
from framedream.nn.runtime import keras, tf

PICTURE = scene(96, 128)


@pytest.fixture
def traces(monkeypatch) -> Callable[[], int]:
    """Counts how often the network becomes part of a graph: as often as Python asks for its activations."""
    calls, activations = [], Network.activations
    monkeypatch.setattr(Network, "activations", lambda self, images: calls.append(1) or activations(self, images))
    return lambda: len(calls)


def test_a_dream_excites_the_layers_more_than_the_picture_did(dreamer):
    dreamed = dreamer.dream(PICTURE)
    assert dreamer.strength(dreamed.pixels) > 2 * dreamer.strength(PICTURE)
    assert dreamed.steps == (3,)


def test_more_steps_dream_more(dreamer):
    strengths = [dreamer.strength(dreamer.dream(PICTURE, steps=steps).pixels) for steps in (0, 1, 4, 12)]
    assert strengths == sorted(set(strengths))


def test_a_dream_is_a_picture_of_the_same_form(dreamer):
    dreamed = dreamer.dream(noise(50, 70), steps=20, step_size=30).pixels
    assert (dreamed.shape, dreamed.dtype) == ((50, 70, 3), np.float32)
    assert (dreamed.min(), dreamed.max()) == (0, 255)


def test_one_step_changes_a_picture_by_the_step_size_on_average(dreamer):
    changed = dreamer.dream(PICTURE, steps=1, step_size=1.5).pixels - PICTURE
    assert np.abs(changed).mean() == pytest.approx(1.5, rel=0.02)


def test_no_steps_give_the_picture_back(dreamer_of):
    dreamer = dreamer_of(jitter=0, octaves=4, steps=0)
    assert len(dreamer.sizes(96, 128)) == 4
    assert np.abs(dreamer.dream(PICTURE).pixels - PICTURE).max() < 1e-3


def test_losses_are_those_of_the_ascent_written_out_by_hand(dreamer):
    """Two steps at one size without jitter, in a few lines of eager TensorFlow."""
    model = find_definition("squeezenet").load(None)
    layer = tf.keras.Model(model.input, model.get_layer("fire7").output)
    image, losses = tf.constant(PICTURE), []
    for _ in range(2):
        with tf.GradientTape() as tape:
            tape.watch(image)
            bgr = image[tf.newaxis, ..., ::-1] - [103.939, 116.779, 123.68]
            loss = tf.reduce_mean(layer(bgr) ** 2)
        gradient = tape.gradient(loss, image)
        image = tf.clip_by_value(image + 2.5 * gradient / tf.reduce_mean(tf.abs(gradient)), 0, 255)
        losses.append(float(loss))
    for steps, loss in enumerate(losses, 1):
        assert dreamer.dream(PICTURE, steps=steps, step_size=2.5).losses[0] == pytest.approx(loss, rel=1e-3)
    assert np.abs(dreamer.dream(PICTURE, steps=2, step_size=2.5).pixels - image.numpy()).mean() < 0.05


def test_the_same_seed_gives_the_same_dream_and_another_seed_another(dreamer_of):
    first = dreamer_of(steps=2, octaves=2).dream(PICTURE).pixels
    assert np.array_equal(first, dreamer_of(steps=2, octaves=2).dream(PICTURE).pixels)
    assert not np.array_equal(first, dreamer_of(steps=2, octaves=2, random_seed=1).dream(PICTURE).pixels)


def test_every_dreamer_of_the_same_settings_dreams_the_same_bits(dreamer_of):
    first = dreamer_of(steps=2, octaves=2)
    dreams = [each.dream(PICTURE).pixels for each in (first, Dreamer(first.settings), Dreamer(first.settings))]
    assert all(np.array_equal(dreams[0], dream) for dream in dreams[1:])


def test_a_dreamer_keeps_nothing_of_the_frame_before(dreamer):
    first = dreamer.dream(PICTURE).pixels
    dreamer.dream(noise(80, 60))
    assert np.array_equal(dreamer.dream(PICTURE).pixels, first)


def test_frames_of_all_sizes_share_one_graph(dreamer, traces):
    dreamer.dream(PICTURE, steps=1)
    before = traces()
    for size in ((40, 60), (60, 40), (77, 131)):
        assert dreamer.dream(noise(*size), steps=1).pixels.shape == (*size, 3)
    assert traces() == before


def test_the_last_of_the_octaves_is_the_dream_itself(dreamer_of):
    dreamer = dreamer_of(steps=2, octaves=3)
    octaves = dreamer.octaves(PICTURE)
    assert [octave.shape[:2] for octave in octaves] == [(49, 65), (69, 91), (96, 128)]
    assert np.array_equal(octaves[-1], dreamer.dream(PICTURE).pixels)


@pytest.mark.parametrize("jitter", [0, 16])
def test_where_the_step_size_is_zero_nothing_changes(dreamer_of, jitter):
    steps = np.zeros((96, 128, 1), np.float32)
    steps[:, 64:] = 2
    dreamed = dreamer_of(jitter=jitter, octaves=1, steps=3).dream(PICTURE, step_size=steps).pixels
    assert np.array_equal(dreamed[:, :64], PICTURE[:, :64])
    assert np.abs(dreamed - PICTURE)[:, 64:].mean() > 1


def test_a_bound_on_the_objective_ends_an_octave_early(dreamer, dreamer_of):
    losses = [dreamer.dream(PICTURE, steps=steps).losses[0] for steps in range(1, 5)]
    bounded = dreamer_of(jitter=0, octaves=1, steps=3, smoothing=0, max_loss=losses[2] - 1e-3).dream(PICTURE, steps=12)
    assert bounded.steps == (2,)
    assert np.abs(bounded.pixels - dreamer.dream(PICTURE, steps=2).pixels).max() < 1e-3


def test_an_octave_too_small_for_the_blur_of_the_gradient_is_left_out(dreamer_of):
    dreamer = dreamer_of(layers="conv1", octaves=32, smoothing=4, steps=1)
    assert min(dreamer.sizes(96, 128)[0]) >= 12
    assert dreamer.dream(PICTURE).pixels.shape == (96, 128, 3)


def test_a_warning_says_once_that_octaves_were_left_out(dreamer_of, caplog):
    dreamer = dreamer_of(octaves=9, steps=0, jitter=1)
    with caplog.at_level(logging.INFO, "framedream"):
        for _ in range(2):
            dreamer.dream(PICTURE)
    assert caplog.messages == [
        "4 of 9 octaves used: at 128x96 the others are smaller than squeezenet can take (29 pixels)"
    ]


def test_a_frame_that_is_too_small_is_refused(dreamer):
    assert dreamer.dream(noise(29, 29), steps=1).steps == (1,)
    with pytest.raises(InputError, match="40x28 is too small"):
        dreamer.dream(noise(28, 40))


def test_a_layer_that_does_not_exist_is_answered_with_the_nearest(dreamer_of):
    with pytest.raises(
        SettingsError, match=r"squeezenet has no layer 'fier7'; did you mean 'fire7'.*layers squeezenet"
    ):
        dreamer_of(layers="fier7")


def run_on_device(fitter: TileFitter, largest: int) -> list[int]:
    """Tries tiles on a device that is full with tiles above a size, and returns them; 0 stands for a whole frame."""
    tried = []

    def action() -> None:
        tried.append(fitter.tile)
        if not 0 < fitter.tile <= largest:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    fitter.run(np.zeros((40, 1100, 3), np.float32), action)
    return tried


def test_a_frame_that_does_not_fit_the_device_is_dreamed_in_tiles_and_so_are_the_next(caplog):
    fitter = TileFitter(None, numbers=80)
    assert run_on_device(fitter, 512) == [0, 1088, 512]
    assert run_on_device(fitter, 512) == [512]
    assert "1100x40 does not fit the device's memory; dreaming in tiles of 512 pixels" in caplog.text


def test_a_device_that_is_full_with_the_smallest_tiles_is_an_error_with_the_cure():
    with pytest.raises(DeviceError, match=r"1100x40 does not fit .* not even in tiles; .* --scale"):
        run_on_device(TileFitter(None, numbers=80), 0)


def test_tiles_that_are_set_are_not_made_smaller():
    with pytest.raises(OutOfMemory, match=r"1100x40 does not fit .*; give smaller tiles with --tile, or"):
        run_on_device(TileFitter(1088, numbers=80), 512)


@pytest.mark.parametrize(("height", "width"), [(160, 600), (64, 900)])
def test_in_tiles_a_frame_has_the_gradient_it_has_as_a_whole(dreamer_of, height, width, monkeypatch):
    dreamer = dreamer_of(jitter=7, octaves=1, steps=1, smoothing=1)
    picture = noise(height, width)
    whole = dreamer.dream(picture).pixels
    monkeypatch.setattr(dreamer.tile_fitter, "tile", 128)
    tiled = dreamer.dream(picture).pixels
    assert np.abs(whole - picture).mean() > 2
    assert np.abs(whole - tiled).max() < 0.01


def test_in_tiles_a_frame_is_dreamed_to_the_same_picture(dreamer_of, monkeypatch):
    """A dream is chaotic: were the gradient another in its last bits, some steps later it were another picture."""
    dreamer = dreamer_of(jitter=7, octaves=2, steps=4, smoothing=1)
    picture = resize(scene(120, 160), 560, 200)
    whole = dreamer.dream(picture).pixels
    monkeypatch.setattr(dreamer.tile_fitter, "tile", 256)
    tiled = dreamer.dream(picture).pixels
    assert 10 * np.log10(255**2 / max(np.square(whole - tiled).mean(), 1e-9)) > 45


@pytest.mark.parametrize(
    ("memory", "size", "tile"),
    [
        (64e9, (1440, 2560), 0),
        (64e9, (2160, 3840), 1088),
        (1e9, (1800, 2700), 512),
        (0.5e9, (720, 1280), 256),
    ],
)
def test_large_frames_are_seen_in_the_largest_tiles_that_fit_half_the_memory(memory, size, tile, monkeypatch):
    monkeypatch.setattr(tile_fitter, "total_memory", lambda: memory)
    found = TileFitter(None, numbers=80)
    found.run(np.broadcast_to(np.float32(0), (*size, 3)), lambda: None)
    assert found.tile == tile


def test_tiles_share_a_frame_evenly():
    """Of 2200 rows tiles of 1088 would leave one of 24, which would see many more around it."""
    seen = []

    def look(part):
        seen.append(tuple(part.shape[:2]))
        return part

    frame = tf.zeros([2200, 1000, 1])
    assert map_tiles(look, frame, tf.constant(1088)).shape == frame.shape
    assert seen == [(984, 1000), (1176, 1000), (856, 1000)]


def test_a_strength_measured_in_tiles_is_nearly_that_of_the_whole(dreamer_of, monkeypatch):
    dreamer = dreamer_of(jitter=7, octaves=1, steps=1, smoothing=1)
    wide = noise(96, 1400)
    whole = dreamer.strength(wide)
    monkeypatch.setattr(dreamer.tile_fitter, "tile", 1088)
    assert dreamer.strength(wide) == pytest.approx(whole, rel=0.02)


@pytest.fixture(scope="module")
def padding_network() -> keras.Model:
    """EfficientNet, which has padded strides in a row; its weights are random here, since only places matter."""
    keras.utils.set_random_seed(1)
    body = keras.applications.EfficientNetV2B0(weights=None, include_top=False)
    return keras.Model(body.input, body.get_layer("block3a_expand_activation").output)


@pytest.mark.parametrize(("height", "width"), [(510, 160), (500, 161)])
def test_in_tiles_networks_that_pad_by_their_size_see_the_same(padding_network, height, width):

    def objective(image):
        energy = tf.square(padding_network(image[None] / 255, training=False))[0]
        return tf.reduce_mean(energy), tf.reduce_mean(energy, -1, keepdims=True)

    picture = tf.constant(noise(height, width))
    whole = whole_gradient(objective, picture)[2].numpy()
    tiled = tiled_gradient(objective, picture, tf.constant(256))[2].numpy()
    assert np.corrcoef(whole.ravel(), tiled.ravel())[0, 1] > 0.999


def test_in_tiles_places_are_held_alike(dreamer_of, monkeypatch):
    dreamer = dreamer_of(jitter=7, octaves=1, steps=1, smoothing=1)
    picture = resize(scene(120, 160), 560, 160)
    ceilings = [dreamer.dream(picture, steps=4).losses[-1]]
    whole = dreamer.dream(picture, ceilings=ceilings).pixels
    monkeypatch.setattr(dreamer.tile_fitter, "tile", 128)
    tiled = dreamer.dream(picture, ceilings=ceilings).pixels
    assert np.abs(whole - tiled).mean() < 0.05 * np.abs(whole - picture).mean()


# Held under ceilings.


def test_a_held_dream_comes_near_its_ceiling_and_grows_no_further(dreamer):
    """Thirty steps at a time, each on from the one before, as a shot that stands still would be dreamed."""
    reached = dreamer.dream(PICTURE, steps=13).losses[0]
    image, strengths = PICTURE, []
    for _ in range(4):
        image = dreamer.dream(image, steps=30, step_size=2, ceilings=[2 * reached]).pixels
        strengths.append(dreamer.strength(image) / reached)
    assert 1 < strengths[0] < 2.2
    assert max(strengths) < 2.2
    assert strengths[-1] == pytest.approx(strengths[-2], rel=0.1)
    assert dreamer.strength(dreamer.dream(PICTURE, steps=60, step_size=2).pixels) > 3 * reached


def test_a_dream_above_its_ceiling_becomes_weaker(dreamer):
    dreamed = dreamer.dream(PICTURE, steps=13)
    held = dreamer.dream(dreamed.pixels, steps=5, ceilings=[dreamed.losses[0] / 4]).pixels
    assert dreamer.strength(held) < 0.9 * dreamer.strength(dreamed.pixels)


def test_ceilings_of_zero_are_bit_for_bit_no_ceilings(dreamer_of):
    dreamer = dreamer_of(steps=2, octaves=2)
    free, none = dreamer.dream(PICTURE), dreamer.dream(PICTURE, ceilings=[0.0, 0.0])
    assert free.pixels.tobytes() == none.pixels.tobytes()
    assert free.losses == none.losses


@pytest.mark.parametrize("octave", [0, 1])
def test_each_ceiling_reaches_its_own_octave(dreamer_of, octave):
    """A ceiling far below what the picture has lowers that octave's objective; smaller octaves do not know of it."""
    dreamer = dreamer_of(steps=2, octaves=2)
    free = dreamer.dream(PICTURE, steps=6).losses
    held = dreamer.dream(
        PICTURE, steps=6, ceilings=[free[octave] / 20 if octave == at else 0 for at in range(2)]
    ).losses
    assert held[octave] < 0.8 * free[octave]
    assert held[:octave] == free[:octave]


def test_held_dreams_share_the_graph_of_the_others(dreamer, traces):
    dreamer.dream(PICTURE, steps=1)
    before = traces()
    dreamer.dream(PICTURE, steps=1, ceilings=[5.0])
    assert traces() == before


# Looks that change.


@pytest.fixture(scope="module")
def changing() -> Dreamer:
    """With a layer that its own settings do not excite."""
    return Dreamer(DreamSettings(layers="fire5=1", octaves=2, steps=2), layers=("fire5", "fire7"))


def test_a_dreamer_with_more_layers_has_those_of_its_settings_first(changing):
    assert changing.network.layers == ("fire5", "fire7")


VALUES = [
    {"layers": "fire7=2"}, {"layers": "fire7=0.5,fire5=1"}, {"smoothing": 0}, {"smoothing": 2.5}, {"jitter": 0},
    {"jitter": 3}, {"max_loss": 1.0}, {"steps": 3}, {"step_size": 5.0}, {"octaves": 3}, {"octave_scale": 1.7},
]  # fmt: skip


def changed(**values) -> DreamSettings:
    return DreamSettings(**({"layers": "fire5=1", "octaves": 2, "steps": 2} | values))


@pytest.mark.parametrize("values", VALUES)
def test_each_setting_of_a_frame_changes_its_dream_by_the_same_graph(changing, traces, values):
    before = changing.dream(PICTURE)
    count = traces()
    assert np.abs(changing.dream(PICTURE, changed(**values)).pixels - before.pixels).max() > 1
    assert changing.dream(PICTURE).pixels.tobytes() == before.pixels.tobytes()
    assert traces() == count


@pytest.mark.parametrize(
    "values",
    [
        {"layers": "fire7=0.5,fire5=1", "smoothing": 2.5, "octaves": 3},
        {"jitter": 3, "max_loss": 20.0, "step_size": 5.0, "steps": 3},
        {"layers": "fire7=2", "jitter": 0, "smoothing": 0, "octave_scale": 1.7},
    ],
)
def test_a_frame_is_dreamed_as_by_a_dreamer_with_its_settings(changing, values):
    settings = changed(**values)
    dreamed, own = changing.dream(PICTURE, settings), Dreamer(settings, layers=("fire5", "fire7")).dream(PICTURE)
    assert np.abs(dreamed.pixels - own.pixels).max() < 1e-3
    assert dreamed.losses == pytest.approx(own.losses, rel=1e-5)
    assert dreamed.steps == own.steps


def test_a_strength_is_measured_with_the_settings_of_a_frame(changing, traces):
    changing.strength(PICTURE)
    before = traces()
    looks = [
        DreamSettings(layers=layers) for layers in ("fire5=1", "fire7=1", "fire5=0.5,fire7=2", "fire7=2,fire5=0.5")
    ]
    one, other, *both = (changing.strength(PICTURE, look) for look in looks)
    assert one == changing.strength(PICTURE)
    assert both == pytest.approx([0.5 * one + 2 * other] * 2, rel=1e-4)
    assert traces() == before


def test_a_look_with_a_layer_that_was_not_loaded_is_a_mistake(changing):
    with pytest.raises(ValueError, match=r"has the layers \('fire5', 'fire7'\), not all of \('fire8',\)"):
        changing.dream(PICTURE, DreamSettings(layers="fire8"))


def test_ceilings_of_another_number_of_octaves_count_from_the_largest(changing):
    losses = changing.dream(PICTURE).losses
    low, high = losses[1] / 20, 1e6
    dreams = {
        ceilings: changing.dream(PICTURE, steps=6, ceilings=ceilings).losses
        for ceilings in ((low,), (low, low), (high, low), (low, high, low), (low, high))
    }
    assert dreams[(low,)] == dreams[low, low]
    assert dreams[low, high, low] == dreams[high, low]
    assert dreams[low, high] != dreams[high, low] != dreams[low, low]


def test_a_warning_says_once_that_nothing_excites_a_channel(dreamer_of, caplog):
    """This channel of SqueezeNet died in its training."""
    silent, picture = dreamer_of(layers="fire5:9", octaves=1, steps=2), scene(48, 64)
    for _ in range(2):
        assert np.array_equal(silent.dream(picture).pixels, picture)
    silent.dream(picture, steps=0)
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "nothing in the picture excites fire5:9, so it stays unchanged; framedream features shows what is excited"
    ]
